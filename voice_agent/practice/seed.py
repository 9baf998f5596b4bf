"""The people and the calendar of the example practice: the same every time, placed relative to a given day.

Identifiers are derived from names and times, so that seeding again adds only what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from voice_agent.practice.store import BOOKED
from voice_agent.practice.tables import (
    AppointmentRow,
    InsuranceCaptureRow,
    MessageRow,
    PatientRow,
    ProviderRow,
    SlotRow,
    VerificationRow,
)
from voice_agent.store.database import Database

_NAMESPACE = UUID("6f1a64a6-6d0c-4c55-9a5e-2f1f9f1a2c11")

PROVIDER = "Dr. Chen"
SEED_LOCK = 7_106_220_253
"""Key of the PostgreSQL advisory lock under which processes that start together seed in turn."""

CALENDAR_DAYS = 35
"""Days ahead for which there are slots."""
SLOT_MINUTES = 30


@dataclass(frozen=True, slots=True)
class SeededPatient:
    """Somebody who may call. ``phone`` is E.164."""

    first_name: str
    last_name: str
    birth_date: date
    phone: str

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


MARIA = SeededPatient("Maria", "Rivera", date(1984, 3, 2), "+14155550134")
"""The caller of the demonstration; her appointment is on the next Thursday at 10 AM."""

PATIENTS = (
    MARIA,
    SeededPatient("James", "Okafor", date(1957, 11, 23), "+14155550147"),
    SeededPatient("Priya", "Natarajan", date(1991, 7, 4), "+14155550152"),
    SeededPatient("Daniel", "Kowalski", date(1972, 12, 31), "+14155550163"),
    SeededPatient("Grace", "Whitfield", date(1946, 5, 9), "+14155550171"),
    # One phone for a family: the date of birth tells who is meant.
    SeededPatient("Elena", "Petrova", date(1988, 9, 14), "+14155550188"),
    SeededPatient("Leo", "Petrov", date(2017, 1, 30), "+14155550188"),
)

_TIMES = {
    0: ("09:00", "10:30", "14:00", "15:30"),
    1: ("09:30", "11:00", "14:30"),
    2: ("08:30", "10:00", "13:30", "16:00"),
    3: ("10:00", "11:30", "14:30"),
    4: ("09:00", "10:30", "14:15", "15:45"),
}
"""Bookable times by weekday, Monday = 0. The practice is closed at weekends."""

FULLY_BOOKED_WEEKDAY = 2
"""One such day (a Wednesday) has no slot at all: somebody has to hear that nothing is free."""


@dataclass(frozen=True, slots=True)
class _Booked:
    patient: SeededPatient
    weekday: int
    at: str
    reason: str
    week: int = 0


_BOOKED = (
    _Booked(MARIA, 3, "10:00", "follow-up"),
    _Booked(PATIENTS[1], 1, "11:00", "blood pressure check"),
    _Booked(PATIENTS[1], 0, "14:00", "lab results", week=1),
    _Booked(PATIENTS[3], 4, "15:45", "annual physical"),
)


async def seed(database: Database, *, practice: str, zone: ZoneInfo, today: date) -> None:
    """Add what is missing: patients, the provider, slots for :data:`CALENDAR_DAYS` days, appointments.

    A patient who already has an appointment ahead keeps it as it is, and gets no second one.
    """
    async with database.session() as session:
        if not database.is_sqlite:  # where a writer is alone anyway
            await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEED_LOCK})
        known_patients = set((await session.scalars(select(PatientRow.id))).all())
        for person in PATIENTS:
            if _patient_id(practice, person) not in known_patients:
                session.add(_patient(practice, person))
        provider_id = _identifier(practice, PROVIDER)
        if await session.get(ProviderRow, provider_id) is None:
            session.add(ProviderRow(id=provider_id, practice=practice, name=PROVIDER))
        await session.flush()
        known_slots = set(
            (await session.scalars(select(SlotRow.id).where(SlotRow.practice == practice))).all()
        )
        for day, at in calendar(today):
            starts_at = datetime.combine(day, at, zone)
            slot_id = _identifier(practice, f"{PROVIDER} {starts_at.astimezone(UTC).isoformat()}")
            if slot_id not in known_slots:
                session.add(
                    SlotRow(
                        id=slot_id,
                        practice=practice,
                        provider_id=provider_id,
                        starts_at=starts_at,
                        minutes=SLOT_MINUTES,
                    )
                )
        await session.flush()
        await _book(session, practice, zone, today)


async def clear(database: Database, *, practice: str) -> None:
    """Forget everything about a practice, for a demonstration that begins afresh."""
    tables = (
        MessageRow, InsuranceCaptureRow, VerificationRow, AppointmentRow, SlotRow, ProviderRow, PatientRow,
    )  # fmt: skip
    async with database.session() as session:
        for table in tables:
            await session.execute(delete(table).where(table.practice == practice))


def calendar(today: date) -> Iterator[tuple[date, time]]:
    """Every bookable day and local time after ``today``."""
    full = fully_booked_day(today)
    for ahead in range(1, CALENDAR_DAYS + 1):
        day = today + timedelta(days=ahead)
        if day != full:
            for at in _TIMES.get(day.weekday(), ()):
                yield day, time.fromisoformat(at)


def fully_booked_day(today: date) -> date:
    """The working day on which nothing is free."""
    return next_weekday(FULLY_BOOKED_WEEKDAY, today) + timedelta(days=7)


def next_weekday(weekday: int, today: date) -> date:
    """The first such day after ``today`` (Monday = 0)."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


async def _book(session: AsyncSession, practice: str, zone: ZoneInfo, today: date) -> None:
    midnight = datetime.combine(today, time(), zone)
    ahead = (
        select(AppointmentRow.patient_id)
        .join(SlotRow, AppointmentRow.slot_id == SlotRow.id)
        .where(AppointmentRow.status == BOOKED, SlotRow.starts_at > midnight)
    )
    has_one = set((await session.scalars(ahead)).all())
    taken = set(
        (await session.scalars(select(AppointmentRow.slot_id).where(AppointmentRow.status == BOOKED))).all()
    )
    for booked in _BOOKED:
        day = next_weekday(booked.weekday, today) + timedelta(days=7 * booked.week)
        starts_at = datetime.combine(day, time.fromisoformat(booked.at), zone)
        slot_id = _identifier(practice, f"{PROVIDER} {starts_at.astimezone(UTC).isoformat()}")
        patient_id = _patient_id(practice, booked.patient)
        if patient_id in has_one or slot_id in taken:
            continue
        session.add(
            AppointmentRow(
                id=_identifier(practice, f"{patient_id} {slot_id} {today.isoformat()}"),
                practice=practice,
                patient_id=patient_id,
                slot_id=slot_id,
                status=BOOKED,
                reason=booked.reason,
                cancel_reason="",
                changed_at=datetime.now(UTC),
                conversation_id=None,
                idempotency_key=None,
            )
        )


def _patient(practice: str, person: SeededPatient) -> PatientRow:
    return PatientRow(
        id=_patient_id(practice, person),
        practice=practice,
        first_name=person.first_name,
        last_name=person.last_name,
        birth_date=person.birth_date,
        phone=person.phone,
    )


def _patient_id(practice: str, person: SeededPatient) -> UUID:
    return _identifier(practice, f"{person.name} {person.birth_date.isoformat()}")


def _identifier(practice: str, name: str) -> UUID:
    return uuid5(_NAMESPACE, f"{practice}/{name}")
