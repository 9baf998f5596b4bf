"""Figures over calls, as published."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field


class WorkspaceBenchmarks(BaseModel):
    """Averages of a period; scores are null until calls are judged."""

    total_calls: int = 0
    avg_duration_seconds: float | None = None
    escalation_rate: float = 0.0
    avg_quality_score: float | None = None
    p25_quality_score: float | None = None
    p50_quality_score: float | None = None
    p75_quality_score: float | None = None
    quality_distribution: dict[str, int] = {}


class DailyCallVolume(BaseModel):
    """Calls of one day."""

    date: str
    count: int


class PhoneNumberCallVolume(BaseModel):
    """Calls of one number."""

    phone_number: str
    total_calls: int
    inbound: int
    outbound: int
    avg_duration_seconds: float | None
    by_date: list[DailyCallVolume]


class Outcome(StrEnum):
    """How a call went, by an analysis of its recording."""

    SUCCEEDED = "succeeded"
    PARTIALLY = "partially"
    FAILED = "failed"
    ABANDONED = "abandoned"


class AnalysisStatus(StrEnum):
    """Whether an analysis is there."""

    READY = "ready"
    PENDING = "pending"
    UNAVAILABLE = "unavailable"


CallSidField = Annotated[str, Field(min_length=1, max_length=128)]
Words = Annotated[str, Field(min_length=1, max_length=2000)]


class TraceAnalysisListItem(BaseModel):
    """An analysis in short."""

    call_sid: CallSidField
    call_entity_id: UUID | None = None
    outcome: Outcome | None = None
    summary: Words | None = None
    emotional_arc: Words | None = None
    key_moment_count: Annotated[int, Field(ge=0)] = 0
    computed_at: datetime | None = None


class TraceAnalysisListResponse(BaseModel):
    """A page of analyses."""

    items: list[TraceAnalysisListItem] = []
    has_more: bool = False
    continuation_token: int | None = None


class TraceAnalysisResponse(TraceAnalysisListItem):
    """An analysis and whether it is there."""

    status: AnalysisStatus = AnalysisStatus.READY
