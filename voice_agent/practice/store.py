"""The practice's records: everything that is read or changed during a call, one short transaction each.

Writes take an idempotency key: doing it again with the same key changes nothing and gives the same answer.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from voice_agent.practice.records import (
    Appointment,
    Insurance,
    Message,
    NoSuchRecord,
    Patient,
    Slot,
    Verification,
)
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

VOICE_CONFIDENCE = 0.5
"""Confidence of what was heard on the phone, until somebody checks it."""

BOOKED = "booked"
CANCELLED = "cancelled"


class PracticeStore:
    """Records of one practice."""

    def __init__(self, database: Database, practice: str, zone: ZoneInfo) -> None:
        """``practice`` is the name its rows carry; times come back in ``zone``."""
        self._database = database
        self._practice = practice
        self._zone = zone

    @property
    def database(self) -> Database:
        """Where the records are kept."""
        return self._database

    async def patients_with_phone(self, phone: str) -> list[Patient]:
        """Patients with this number (E.164): none, one, or a family."""
        return await self._patients(PatientRow.phone == phone)

    async def patients_born(self, day: date) -> list[Patient]:
        """Patients with this date of birth."""
        return await self._patients(PatientRow.birth_date == day)

    async def patient(self, patient_id: str) -> Patient | None:
        """One patient, or None."""
        key = _key(patient_id)
        found = await self._patients(PatientRow.id == key) if key else []
        return found[0] if found else None

    async def _patients(self, *conditions: ColumnElement[bool]) -> list[Patient]:
        query = select(PatientRow).where(PatientRow.practice == self._practice, *conditions)
        async with self._database.reading() as session:
            rows = (await session.scalars(query.order_by(PatientRow.first_name))).all()
        return [Patient(str(r.id), r.first_name, r.last_name, r.birth_date, r.phone) for r in rows]

    async def verification(self, conversation_id: str) -> Verification:
        """Who the caller of this conversation has proved to be so far."""
        async with self._database.reading() as session:
            row = await session.get(VerificationRow, conversation_id)
        if row is None or row.practice != self._practice:
            return Verification()
        return Verification(str(row.patient_id) if row.patient_id else None, row.failures)

    async def record_verification(self, conversation_id: str, patient_id: str | None) -> Verification:
        """Note that the caller proved to be ``patient_id``, or failed to prove anything (None)."""
        async with self._database.session() as session:
            row = await session.get(VerificationRow, conversation_id)
            if row is None:
                row = VerificationRow(conversation_id=conversation_id, practice=self._practice, failures=0)
                session.add(row)
            row.patient_id = _key(patient_id)
            row.failures += patient_id is None
            row.changed_at = datetime.now(UTC)
            failures = row.failures
        return Verification(patient_id, failures)

    async def upcoming(self, patient_id: str, after: datetime) -> list[Appointment]:
        """Booked appointments of a patient that begin after ``after``, soonest first."""
        query = self._appointments().where(
            AppointmentRow.patient_id == _key(patient_id),
            AppointmentRow.status == BOOKED,
            SlotRow.starts_at > after,
        )
        async with self._database.reading() as session:
            rows = (await session.execute(query.order_by(SlotRow.starts_at))).all()
        return [self._appointment(*row) for row in rows]

    async def free_slots(
        self, begin: datetime, end: datetime, *, provider: str | None = None, limit: int = 200
    ) -> list[Slot]:
        """Free times that begin in ``[begin, end)``, soonest first."""
        taken = select(AppointmentRow.slot_id).where(AppointmentRow.status == BOOKED)
        query = (
            select(SlotRow, ProviderRow)
            .join(ProviderRow, SlotRow.provider_id == ProviderRow.id)
            .where(
                SlotRow.practice == self._practice,
                SlotRow.starts_at >= begin,
                SlotRow.starts_at < end,
                SlotRow.id.not_in(taken),
            )
            .order_by(SlotRow.starts_at, ProviderRow.name)
            .limit(limit)
        )
        if provider is not None:
            query = query.where(ProviderRow.name == provider)
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
        return [Slot(str(s.id), self._local(s.starts_at), s.minutes, p.name) for s, p in rows]

    async def book(
        self, patient_id: str, slot_id: str, *, reason: str, conversation_id: str | None, idempotency_key: str
    ) -> Appointment | None:
        """Book a slot. None when somebody else has it.

        Raises:
            NoSuchRecord: when the slot does not exist.
        """
        try:
            async with self._database.session() as session:
                await self._require_slot(session, slot_id)
                if (known := await self._by_key(session, idempotency_key)) is not None:
                    return known
                session.add(
                    AppointmentRow(
                        id=uuid4(),
                        practice=self._practice,
                        patient_id=UUID(patient_id),
                        slot_id=UUID(slot_id),
                        status=BOOKED,
                        reason=reason,
                        cancel_reason="",
                        changed_at=datetime.now(UTC),
                        conversation_id=conversation_id,
                        idempotency_key=idempotency_key,
                    )
                )
        except IntegrityError:  # the slot was taken, or the same call was made twice at once
            async with self._database.reading() as session:
                return await self._by_key(session, idempotency_key)
        async with self._database.reading() as session:
            return await self._by_key(session, idempotency_key)

    async def reschedule(self, patient_id: str, appointment_id: str, slot_id: str) -> Appointment | None:
        """Move an appointment to another slot in one step: never lost, never doubled. None when it is taken.

        Raises:
            NoSuchRecord: when slot or appointment do not exist, or the appointment is not this patient's.
        """
        try:
            async with self._database.session() as session:
                await self._require_slot(session, slot_id)
                row = await self._own_appointment(session, patient_id, appointment_id)
                if row.status != BOOKED:
                    raise NoSuchRecord("the appointment was cancelled meanwhile; book a new one")
                if row.slot_id != UUID(slot_id):
                    row.slot_id = UUID(slot_id)
                    row.changed_at = datetime.now(UTC)
        except IntegrityError:
            return None
        async with self._database.reading() as session:
            return await self._one(
                session, self._appointments().where(AppointmentRow.id == UUID(appointment_id))
            )

    async def cancel(self, patient_id: str, appointment_id: str, *, reason: str) -> Appointment:
        """Cancel an appointment; cancelling twice is fine.

        Raises:
            NoSuchRecord: when it does not exist or is not this patient's.
        """
        async with self._database.session() as session:
            row = await self._own_appointment(session, patient_id, appointment_id)
            if row.status == BOOKED:
                row.status = CANCELLED
                row.cancel_reason = reason
                row.changed_at = datetime.now(UTC)
            cancelled = await self._one(session, self._appointments().where(AppointmentRow.id == row.id))
        if cancelled is None:
            raise NoSuchRecord("the appointment has no slot any more")
        return cancelled

    async def save_insurance(
        self, patient_id: str, *, carrier: str, member_id: str, conversation_id: str, idempotency_key: str
    ) -> None:
        """Keep insurance details heard on the phone, at :data:`VOICE_CONFIDENCE`."""
        row = InsuranceCaptureRow(
            id=uuid4(),
            practice=self._practice,
            patient_id=UUID(patient_id),
            carrier=carrier,
            member_id=member_id,
            confidence=VOICE_CONFIDENCE,
            source="voice",
            captured_at=datetime.now(UTC),
            conversation_id=conversation_id,
            idempotency_key=idempotency_key,
        )
        await self._add_once(row, InsuranceCaptureRow, idempotency_key)

    async def insurance(self, patient_id: str) -> list[Insurance]:
        """Insurance details of a patient, newest first."""
        query = (
            select(InsuranceCaptureRow)
            .where(
                InsuranceCaptureRow.practice == self._practice,
                InsuranceCaptureRow.patient_id == _key(patient_id),
            )
            .order_by(InsuranceCaptureRow.captured_at.desc())
        )
        async with self._database.reading() as session:
            rows = (await session.scalars(query)).all()
        return [Insurance(r.carrier, r.member_id, r.confidence, r.source, r.captured_at) for r in rows]

    async def take_message(
        self,
        text: str,
        *,
        kind: str = "message",
        callback_phone: str | None,
        patient_id: str | None,
        conversation_id: str,
        idempotency_key: str,
    ) -> None:
        """Keep a message for a person of the practice."""
        row = MessageRow(
            id=uuid4(),
            practice=self._practice,
            kind=kind,
            text=text,
            callback_phone=callback_phone,
            patient_id=_key(patient_id),
            taken_at=datetime.now(UTC),
            conversation_id=conversation_id,
            idempotency_key=idempotency_key,
        )
        await self._add_once(row, MessageRow, idempotency_key)

    async def messages(self) -> list[Message]:
        """All messages, newest first."""
        query = (
            select(MessageRow)
            .where(MessageRow.practice == self._practice)
            .order_by(MessageRow.taken_at.desc())
        )
        async with self._database.reading() as session:
            rows = (await session.scalars(query)).all()
        return [
            Message(r.kind, r.text, r.callback_phone, str(r.patient_id) if r.patient_id else None, r.taken_at)
            for r in rows
        ]

    async def _add_once(
        self,
        row: InsuranceCaptureRow | MessageRow,
        table: type[InsuranceCaptureRow] | type[MessageRow],
        idempotency_key: str,
    ) -> None:
        known = select(table.id).where(table.idempotency_key == idempotency_key)
        try:
            async with self._database.session() as session:
                if await session.scalar(known) is None:
                    session.add(row)
        except IntegrityError:
            async with self._database.reading() as session:
                if await session.scalar(known) is None:
                    raise

    async def _require_slot(self, session: AsyncSession, slot_id: str) -> None:
        key = _key(slot_id)
        row = await session.get(SlotRow, key) if key else None
        if row is None or row.practice != self._practice:
            raise NoSuchRecord(f"there is no slot {slot_id!r}; offer one that slot_search returned")

    async def _own_appointment(
        self, session: AsyncSession, patient_id: str, appointment_id: str
    ) -> AppointmentRow:
        key = _key(appointment_id)
        row = await session.get(AppointmentRow, key, with_for_update=True) if key else None
        if row is None or row.practice != self._practice or row.patient_id != _key(patient_id):
            raise NoSuchRecord(f"the patient has no appointment {appointment_id!r}")
        return row

    def _appointments(self) -> Select[AppointmentRow, SlotRow, ProviderRow]:
        return (
            select(AppointmentRow, SlotRow, ProviderRow)
            .join(SlotRow, AppointmentRow.slot_id == SlotRow.id)
            .join(ProviderRow, SlotRow.provider_id == ProviderRow.id)
            .where(AppointmentRow.practice == self._practice)
        )

    async def _by_key(self, session: AsyncSession, idempotency_key: str) -> Appointment | None:
        query = self._appointments().where(AppointmentRow.idempotency_key == idempotency_key)
        return await self._one(session, query)

    async def _one(
        self, session: AsyncSession, query: Select[AppointmentRow, SlotRow, ProviderRow]
    ) -> Appointment | None:
        row = (await session.execute(query)).first()
        return self._appointment(*row) if row is not None else None

    def _appointment(self, row: AppointmentRow, slot: SlotRow, provider: ProviderRow) -> Appointment:
        return Appointment(
            str(row.id), str(slot.id), self._local(slot.starts_at), slot.minutes, provider.name, row.reason
        )

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone)


def _key(text: str | None) -> UUID | None:
    """An identifier as the database knows it; None for anything that is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
