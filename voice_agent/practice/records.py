"""The practice's records as everything above the database sees them: immutable, times in its own zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


class PracticeError(Exception):
    """Something the practice cannot do."""


class NotVerified(PracticeError):
    """Personal data was wanted before the caller proved who they are."""


class NoSuchRecord(PracticeError):
    """An appointment or slot that does not exist, or belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient; ``phone`` is E.164."""

    patient_id: str
    first_name: str
    last_name: str
    birth_date: date
    phone: str | None


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be booked; ``start`` is in the practice's zone."""

    slot_id: str
    start: datetime
    minutes: int
    provider: str


@dataclass(frozen=True, slots=True)
class Appointment:
    """A booked appointment; ``start`` is in the practice's zone."""

    appointment_id: str
    slot_id: str
    start: datetime
    minutes: int
    provider: str
    reason: str


@dataclass(frozen=True, slots=True)
class Insurance:
    """Insurance details as a caller gave them; ``confidence`` is 0..1."""

    carrier: str
    member_id: str
    confidence: float
    source: str
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A message or a wish to be called back (``kind``: message, callback, urgent)."""

    kind: str
    text: str
    callback_phone: str | None
    patient_id: str | None
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Verification:
    """Who the caller of a conversation proved to be, and how often they failed to."""

    patient_id: str | None = None
    failures: int = 0
