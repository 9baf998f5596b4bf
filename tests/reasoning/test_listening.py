"""What the engine makes of words: wishes at any time, doubt, noise, silence, and things said too late."""

from __future__ import annotations

import pytest

from tests.reasoning.conftest import MakeTalk, Talk, of_kind, said
from voice_agent.reasoning.effects import End, Escalate, Pace, Say, SayKind
from voice_agent.reasoning.reasoner import Line, Speaker
from voice_agent.reasoning.signals import Heard, Silence, Utterance, Via


async def asked_for_birth_date(talk: Talk) -> Talk:
    await talk.start()
    assert await talk.hear("i need to reschedule") == "What's your date of birth?"
    return talk


@pytest.mark.parametrize("changes", [{"accepted": False}, {"confidence": 0.2}])
async def test_words_the_recognizer_does_not_trust_are_never_acted_on(
    small: Talk, changes: dict[str, object]
) -> None:
    await small.start()
    heard = await small.hear("i need to reschedule", **changes)
    assert heard.startswith("Sorry, I didn't catch that.")
    assert small.state == "greet"
    assert of_kind(small.effects, Say)[-1].kind is SayKind.PROMPT


async def test_a_yes_and_a_yeah_that_share_the_confidence_are_one_answer(small: Talk) -> None:
    await small.start()
    for _ in range(3):
        await small.hear("mumble", accepted=False)
    doubtful = await small.hear("yes", confidence=0.35, alternatives=(("no", 0.3),))
    assert not doubtful.startswith("Of course.")
    agreed = await small.hear("yes", confidence=0.35, alternatives=(("yeah", 0.3), ("yep", 0.2)))
    assert agreed.startswith("Of course.")


async def test_keys_and_typed_words_are_trusted_whatever_their_confidence(small: Talk) -> None:
    await small.start()
    await small.hear("i need to reschedule", confidence=0.1, via=Via.TEXT)
    assert small.state == "identify"


async def test_badly_heard_three_times_in_a_row_offers_a_person(small: Talk) -> None:
    await small.start()
    heard = [await small.hear("mumble", accepted=False) for _ in range(3)]
    assert len({text.split(".")[0] for text in heard}) == 3
    assert heard[2].endswith("Would you like me to get someone to help you?")


async def test_words_that_mean_nothing_here_three_times_take_the_catch_all(small: Talk) -> None:
    await small.start()
    assert (await small.hear("purple elephants")).startswith("Sorry, I didn't get that.")
    await small.hear("bananas in pajamas")
    assert await small.hear("colourless green ideas") == "Let me get someone who can help you."
    assert small.state == "person"


async def test_being_understood_once_forgives_earlier_failures(small: Talk) -> None:
    await small.start()
    await small.hear("purple elephants")
    await small.hear("bananas in pajamas")
    await small.hear("what are your hours")
    assert (await small.hear("colourless green ideas")).startswith("I'm having trouble")
    assert small.state == "greet"


async def test_a_question_at_any_time_is_answered_and_the_open_one_asked_again(small: Talk) -> None:
    await asked_for_birth_date(small)
    heard = await small.hear("when do you open")
    assert heard == "We're open Monday to Friday from 8 to 5. What's your date of birth?"
    assert small.state == "identify"


async def test_a_person_may_be_asked_for_at_any_time(small: Talk) -> None:
    await asked_for_birth_date(small)
    assert await small.hear("can i just talk to a real person") == "Of course. Let me get someone for you."
    assert of_kind(small.effects, Escalate) == [
        Escalate("caller asked for a person", "caller", promised=True)
    ]


async def test_zero_on_the_keypad_asks_for_a_person(small: Talk) -> None:
    await small.start()
    assert "Let me get someone" in await small.hear("0", via=Via.KEYPAD)


async def test_a_caller_who_cannot_be_understood_is_promised_a_person_in_the_end(small: Talk) -> None:
    await small.start()
    for _ in range(5):
        assert "Let me get someone" not in await small.hear("mumble", accepted=False)
    assert "Let me get someone to help you." in await small.hear("mumble", accepted=False)
    assert of_kind(small.effects, Escalate) == [
        Escalate("caller could not be understood", "misunderstanding", promised=True)
    ]


async def test_a_state_may_keep_the_caller(talk_over: MakeTalk) -> None:
    talk = talk_over("""
new_user_initial_state: a
returning_user_initial_state: a
terminal_state: z
states:
  - name: a
    type: action
    objective: x
    say_on_entry: Are you safe?
    turn_policy: {block_forward_call: true}
    exit_conditions: [{description: x, answer: yes, next_state: z}, {description: x, next_state: z}]
  - {name: z, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}
""")
    await talk.start()
    heard = await talk.hear("let me talk to a person")
    assert heard == "I'm here with you, and I can help with this right now. Are you safe?"
    assert of_kind(talk.effects, Escalate) == []


async def test_repeat_says_the_last_turn_again_in_full(small: Talk) -> None:
    await asked_for_birth_date(small)
    assert await small.hear("sorry can you say that again") == "What's your date of birth?"
    assert await small.hear("what did you say") == "What's your date of birth?"


async def test_slower_slows_the_voice_and_repeats(small: Talk) -> None:
    await asked_for_birth_date(small)
    assert (
        await small.hear("could you speak more slowly please")
        == "Sure, I'll slow down. What's your date of birth?"
    )
    assert of_kind(small.effects, Pace)[0].speed < 1


async def test_hold_on_gives_the_caller_time(small: Talk) -> None:
    await asked_for_birth_date(small)
    assert await small.hear("hang on a second") == "Of course, take your time."
    assert said(await small.send(Silence(8.0, 1))) == ""
    assert said(await small.send(Silence(8.0, 2))) == ""
    assert "phone number" not in await small.hear("march second nineteen eighty four")
    assert small.field("dob") == "1984-03-02"


async def test_start_over_forgets_what_the_caller_said(small: Talk) -> None:
    await asked_for_birth_date(small)
    await small.hear("march second nineteen eighty four")
    heard = await small.hear("can we start over please")
    assert heard.startswith("Okay, let's start over. Hi, this is Maple Clinic.")
    assert (small.state, small.field("dob")) == ("greet", None)


async def test_goodbye_ends_the_call(small: Talk) -> None:
    await asked_for_birth_date(small)
    await small.hear("thanks bye")
    assert small.state == "goodbye"
    assert of_kind(small.effects, End)


async def test_negated_wishes_are_not_followed(small: Talk) -> None:
    await small.start()
    await small.hear("i do not need to reschedule")
    assert small.state == "greet"


async def test_two_equal_wishes_are_put_to_the_caller(talk_over: MakeTalk) -> None:
    talk = talk_over("""
new_user_initial_state: a
returning_user_initial_state: a
terminal_state: z
states:
  - name: a
    type: action
    objective: x
    say_on_entry: What is it?
    exit_conditions:
      - {description: x, label: book a visit, examples: [visit the doctor], next_state: b}
      - {description: y, label: cancel a visit, examples: [visit the doctor not], next_state: c}
      - {description: z, next_state: z}
  - {name: b, type: action, objective: x, say_on_entry: Booking., then: {end: completed}}
  - {name: c, type: action, objective: x, say_on_entry: Cancelling., then: {end: completed}}
  - {name: z, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}
""")
    await talk.start()
    asked = await talk.hear("visit the doctor")
    assert asked == "Did you want to book a visit or cancel a visit?"
    assert talk.conversation.expectation.phrases[:2] == ("book a visit", "cancel a visit")
    assert await talk.hear("cancel it") == "Cancelling."


async def test_a_murmur_while_the_agent_waits_is_no_answer(small: Talk) -> None:
    await small.start()
    assert await small.hear("mm hmm") == ""
    assert small.state == "greet"


async def test_a_murmur_that_cut_the_agent_off_lets_it_finish(small: Talk) -> None:
    await small.start()
    await small.send(Heard("Hi, this is Maple", "Clinic. How can I help you today?", interrupted=True))
    assert await small.hear("uh huh", barge_in=True) == "Clinic. How can I help you today?"


async def test_only_what_was_heard_is_in_the_history(small: Talk) -> None:
    await small.start()
    await small.send(Heard("Hi, this is Maple", "Clinic. How can I help you today?", interrupted=True))
    await small.hear("i need to reschedule", barge_in=True)
    assert small.conversation.history[:2] == (
        Line(Speaker.AGENT, "Hi, this is Maple"),
        Line(Speaker.CALLER, "i need to reschedule"),
    )


async def test_what_is_heard_may_also_be_told_after_the_utterance(small: Talk) -> None:
    await small.start()
    await small.send(Utterance("i need to reschedule"))
    await small.send(Heard("", "What's your date of birth?", interrupted=True))
    assert [line.speaker for line in small.conversation.history] == [Speaker.AGENT, Speaker.CALLER]


async def test_silence_prompts_twice_and_then_ends_politely(small: Talk) -> None:
    await small.start()
    first = said(await small.send(Silence(8.0, 1)))
    assert first.startswith("Are you still there?")
    second = said(await small.send(Silence(8.0, 2)))
    assert second.startswith("I'm still here")
    assert first != second
    last = await small.send(Silence(8.0, 3))
    assert "Goodbye." in said(last)
    assert of_kind(last, End) == [End("timeout")]
    assert await small.send(Silence(8.0, 4)) == [End()]


async def test_speaking_again_resets_the_silence(small: Talk) -> None:
    await small.start()
    for _ in range(2):
        await small.send(Silence(8.0, 1))
    await small.hear("what are your hours")
    assert said(await small.send(Silence(8.0, 1))).startswith("Are you still there?")


async def test_a_farewell_after_the_goodbye_ends_and_more_does_not(small: Talk) -> None:
    await asked_for_birth_date(small)
    await small.hear("thanks bye")
    effects = await small.send(Utterance("bye bye"))
    assert of_kind(effects, End)
    await small.hear("wait i need to reschedule after all")
    assert small.state == "identify"


async def test_a_remark_is_followed_once_the_state_for_it_is_reached(talk_over: MakeTalk) -> None:
    talk = talk_over("""
new_user_initial_state: who
returning_user_initial_state: who
terminal_state: z
states:
  - name: who
    type: action
    objective: x
    say_on_entry: Hi.
    exit_conditions: [{description: x, when: "true", next_state: form}]
  - name: form
    type: data_collection
    objective: x
    fields: [{key: dob, type: date, label: date of birth, ask_prompt: "Date of birth?"}]
    on_complete: hub
  - name: hub
    type: action
    objective: x
    say_on_entry: What can I do?
    exit_conditions:
      - {description: move, examples: [i'd like to move my appointment], next_state: moving}
      - {description: other, next_state: z}
  - {name: moving, type: action, objective: x, say_on_entry: Moving., then: {end: completed}}
  - {name: z, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}
""")
    assert await talk.start() == "Hi. Date of birth?"
    heard = await talk.hear("march second nineteen eighty four and i'd like to move my appointment")
    assert heard.endswith("Moving.")
