"""What must have happened in the demonstration: in its events, its sound, and the practice's records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from voice_agent.call.events import (
    AgentTranscript,
    BargeIn,
    CallEvent,
    SessionEnd,
    ToolCallCompleted,
    ToolCallStarted,
)
from voice_agent.cli.hearing import quiet_from, stretches_of
from voice_agent.cli.patient import Patient, Uttered
from voice_agent.practice.scenario import Manner, Scenario
from voice_agent.settings import Settings

FIRST_WORD_S = 2.0
"""From the answer to the agent's voice: the published promise."""

SILENT_WITHIN_S = 1.2
"""From the caller's voice to the last sound of an interrupted agent, the network's own delay included."""

NETWORK_S = 0.5
"""What was sent before an interruption may be heard for this long."""

BREAK_S = 0.04

GOES_ON_S = 1.0
"""After a murmur of assent the agent must still be heard within this time."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    passed: bool
    detail: str = ""


def check_call(patient: Patient, scenario: Scenario, summary: Mapping[str, Any]) -> list[Check]:
    """Everything that the call itself shows."""
    events = patient.call.events
    return [
        _greeting(events, summary),
        *_interruption(patient),
        *_assent(patient),
        _moved(events, scenario),
        _insured(events, scenario),
        _ended(patient, events),
        Check("nothing was degraded", not summary["degraded"], ", ".join(summary["degraded"])),
    ]


def _greeting(events: list[CallEvent], summary: Mapping[str, Any]) -> Check:
    said = next((event for event in events if isinstance(event, AgentTranscript)), None)
    first = summary["first_agent_sound_s"]
    words = said.heard if said else ""
    passed = "Dr. Chen's office" in words and first is not None and first <= FIRST_WORD_S
    return Check("greets by the practice's name at once", passed, f"{words!r} after {first} s")


def _interruption(patient: Patient) -> Iterator[Check]:
    said = _with_manner(patient, Manner.INTERRUPTION)
    barge_ins = [event for event in patient.call.events if isinstance(event, BargeIn)]
    yield Check(
        "the caller interrupted, and the agent noticed", bool(said and barge_ins), f"{len(barge_ins)}"
    )
    if said:
        offset = patient.call.audio_starts_at or 0.0
        noticed = [event.t - offset for event in barge_ins if event.t - offset >= said.start]
        until = min(noticed, default=said.end) + NETWORK_S
        quiet = quiet_from(patient.call.phone.heard, said.start, until)
        if quiet is None and noticed and _cut_off(patient.call.events):
            # An answer that follows at once leaves no more than a break between the old sentence and itself.
            broken = quiet_from(patient.call.phone.heard, min(noticed), until, BREAK_S)
            quiet = min(noticed) if broken is not None else None
        late = f"after {quiet - said.start:.2f} s" if quiet is not None else "not at all"
        passed = quiet is not None and quiet - said.start <= SILENT_WITHIN_S
        yield Check("and was silent soon", passed, late)


def _cut_off(events: list[CallEvent]) -> bool:
    """Whether the network says that a sentence before the first interruption was heard in part only."""
    first = next((event.t for event in events if isinstance(event, BargeIn)), 0.0)
    told = [event for event in events if isinstance(event, AgentTranscript) and event.t <= first]
    return any(event.heard != event.text for event in told)


def _assent(patient: Patient) -> Iterator[Check]:
    said = _with_manner(patient, Manner.BACKCHANNEL)
    if said is None:
        yield Check('the caller said "mm-hmm" into the agent\'s speech', False, "it came to no such moment")
        return
    offset = patient.call.audio_starts_at or 0.0
    stopped = [
        event
        for event in patient.call.events
        if isinstance(event, BargeIn) and said.start <= event.t - offset <= said.end + GOES_ON_S
    ]
    going_on = any(
        part.end > said.end for part in stretches_of(patient.call.phone.heard) if part.start < said.end
    )
    yield Check('"mm-hmm" did not stop the agent', not stopped and going_on)


def _with_manner(patient: Patient, manner: Manner) -> Uttered | None:
    return next((each for each in patient.uttered if each.line.manner is manner), None)


def _moved(events: list[CallEvent], scenario: Scenario) -> Check:
    outputs = _outputs(events, "reschedule_appointment")
    day = scenario.new_day.isoformat()
    starts = [str(output["appointment"]["start"]) for output in outputs if output.get("booked")]
    passed = bool(starts) and starts[-1].startswith(day)
    return Check(f"the appointment was moved to {day}", passed, ", ".join(starts))


def _insured(events: list[CallEvent], scenario: Scenario) -> Check:
    given = [
        event.input
        for event in events
        if isinstance(event, ToolCallStarted) and event.tool_name == "save_insurance"
    ]
    saved = [f"{each.get('carrier')} {each.get('member_id')}" for each in given]
    wanted = f"{scenario.carrier} {scenario.member_id}"
    done = bool(_outputs(events, "save_insurance"))
    return Check(f"the insurance {wanted} was taken down", done and wanted in saved, ", ".join(saved))


def _outputs(events: list[CallEvent], tool: str) -> list[dict[str, Any]]:
    return [
        event.output
        for event in events
        if isinstance(event, ToolCallCompleted)
        and event.tool_name == tool
        and event.succeeded
        and isinstance(event.output, dict)
    ]


def _ended(patient: Patient, events: list[CallEvent]) -> Check:
    reason = next((event.completion_reason for event in events if isinstance(event, SessionEnd)), "never")
    passed = reason == "terminal_state" and not patient.gave_up
    return Check("the agent said goodbye and ended the call", passed, patient.gave_up or reason)


async def check_records(settings: Settings, scenario: Scenario) -> list[Check]:
    """What the practice knows afterwards, read from its own database (``settings`` say where that is)."""
    from voice_agent.practice.service import load_services
    from voice_agent.store.database import Database

    database = Database(settings.effective_database_url)
    try:
        service = load_services(database).default
        (patient,) = await service.store.patients_with_phone(scenario.caller.phone)
        appointments = await service.store.upcoming(patient.patient_id, service.now() - timedelta(hours=1))
        insurance = await service.store.insurance(patient.patient_id)
    finally:
        await database.close()
    days = [appointment.start.date() for appointment in appointments]
    cards = [f"{card.carrier} {card.member_id} at confidence {card.confidence}" for card in insurance]
    wanted = f"{scenario.carrier} {scenario.member_id} at confidence 0.5"
    return [
        Check(
            "the calendar holds one appointment, on the new day",
            days == [scenario.new_day],
            ", ".join(map(str, days)),
        ),
        Check("the insurance is kept at voice confidence", wanted in cards, ", ".join(cards)),
    ]
