"""Asking, answering in any order, reading back, correcting, giving up."""

from __future__ import annotations

import pytest

from models.expectation import AnswerKind
from tests.reasoning.conftest import MakeTalk, Talk, of_kind, said
from voice_agent.reasoning.effects import Escalate
from voice_agent.reasoning.signals import Channel, Utterance, Via

HEAD = """
new_user_initial_state: start
returning_user_initial_state: start
terminal_state: bye
states:
  - name: start
    type: action
    objective: x
    say_on_entry: How can I help?
    exit_conditions:
      - {description: go, examples: [i need to reschedule my appointment], next_state: form}
      - {description: other, next_state: bye}
  - {name: bye, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}
"""

GO = "i need to reschedule"


def form(fields: str, more: str = "") -> str:
    return (
        HEAD
        + f"  - name: form\n    type: data_collection\n    objective: x\n{fields}\n"
        + f"    on_complete: bye\n{more}"
    )


TWO = """    fields:
      - {key: dob, type: date, label: date of birth, ask_prompt: "What's your date of birth?",
         ask_again: ["Month, day and year of birth, please?"]}
      - {key: phone, type: phone, label: phone number, confirm: true,
         ask_prompt: "What's your phone number?"}"""


async def opened(talk: Talk) -> Talk:
    await talk.start()
    await talk.hear(GO)
    return talk


async def test_fields_are_asked_one_by_one_and_then_it_goes_on(talk_over: MakeTalk) -> None:
    talk = talk_over(form(TWO))
    await talk.start()
    assert await talk.hear(GO) == "What's your date of birth?"
    assert talk.conversation.expectation.kinds[0] is AnswerKind.DATE
    assert await talk.hear("march second nineteen eighty four") == "Thank you. What's your phone number?"
    expectation = talk.conversation.expectation
    assert (expectation.kinds[0], expectation.digits) == (AnswerKind.DIGITS, 10)
    heard = await talk.hear("four one five five five five zero one three four")
    assert heard == "I have 4 1 5, 5 5 5, 0 1 3 4. Is that right?"
    assert talk.conversation.expectation.kinds[0] is AnswerKind.YES_NO
    assert await talk.hear("yes") == "Bye."
    assert (talk.field("dob"), talk.field("phone")) == ("1984-03-02", "+14155550134")


async def test_a_wrong_read_back_is_asked_again(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(form(TWO)))
    await talk.hear("march second nineteen eighty four")
    await talk.hear("four one five five five five zero one three four")
    again = "Sorry about that. Let's try again. What's your phone number?"
    assert await talk.hear("no") == f"{again} You can also type it on your phone's keypad."
    assert talk.field("phone") is None


async def test_a_wrong_read_back_may_be_corrected_in_the_same_breath(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(form(TWO)))
    await talk.hear("march second nineteen eighty four")
    await talk.hear("four one five five five five zero one three four")
    again = await talk.hear("no it's four one five five five five zero one three five")
    assert again == "So that's 4 1 5, 5 5 5, 0 1 3 5. Is that correct?"
    await talk.hear("that's right")
    assert talk.field("phone") == "+14155550135"


async def test_a_correction_changes_the_last_field_without_starting_over(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(form(TWO)))
    await talk.hear("march second nineteen eighty four")
    assert (
        await talk.hear("no march third nineteen eighty four")
        == "Okay, March 3rd, 1984. What's your phone number?"
    )
    assert talk.field("dob") == "1984-03-03"


async def test_several_facts_in_one_breath_fill_everything_that_fits(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(form(TWO)))
    heard = await talk.hear(
        "march second nineteen eighty four and my number is four one five five five five zero one three four"
    )
    assert heard.startswith("I have 4 1 5")
    assert (talk.field("dob"), talk.field("phone")) == ("1984-03-02", "+14155550134")


MOVE = (
    HEAD
    + """
  - name: form
    type: data_collection
    objective: x
    fields: [{key: dob, type: date, label: date of birth, ask_prompt: "What's your date of birth?"}]
    on_complete: when
  - name: when
    type: data_collection
    objective: x
    fields:
      - key: old
        type: date
        label: old day
        ask_prompt: Which appointment?
        heard_as: ["my {} appointment"]
      - {key: day, type: date, label: new day, ask_prompt: "Which day?", heard_as: ["to {}", "{} instead"]}
      - {key: hour, type: time, label: time, ask_prompt: "What time?"}
    on_complete: done
  - name: done
    type: action
    objective: x
    say_on_entry: "From {old} to {day}, {hour}."
    then: {end: completed}
"""
)


async def test_what_was_said_before_it_was_asked_is_used_when_it_is_needed(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(MOVE))
    heard = await talk.hear(
        "it's march 2nd 1984 and i'd like to move my tuesday appointment to friday morning"
    )
    assert heard == "From Tuesday, December 1st to Friday, November 27th, morning."


async def test_an_ambiguous_date_is_asked_about_and_never_guessed(talk_over: MakeTalk) -> None:
    fields = '    fields: [{key: day, type: date, label: day, ask_prompt: "Which day?"}]'
    talk = await opened(talk_over(form(fields)))
    assert await talk.hear("friday or monday") == (
        "Did you mean Friday, November 27th or Monday, November 30th?"
    )
    assert talk.field("day") is None
    assert await talk.hear("the second one") == "Bye."
    assert talk.field("day") == "2026-11-30"


async def test_digits_may_come_in_parts(talk_over: MakeTalk) -> None:
    fields = (
        '    fields: [{key: code, type: digits, digits: 6, label: code, ask_prompt: "What\'s the code?"}]'
    )
    talk = await opened(talk_over(form(fields)))
    assert await talk.hear("one two three") == "I have 1 2 3 so far. What comes next?"
    assert talk.conversation.expectation.digits == 3
    assert await talk.hear("four five six") == "Bye."
    assert talk.field("code") == "123456"


async def test_a_value_that_does_not_fit_its_expression_is_not_taken(talk_over: MakeTalk) -> None:
    fields = (
        "    fields: [{key: member, type: alphanumeric, label: member ID, validation: 'W[0-9]{3}',"
        ' ask_prompt: "What\'s the ID?"}]'
    )
    talk = await opened(talk_over(form(fields)))
    await talk.hear("x two zero four")
    assert talk.field("member") is None
    await talk.hear("w two zero four")
    assert talk.field("member") == "W204"


async def test_a_badly_heard_value_is_read_back_even_unasked(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(form(TWO)))
    heard = await talk.hear("march second nineteen eighty four", confidence=0.5)
    assert heard == "I have March 2nd, 1984. Is that right?"
    assert await talk.hear("yes") == "What's your phone number?"


async def test_read_back_without_confirmation_goes_on_at_once(talk_over: MakeTalk) -> None:
    text = form(TWO.replace("confirm: true", "read_back: 'Got {value}.'"))
    talk = await opened(talk_over(text))
    await talk.hear("march second nineteen eighty four")
    assert (
        await talk.hear("four one five five five five zero one three four")
        == "Got 4 1 5, 5 5 5, 0 1 3 4. Bye."
    )


CHOICE = """    fields:
      - {key: plan, type: choice, label: plan, options: [Blue Shield, Blue Cross, Aetna],
         ask_prompt: "Is it {options}?"}"""


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("aetna", "Aetna"),
        ("it's blue shield i think", "Blue Shield"),
        ("the second one", "Blue Cross"),
        ("the last one please", "Aetna"),
        ("blue", None),
    ],
)
async def test_a_choice_is_told_by_name_or_place(talk_over: MakeTalk, text: str, plan: str | None) -> None:
    talk = talk_over(form(CHOICE))
    await talk.start()
    assert await talk.hear(GO) == "Is it Blue Shield, Blue Cross, or Aetna?"
    await talk.hear(text)
    assert talk.field("plan") == plan


async def test_failures_get_other_words_then_the_keypad_then_a_person(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(form(TWO)))
    first = await talk.hear("the weather is nice")
    assert "Month, day and year of birth, please?" in first
    assert "keypad" in first
    assert first.startswith("Sorry, I didn't get that.")
    second = await talk.hear("purple elephants dancing")
    assert second.startswith("I'm sorry, I'm not sure I follow.")
    third = await talk.hear("bananas in pajamas")
    assert third.endswith("Would you like me to get someone to help you?")
    assert await talk.hear("yes please") == "Of course. Let me get someone for you."
    assert of_kind(talk.effects, Escalate)


async def test_no_keypad_is_offered_in_writing(talk_over: MakeTalk) -> None:
    talk = talk_over(form(TWO))
    await talk.start(channel=Channel.TEXT)
    await talk.hear(GO, via=Via.TEXT)
    assert "keypad" not in await talk.hear("the weather is nice", via=Via.TEXT)


async def test_somebody_who_wants_no_person_is_asked_again(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(form(TWO)))
    for text in ("the weather is nice", "purple elephants dancing", "bananas in pajamas"):
        await talk.hear(text)
    assert "birth" in await talk.hear("no")
    await talk.hear("march second nineteen eighty four")
    assert talk.field("dob") == "1984-03-02"


async def test_after_its_turns_a_form_gives_up_by_its_own_way(talk_over: MakeTalk) -> None:
    text = form(TWO, "    max_turns: 2\n    on_give_up: bye\n")
    talk = await opened(talk_over(text))
    await talk.hear("the weather is nice")
    assert await talk.hear("purple elephants dancing") == "Bye."


async def test_a_form_that_gives_up_without_a_way_gets_a_person(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(form(TWO, "    max_turns: 1\n")))
    assert "Let me get someone" in await talk.hear("the weather is nice")
    [escalation] = of_kind(talk.effects, Escalate)
    assert (escalation.trigger, escalation.promised) == ("max_turns", True)


async def test_a_field_may_depend_on_another(talk_over: MakeTalk) -> None:
    fields = """    fields:
      - {key: child, type: boolean, label: child, ask_prompt: "Is it for a child?"}
      - {key: guardian, type: name, label: guardian, when: child == true, ask_prompt: "What's your name?"}"""
    talk = await opened(talk_over(form(fields)))
    assert await talk.hear("no") == "Bye."
    talk = await opened(talk_over(form(fields)))
    assert await talk.hear("yes it is") == "Thank you. What's your name?"
    await talk.hear("my name is maria lopez")
    assert talk.field("guardian") == {"text": "Maria Lopez", "first": "Maria", "last": "Lopez"}


async def test_a_form_may_be_left_by_an_exit(talk_over: MakeTalk) -> None:
    leaving = (
        "    exit_conditions: [{description: no card, examples: [i don't have the card with me],"
        " say: No problem., next_state: bye}]\n"
    )
    talk = await opened(talk_over(form(TWO, leaving)))
    assert await talk.hear("i don't have the card here with me") == "No problem. Bye."


async def test_keys_answer_dates_digits_and_yes_or_no(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(form(TWO)))
    assert "phone number" in await talk.hear("03021984", via=Via.KEYPAD)
    assert "Is that right?" in await talk.hear("4155550134", via=Via.KEYPAD)
    assert await talk.hear("1", via=Via.KEYPAD) == "Bye."
    assert (talk.field("dob"), talk.field("phone")) == ("1984-03-02", "+14155550134")


async def test_an_alternative_reading_of_the_recognizer_may_be_the_answer(talk_over: MakeTalk) -> None:
    talk = await opened(talk_over(form(TWO)))
    await talk.send(
        Utterance(
            "mark second nine teen eighty floor", alternatives=(("march second nineteen eighty four", 0.6),)
        )
    )
    assert talk.field("dob") == "1984-03-02"


async def test_an_optional_field_is_taken_but_never_asked(talk_over: MakeTalk) -> None:
    fields = """    fields:
      - {key: dob, type: date, label: date of birth, ask_prompt: "Date of birth?"}
      - {key: phone, type: phone, label: phone, required: false}"""
    talk = await opened(talk_over(form(fields)))
    assert await talk.hear("march second nineteen eighty four") == "Bye."
    talk = await opened(talk_over(form(fields)))
    await talk.hear("march 2nd 1984 call me at 415 555 0134")
    assert talk.field("phone") == "+14155550134"


async def test_a_list_without_items_is_not_asked_about(talk_over: MakeTalk) -> None:
    fields = "    fields: [{key: slot, type: choice, label: time, options_from: caller.slots}]"
    fields += "\n    on_give_up: bye"
    talk = talk_over(form(fields))
    await talk.start()
    assert await talk.hear(GO) == "Bye."


async def test_side_remarks_during_a_form_lead_aside_and_back(small: Talk) -> None:
    await small.start()
    await small.hear("i need to reschedule")
    assert await small.hear("oh and i lost my insurance card") == "What's the member ID on your card?"
    await small.hear("w two zero four one seven seven")
    back = await small.hear("yes")
    assert back == "Now, back to where we were. What's your date of birth?"
    assert small.field("member_id") == "W204177"
    heard = await small.hear("march second nineteen eighty four")
    assert "Which day would suit you?" in heard


async def test_an_answer_and_an_aside_in_one_breath_are_both_taken(small: Talk) -> None:
    await small.start()
    await small.hear("i need to reschedule")
    assert "member ID" in await small.hear(
        "march second nineteen eighty four and by the way i lost my insurance card"
    )
    await small.hear("w two zero four one seven seven")
    assert "Which day would suit you?" in await small.hear("yes")
    assert small.field("dob") == "1984-03-02"


async def test_an_earlier_choice_is_corrected_from_a_later_state(small: Talk) -> None:
    await small.start()
    await small.hear("i need to reschedule")
    await small.hear("march second nineteen eighty four")
    assert "Friday, November 27th" in await small.hear("friday")
    heard = await small.hear("no actually monday")
    assert heard.startswith("Okay, Monday, November 30th.")
    assert "November 30th at 9 AM" in heard
    assert small.state == "choose"
    assert (
        said(await small.send(Utterance("the eleven o'clock one")))
        == "See you on Monday, November 30th. Goodbye!"
    )
