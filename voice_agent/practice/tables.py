"""What a practice keeps: patients, providers, bookable times, appointments, insurance details, messages.

Every row belongs to one practice. Two booked appointments can never share a slot, and no write happens twice
for one idempotency key: the database itself refuses.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.store.database import Base


class PatientRow(Base):
    """A patient. ``phone`` is E.164; a family may share one."""

    __tablename__ = "practice_patients"
    __table_args__ = (Index(None, "practice", "phone"), Index(None, "practice", "birth_date"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    practice: Mapped[str]
    first_name: Mapped[str]
    last_name: Mapped[str]
    birth_date: Mapped[date]
    phone: Mapped[str | None]


class ProviderRow(Base):
    """Somebody patients are seen by. ``name`` is how callers say it ("Dr. Chen")."""

    __tablename__ = "practice_providers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    practice: Mapped[str]
    name: Mapped[str]


class SlotRow(Base):
    """A time that can be booked."""

    __tablename__ = "practice_slots"
    __table_args__ = (UniqueConstraint("provider_id", "starts_at"), Index(None, "practice", "starts_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    practice: Mapped[str]
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("practice_providers.id"))
    starts_at: Mapped[datetime]
    minutes: Mapped[int]


class AppointmentRow(Base):
    """An appointment. Moving it changes ``slot_id``; cancelling it frees the slot."""

    __tablename__ = "practice_appointments"
    __table_args__ = (
        CheckConstraint("status IN ('booked', 'cancelled')", name="status"),
        Index(
            "uq_practice_appointments_booked_slot",
            "slot_id",
            unique=True,
            sqlite_where=text("status = 'booked'"),
            postgresql_where=text("status = 'booked'"),
        ),
        Index(None, "patient_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    practice: Mapped[str]
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("practice_patients.id"))
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("practice_slots.id"))
    status: Mapped[str]
    reason: Mapped[str]
    cancel_reason: Mapped[str]
    changed_at: Mapped[datetime]
    conversation_id: Mapped[str | None]
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)


class VerificationRow(Base):
    """Whether the caller of a conversation proved who they are, and how often they failed to."""

    __tablename__ = "practice_verifications"

    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    practice: Mapped[str]
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("practice_patients.id"))
    failures: Mapped[int]
    changed_at: Mapped[datetime]


class InsuranceCaptureRow(Base):
    """Insurance details a caller gave; ``confidence`` (0..1) says how far they may be trusted unchecked."""

    __tablename__ = "practice_insurance_captures"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    practice: Mapped[str]
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("practice_patients.id"), index=True)
    carrier: Mapped[str]
    member_id: Mapped[str]
    confidence: Mapped[float]
    source: Mapped[str]
    captured_at: Mapped[datetime]
    conversation_id: Mapped[str]
    idempotency_key: Mapped[str] = mapped_column(unique=True)


class MessageRow(Base):
    """Something for a person of the practice to read: a message, or a wish to be called back."""

    __tablename__ = "practice_messages"
    __table_args__ = (
        CheckConstraint("kind IN ('message', 'callback', 'urgent')", name="kind"),
        Index(None, "practice", "taken_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    practice: Mapped[str]
    kind: Mapped[str]
    text: Mapped[str]
    callback_phone: Mapped[str | None]
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("practice_patients.id"))
    taken_at: Mapped[datetime]
    conversation_id: Mapped[str]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
