"""Gathers what a briefing is made of: the live call, its records, and what the practice has on file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from voice_agent.call.overview import CallOverview
from voice_agent.call.records import CallRecords
from voice_agent.operators.briefing import BriefingMaterial, KnownPatient, Section, briefing
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.ports import LiveCall, LiveCalls, NoSuchCall
from voice_agent.practice.records import Patient
from voice_agent.practice.service import Service, Services
from voice_agent.store.moments import utc_now

MAX_FAMILY = 5
"""People with one number that are looked up."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """A briefing, and when it was true."""

    call_sid: str
    sections: list[Section]
    generated_at: datetime


class BriefingDesk:
    """Makes briefings."""

    def __init__(
        self,
        live: LiveCalls,
        records: CallRecords,
        overview: CallOverview,
        escalations: EscalationRecords,
        services: Services | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._live = live
        self._records = records
        self._overview = overview
        self._escalations = escalations
        self._services = services
        self._clock = clock

    async def brief(self, call_sid: str) -> Briefing:
        """The briefing of a call, live or over. Raises :class:`NoSuchCall` for one nobody knows."""
        now = self._clock()
        live = self._alive(call_sid)
        call = await self._records.call(call_sid)
        if live is None and call is None:
            raise NoSuchCall(f"call {call_sid} is not known: neither live nor on record")
        phone = live.caller_phone if live else call.caller_id if call else None
        started = live.started_at if live else call.started_at if call else now
        service = self._service((live.service_id if live else call.service_id if call else "") or "")
        material = BriefingMaterial(
            now=now,
            live=live,
            call=call,
            turns=await self._records.turns(call_sid),
            patients=await self._patients(service, call_sid, phone),
            earlier=await self._overview.earlier_calls_from(phone, before=started) if phone else [],
            escalation=await self._escalations.of_call(call_sid),
            service_name=service.settings.name if service else "",
        )
        return Briefing(call_sid, briefing(material), now)

    def _alive(self, call_sid: str) -> LiveCall | None:
        try:
            return self._live.get(call_sid)
        except NoSuchCall:
            return None

    def _service(self, service_id: str) -> Service | None:
        services = self._services.services if self._services else ()
        return next((service for service in services if service.service_id == service_id), None)

    async def _patients(
        self, service: Service | None, call_sid: str, phone: str | None
    ) -> list[KnownPatient]:
        if service is None:
            return []
        verification = await service.store.verification(call_sid)
        if verification.patient_id is not None:
            found = await service.store.patient(verification.patient_id)
            return [await self._known(service, found, verified=True)] if found else []
        family = await service.store.patients_with_phone(phone) if phone else []
        return [await self._known(service, person, verified=False) for person in family[:MAX_FAMILY]]

    async def _known(self, service: Service, patient: Patient, *, verified: bool) -> KnownPatient:
        appointments = await service.store.upcoming(patient.patient_id, self._clock())
        insurance = await service.store.insurance(patient.patient_id)
        return KnownPatient(
            name=f"{patient.first_name} {patient.last_name}",
            birth_date=patient.birth_date,
            verified=verified,
            appointments=tuple(
                f"{a.start:%A %d %B, %H:%M} with {a.provider}" + (f", {a.reason}" if a.reason else "")
                for a in appointments
            ),
            insurance=tuple(f"{i.carrier}, member {i.member_id}" for i in insurance),
        )
