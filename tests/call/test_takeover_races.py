"""People and networks that do everything at the same moment, in one call."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.call.session_kit import GREETING, Begin
from tests.call.takeover_kit import (
    ANN,
    BACK,
    BOB,
    LISTEN,
    TAKEOVER,
    comes_in,
    converse,
    in_charge,
    modes,
    told,
)
from voice_agent.call import events, takeover
from voice_agent.operators.ports import (
    CallUnreachable,
    NoSuchCall,
    OperatorBusy,
)
from voice_agent.reasoning.signals import (
    HandedBack,
    OperatorTookOver,
)


async def test_of_two_who_press_takeover_together_one_is_refused_and_stays_a_listener(begin: Begin) -> None:
    call = await begin(converse)
    for operator in (ANN, BOB):
        await call.session.operators.join(operator, LISTEN)
        comes_in(call, operator)
    results = await asyncio.gather(
        call.session.operators.switch("ann", TAKEOVER),
        call.session.operators.switch("bob", TAKEOVER),
        return_exceptions=True,
    )
    assert results[0] is TAKEOVER
    assert isinstance(results[1], OperatorBusy)
    assert "Ann" in str(results[1])
    assert modes(call) == {"ann": TAKEOVER, "bob": LISTEN}
    assert call.line.operators.muted == [("ann", False)]


async def test_whoever_is_called_for_a_takeover_has_the_place_until_the_leg_fails(begin: Begin) -> None:
    call = await begin(converse)
    await call.session.operators.join(ANN, TAKEOVER)
    with pytest.raises(OperatorBusy):
        await call.session.operators.join(BOB, TAKEOVER)
    call.session.operators.left("ann", "no-answer")
    await in_charge(call, BOB)
    left = next(e for e in call.all(events.OperatorLeft))
    assert (left.operator_id, left.reason, left.was_in) == ("ann", "no-answer", False)
    assert not told(call, HandedBack)


async def test_a_switch_repeated_changes_nothing(begin: Begin) -> None:
    call = await begin(converse)
    await in_charge(call)
    for _ in range(3):
        await call.session.operators.switch("ann", TAKEOVER)
        await call.session.operators.join(ANN, TAKEOVER)
    assert call.line.operators.muted == [("ann", False)]
    assert len(told(call, OperatorTookOver)) <= 1
    for _ in range(3):
        await call.session.operators.switch("ann", LISTEN)
    await call.heard_whole(BACK)
    assert len(told(call, HandedBack)) == 1
    assert [e.muted for e in call.all(events.SpeakerMuted)] == [True, False]


async def test_a_hand_back_that_overtakes_the_takeover_wins(begin: Begin) -> None:
    call = await begin(converse)
    await call.heard_whole(GREETING)
    await call.session.operators.join(ANN, LISTEN)
    comes_in(call, ANN)
    call.line.operators.obeys.clear()
    taking = asyncio.ensure_future(call.session.operators.switch("ann", TAKEOVER))
    await call.wait_for(lambda e: isinstance(e, events.SpeakerMuted))
    giving = asyncio.ensure_future(call.session.operators.switch("ann", LISTEN))
    await asyncio.sleep(0)
    call.line.operators.obeys.set()
    await asyncio.gather(taking, giving)
    await call.heard_whole(BACK)
    assert modes(call) == {"ann": LISTEN}
    assert call.line.operators.muted[-1] == ("ann", True)
    assert call.line.agent_muted == [True, False]
    assert not call.all(events.EscalationConnected)


async def test_a_network_that_will_not_unmute_leaves_the_call_with_the_agent(begin: Begin) -> None:
    call = await begin(converse)
    await call.session.operators.join(ANN, LISTEN)
    comes_in(call, ANN)
    call.line.operators.refuses = True
    with pytest.raises(CallUnreachable):
        await call.session.operators.switch("ann", TAKEOVER)
    await call.heard_whole(BACK)
    assert [e.part for e in call.all(events.Degraded)] == ["takeover"]
    call.line.operators.refuses = False
    await in_charge(call, BOB)


async def test_an_operator_whom_the_network_keeps_muted_has_not_asked_for_that(begin: Begin) -> None:
    call = await begin(converse)
    await call.session.operators.join(ANN, TAKEOVER)
    call.line.operators.never_unmutes = True
    comes_in(call, ANN)
    await call.heard_whole(BACK)
    await call.session.operators.switch("ann", LISTEN)
    assert [(e.mode, e.asked) for e in call.all(events.OperatorModeSwitched)] == [(LISTEN, False)]


async def test_an_operator_who_cannot_be_muted_again_is_taken_out(begin: Begin) -> None:
    call = await begin(converse)
    await in_charge(call)
    call.line.operators.refuses = True
    await call.session.operators.switch("ann", LISTEN)
    await call.heard_whole(BACK)
    assert call.line.operators.removed == ["ann"]
    assert call.session.operators.on_call == ()


async def test_an_operator_who_breaks_off_is_waited_for_and_then_replaced(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "GRACE_S", 0.5)
    call = await begin(converse)
    await call.heard_whole(GREETING)
    await in_charge(call)
    lost = time.monotonic()
    call.session.operators.left("ann", "participant_hung_up")
    await call.wait_for(lambda e: isinstance(e, events.SpeakerMuted) and not e.muted)
    assert 0.45 < time.monotonic() - lost < 5
    await call.heard_whole(BACK)
    assert told(call, HandedBack) == [HandedBack("Ann", lost=True)]
    assert [e.status for e in call.seen if isinstance(e, events.EscalationCompleted)] == ["completed"]


async def test_an_operator_who_comes_back_in_time_goes_on(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "GRACE_S", 0.5)
    call = await begin(converse)
    await call.heard_whole(GREETING)
    await in_charge(call)
    call.session.operators.left("ann", "failed")
    left = await call.wait_for(lambda e: isinstance(e, events.OperatorLeft))
    await call.session.operators.join(ANN, TAKEOVER)
    comes_in(call, ANN)
    await call.wait_for(lambda e: isinstance(e, events.OperatorModeSwitched) and e.seq > left.seq)
    await asyncio.wait({asyncio.create_task(call.heard_whole(BACK))}, timeout=0.8)
    assert told(call, HandedBack) == []
    assert modes(call) == {"ann": TAKEOVER}


async def test_without_a_conference_nobody_is_waited_for(begin: Begin) -> None:
    call = await begin(converse)
    await call.heard_whole(GREETING)
    await in_charge(call)
    gone = time.monotonic()
    call.session.operators.left("ann", "the conference ended", may_return=False)
    await call.wait_for(lambda e: isinstance(e, events.SpeakerMuted) and not e.muted)
    assert time.monotonic() - gone < 1.0


async def test_a_takeover_during_the_hand_back_keeps_the_agent_silent(begin: Begin) -> None:
    call = await begin(converse)
    await call.heard_whole(GREETING)
    await in_charge(call)
    await call.session.operators.join(BOB, LISTEN)
    comes_in(call, BOB)
    call.line.operators.obeys.clear()
    giving = asyncio.ensure_future(call.session.operators.switch("ann", LISTEN))
    await asyncio.sleep(0.01)
    taking = asyncio.ensure_future(call.session.operators.switch("bob", TAKEOVER))
    await asyncio.sleep(0.01)
    call.line.operators.obeys.set()
    await asyncio.gather(giving, taking)
    assert modes(call) == {"ann": LISTEN, "bob": TAKEOVER}
    assert told(call, HandedBack) == []
    assert call.line.agent_muted[-1] is True


async def test_the_end_of_the_call_in_the_middle_of_a_switch_leaves_nothing_behind(begin: Begin) -> None:
    call = await begin(converse)
    await call.session.operators.join(ANN, LISTEN)
    comes_in(call, ANN)
    call.line.operators.obeys.clear()
    taking = asyncio.ensure_future(call.session.operators.switch("ann", TAKEOVER))
    await asyncio.sleep(0)
    await call.session.end("caller_hangup")
    call.line.operators.obeys.set()
    await taking
    end = await call.wait_for(lambda e: isinstance(e, events.SessionEnd))
    assert end.seq == max(e.seq for e in call.seen)
    with pytest.raises(NoSuchCall):
        await call.session.operators.switch("ann", LISTEN)
    await call.session.operators.leave("ann")


async def test_a_leg_that_comes_in_after_its_operator_has_left_is_sent_away(begin: Begin) -> None:
    call = await begin(converse)
    await call.session.operators.join(ANN, TAKEOVER)
    await call.session.operators.leave("ann")
    comes_in(call, ANN)
    assert call.line.operators.removed == ["ann", "ann"]
    assert call.session.operators.on_call == ()
    call.session.operators.left("ann", "completed")
    assert len(call.all(events.OperatorLeft)) <= 1


async def test_a_refused_invitation_frees_the_place(begin: Begin) -> None:
    call = await begin(converse)
    call.line.operators.refuses = True
    with pytest.raises(CallUnreachable):
        await call.session.operators.join(ANN, TAKEOVER)
    call.line.operators.refuses = False
    await in_charge(call, BOB)
    assert not call.session.operators.has("ann")
