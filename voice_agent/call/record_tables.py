"""What is kept of a call: its events (never changed), and what is folded from them: call, turns, recording.

Field names are the published ones wherever one exists. Only ``call_events`` is a source of truth; the other
three tables can be made again from it at any time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.store.database import Base, RowId


class CallEventRow(Base):
    """One event of a call. Triggers refuse UPDATE, DELETE and (PostgreSQL) TRUNCATE.

    ``id`` rises in the order of commits (writers take turns), so that "everything after id n" misses nothing.
    """

    __tablename__ = "call_events"
    __table_args__ = (UniqueConstraint("call_sid", "seq"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    call_sid: Mapped[str]
    seq: Mapped[int]
    type: Mapped[str]
    at: Mapped[datetime]
    t: Mapped[float]
    data: Mapped[dict[str, Any]]


class CallRow(Base):
    """One call, as its events say. ``number`` counts calls in the order in which they were first recorded."""

    __tablename__ = "calls"
    __table_args__ = (
        CheckConstraint(
            "status IN ('initiated', 'ringing', 'in-progress', 'completed', 'busy', 'no-answer', 'canceled',"
            " 'failed', 'unknown')",
            name="status",
        ),
        CheckConstraint(
            "direction IN ('inbound', 'outbound', 'playground', 'simulated', 'test')", name="direction"
        ),
        CheckConstraint("source IN ('real', 'simulated', 'playground', 'scribe')", name="source"),
        Index(None, "started_at"),
    )

    number: Mapped[int] = mapped_column(RowId, primary_key=True)
    call_sid: Mapped[str] = mapped_column(unique=True)
    entity_id: Mapped[UUID]
    status: Mapped[str]
    direction: Mapped[str]
    source: Mapped[str]
    caller_id: Mapped[str | None]
    phone_number: Mapped[str | None]
    """The number that was called (E.164)."""
    service_id: Mapped[str | None]
    conference_sid: Mapped[str | None]
    started_at: Mapped[datetime]
    media_start_time: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    last_event_at: Mapped[datetime]
    duration_seconds: Mapped[float]
    completion_reason: Mapped[str | None]
    escalation_status: Mapped[str]
    final_state: Mapped[str | None]
    states_visited: Mapped[list[str]]
    participants: Mapped[list[dict[str, Any]]]
    barge_in_events: Mapped[list[dict[str, Any]]]
    degraded: Mapped[list[dict[str, Any]]]
    """Every rung the call went down: part, rung, reason, t."""
    turn_count: Mapped[int]
    avg_perceived_latency_ms: Mapped[float | None]
    has_recording: Mapped[bool]
    last_seq: Mapped[int]


class TurnRow(Base):
    """One exchange: what the caller said and what the agent answered. Turn 0 is the greeting.

    Times ``_ms`` count from the beginning of the caller's audio.
    """

    __tablename__ = "turns"
    __table_args__ = (UniqueConstraint("call_sid", "turn_index"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    call_sid: Mapped[str]
    turn_index: Mapped[int]
    timestamp: Mapped[datetime | None]
    user_transcript: Mapped[str | None]
    agent_transcript: Mapped[str | None]
    """What the caller heard; what was cut off is in ``agent_unheard``."""
    agent_unheard: Mapped[str | None]
    user_speech_start_ms: Mapped[float | None]
    user_speech_end_ms: Mapped[float | None]
    agent_speech_start_ms: Mapped[float | None]
    agent_speech_end_ms: Mapped[float | None]
    audio_ttfb_ms: Mapped[float | None]
    engine_ms: Mapped[float | None]
    nav_ms: Mapped[float | None]
    render_ms: Mapped[float | None]
    e2e_ttfb_ms: Mapped[float | None]
    stt_confidence: Mapped[float | None]
    eot_confidence: Mapped[float | None]
    filler_type: Mapped[str | None]
    interrupted: Mapped[bool]
    state: Mapped[str]
    trigger: Mapped[str]
    """What made the agent speak: ``greeting``, or the reason of the completed turn."""
    agent_action: Mapped[str | None]
    inner_thoughts: Mapped[list[str]]
    state_transitions: Mapped[list[dict[str, Any]]]
    tool_calls: Mapped[list[dict[str, Any]]]
    speaker_id: Mapped[str | None]
    speaker_role: Mapped[str | None]


class RecordingRow(Base):
    """The two recorded tracks of a call; paths follow from the call's sid."""

    __tablename__ = "recordings"

    call_sid: Mapped[str] = mapped_column(primary_key=True)
    direction: Mapped[str]
    service_id: Mapped[str | None]
    call_start_iso: Mapped[str]
    call_end_iso: Mapped[str]
    duration_seconds: Mapped[float]
    inbound_format: Mapped[str]
    inbound_sample_rate: Mapped[int]
    inbound_size_bytes: Mapped[int] = mapped_column(BigInteger)
    outbound_format: Mapped[str]
    outbound_sample_rate: Mapped[int]
    outbound_size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_start_epoch_ms: Mapped[float]
    tts_provider: Mapped[str]
    complete: Mapped[bool]
    """False when the disk refused to take the rest."""
