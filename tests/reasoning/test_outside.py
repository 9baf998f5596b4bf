"""Operators, guidance, events and tone."""

from __future__ import annotations

import pytest

from tests.reasoning.conftest import MakeTalk, Talk, of_kind, said
from voice_agent.reasoning.effects import End, Escalate, FillerType, Pace, Say, Thought, Transfer
from voice_agent.reasoning.guidance import GuidanceKind, parse_guidance
from voice_agent.reasoning.phrases import DEFAULT_PHRASES, PhraseName
from voice_agent.reasoning.reasoner import Speaker
from voice_agent.reasoning.signals import (
    Emotion,
    External,
    HandedBack,
    NotReached,
    OperatorSaid,
    OperatorTookOver,
    RiskChanged,
    Silence,
    TransferWithdrawn,
    Utterance,
)

ANGRY = Emotion("frustration", -0.7, 0.8)


async def in_the_middle(talk: Talk) -> Talk:
    await talk.start()
    await talk.hear("i need to reschedule")
    return talk


async def test_while_an_operator_speaks_the_agent_says_nothing(small: Talk) -> None:
    await in_the_middle(small)
    for signal in (
        OperatorTookOver("Ann"),
        Utterance("it's march second nineteen eighty four"),
        OperatorSaid("Ann", "Let me look that up for you."),
        Silence(8.0, 1),
        Utterance("thank you"),
    ):
        assert of_kind(await small.send(signal), Say) == []
    assert small.state == "identify"


async def test_after_the_hand_back_the_agent_goes_on_without_greeting_again(small: Talk) -> None:
    await in_the_middle(small)
    await small.send(OperatorTookOver("Ann"))
    await small.send(OperatorSaid("Ann", "I have noted your new address."))
    heard = said(await small.send(HandedBack("Ann")))
    assert heard == "I'm back on the line with you. What's your date of birth?"
    speakers = [line.speaker for line in small.conversation.history]
    assert Speaker.OPERATOR in speakers
    await small.hear("march second nineteen eighty four")
    assert small.field("dob") == "1984-03-02"


async def test_a_hard_escalation_silences_the_agent_until_it_is_handed_back(talk_over: MakeTalk) -> None:
    talk = talk_over("""
new_user_initial_state: a
returning_user_initial_state: a
terminal_state: z
intents:
  - {name: person, escalate: {reason: asked, hard: true}}
states:
  - name: a
    type: action
    objective: x
    say_on_entry: What is it?
    exit_conditions:
      - {description: x, examples: [that is all], next_state: z}
      - {description: x, next_state: z}
  - {name: z, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}
""")
    await talk.start()
    assert await talk.hear("let me speak to a human") == "Of course. Let me get someone for you."
    assert of_kind(talk.effects, Escalate)[-1].hard
    assert await talk.hear("hello") == ""
    assert said(await talk.send(Silence(8.0, 1))) == ""
    await talk.send(OperatorTookOver("Ann"))
    assert said(await talk.send(HandedBack("Ann"))).startswith("I'm back")
    assert await talk.hear("that is all") == "Bye."


async def test_a_lost_operator_is_spoken_of(small: Talk) -> None:
    await in_the_middle(small)
    await small.send(OperatorTookOver("Ann"))
    heard = said(await small.send(HandedBack("Ann", lost=True)))
    assert "lost" in heard
    assert heard.endswith("What's your date of birth?")


WANTS_A_PERSON = """
new_user_initial_state: a
returning_user_initial_state: a
terminal_state: z
intents:
  - {name: person, ACTION}
states:
  - name: a
    type: action
    objective: x
    say_on_entry: What is it?
    exit_conditions:
      - {description: x, examples: [that is all], next_state: z}
      - {description: x, next_state: z}
  - name: going
    type: action
    objective: x
    say_on_entry: I'll connect you.
    say_again: What else?
    then: {transfer: "+14155550199"}
    exit_conditions:
      - {description: nobody, when: 'event.message == "transfer not reached"', next_state: message}
  - name: message
    type: action
    objective: x
    say_on_entry: May I take a message?
    exit_conditions: [{description: x, next_state: z}]
  - {name: z, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}
"""


async def test_a_hard_escalation_that_nobody_answers_gives_the_agent_its_voice_back(
    talk_over: MakeTalk,
) -> None:
    talk = talk_over(WANTS_A_PERSON.replace("ACTION", "escalate: {reason: asked, hard: true}"))
    await talk.start()
    await talk.hear("i want to talk to a person")
    heard = said(await talk.send(NotReached("operator", promised=False)))
    assert heard.startswith("I'm sorry, I couldn't reach anyone")
    assert await talk.hear("that is all") == "Bye."


async def test_a_soft_request_without_a_promise_is_not_spoken_of(small: Talk) -> None:
    await in_the_middle(small)
    assert said(await small.send(NotReached("operator", promised=False))) == ""
    assert "couldn't reach" in said(await small.send(NotReached("operator")))


async def test_nobody_is_waited_for_while_an_operator_speaks(small: Talk) -> None:
    await in_the_middle(small)
    await small.send(OperatorTookOver("Ann"))
    assert said(await small.send(NotReached("operator"))) == ""


async def test_a_transfer_that_nobody_answers_leads_where_the_graph_says(talk_over: MakeTalk) -> None:
    talk = talk_over(WANTS_A_PERSON.replace("ACTION", "next_state: going"))
    await talk.start()
    await talk.hear("a person please")
    assert of_kind(talk.effects, Transfer)
    assert said(await talk.send(NotReached("transfer"))) == "May I take a message?"


async def test_words_over_a_transfer_are_no_goodbye(talk_over: MakeTalk) -> None:
    talk = talk_over(WANTS_A_PERSON.replace("ACTION", "next_state: going"))
    await talk.start()
    await talk.hear("a person please")
    await talk.send(TransferWithdrawn())
    await talk.hear("no wait")
    assert not of_kind(talk.effects, End)


async def test_guided_words_come_before_the_next_question(small: Talk) -> None:
    await small.start()
    assert said(await small.send(External("say: we close early today", kind="guidance"))) == ""
    heard = await small.hear("i need to reschedule")
    assert heard == "We close early today. What's your date of birth?"
    assert "close early" not in await small.hear("what are your hours")


async def test_a_guided_question_takes_the_place_of_the_agents_own_and_fills_its_field(small: Talk) -> None:
    await small.start()
    await small.send(External("ask for the member ID", kind="guidance", sender="Ann"))
    assert await small.hear("i need to reschedule") == "Could you tell me the member ID?"
    heard = await small.hear("w two zero four one seven seven")
    assert small.field("member_id") == "W204177"
    assert heard.endswith("What's your date of birth?")


async def test_a_guided_question_about_nothing_known_keeps_the_answer(small: Talk) -> None:
    await small.start()
    await small.send(External("ask whether they can come by train", kind="guidance"))
    assert "Could you tell me whether they can come by train?" in await small.hear("i need to reschedule")
    assert (await small.hear("i always come by train")).endswith("What's your date of birth?")


async def test_a_guided_offer_is_made_and_its_answer_noted(small: Talk) -> None:
    await small.start()
    await small.send(External("offer a telehealth visit", kind="guidance"))
    assert (
        await small.hear("i need to reschedule")
        == "I can also offer you a telehealth visit. Would you like that?"
    )
    heard = await small.hear("yes please")
    assert heard == "Great, I've made a note of that. What's your date of birth?"


async def test_a_guided_transfer_happens_at_once(small: Talk) -> None:
    await small.start()
    effects = await small.send(External("transfer to the nurse", kind="guidance"))
    assert "Let me get someone" in said(effects)
    [escalation] = of_kind(effects, Escalate)
    assert (escalation.trigger, escalation.promised) == ("operator", True)


async def test_slowing_down_is_an_effect(small: Talk) -> None:
    await small.start()
    assert of_kind(await small.send(External("slow down", kind="guidance")), Pace)


async def test_free_guidance_is_a_thought(small: Talk) -> None:
    await small.start()
    effects = await small.send(External("she is hard of hearing", kind="guidance", sender="Ann"))
    assert of_kind(effects, Thought) == [Thought("Ann: she is hard of hearing")]


@pytest.mark.parametrize(
    ("text", "kind", "rest"),
    [
        ("Say we are closed", GuidanceKind.SAY, "we are closed"),
        ("tell the caller that we are closed", GuidanceKind.SAY, "we are closed"),
        ("please ask for their card", GuidanceKind.ASK, "their card"),
        ("ask them about the card", GuidanceKind.ASK, "the card"),
        ("Offer: a visit on Monday", GuidanceKind.OFFER, "a visit on Monday"),
        ("speak slower", GuidanceKind.SLOW_DOWN, ""),
        ("Slow down please", GuidanceKind.SLOW_DOWN, ""),
        ("transfer them to billing", GuidanceKind.TRANSFER, ""),
        ("she says she is tired", GuidanceKind.OTHER, "she says she is tired"),
        ("", GuidanceKind.OTHER, ""),
    ],
)
def test_plain_forms_of_guidance(text: str, kind: GuidanceKind, rest: str) -> None:
    guidance = parse_guidance(text)
    assert (guidance.kind, guidance.text) == (kind, rest)


async def test_a_frustrated_caller_is_acknowledged_once_in_a_while(small: Talk) -> None:
    await small.start()
    assert await small.send(ANGRY) == []
    effects = await small.send(Utterance("i need to reschedule"))
    assert said(effects) == "I'm sorry for the trouble. What's your date of birth?"
    assert of_kind(effects, Say)[0].filler_type is FillerType.EMPATHY
    await small.send(ANGRY)
    assert "trouble" not in await small.hear("what are your hours")


async def test_a_reading_that_is_not_sure_enough_is_left_to_the_tone_of_voice(small: Talk) -> None:
    await small.start()
    await small.send(Emotion("angry", -0.8, 0.9, {"acknowledge": False}))
    assert await small.hear("i need to reschedule") == "What's your date of birth?"


async def test_who_was_not_understood_is_not_told_twice_that_one_is_sorry(small: Talk) -> None:
    await small.start()
    await small.send(Emotion("angry", -0.8, 0.9, {"acknowledge": True}))
    reply = await small.hear("flarble the quux")
    assert "trouble" not in reply


async def test_an_old_reading_is_not_acknowledged(small: Talk) -> None:
    await small.start()
    await small.send(Emotion("angry", -0.8, 0.9, {"acknowledge": True}))
    await small.hear("flarble the quux")
    assert "trouble" not in await small.hear("i need to reschedule")


@pytest.mark.parametrize("name", ["empathy_frustration", "empathy_worry", "empathy_sadness"])
def test_no_sentence_tells_callers_how_they_feel(name: str) -> None:
    said = " ".join(DEFAULT_PHRASES[PhraseName(name)]).lower()
    named = ("angry", "frustrat", "upset", "worr", "anxious", "afraid", "sad", "you feel", "you sound")
    assert [word for word in named if word in said] == []


async def test_a_person_is_offered_once_where_the_graph_wants_it_at_this_risk(talk_over: MakeTalk) -> None:
    talk = talk_over("""
new_user_initial_state: a
returning_user_initial_state: a
terminal_state: z
risk_guidelines: {alert: {offer_person: true, action_guidelines: [Be brief.]}}
states:
  - name: a
    type: action
    objective: x
    say_on_entry: What is it?
    exit_conditions:
      - {description: x, examples: [tell me], next_state: a}
      - {description: y, when: risk.score > 90, next_state: z}
  - {name: z, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}
""")
    await talk.start()
    await talk.send(RiskChanged(35, "monitor"))
    assert await talk.hear("tell me") == "What is it?"
    await talk.send(RiskChanged(55, "alert"))
    assert "someone to help you" in await talk.hear("tell me")
    effects = await talk.send(Utterance("yes please"))
    assert [(e.trigger, e.promised) for e in of_kind(effects, Escalate)] == [("risk", True)]


async def test_calm_risk_offers_nobody(small: Talk) -> None:
    await small.start()
    await small.send(RiskChanged(90, "escalate"))  # the graph says nothing about it
    assert await small.hear("i need to reschedule") == "What's your date of birth?"


async def test_a_calm_caller_hears_nothing_of_the_kind(small: Talk) -> None:
    await small.start()
    await small.send(Emotion("frustration", -0.1, 0.3))
    assert await small.hear("i need to reschedule") == "What's your date of birth?"


async def test_tone_is_known_to_conditions(talk_over: MakeTalk) -> None:
    talk = talk_over("""
new_user_initial_state: a
returning_user_initial_state: a
terminal_state: z
states:
  - name: a
    type: action
    objective: x
    say_on_entry: What is it?
    exit_conditions: [{description: x, examples: [tell me], next_state: b}, {description: x, next_state: z}]
  - name: b
    type: decision
    objective: x
    exit_conditions:
      - {description: upset, when: emotion.valence < -0.5, say: Take your time., next_state: z}
      - {description: fine, next_state: z}
  - {name: z, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}
""")
    await talk.start()
    await talk.send(Emotion("surprise", -0.8, 0.2))
    assert await talk.hear("tell me") == "Take your time. Bye."
