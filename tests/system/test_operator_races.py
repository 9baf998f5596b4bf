"""Operators on a network that misbehaves, and people who do everything at the same moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telephony.emulator import Answer, FaultKind, PhoneBehaviour, PhoneCall
from tests.system.conftest import System, whole_system
from tests.system.operators_kit import (
    GREETING,
    OPERATOR_HZ,
    frames_with,
    heard,
    hears_tone,
    loud,
    operator,
    tone,
)
from voice_agent.call import events, third_leg
from voice_agent.operators.ports import NoSuchCall, OperatorBusy, OperatorError, OperatorMode

LISTEN, TAKEOVER = OperatorMode.LISTEN, OperatorMode.TAKEOVER
ELSEWHERE = "+12025550188"
FORWARDED = "+14155550105"


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with whole_system(tmp_path, stt="stub", max_loop_lag_ms=5000) as running_system:
        yield running_system


@pytest.fixture
async def call(system: System) -> PhoneCall:
    call = await system.ring()
    await system.said(GREETING)
    return call


async def hung_up(system: System, call: PhoneCall) -> None:
    """The call is over, and nothing of it is left on either side."""
    await call.hang_up()
    await system.ended(call)
    await asyncio.wait_for(system.application.switchboard.wait_idle(), 10)
    assert system.application.live.active() == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FaultKind.LOSE_CALLBACK, 0.0),
        (FaultKind.DUPLICATE_CALLBACK, 0.0),
        (FaultKind.REORDER_CALLBACK, 0.0),
        (FaultKind.DELAY_CALLBACK, 1.5),
    ],
)
async def test_takeover_and_hand_back_work_whatever_happens_to_conference_callbacks(
    system: System, call: PhoneCall, kind: FaultKind, value: float
) -> None:
    system.emulator.faults.add(kind, match="/twilio/conference", value=value, times=None)
    person = operator(system)
    await person.join(call, TAKEOVER)
    phone = await person.on_phone()
    await person.mode(TAKEOVER)
    begin = len(call.heard)
    phone.play(tone(OPERATOR_HZ, 0.8))
    await hears_tone(call, OPERATOR_HZ, since=begin)
    await person.switch(call, LISTEN)
    await system.said("back on the line")
    assert len(system.all(events.OperatorJoined)) == 1
    await hung_up(system, call)


async def test_a_caller_who_hangs_up_during_the_switch_ends_everything(
    system: System, call: PhoneCall
) -> None:
    person = operator(system)
    await person.join(call)
    phone = await person.on_phone()
    await person.is_in()
    switching = asyncio.ensure_future(person.switch(call, TAKEOVER))
    await call.hang_up()
    await asyncio.wait({switching})
    assert switching.exception() is None or isinstance(switching.exception(), OperatorError)
    await system.ended(call)
    assert await phone.ended() == "completed"
    await asyncio.wait_for(system.application.switchboard.wait_idle(), 10)
    with pytest.raises(NoSuchCall):
        await person.switch(call, LISTEN)
    system.emulator.assert_no_violations()


async def test_a_caller_who_hangs_up_while_the_operator_is_rung_stops_the_ringing(
    system: System, call: PhoneCall
) -> None:
    person = operator(system, behaviour=PhoneBehaviour(answer=Answer.NO_ANSWER))
    joined = await person.join(call, TAKEOVER)
    async with asyncio.timeout(5):
        ringing = await person.phone.call_number()
    assert ringing.sid == joined.participant_call_sid
    await hung_up(system, call)
    assert (await ringing.ended()).terminal


async def test_when_the_operators_browser_dies_the_agent_takes_back_after_a_while_and_says_so(
    system: System, call: PhoneCall
) -> None:
    person = operator(system)
    await person.join(call, TAKEOVER)
    phone = await person.on_phone()
    await person.mode(TAKEOVER)
    gone = time.monotonic()
    await phone.hang_up()
    await system.wait_for(lambda e: isinstance(e, events.SpeakerMuted) and not e.muted)
    assert 4.5 < time.monotonic() - gone < 12.0
    begin = len(call.heard)
    back = await system.said("connection to my colleague was lost")
    assert back.unheard == ""
    assert loud(call.heard[begin:])
    await hung_up(system, call)


async def test_an_operator_who_redials_in_time_goes_on_where_the_browser_died(
    system: System, call: PhoneCall
) -> None:
    person = operator(system)
    await person.join(call, TAKEOVER)
    phone = await person.on_phone()
    await person.mode(TAKEOVER)
    await phone.hang_up()
    await system.wait_for(lambda e: isinstance(e, events.OperatorLeft))
    await person.join(call, TAKEOVER)
    phone = await person.on_phone()
    await person.is_in()
    begin = len(call.heard)
    await system.wait_for(
        lambda e: isinstance(e, events.MediaAttached) and e.leg == "operator" and e.generation == 2
    )
    phone.play(tone(OPERATOR_HZ, 0.8))
    await hears_tone(call, OPERATOR_HZ, since=begin)
    assert "back on the line" not in " ".join(e.text for e in system.all(events.AgentTranscriptDelta))
    await hung_up(system, call)


async def test_two_who_press_takeover_in_the_same_instant(system: System, call: PhoneCall) -> None:
    people = [operator(system, name) for name in ("op1", "op2")]
    for person in people:
        await person.join(call)
        await person.on_phone()
        await person.is_in()
    results = await asyncio.gather(
        *(person.switch(call, TAKEOVER) for person in people), return_exceptions=True
    )
    assert [r for r in results if isinstance(r, OperatorBusy)] == [results[1]]
    begin = len(call.heard)
    loser = await people[1].on_phone()
    await loser.play(tone(OPERATOR_HZ, 0.5))
    assert frames_with(await heard(call, 0.7, begin), OPERATOR_HZ) == []
    await hung_up(system, call)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(Answer.REJECTS, "busy"), (Answer.UNREACHABLE, "failed"), (Answer.NO_ANSWER, "no-answer")],
)
async def test_an_operator_who_does_not_answer_leaves_the_call_with_the_agent(
    system: System, call: PhoneCall, answer: Answer, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(third_leg, "RING_S", 5)
    person = operator(system, behaviour=PhoneBehaviour(answer=answer))
    await person.join(call, TAKEOVER)
    left = await system.wait_for(lambda e: isinstance(e, events.OperatorLeft))
    assert left.operator_id == "op1"
    assert not left.was_in
    assert left.reason in (reason, "participant_add_failed")
    assert not system.all(events.SpeakerMuted)
    await call.play(await system.speech("What are your opening hours?"))
    await system.wait_for(lambda e: isinstance(e, events.AgentTranscript) and e.turn_index == 1)
    await hung_up(system, call)


GRAPH = f"""
new_user_initial_state: forward
returning_user_initial_state: forward
terminal_state: done
states:
  - name: forward
    type: action
    objective: Connect the caller.
    say_on_entry: I'll connect you with the front desk now.
    then: {{transfer: "{ELSEWHERE}"}}
    exit_conditions:
      - {{description: nobody, when: 'event.message == "transfer not reached"', next_state: nobody}}
  - name: nobody
    type: action
    objective: Be honest.
    say_on_entry: I'm sorry, nobody answered there. May I take a message?
    exit_conditions: [{{description: anything, next_state: done}}]
  - {{name: done, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}}
"""
SERVICE = """
service_id: forwards
name: Forwards
greeting: Hello.
default: true
phone_numbers: ["+14155550105"]
timezone: America/New_York
opening_hours: {monday: {start: "08:00", end: "17:00"}}
location: here
"""


@pytest.fixture
async def forwarding(tmp_path: Path) -> AsyncIterator[System]:
    """A practice that forwards every caller to the front desk."""
    folder = tmp_path / "services" / "forwards"
    folder.mkdir(parents=True)
    (folder / "service.yaml").write_text(SERVICE)
    (folder / "graph.yaml").write_text(GRAPH)
    options = {"services_dir": tmp_path / "services", "max_loop_lag_ms": 5000}
    async with whole_system(tmp_path, numbers=(FORWARDED,), stt="stub", **options) as running_system:
        yield running_system


async def test_a_transfer_waits_for_the_last_word_and_then_joins_both_people(forwarding: System) -> None:
    desk = forwarding.emulator.register_phone(ELSEWHERE, PhoneBehaviour(after_s=0.3))
    call = await forwarding.ring(to=FORWARDED)
    spoken = await forwarding.wait_for(lambda e: isinstance(e, events.AgentTranscript))
    assert spoken.unheard == ""
    async with asyncio.timeout(10):
        answered = await desk.call_number()
    await answered.answered()
    resolved = await forwarding.wait_for(lambda e: isinstance(e, events.ForwardCallResolved))
    assert (resolved.target_number, resolved.result) == (ELSEWHERE, "forwarded")
    call.play(tone(OPERATOR_HZ, 1.0))
    await hears_tone(answered, OPERATOR_HZ)
    end = await forwarding.ended(call)
    assert end.completion_reason == "forwarded"
    assert end.seq > resolved.seq
    await call.hang_up()


async def test_a_transfer_that_nobody_answers_brings_the_caller_back_to_an_honest_agent(
    forwarding: System,
) -> None:
    forwarding.emulator.register_phone(ELSEWHERE, PhoneBehaviour(answer=Answer.BUSY))
    call = await forwarding.ring(to=FORWARDED)
    said = await forwarding.said("nobody answered there")
    assert said.unheard == ""
    assert loud(call.heard[-16_000:])
    [resolved] = forwarding.all(events.ForwardCallResolved)
    assert (resolved.result, resolved.error) == ("failed", "busy")
    await call.hang_up()
    assert (await forwarding.ended(call)).completion_reason == "caller_hangup"
