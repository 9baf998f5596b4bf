"""The demonstration's checks: a good call passes all of them, and each defect fails its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, cast

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection

from telephony.g711 import encode_ulaw
from tests.cli.fake_practice import tone
from voice_agent.call.events import (
    AgentTranscript,
    BargeIn,
    CallEvent,
    SessionEnd,
    ToolCallCompleted,
    ToolCallStarted,
)
from voice_agent.cli.demo_checks import check_call, check_records
from voice_agent.cli.patient import Patient, Uttered
from voice_agent.cli.phone import Telephone
from voice_agent.cli.placing import FollowedCall
from voice_agent.practice.scenario import Manner, Scenario, ScriptedCaller, demonstration
from voice_agent.settings import Settings

SCENARIO = demonstration(date(2026, 11, 20))
AGENT_SPEAKS = ((0.4, 2.6), (5.0, 9.0))
INTERRUPTED_AT, ASSENTED_AT = 2.0, 6.0

Events = list[CallEvent]


class Recorded:
    """A socket that plays what was heard, and then the end."""

    async def send(self, message: str | bytes) -> None:
        """Nobody listens."""

    async def __aiter__(self) -> Any:
        yield json.dumps({"type": "answered", "call_sid": "CA1"})
        sound = np.zeros(10 * 8000, np.int16)
        for start, end in AGENT_SPEAKS:
            sound[round(start * 8000) : round(end * 8000)] = tone(end - start)
        ulaw = encode_ulaw(sound)
        for at in range(0, len(ulaw), 160):
            yield ulaw[at : at + 160]


def good_events() -> Events:
    appointment = {"start": f"{SCENARIO.new_day.isoformat()}T09:00:00-08:00"}
    moved = {"booked": True, "appointment": appointment}
    card = {"carrier": SCENARIO.carrier, "member_id": SCENARIO.member_id}
    greeting = "Hi, this is Dr. Chen's office, how can I help you today?"
    return [
        AgentTranscript(t=2.4, utterance_id="a1", text=greeting, heard=greeting),
        BargeIn(t=INTERRUPTED_AT + 0.4, interrupted_text="x"),
        _done("reschedule_appointment", moved, 9.0),
        ToolCallStarted(t=9.1, call_id="2", tool_name="save_insurance", input=card),
        _done("save_insurance", {"saved": True}, 9.2),
        SessionEnd(t=10.0, completion_reason="terminal_state", duration_seconds=10.0),
    ]


def _done(tool: str, output: dict[str, Any], t: float, *, succeeded: bool = True) -> ToolCallCompleted:
    return ToolCallCompleted(
        t=t, call_id=tool, tool_name=tool, output=output, succeeded=succeeded, duration_ms=9
    )


async def failed_checks(
    events: Events, *, gave_up: str = "", first_sound: float | None = 0.4, degraded: tuple[str, ...] = ()
) -> list[str]:
    phone = Telephone(cast(ClientConnection, Recorded()))
    await asyncio.wait_for(phone.listen(), 10)
    call = FollowedCall(phone, events=events, audio_starts_at=0.0)
    uttered = [
        Uttered(line, start, start + 0.5)
        for manner, start in ((Manner.INTERRUPTION, INTERRUPTED_AT), (Manner.BACKCHANNEL, ASSENTED_AT))
        for line in SCENARIO.lines
        if line.manner is manner
    ]
    patient = Patient(call, ScriptedCaller(SCENARIO.lines), {}, uttered=uttered, gave_up=gave_up)
    summary = {"first_agent_sound_s": first_sound, "degraded": degraded}
    return [check.name for check in check_call(patient, SCENARIO, summary) if not check.passed]


async def test_a_good_call_passes_every_check() -> None:
    assert await failed_checks(good_events()) == []


def _without(kind: type) -> Callable[[Events], Events]:
    return lambda events: [event for event in events if not isinstance(event, kind)]


def _with(event: CallEvent) -> Callable[[Events], Events]:
    return lambda events: [*events, event]


def defects() -> Iterator[tuple[Callable[[Events], Events], str]]:
    yield _without(AgentTranscript), "greets"
    yield _without(BargeIn), "the caller interrupted"
    yield _with(BargeIn(t=ASSENTED_AT + 0.6, interrupted_text="x")), '"mm-hmm" did not stop'
    late = [_without(BargeIn), _with(BargeIn(t=INTERRUPTED_AT + 7.2, interrupted_text="x"))]
    yield lambda events: late[1](late[0](events)), "and was silent soon"
    yield _without(ToolCallCompleted), "the appointment was moved"
    other = {"booked": True, "appointment": {"start": "2026-12-24T09:00:00-08:00"}}
    yield _with(_done("reschedule_appointment", other, 9.5)), "the appointment was moved"
    yield _without(ToolCallStarted), "the insurance"
    yield _without(SessionEnd), "the agent said goodbye"


@pytest.mark.parametrize(("spoil", "name"), defects())
async def test_each_defect_fails_its_check(spoil: Callable[[Events], Events], name: str) -> None:
    failed = await failed_checks(spoil(good_events()))
    assert [check for check in failed if check.startswith(name)], failed


async def test_a_patient_who_gave_up_is_no_success() -> None:
    assert await failed_checks(good_events(), gave_up="heard nothing") == [
        "the agent said goodbye and ended the call"
    ]


@pytest.mark.parametrize("first_sound", [None, 2.5])
async def test_a_late_first_word_is_no_success(first_sound: float | None) -> None:
    failed = await failed_checks(good_events(), first_sound=first_sound)
    assert failed == ["greets by the practice's name at once"]


async def test_a_degraded_call_is_no_success() -> None:
    assert await failed_checks(good_events(), degraded=("tts: clip",)) == ["nothing was degraded"]


async def test_records_are_read_from_the_practice_itself(tmp_path: Any) -> None:
    from voice_agent.practice.service import load_services
    from voice_agent.store.database import Database

    settings = Settings(data_dir=tmp_path, database_url="")
    database = Database(settings.effective_database_url)
    await database.migrate()
    service = load_services(database).default
    await service.seed()
    scenario: Scenario = demonstration(service.now().date())
    calendar, insurance = await check_records(settings, scenario)
    assert (calendar.passed, insurance.passed) == (False, False), "the appointment is on the old day still"
    (maria,) = await service.store.patients_with_phone(scenario.caller.phone)
    await service.store.save_insurance(
        maria.patient_id,
        carrier=scenario.carrier,
        member_id=scenario.member_id,
        conversation_id="CA1",
        idempotency_key="1",
    )
    await database.close()
    _, insurance = await check_records(settings, scenario)
    assert insurance.passed
