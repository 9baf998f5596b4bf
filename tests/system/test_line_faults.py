"""The phone network misbehaves; the caller hears the practice all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import numpy as np
import pytest

from telephony.emulator import FaultKind
from tests.system.conftest import MARIA, NUMBER, System, whole_system
from voice_agent.call import events

GREETING = "how can I help you today"


def loudness(pcm: np.ndarray) -> float:
    return float(np.abs(pcm.astype(np.float64)).mean())


async def test_greeting_is_on_the_line_at_once_and_nothing_breaks_the_contract(system: System) -> None:
    call = await system.ring()
    await system.said(GREETING)
    loud = np.nonzero(np.abs(call.heard.astype(int)) > 200)[0]
    # 0.3 s for us, 0.18 s for the conference's jitter buffer, some air for a busy machine.
    assert loud[0] / 8000 < 0.8
    await call.hang_up()
    end = await system.ended(call)
    assert end.completion_reason == "caller_hangup"
    await system.emulator.callbacks_delivered()
    system.emulator.assert_no_violations()


@pytest.mark.parametrize("kind", [FaultKind.FAIL_APP_LEG, FaultKind.LATE_APP_LEG])
async def test_agent_leg_that_fails_or_never_comes_is_replaced_by_the_callers_own_stream(
    tmp_path: Path, kind: FaultKind
) -> None:
    async with whole_system(tmp_path) as system:
        system.emulator.faults.add(kind, value=30.0, times=None)
        call = await system.ring()
        await system.said(GREETING, 30)
        assert system.all(events.Degraded)
        assert loudness(call.heard[-8000:]) > 0
        await call.hang_up()
        await system.ended(call)


async def test_agent_leg_that_dies_comes_back_and_finishes_the_sentence(system: System) -> None:
    system.emulator.faults.add(FaultKind.DROP_STREAM, match="media/agent", value=1.0)
    call = await system.ring()
    heard = await system.said(GREETING, 30)
    assert heard.unheard == ""
    await call.hang_up()
    await system.ended(call)


async def test_lost_tap_is_attached_again_and_the_caller_is_understood(system: System) -> None:
    system.emulator.faults.add(FaultKind.DROP_STREAM, match="media/tap", value=2.0)
    call = await system.ring()
    await system.said(GREETING)
    await system.wait_for(lambda e: isinstance(e, events.MediaAttached) and e.generation == 2)
    await call.play(await system.speech("What are your opening hours?"))
    await system.wait_for(lambda e: isinstance(e, events.TurnCompleted))
    await call.hang_up()
    await system.ended(call)


async def test_repeated_webhook_makes_one_call(system: System) -> None:
    system.emulator.faults.add(FaultKind.DUPLICATE_WEBHOOK, match="/twilio/voice")
    call = await system.ring()
    await system.said(GREETING)
    assert len(system.all(events.SessionStart)) == 1
    await call.hang_up()
    await system.ended(call)


async def test_callbacks_in_any_order_and_twice_change_nothing(system: System) -> None:
    for kind in (FaultKind.REORDER_CALLBACK, FaultKind.DUPLICATE_CALLBACK):
        system.emulator.faults.add(kind, times=None)
    call = await system.ring()
    await system.said(GREETING)
    await call.hang_up()
    assert (await system.ended(call)).completion_reason == "caller_hangup"


@pytest.mark.parametrize(("kind", "value"), [(FaultKind.JITTER_MEDIA, 0.15), (FaultKind.LOSE_MEDIA, 0.05)])
async def test_bad_air_does_not_stop_a_conversation(system: System, kind: FaultKind, value: float) -> None:
    system.emulator.faults.add(kind, value=value, times=None)
    call = await system.ring()
    await system.said(GREETING)
    await call.play(await system.speech("What are your opening hours?"))
    await system.wait_for(lambda e: isinstance(e, events.TurnCompleted))
    await system.wait_for(lambda e: isinstance(e, events.AgentTranscript) and e.turn_index == 1)
    await call.hang_up()
    await system.ended(call)


@pytest.mark.parametrize(
    "after", ["participant.joined", "stream.opening", "stream.started", "call.answered", "call.ringing"]
)
async def test_caller_may_hang_up_at_any_moment(system: System, after: str) -> None:
    system.emulator.faults.add(FaultKind.HANG_UP_CALLER, match=after)
    call = await system.emulator.place_call(to=NUMBER, from_=MARIA)
    await call.ended()
    await asyncio.wait_for(system.application.switchboard.wait_idle(), 20)
    assert system.application.switchboard.active_calls == 0


@pytest.mark.parametrize("from_", ["anonymous", "+266696687", "sip:somebody@example.org", "client:web"])
async def test_caller_without_a_number_is_greeted_like_everybody(system: System, from_: str) -> None:
    call = await system.ring(from_=from_)
    await system.said(GREETING)
    start = system.all(events.SessionStart)[0]
    assert start.caller_id is None or start.caller_id == from_
    await call.hang_up()
    await system.ended(call)


async def test_forged_webhook_and_missing_signature_are_refused(system: System) -> None:
    form = {"CallSid": "CA" + "f" * 32, "From": MARIA, "To": NUMBER, "CallStatus": "ringing"}
    base = system.application.ready.base_url
    async with httpx.AsyncClient(base_url=base) as client:
        assert (await client.post("/twilio/voice", data=form)).status_code == 403
        forged = {"X-Twilio-Signature": "bm90IGEgc2lnbmF0dXJl"}
        assert (await client.post("/twilio/voice", data=form, headers=forged)).status_code == 403
    assert not system.all(events.SessionStart)


async def test_calls_side_by_side_stay_apart(system: System) -> None:
    calls = [await system.ring(from_=f"+1415555019{n}") for n in range(4)]
    for call in calls:
        await system.wait_for(
            lambda e, sid=call.sid: (
                isinstance(e, events.AgentTranscript) and e.call_sid == sid and GREETING in e.heard
            )
        )
    for call in calls:
        await call.hang_up()
    for call in calls:
        await system.ended(call)
        numbers = [e.seq for e in system.seen if e.call_sid == call.sid]
        assert numbers == list(range(1, len(numbers) + 1))
