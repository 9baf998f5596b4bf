"""Safety rules on a live call: what the caller hears, what the record shows, who is called."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from models.expectation import Expectation
from models.speech import Pcm, Transcript
from tests.call.conftest import Speak
from tests.call.fakes import ScriptedConversation, ScriptedRecognizer, ScriptedUtterance
from tests.call.session_kit import GREETING, Begin, Call, greet_then_echo
from voice_agent.call import events
from voice_agent.operators.live_view import LiveView
from voice_agent.operators.queue import PriorityReason, rated
from voice_agent.reasoning.effects import Effect, Escalate, Say, SayKind
from voice_agent.reasoning.signals import NotReached, Signal, Started, Utterance
from voice_agent.safety.conversation import SafeConversation
from voice_agent.safety.loader import load_rules
from voice_agent.safety.monitor import Rulebook

SORRY = "Nobody is there, I am sorry."
EMERGENCY = "Please hang up and call 911 right now."


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return Rulebook(load_rules())


async def echo_and_regret(signal: Signal) -> AsyncIterator[Effect]:
    if isinstance(signal, NotReached):
        yield Say(SORRY)
        return
    async for effect in greet_then_echo(signal):
        yield effect


def guarded(rulebook: Rulebook) -> dict[str, Any]:
    """Service options: an echo with safety rules around it."""
    conversation = SafeConversation(ScriptedConversation(echo_and_regret), rulebook)
    return {"conversation": conversation, "overhear": conversation.overhear}


class Whispering(ScriptedUtterance):
    """Tells its words while they are being said."""

    def __init__(self, recognizer: ScriptedRecognizer, tell: Callable[[Transcript], None]) -> None:
        super().__init__(recognizer)
        self._tell = tell

    def feed(self, pcm: Pcm) -> None:
        super().feed(pcm)
        self._tell(Transcript("my appointment i can't breathe", 0.5, is_final=False, source="scripted"))


class WhisperingRecognizer(ScriptedRecognizer):
    def open(
        self, expectation: Expectation, on_partial: Callable[[Transcript], None] | None = None
    ) -> ScriptedUtterance:
        super().open(expectation)
        assert on_partial is not None
        return Whispering(self, on_partial)


async def heard_times(call: Call, text: str, times: int) -> None:
    """Until the caller has heard a sentence so often."""
    for count in range(1, times + 1):
        await call.wait_for(
            lambda _, count=count: sum(e.heard == text for e in call.all(events.AgentTranscript)) >= count, 15
        )


def view_of(call: Call) -> LiveView:
    start = call.all(events.SessionStart)[0]
    view = LiveView(start)
    for event in call.seen:
        view.apply(event)
    return view


async def test_chest_pain_in_passing_is_answered_with_911_and_calls_a_person(
    begin: Begin, speak: Speak, rulebook: Rulebook
) -> None:
    call = await begin(
        greet_then_echo,
        ScriptedRecognizer(["move my appointment and i have chest pain"]),
        anyone_free=True,
        service_options=guarded(rulebook),
    )
    await call.heard_whole(GREETING)
    await call.caller.say(await speak("Move my appointment, and I have chest pain"))
    await call.heard_whole(EMERGENCY)
    requested = await call.wait_for(lambda e: isinstance(e, events.EscalationRequested) and e.hard)
    assert (requested.trigger, requested.concept) == ("safety", "chest_pain")
    told = call.all(events.EscalationRequested)[0]
    assert not told.hard
    assert told.t - call.all(events.TurnCompleted)[0].t < 0.5
    assert requested.operator_type == "clinical"
    safety = call.all(events.Safety)[0]
    assert safety.concern_level == 3
    assert safety.concept_matches[0].agent_action == "escalate_now"
    assert safety.elapsed_ms < 50
    words = [e.text for e in call.all(events.AgentTranscriptDelta)]
    assert not [text for text in words if text.startswith("You said")]
    live = view_of(call).call
    assert live.concepts[0] == "chest_pain"
    assert PriorityReason.SAFETY_CONCERN in rated(live, requested.at).reasons


async def test_with_nobody_on_duty_the_caller_is_not_left_waiting(
    begin: Begin, speak: Speak, rulebook: Rulebook
) -> None:
    call = await begin(
        greet_then_echo,
        ScriptedRecognizer(["i can't breathe"]),
        service_options=guarded(rulebook),
    )
    await call.heard_whole(GREETING)
    await call.caller.say(await speak("I can't breathe"))
    await call.heard_whole(EMERGENCY)
    await call.heard_whole(SORRY)


async def test_every_cry_for_help_that_nobody_comes_for_is_answered_honestly(
    begin: Begin, speak: Speak, rulebook: Rulebook
) -> None:
    call = await begin(
        greet_then_echo,
        ScriptedRecognizer(["i can't breathe", "i can't breathe", "i have chest pain"]),
        service_options=guarded(rulebook),
    )
    await call.heard_whole(GREETING)
    for cry, cries in (("I can't breathe", 1), ("I can't breathe", 2), ("I have chest pain", 3)):
        await call.caller.say(await speak(cry))
        await heard_times(call, SORRY, cries)
    hard = [e.concept for e in call.all(events.EscalationRequested) if e.hard]
    assert hard == ["breathing", "breathing", "chest_pain"]


async def test_911_is_said_to_a_caller_who_already_waits_for_a_person(
    begin: Begin, speak: Speak, rulebook: Rulebook
) -> None:
    async def calls_a_nurse(signal: Signal) -> AsyncIterator[Effect]:
        if isinstance(signal, Started):
            yield Say(GREETING, SayKind.GREETING)
            yield Escalate("wants a nurse", "graph", hard=True)
        elif isinstance(signal, Utterance):
            yield Say("The agent's turns are over.")

    conversation = SafeConversation(ScriptedConversation(calls_a_nurse), rulebook)
    call = await begin(
        greet_then_echo,
        ScriptedRecognizer(["i have chest pain"]),
        anyone_free=True,
        service_options={"conversation": conversation},
    )
    await call.heard_whole(GREETING)
    await call.wait_for(lambda e: isinstance(e, events.EscalationRequested) and e.trigger == "graph")
    await call.caller.say(await speak("I have chest pain"))
    await call.heard_whole(EMERGENCY)
    requested = await call.wait_for(lambda e: isinstance(e, events.EscalationRequested) and bool(e.concept))
    assert (requested.concept, requested.operator_type, requested.hard) == ("chest_pain", "clinical", True)


async def test_a_cry_for_help_reaches_people_before_the_sentence_is_over(
    begin: Begin, speak: Speak, rulebook: Rulebook
) -> None:
    call = await begin(
        greet_then_echo,
        WhisperingRecognizer(["move my appointment i can't breathe"]),
        anyone_free=True,
        service_options=guarded(rulebook),
    )
    await call.heard_whole(GREETING)
    await call.caller.say(await speak("Move my appointment. I can't breathe"))
    await call.heard_whole(EMERGENCY)
    await call.wait_for(lambda e: isinstance(e, events.EscalationRequested) and e.hard)
    first, second = call.all(events.EscalationRequested)
    assert (first.hard, second.hard) == (False, True)
    assert first.escalation_id == second.escalation_id
    turn = call.all(events.TurnCompleted)[0]
    early = call.all(events.Safety)[0]
    assert not early.final
    assert early.seq < first.seq < turn.seq


async def test_a_concern_to_look_at_leaves_the_agent_in_the_conversation(
    begin: Begin, speak: Speak, rulebook: Rulebook
) -> None:
    call = await begin(
        greet_then_echo,
        ScriptedRecognizer(["the new pills give me a rash"]),
        anyone_free=True,
        service_options=guarded(rulebook),
    )
    await call.heard_whole(GREETING)
    await call.caller.say(await speak("The new pills give me a rash"))
    await call.heard_whole("You said: the new pills give me a rash.")
    [requested] = call.all(events.EscalationRequested)
    assert (requested.hard, requested.regulatory_basis) == (False, "21 CFR 314.80")
