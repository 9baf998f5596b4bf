"""A number read back wrong and said again, in part or as a whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.expectation import AnswerKind
from tests.reasoning.conftest import MakeTalk, Talk
from tests.reasoning.test_collecting import GO, form
from voice_agent.reasoning.sayings import SaidBefore
from voice_agent.reasoning.signals import Via
from voice_agent.reasoning.spoken import mended, spell_out

CODE = """    fields:
      - {key: code, type: digits, digits: 4, label: code, confirm: true, ask_prompt: "What's your code?"}"""
PHONE = """    fields:
      - {key: phone, type: phone, label: phone number, confirm: true, ask_prompt: "What's your number?"}"""


def digits(said: str) -> str:
    return "".join(re.findall(r"\d", said))


async def asked(talk: Talk) -> Talk:
    await talk.start()
    await talk.hear(GO)
    return talk


async def test_what_was_refused_is_not_offered_again(talk_over: MakeTalk) -> None:
    talk = await asked(talk_over(form(CODE)))
    heard = {"confidence": 0.8, "alternatives": (("four one five five", 0.1),)}
    assert digits(await talk.hear("four one five nine", **heard)) == "4159"
    asked_again = await talk.hear("no")
    assert "What's your code?" in asked_again
    assert "keypad" in asked_again
    assert digits(await talk.hear("four one five nine", **heard)) == "4155"
    await talk.hear("yes")
    assert talk.field("code") == "4155"


async def test_doubts_at_different_places_make_both_sayings_right_together(talk_over: MakeTalk) -> None:
    talk = await asked(talk_over(form(CODE)))
    await talk.hear("nine two three five", confidence=0.5, alternatives=(("five two three five", 0.4),))
    await talk.hear("no")
    again = await talk.hear(
        "five two three nine", confidence=0.5, alternatives=(("five two three five", 0.45),)
    )
    assert digits(again) == "5235"


async def test_the_number_instead_of_a_yes_confirms_it_however_softly_said(
    talk_over: MakeTalk,
) -> None:
    talk = await asked(talk_over(form(CODE)))
    assert digits(await talk.hear("four one five nine", confidence=0.3)) == "4159"
    await talk.hear("four one five nine", confidence=0.3)
    assert talk.field("code") == "4159"
    assert talk.state != "details"


async def test_a_yes_that_was_hardly_heard_confirms_nothing(talk_over: MakeTalk) -> None:
    for words in ("yes", "yes four one five nine"):
        talk = await asked(talk_over(form(CODE)))
        await talk.hear("four one five nine", confidence=0.3)
        assert digits(await talk.hear(words, confidence=0.3)) == "4159"


async def test_another_number_hardly_heard_is_read_back_in_its_turn(talk_over: MakeTalk) -> None:
    talk = await asked(talk_over(form(CODE)))
    await talk.hear("four one five nine", confidence=0.3)
    assert digits(await talk.hear("four one five five", confidence=0.3)) == "4155"


async def test_a_no_with_the_number_behind_it_counts_as_both(talk_over: MakeTalk) -> None:
    talk = await asked(talk_over(form(CODE)))
    await talk.hear("nine two three five")
    assert talk.conversation.expectation.digits == 4
    again = await talk.hear(
        "no nine two three five", confidence=0.6, alternatives=(("no five two three five", 0.3),)
    )
    assert digits(again) == "5235"


async def test_with_nothing_else_to_offer_the_keypad_is(talk_over: MakeTalk) -> None:
    talk = await asked(talk_over(form(CODE)))
    await talk.hear("nine two three five")
    await talk.hear("no")
    assert "keypad" in await talk.hear("nine two three five")
    assert digits(await talk.hear("9235", via=Via.KEYPAD)) == "9235"


async def test_another_number_is_not_mixed_with_the_one_before(talk_over: MakeTalk) -> None:
    talk = await asked(talk_over(form(CODE)))
    await talk.hear("nine two three five")
    await talk.hear("no")
    assert digits(await talk.hear("one two six seven", confidence=0.5)) == "1267"


async def test_a_reading_that_is_a_phone_number_wins_over_one_that_is_none(talk_over: MakeTalk) -> None:
    talk = await asked(talk_over(form(PHONE)))
    heard = await talk.hear(
        "one one five five five five zero one three four",
        confidence=0.5,
        alternatives=(("four one five five five five zero one three four", 0.3),),
    )
    assert digits(heard) == "4155550134"


async def test_digits_heard_badly_are_read_back_and_other_answers_are_not_acted_on(
    talk_over: MakeTalk,
) -> None:
    talk = await asked(talk_over(form(CODE)))
    assert digits(await talk.hear("nine two three five", confidence=0.2)) == "9235"
    await talk.hear("yes", confidence=0.2)
    assert talk.conversation.expectation.kinds[0] is AnswerKind.YES_NO


@pytest.mark.parametrize(
    ("said", "now"),
    [
        ("no it ends in four five", "+14155550145"),
        ("no the last four are zero one four four", "+14155550144"),
        ("the area code is two one two", "+12125550134"),
        ("two not three", "+14155550124"),
        ("no not three but two", "+14155550124"),
    ],
)
async def test_a_number_is_put_right_in_one_place(talk_over: MakeTalk, said: str, now: str) -> None:
    talk = await asked(talk_over(form(PHONE)))
    await talk.hear("four one five five five five zero one three four")
    assert "that " in await talk.hear(said)
    await talk.hear("yes")
    assert talk.field("phone") == now


@pytest.mark.parametrize(
    "said", ["no", "two not five", "it ends in the morning", "seven not eight", "ends in"]
)
def test_what_names_no_single_place_mends_nothing(said: str) -> None:
    assert mended("4155550134", said, letters=False) is None


@given(st.text("0123456789", min_size=2, max_size=12), st.text(max_size=40))
def test_mending_keeps_the_length_whatever_is_said(value: str, said: str) -> None:
    new = mended(value, said, letters=False)
    assert new is None or len(new) == len(value)


@given(st.text("0123456789", min_size=3, max_size=10), st.integers(1, 2))
def test_an_ending_that_is_spelled_out_is_the_new_ending(value: str, length: int) -> None:
    new = mended(value, f"it ends in {spell_out('7' * length)}", letters=False)
    assert new == value[:-length] + "7" * length


@given(
    st.lists(
        st.dictionaries(st.text("0123456789", min_size=4, max_size=5), st.floats(0.01, 1), min_size=1),
        min_size=1,
        max_size=5,
    )
)
def test_nothing_that_was_refused_comes_back_whatever_is_heard(sayings: list[dict[str, float]]) -> None:
    said, refused = SaidBefore(), set()
    for saying in sayings:
        value = said.likeliest(saying, lambda value: True)
        assert value not in refused
        if value is not None:
            refused.add(value)
            said.refuse(value)
