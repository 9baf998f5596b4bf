"""Takeover and hand-back inside one call: what is sent, and what the reasoner is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.call.conftest import Speak
from tests.call.fakes import CallerLeg, ScriptedRecognizer
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
    switched,
    told,
)
from voice_agent.call import events
from voice_agent.operators.ports import (
    DeliveryStatus,
    OperatorError,
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
    assert last <= ended + 0.1  # the leg and the call have clocks of their own
    kept = len(recording.operator)
    await microphone.say(await speak("Nor this"))
    assert len(recording.operator) == kept
    microphone.close()


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
