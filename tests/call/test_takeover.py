"""Takeover and hand-back inside one call: what is sent, what the reasoner is told, and every race."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.call.conftest import Speak
from tests.call.fakes import CallerLeg, ScriptedRecognizer
from tests.call.session_kit import GREETING, Begin, Call, greet_then_echo
from voice_agent.call import events, takeover
from voice_agent.call.ports import AddedLeg
from voice_agent.operators.ports import (
    CallUnreachable,
    DeliveryStatus,
    NoSuchCall,
    OperatorBusy,
    OperatorError,
    OperatorLeg,
    OperatorMode,
)
from voice_agent.reasoning.effects import Effect, Say, SayKind, Transfer
from voice_agent.reasoning.signals import (
    External,
    HandedBack,
    OperatorSaid,
    OperatorTookOver,
    Signal,
    Started,
    TransferWithdrawn,
    Utterance,
)

LISTEN, TAKEOVER = OperatorMode.LISTEN, OperatorMode.TAKEOVER
ANN = OperatorLeg("ann", "Ann", "client:ann")
BOB = OperatorLeg("bob", "Bob", "client:bob")
BACK = "I am back."


async def converse(signal: Signal) -> AsyncIterator[Effect]:
    """Greets, echoes, and says that it is back."""
    if isinstance(signal, HandedBack):
        yield Say(BACK)
    async for effect in greet_then_echo(signal):
        yield effect


def comes_in(call: Call, operator: OperatorLeg) -> None:
    """The signed callback says so."""
    call.session.operators.joined(operator.operator_id, AddedLeg("CF1", f"CA-{operator.operator_id}"))


async def in_charge(call: Call, operator: OperatorLeg = ANN) -> None:
    await call.session.operators.join(operator, TAKEOVER)
    comes_in(call, operator)
    await switched(call, operator, TAKEOVER)


async def switched(call: Call, operator: OperatorLeg, mode: OperatorMode) -> None:
    await call.wait_for(
        lambda e: (
            isinstance(e, events.OperatorModeSwitched)
            and e.operator_id == operator.operator_id
            and e.mode is mode
        )
    )


def told(call: Call, *kinds: type) -> list[Any]:
    return [s for s in call.conversation.signals if isinstance(s, kinds)]


def modes(call: Call) -> dict[str, OperatorMode]:
    return {each.operator_id: each.mode for each in call.session.operators.on_call}


async def test_the_agent_stops_in_the_tick_of_the_takeover_and_sends_nothing_after_it(begin: Begin) -> None:
    call = await begin(converse)
    await call.session.operators.join(ANN, LISTEN)
    comes_in(call, ANN)
    await call.wait_for(lambda e: isinstance(e, events.Latency))
    call.line.operators.obeys.clear()
    pressed = time.monotonic()
    taking = asyncio.ensure_future(call.session.operators.switch("ann", TAKEOVER))
    await call.wait_for(lambda e: isinstance(e, events.AgentTranscript))
    assert len(call.network.clears) == 1
    assert call.network.clears[0] - pressed < 0.02
    assert call.network.sent_at[-1] <= pressed + 0.02
    call.line.operators.obeys.set()
    await taking
    [greeting] = call.all(events.AgentTranscript)
    assert greeting.interrupted
    assert greeting.heard + " " + greeting.unheard == GREETING or not greeting.heard
    assert call.line.agent_muted == [True]
    assert call.line.operators.muted == [("ann", False)]
    await call.session.operators.leave("ann")
    await call.heard_whole(BACK)
    assert told(call, OperatorTookOver, HandedBack) == [OperatorTookOver("Ann"), HandedBack("Ann")]


async def test_nothing_is_unmuted_before_the_leg_is_in(begin: Begin) -> None:
    call = await begin(converse)
    joined = await call.session.operators.join(ANN, TAKEOVER)
    assert (joined.participant_call_sid, joined.mode) == ("CA-ann", TAKEOVER)
    assert await call.session.operators.switch("ann", TAKEOVER) is TAKEOVER
    await call.heard_whole(GREETING)
    assert call.line.operators.muted == []
    assert call.session.operators.on_call == ()
    comes_in(call, ANN)
    await switched(call, ANN, TAKEOVER)
    assert call.line.operators.muted == [("ann", False)]


async def test_an_operator_who_changes_the_mind_before_the_leg_is_in_only_listens(begin: Begin) -> None:
    call = await begin(converse)
    await call.session.operators.join(ANN, TAKEOVER)
    await call.session.operators.switch("ann", LISTEN)
    comes_in(call, ANN)
    await call.heard_whole(GREETING)
    assert call.line.operators.muted == []
    await call.session.operators.join(BOB, TAKEOVER)


async def test_words_of_the_caller_are_observed_and_not_answered(begin: Begin, speak: Speak) -> None:
    call = await begin(converse, ScriptedRecognizer(["is anybody there"]))
    await call.heard_whole(GREETING)
    await in_charge(call)
    sent = len(call.network.sent_at)
    await call.caller.say(await speak("Is anybody there?"))
    await call.wait_for(lambda e: isinstance(e, events.TurnCompleted))
    assert len(call.network.sent_at) == sent
    await call.session.operators.switch("ann", LISTEN)
    await call.heard_whole(BACK)
    assert [type(s) for s in told(call, OperatorTookOver, Utterance, HandedBack)] == [
        OperatorTookOver,
        Utterance,
        HandedBack,
    ]
    assert not [e for e in call.all(events.AgentTranscript) if "You said" in e.heard]


async def test_the_greeting_is_never_said_again(begin: Begin) -> None:
    call = await begin(converse)
    await call.wait_for(lambda e: isinstance(e, events.Latency))
    await in_charge(call)
    await call.session.operators.leave("ann")
    await call.heard_whole(BACK)
    assert len(told(call, Started)) == 1
    assert [e.text for e in call.all(events.AgentTranscriptDelta)] == [GREETING, BACK]


async def test_the_operators_last_words_are_known_before_the_hand_back(begin: Begin, speak: Speak) -> None:
    call = await begin(converse, ScriptedRecognizer(["i have moved it to friday"]))
    await call.heard_whole(GREETING)
    await in_charge(call)
    microphone = CallerLeg()
    microphone.start(call.session.operators.attach("ann", microphone))
    await microphone.say((await speak("I have moved it to Friday"))[:-1200])
    await call.wait_for(lambda e: isinstance(e, events.SpeechStarted) and e.leg == "operator")
    await call.session.operators.switch("ann", LISTEN)
    await call.heard_whole(BACK)
    said = told(call, OperatorSaid, HandedBack)
    assert said == [OperatorSaid("Ann", "i have moved it to friday"), HandedBack("Ann")]
    words = next(e for e in call.all(events.UserTranscript) if e.final)
    assert (words.speaker_role, words.speaker_id) == ("operator", "ann")
    microphone.close()


class Recording:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.operator: list[tuple[int, bytes]] = []

    def write_caller(self, position: int, ulaw: bytes) -> None:
        pass

    write_agent = write_caller

    def write_operator(self, position: int, ulaw: bytes) -> None:
        self.operator.append((position, ulaw))

    async def close(self) -> None:
        pass


async def test_a_muted_operator_costs_nothing_and_is_not_kept(begin: Begin, speak: Speak) -> None:
    recognizer, recording = ScriptedRecognizer(["hello"]), Recording()
    call = await begin(converse, recognizer, recording=recording)
    await call.heard_whole(GREETING)
    await call.session.operators.join(ANN, LISTEN)
    comes_in(call, ANN)
    microphone = CallerLeg()
    microphone.start(call.session.operators.attach("ann", microphone))
    await microphone.say(await speak("Nobody must hear this"))
    assert recording.operator == []
    assert recognizer.fed == 0
    assert not call.all(events.SpeechStarted)
    await call.session.operators.switch("ann", TAKEOVER)
    began = call.session.log.now()
    await microphone.say(await speak("Hello"))
    await call.session.operators.switch("ann", LISTEN)
    ended = call.session.log.now()
    first, last = recording.operator[0][0] / 8000, recording.operator[-1][0] / 8000
    assert began - 0.05 <= first <= began + 0.1
    assert last <= ended
    kept = len(recording.operator)
    await microphone.say(await speak("Nor this"))
    assert len(recording.operator) == kept
    microphone.close()


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
    assert 0.45 < time.monotonic() - lost < 1.5
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


async def test_who_is_not_on_the_call_cannot_command_it(begin: Begin) -> None:
    call = await begin(converse)
    with pytest.raises(OperatorError):
        await call.session.operators.switch("ann", TAKEOVER)
    with pytest.raises(OperatorError):
        call.session.operators.guide("ann", "say: hello")
    await call.session.operators.leave("ann")


async def test_guidance_survives_an_interruption_and_says_what_became_of_it(
    begin: Begin, speak: Speak
) -> None:
    call = await begin(converse, ScriptedRecognizer(["no wait please listen"]))
    await call.session.operators.join(ANN, LISTEN)
    await call.wait_for(lambda e: isinstance(e, events.Latency))
    talking = asyncio.ensure_future(call.caller.say(await speak("No, wait, please listen to me")))
    await call.wait_for(lambda e: isinstance(e, events.SpeechStarted))
    assert call.session.operators.guide("ann", "offer a call back") is DeliveryStatus.DELIVERED
    await talking
    await call.wait_for(lambda e: isinstance(e, events.TurnCompleted))
    await call.heard_whole("You said: no wait please listen.")
    assert told(call, External) == [External("offer a call back", "guidance", "Ann")]


async def test_a_transfer_is_off_when_a_person_takes_over(begin: Begin) -> None:
    async def transferring(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Say("I will put you through to the front desk now.", SayKind.GREETING)
            yield Transfer("+14155550199")

    call = await begin(transferring)
    await call.wait_for(lambda e: isinstance(e, events.Latency))
    await in_charge(call)
    resolved = await call.wait_for(lambda e: isinstance(e, events.ForwardCallResolved))
    assert (resolved.result, resolved.target_number) == ("withdrawn", "+14155550199")
    assert call.line.transfers == []
    assert len(told(call, TransferWithdrawn)) <= 1
