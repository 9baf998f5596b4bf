"""What the practice can do for a caller: typed functions that a context graph may call.

Nothing personal is found or changed before the caller proved who they are: the functions look up themselves
who was verified in this conversation, and take no patient as an argument, whoever asks them.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import jellyfish

from voice_agent.practice.hours import OpeningHours
from voice_agent.practice.records import Appointment, NotVerified, Patient, Slot
from voice_agent.practice.store import PracticeStore
from voice_agent.reasoning.parts import ProgressHint
from voice_agent.reasoning.tools import Tool, ToolContext, ToolRegistry

MAX_IDENTITY_FAILURES = 2
"""Wrong answers after which a conversation cannot verify anybody any more."""

SAME_NAME_SIMILARITY = 0.85
"""Jaro-Winkler similarity from which a heard name is the one on file ("mariah riviera": 0.97)."""

SEARCH_DAYS = 14
"""Days ahead in which free times are looked for when no day was given."""

PartOfDay = Literal["morning", "afternoon", "evening", "night"]
PersonAvailable = Callable[[], Awaitable[bool]]
"""Whether somebody of the practice could take a call now."""

_LOOKUP = ProgressHint(progress_class="lookup", expected_latency_ms=300)
_WRITE = ProgressHint(progress_class="write", expected_latency_ms=500)
_NOON = time(12)


class PracticeTools:
    """The functions, over one practice's records."""

    def __init__(
        self,
        store: PracticeStore,
        hours: OpeningHours,
        zone: ZoneInfo,
        person_available: PersonAvailable,
        forwarding_answers: PersonAvailable | None = None,
    ) -> None:
        """When a caller wants a person, ``person_available`` says whether an operator is free, and
        ``forwarding_answers`` whether calls can be forwarded."""
        self._store = store
        self._hours = hours
        self._zone = zone
        self._person_available = person_available
        self._forwarding_answers = forwarding_answers

    def registry(self) -> ToolRegistry:
        """All functions under the names that graphs use."""
        return ToolRegistry(
            [
                _tool(self.find_patient_by_phone, _LOOKUP, idempotent=True),
                _tool(self.verify_identity, _LOOKUP),
                _tool(self.opening_hours, _LOOKUP, idempotent=True),
                _tool(self.upcoming_appointments, _LOOKUP, idempotent=True),
                _tool(self.slot_search, _LOOKUP, idempotent=True),
                _tool(self.book_appointment, _WRITE),
                _tool(self.reschedule_appointment, _WRITE),
                _tool(self.cancel_appointment, _WRITE),
                _tool(self.save_insurance, _WRITE),
                _tool(self.take_message, _WRITE),
                _tool(self.request_person, _LOOKUP, idempotent=True),
            ]
        )

    async def find_patient_by_phone(self, *, context: ToolContext) -> dict[str, Any]:
        """Whether the calling number is on file. Tells nothing else: it verifies nobody."""
        patients = await self._store.patients_with_phone(context.caller_phone) if context.caller_phone else []
        return {"known": bool(patients), "withheld": context.caller_phone is None}

    async def verify_identity(
        self, date_of_birth: date, name: str | None = None, *, context: ToolContext
    ) -> dict[str, Any]:
        """Two things must fit: the number on file or the name, and the date of birth.

        Returns:
            ``verified``, with ``patient_id``, ``first_name`` and ``last_name`` when true; ``locked`` once
            :data:`MAX_IDENTITY_FAILURES` answers were wrong.
        """
        before = await self._store.verification(context.conversation_id)
        if before.failures >= MAX_IDENTITY_FAILURES:
            return {"verified": False, "locked": True}
        patient = await self._identify(context.caller_phone, date_of_birth, name)
        after = await self._store.record_verification(
            context.conversation_id, patient.patient_id if patient else None
        )
        if patient is None:
            return {"verified": False, "locked": after.failures >= MAX_IDENTITY_FAILURES}
        return {
            "verified": True,
            "locked": False,
            "patient_id": patient.patient_id,
            "first_name": patient.first_name,
            "last_name": patient.last_name,
        }

    async def _identify(self, phone: str | None, born: date, name: str | None) -> Patient | None:
        with_phone = await self._store.patients_with_phone(phone) if phone else []
        fitting = [p for p in with_phone if p.birth_date == born]
        if not fitting and name:
            fitting = [p for p in await self._store.patients_born(born) if _same_name(p, name)]
        elif len(fitting) > 1 and name:  # twins
            fitting = [p for p in fitting if _same_name(p, name)]
        return fitting[0] if len(fitting) == 1 else None

    async def opening_hours(self, *, context: ToolContext) -> dict[str, Any]:
        """Hours in words, and whether the office is open now."""
        return {
            "text": self._hours.in_words(),
            "open_now": self._hours.is_open(context.now),
            "today": self._hours.day_in_words(context.now.date()),
        }

    async def upcoming_appointments(self, *, context: ToolContext) -> dict[str, Any]:
        """The verified caller's appointments, soonest first, under ``appointments``."""
        patient_id = await self._verified(context)
        found = await self._store.upcoming(patient_id, context.now)
        return {"appointments": [_appointment(a) for a in found]}

    async def slot_search(
        self,
        day: date | None = None,
        at: time | PartOfDay | None = None,
        *,
        context: ToolContext,
    ) -> dict[str, Any]:
        """Free times.

        Args:
            day: the day wanted; without it, one time on each of the next :data:`SEARCH_DAYS` days is found.
            at: the time wanted (the nearest ones come first), or the part of the day.

        Returns:
            ``slots`` on that day; ``others``, the next free times on later days; ``closed`` when the
            office is closed on that day; ``part_found`` unless nothing is free in the part of it wanted;
            ``exact`` when the first slot begins at the very time wanted, ``time_taken`` when none does.
        """
        earliest = context.now + timedelta(hours=1)
        begin = datetime.combine(day or earliest.date(), time(), self._zone)
        wide = await self._store.free_slots(max(begin, earliest), begin + timedelta(days=SEARCH_DAYS))
        on_day = [s for s in wide if day is None or s.start.date() == day]
        chosen = fitting = on_day if day is not None else _spread(on_day)
        if isinstance(at, time):
            chosen = sorted(on_day, key=lambda s: abs(_minutes(s.start.time()) - _minutes(at)))
        elif at is not None:
            fitting = [s for s in on_day if _in_part(s.start.time(), at)]
            chosen = fitting or on_day
        later = [s for s in wide if day is not None and s.start.date() > day]
        return {
            "slots": [_slot(s) for s in chosen],
            "others": [_slot(s) for s in _spread(later)],
            "closed": day is not None and not self._hours.opens_on(day),
            "part_found": bool(fitting),
            "exact": bool(chosen) and chosen[0].start.time() == at,
            "time_taken": isinstance(at, time) and not any(s.start.time() == at for s in chosen),
        }

    async def book_appointment(
        self, slot_id: str, reason: str = "", *, context: ToolContext
    ) -> dict[str, Any]:
        """Book a slot: ``booked`` with the ``appointment``, or not, because somebody else was faster."""
        patient_id = await self._verified(context)
        appointment = await self._store.book(
            patient_id,
            slot_id,
            reason=reason,
            conversation_id=context.conversation_id,
            idempotency_key=context.idempotency_key,
        )
        return {
            "booked": appointment is not None,
            "appointment": _appointment(appointment) if appointment else None,
        }

    async def reschedule_appointment(
        self, appointment_id: str, slot_id: str, *, context: ToolContext
    ) -> dict[str, Any]:
        """Move an appointment: ``booked`` with the ``appointment``, or not, and the old time stands."""
        patient_id = await self._verified(context)
        appointment = await self._store.reschedule(patient_id, appointment_id, slot_id)
        return {
            "booked": appointment is not None,
            "appointment": _appointment(appointment) if appointment else None,
        }

    async def cancel_appointment(
        self, appointment_id: str, reason: str = "cancelled by phone", *, context: ToolContext
    ) -> dict[str, Any]:
        """Cancel an appointment."""
        patient_id = await self._verified(context)
        return {
            "appointment": _appointment(await self._store.cancel(patient_id, appointment_id, reason=reason))
        }

    async def save_insurance(self, carrier: str, member_id: str, *, context: ToolContext) -> dict[str, Any]:
        """Keep insurance details at the confidence of the phone, for a person to check."""
        await self._store.save_insurance(
            await self._verified(context),
            carrier=carrier,
            member_id=member_id,
            conversation_id=context.conversation_id,
            idempotency_key=context.idempotency_key,
        )
        return {"saved": True}

    async def take_message(
        self,
        text: str,
        callback_phone: str | None = None,
        kind: Literal["message", "callback", "urgent"] = "message",
        *,
        context: ToolContext,
    ) -> dict[str, Any]:
        """Leave a message; without another number, the calling one is noted."""
        verified = await self._store.verification(context.conversation_id)
        phone = callback_phone or context.caller_phone
        await self._store.take_message(
            text,
            kind=kind,
            callback_phone=phone,
            patient_id=verified.patient_id,
            conversation_id=context.conversation_id,
            idempotency_key=context.idempotency_key,
        )
        return {"saved": True, "callback_phone": phone}

    async def request_person(self, *, context: ToolContext) -> dict[str, Any]:
        """Whether somebody can take this call now, an operator at best, and whether the office is open."""
        operator = await self._person_available()
        available = operator or (self._forwarding_answers is not None and await self._forwarding_answers())
        return {
            "available": available,
            "operator": operator,
            "open_now": self._hours.is_open(context.now),
        }

    async def _verified(self, context: ToolContext) -> str:
        verification = await self._store.verification(context.conversation_id)
        if verification.patient_id is None:
            raise NotVerified("the caller has not proved who they are; call verify_identity first")
        return verification.patient_id


def _tool(
    function: Callable[..., Awaitable[Any]], progress: ProgressHint, *, idempotent: bool = False
) -> Tool:
    """A function under its own name; the first line of its docstring tells a language model what it does."""
    description = inspect.getdoc(function) or ""
    return Tool(
        function.__name__,
        function,
        description.splitlines()[0],
        idempotent=idempotent,
        progress=progress,
    )


def _same_name(patient: Patient, heard: str) -> bool:
    heard = " ".join(heard.lower().split())
    on_file = f"{patient.first_name} {patient.last_name}".lower()
    return jellyfish.jaro_winkler_similarity(heard, on_file) >= SAME_NAME_SIMILARITY


def _appointment(appointment: Appointment) -> dict[str, Any]:
    return {
        "appointment_id": appointment.appointment_id,
        "slot_id": appointment.slot_id,
        "start": appointment.start,
        "minutes": appointment.minutes,
        "provider": appointment.provider,
        "reason": appointment.reason,
    }


def _slot(slot: Slot) -> dict[str, Any]:
    return {"slot_id": slot.slot_id, "start": slot.start, "minutes": slot.minutes, "provider": slot.provider}


def _spread(slots: Iterable[Slot]) -> list[Slot]:
    """One time per day, so that a few offers span several days."""
    first: dict[date, Slot] = {}
    for slot in slots:
        first.setdefault(slot.start.date(), slot)
    return list(first.values())


def _in_part(moment: time, part: PartOfDay) -> bool:
    return moment < _NOON if part == "morning" else moment >= _NOON


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute
