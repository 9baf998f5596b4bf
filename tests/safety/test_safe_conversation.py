"""A conversation with safety rules around it, as an adapter sees it: signals in, effects out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from models.expectation import AnswerKind, Expectation
from voice_agent.reasoning.effects import (
    Effect,
    Escalate,
    Expect,
    FillerType,
    SafetyAssessed,
    Say,
    StateChanged,
)
from voice_agent.reasoning.signals import (
    Emotion,
    External,
    FillerChosen,
    HandedBack,
    NotReached,
    OperatorTookOver,
    SafetyRaised,
    Signal,
    Utterance,
    Via,
)
from voice_agent.safety.conversation import SafeConversation
from voice_agent.safety.loader import read_rules
from voice_agent.safety.monitor import Rulebook


class Inner:
    """What a reasoner would be; it answers everything in the same way and keeps what it was told."""

    state = "booking"
    expectation = Expectation(kinds=(AnswerKind.YES_NO,), phrases=("yes please",))

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self.closed = False
        self.leads_to = ""

    async def step(self, signal: Signal) -> AsyncGenerator[Effect]:
        self.signals.append(signal)
        if isinstance(signal, Utterance):
            yield Expect(self.expectation)
            yield Say("Which day would you like?")
            if self.leads_to:
                yield StateChanged("booking", self.leads_to, "exit")
        elif isinstance(signal, SafetyRaised) and signal.next_state:
            yield StateChanged("booking", signal.next_state, "safety")

    def snapshot(self) -> dict[str, Any]:
        return {"state": self.state}

    async def close(self) -> None:
        self.closed = True


class Talk:
    """The conversation under test and everything it did."""

    def __init__(self, rulebook: Rulebook, **options: bool) -> None:
        self.inner = Inner()
        self.conversation = SafeConversation(self.inner, rulebook, **options)

    async def signal(self, signal: Signal) -> list[Effect]:
        return [effect async for effect in self.conversation.step(signal)]

    async def say(self, text: str, **more: Any) -> list[Effect]:
        return await self.signal(Utterance(text, **more))


def said(effects: list[Effect]) -> str:
    return " ".join(effect.text for effect in effects if isinstance(effect, Say))


def only(effects: list[Effect], kind: type) -> Any:
    [found] = [effect for effect in effects if isinstance(effect, kind)]
    return found


def hard(effects: list[Effect]) -> Escalate:
    [found] = [effect for effect in effects if isinstance(effect, Escalate) and effect.hard]
    return found


@pytest.fixture
def talk(rulebook: Rulebook) -> Talk:
    return Talk(rulebook)


async def test_harmless_words_reach_the_reasoner_as_they_are(talk: Talk) -> None:
    effects = await talk.say("i need an appointment")
    assert said(effects) == "Which day would you like?"
    assert talk.inner.signals == [Utterance("i need an appointment")]
    assert not [effect for effect in effects if isinstance(effect, SafetyAssessed)]


async def test_what_is_acute_is_answered_without_the_reasoner(talk: Talk) -> None:
    effects = await talk.say("tuesday is fine and i have chest pain")
    assert said(effects).startswith("This could be an emergency. Please hang up and call 911 right now.")
    assert "Which day" not in said(effects)
    wanted = hard(effects)
    assert (wanted.trigger, wanted.concept, wanted.operator_type) == ("safety", "chest_pain", "clinical")
    raised = only(talk.inner.signals, SafetyRaised)  # type: ignore[arg-type]
    assert (raised.concept, raised.next_state, raised.hard) == ("chest_pain", "emergency", True)


async def test_people_are_told_first_then_come_words_that_cannot_be_interrupted_then_the_agent_stops(
    talk: Talk,
) -> None:
    effects = await talk.say("i can't breathe")
    words = [effect for effect in effects if isinstance(effect, Say)]
    assert all(not word.interruptible for word in words)
    told = next(effect for effect in effects if isinstance(effect, Escalate))
    assert not told.hard
    assert effects.index(told) < effects.index(words[0])
    assert effects.index(words[-1]) < effects.index(hard(effects))


async def test_the_event_carries_the_published_fields(talk: Talk) -> None:
    assessed = only(await talk.say("i can't breathe"), SafetyAssessed)
    [match] = [match for match in assessed.concept_matches if match.concept == "breathing"]
    assert (match.similarity, match.agent_action, match.agent_confidence) == (1.0, "escalate_now", 1.0)
    assert "breathe" in match.agent_reasoning
    assert (assessed.concern_level, assessed.peak_concern_level, assessed.concern_turn_count) == (3, 3, 1)
    assert assessed.triage_history == (3,)


async def test_a_regulated_concern_tells_a_person_while_the_conversation_goes_on(talk: Talk) -> None:
    effects = await talk.say("my husband hits me")
    wanted = only(effects, Escalate)
    assert (wanted.hard, wanted.operator_type, wanted.regulatory_basis) == (False, "crisis_counselor", "VAWA")
    assert said(effects).endswith("Which day would you like?")
    assert said(effects).startswith("If you're ever in danger, please call 911.")


async def test_a_person_is_told_of_the_same_concern_once(talk: Talk) -> None:
    await talk.say("my husband hits me")
    again = await talk.say("he hits me when he drinks")
    assert said(again) == "Which day would you like?"
    assert not [effect for effect in again if isinstance(effect, Escalate)]
    assert only(again, SafetyAssessed).concern_turn_count == 2


async def test_badly_heard_cries_are_met_with_a_condition_and_no_alarm(talk: Talk) -> None:
    effects = await talk.say("i can't breathe", accepted=False, confidence=0.2)
    assert said(effects).startswith("I'm not sure I heard you right. If this is an emergency,")
    assert not only(effects, Escalate).hard


async def test_keys_are_not_words(talk: Talk) -> None:
    effects = await talk.say("911", via=Via.KEYPAD)
    assert said(effects) == "Which day would you like?"


async def test_text_is_judged_as_speech_is(talk: Talk) -> None:
    assert "911" in said(await talk.say("I can’t breathe!!", via=Via.TEXT))


async def test_while_a_person_is_awaited_nothing_more_is_said(talk: Talk) -> None:
    await talk.say("i can't breathe")
    effects = await talk.say("i still can't breathe")
    assert not [effect for effect in effects if isinstance(effect, Escalate)]
    assert only(effects, SafetyAssessed).concern_level == 3


async def test_when_nobody_comes_the_next_cry_is_answered_again_in_other_words(talk: Talk) -> None:
    await talk.say("i can't breathe")
    await talk.signal(NotReached("operator"))
    assert said(await talk.say("i can't breathe")) == "Please don't wait. Hang up and call 911 right now."


async def test_a_person_on_the_line_hears_it_and_the_agent_stays_silent(talk: Talk) -> None:
    await talk.signal(OperatorTookOver("Ana"))
    effects = await talk.say("i can't breathe")
    assert only(effects, SafetyAssessed).concern_level == 3
    assert not [effect for effect in effects if isinstance(effect, Escalate)]
    await talk.signal(HandedBack("Ana"))
    assert "911" in said(await talk.say("i can't breathe"))


async def test_a_step_that_is_abandoned_loses_neither_the_call_for_help_nor_the_memory_of_it(
    talk: Talk,
) -> None:
    async with aclosing(talk.conversation.step(Utterance("i can't breathe"))) as stream:
        async for effect in stream:
            if isinstance(effect, Say):
                break
    effects = await talk.say("hello")
    assert hard(effects).concept == "breathing"
    assert any(isinstance(signal, SafetyRaised) for signal in talk.inner.signals)


async def test_cries_for_help_may_be_heard_at_any_moment(talk: Talk) -> None:
    assert "i can't breathe" in talk.conversation.expectation.phrases
    expect = only(await talk.say("i need an appointment"), Expect)
    assert expect.expectation.phrases[0] == "yes please"
    assert "i can't breathe" in expect.expectation.phrases


async def test_a_service_may_switch_it_off(rulebook: Rulebook) -> None:
    talk = Talk(rulebook, watches=False)
    assert said(await talk.say("i can't breathe")) == "Which day would you like?"
    assert talk.conversation.expectation == Inner.expectation


async def test_unfinished_words_call_a_person_once_and_say_nothing(talk: Talk) -> None:
    assert talk.conversation.overhear("i need to move my") is None
    wanted = talk.conversation.overhear("i need to move my i can't breathe")
    assert wanted is not None
    assert (wanted.hard, wanted.concept) == (False, "breathing")
    assert talk.conversation.overhear("i need to move my i can't breathe help") is None
    assert only(await talk.say("i can't breathe help"), Escalate).hard  # told before, so only the hard one


async def test_the_snapshot_tells_what_was_found(talk: Talk) -> None:
    await talk.say("i can't breathe")
    assert talk.conversation.snapshot()["safety"]["peak_concern_level"] == 3
    assert talk.conversation.snapshot()["state"] == "booking"
    await talk.conversation.close()
    assert talk.inner.closed


HARD = """
template_ids: [doctors_line]
hard_escalation_rules:
  - {name: lawyer, detection: intent, intent_patterns: [my (lawyer|attorney)], operator_type: administrative,
     reason: legal threat}
  - {name: locked, detection: state, states: [emergency, complaint], immediate: true, operator_type: clinical,
     reason: reached a state that people answer, response: person}
responses:
  person: {say: I am getting a person for you.}
"""


async def test_a_hard_rule_of_the_service_calls_its_kind_of_operator() -> None:
    talk = Talk(Rulebook(read_rules(HARD)))
    effects = await talk.say("you will hear from my lawyer")
    wanted = only(effects, Escalate)
    assert (wanted.operator_type, wanted.reason, wanted.hard) == ("administrative", "legal threat", False)
    assert said(effects) == "Which day would you like?"


async def test_a_hard_rule_may_be_about_where_the_conversation_is() -> None:
    talk = Talk(Rulebook(read_rules(HARD)))
    effects = await talk.say("i can't breathe")
    assert [e.concept for e in effects if isinstance(e, Escalate) and e.hard] == ["breathing", "locked"]
    assert "getting a person" not in said(effects)  # somebody was called and promised already


async def test_where_a_state_stops_the_agent_the_caller_is_told_and_so_is_the_conversation_inside() -> None:
    talk = Talk(Rulebook(read_rules(HARD)))
    talk.inner.leads_to = "complaint"
    effects = await talk.say("i want to complain")
    assert said(effects).endswith("I am getting a person for you.")
    assert hard(effects).concept == "locked"
    assert talk.inner.signals[-1] == SafetyRaised(
        "", ("I am getting a person for you.",), "locked", hard=True
    )


async def test_something_acute_that_has_no_words_calls_a_person_and_the_agent_goes_on() -> None:
    talk = Talk(Rulebook(read_rules("concepts: [{name: gas, description: gas leak, acute: [gas leak]}]")))
    effects = await talk.say("there is a gas leak")
    assert only(effects, Escalate).hard is False
    assert said(effects) == "Which day would you like?"


BEHAVIORS = """
behaviors:
  - name: late
    trigger: {keywords: [running late]}
    action: {instruction: "Say: No problem."}
    cooldown_turns: 1
  - name: urgent
    trigger: {keywords: [running late]}
    action: {instruction: "Ask when they arrive."}
    priority: 5
  - name: elsewhere
    trigger: {keywords: [running late], states: [goodbye]}
    action: {instruction: "Say: never here."}
    priority: 9
  - name: sad
    trigger: {emotion_tiers: [2, 3]}
    action: {instruction: "Say: I'm here for you."}
  - {name: off, enabled: false, trigger: {keywords: [hello]}, action: {instruction: x}}
"""


def instructions(talk: Talk) -> list[str]:
    return [signal.sender for signal in talk.inner.signals if isinstance(signal, External)]


async def test_behaviors_come_up_by_priority_and_then_rest() -> None:
    talk = Talk(Rulebook(read_rules(BEHAVIORS)))
    await talk.say("i'm running late")
    assert instructions(talk) == ["urgent", "late"]
    assert isinstance(talk.inner.signals[-1], Utterance)
    await talk.say("still running late")
    assert instructions(talk) == ["urgent", "late"]
    await talk.say("i'm running late")
    assert instructions(talk) == ["urgent", "late", "late"]


async def test_a_behavior_may_follow_the_callers_mood() -> None:
    talk = Talk(Rulebook(read_rules(BEHAVIORS)))
    await talk.say("hello")
    assert instructions(talk) == []
    await talk.signal(Emotion("sad", -0.6, 0.3, {"empathy_tier": 2}))
    await talk.say("hello")
    assert instructions(talk) == ["sad"]


FILLERS = """
behaviors:
  - {name: grief, trigger: {keywords: [passed away]}, action: {filler_override: empathy}, cooldown_turns: 0}
  - {name: hush, trigger: {keywords: [be quiet]}, action: {filler_override: silent, instruction: Be brief.}}
"""


async def test_a_behavior_chooses_what_covers_a_wait_for_its_turn_alone() -> None:
    talk = Talk(Rulebook(read_rules(FILLERS)))
    for text in ("hello", "my mother passed away", "she passed away in june", "thanks", "be quiet", "bye"):
        await talk.say(text)
    assert [signal for signal in talk.inner.signals if isinstance(signal, FillerChosen)] == [
        FillerChosen(FillerType.EMPATHY),
        FillerChosen(),
        FillerChosen(None),
        FillerChosen(),
    ]
    assert instructions(talk) == ["hush"]


async def test_behaviors_may_be_switched_off() -> None:
    talk = Talk(Rulebook(read_rules(BEHAVIORS)), behaves=False)
    await talk.say("i'm running late")
    assert instructions(talk) == []
