"""What is kept of operators and of escalations. Field names are the published ones wherever one exists."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.store.database import Base, RowId


class OperatorRow(Base):
    """A person who can join calls. ``number`` counts operators in the order in which they came.

    ``status`` is what the operator chose; whether somebody is on a call right now is asked of the calls.
    """

    __tablename__ = "operators"
    __table_args__ = (
        UniqueConstraint("workspace_id", "email_key"),
        CheckConstraint("role IN ('operator', 'supervisor', 'admin')", name="role"),
        CheckConstraint("type IN ('clinical', 'administrative', 'crisis_counselor')", name="type"),
        CheckConstraint("connection_method IN ('browser', 'phone')", name="connection_method"),
        CheckConstraint("status IN ('online', 'busy', 'offline')", name="status"),
    )

    number: Mapped[int] = mapped_column(RowId, primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    """The address in small letters: what makes it unique."""
    role: Mapped[str]
    type: Mapped[str]
    connection_method: Mapped[str]
    phone_number: Mapped[str | None]
    skills: Mapped[list[str]]
    status: Mapped[str]
    last_call_at: Mapped[datetime | None]
    last_status_change: Mapped[datetime]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class EscalationRow(Base):
    """An escalation as it stands. ``number`` counts them in the order in which they were first saved."""

    __tablename__ = "escalations"
    __table_args__ = (
        CheckConstraint(
            "status IN ('none', 'requested', 'connected', 'handback', 'completed')", name="status"
        ),
        Index(None, "requested_at"),
        Index(None, "call_sid"),
        Index(None, "operator_id"),
    )

    number: Mapped[int] = mapped_column(RowId, primary_key=True)
    escalation_id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    call_sid: Mapped[str]
    status: Mapped[str]
    trigger: Mapped[str]
    reason: Mapped[str]
    immediate: Mapped[bool]
    requested_at: Mapped[datetime]
    connected_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    operator_id: Mapped[str | None]
    caller_id: Mapped[str | None]
    phone_number: Mapped[str | None]
    direction: Mapped[str | None]
    started_at: Mapped[datetime | None]
    trigger_source: Mapped[str | None]
    concept: Mapped[str | None]
    similarity: Mapped[float | None]
    agent_confidence: Mapped[float | None]
    operator_type: Mapped[str | None]
    regulatory_basis: Mapped[str | None]
    risk_score: Mapped[float | None]


class EscalationEventRow(Base):
    """A step in the life of an escalation. Triggers refuse UPDATE, DELETE and (PostgreSQL) TRUNCATE."""

    __tablename__ = "escalation_events"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    workspace_id: Mapped[UUID]
    escalation_id: Mapped[str]
    event_type: Mapped[str]
    at: Mapped[datetime]
    ingested_at: Mapped[datetime]
    data: Mapped[dict[str, Any]]


class WrapUpRow(Base):
    """What an operator noted at the end."""

    __tablename__ = "operator_wrap_ups"
    __table_args__ = (
        CheckConstraint("outcome IN ('resolved', 'escalated', 'transferred')", name="outcome"),
        Index(None, "call_sid"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))
    call_sid: Mapped[str]
    outcome: Mapped[str]
    notes: Mapped[str]
    at: Mapped[datetime]
