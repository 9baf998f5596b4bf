from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.reasoning.spoken import parse_time, spoken_time

CERTAIN = [
    ("2:30pm", "14:30"),
    ("2:30 PM", "14:30"),
    ("2:30 p.m.", "14:30"),
    ("14:30", "14:30"),
    ("09:15", "09:15"),
    ("9:15 am", "09:15"),
    ("830am", "08:30"),
    ("2pm", "14:00"),
    ("ten am", "10:00"),
    ("ten a m", "10:00"),
    ("10 a.m.", "10:00"),
    ("two thirty pm", "14:30"),
    ("two thirty p m", "14:30"),
    ("half past two pm", "14:30"),
    ("half past two in the afternoon", "14:30"),
    ("quarter past nine in the morning", "09:15"),
    ("a quarter to ten in the morning", "09:45"),
    ("ten in the morning", "10:00"),
    ("in the morning at ten", "10:00"),
    ("tomorrow morning at ten", "10:00"),
    ("seven in the evening", "19:00"),
    ("nine at night", "21:00"),
    ("noon", "12:00"),
    ("at noon please", "12:00"),
    ("twelve noon", "12:00"),
    ("midday", "12:00"),
    ("midnight", "00:00"),
    ("quarter past noon", "12:15"),
    ("ten to midnight", "23:50"),
    ("twelve thirty pm", "12:30"),
    ("twelve am", "00:00"),
    ("fourteen thirty", "14:30"),
    ("fifteen hundred hours", "15:00"),
    ("ten o'clock in the morning", "10:00"),
    ("eleven forty five am", "11:45"),
    ("eight oh five am", "08:05"),
    ("10 no 11 am", "11:00"),
    ("ten am no eleven am", "11:00"),
    ("the one at 2:30 pm", "14:30"),
    ("1:05 pm", "13:05"),
]


@pytest.mark.parametrize(("text", "expected"), CERTAIN)
def test_a_full_time_has_one_reading(text: str, expected: str) -> None:
    reading = parse_time(text)
    assert reading.candidates == (time.fromisoformat(expected),)
    assert not reading.ambiguous


HALF_OF_THE_DAY_OPEN = [
    ("two thirty", "14:30", "02:30"),
    ("half past two", "14:30", "02:30"),
    ("quarter to ten", "09:45", "21:45"),
    ("quarter of ten", "09:45", "21:45"),
    ("a quarter past ten", "10:15", "22:15"),
    ("twenty past four", "16:20", "04:20"),
    ("five to three", "14:55", "02:55"),
    ("five minutes to three", "14:55", "02:55"),
    ("quarter to one", "12:45", "00:45"),
    ("ten thirty", "10:30", "22:30"),
    ("ten oh five", "10:05", "22:05"),
    ("nine fifteen", "09:15", "21:15"),
    ("nine o'clock", "09:00", "21:00"),
    ("at nine", "09:00", "21:00"),
    ("around three", "15:00", "03:00"),
    ("three", "15:00", "03:00"),
    ("3", "15:00", "03:00"),
    ("3:15", "15:15", "03:15"),
    ("the one at ten", "10:00", "22:00"),
    ("march second at two", "14:00", "02:00"),
    ("two no three", "15:00", "03:00"),
    ("after 4", "16:00", "04:00"),
    ("twelve thirty", "12:30", "00:30"),
]


@pytest.mark.parametrize(("text", "likely", "other"), HALF_OF_THE_DAY_OPEN)
def test_without_am_or_pm_both_are_given_office_hours_first(text: str, likely: str, other: str) -> None:
    reading = parse_time(text)
    assert reading.candidates == (time.fromisoformat(likely), time.fromisoformat(other))
    assert reading.ambiguous


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10 am or 2 pm", ["10:00", "14:00"]),
        ("ten or eleven in the morning", ["10:00", "11:00"]),
        ("two or three in the afternoon", ["14:00", "15:00"]),
        ("2 or 3:30 pm", ["14:00", "02:00", "15:30"]),
    ],
)
def test_alternatives_are_all_given(text: str, expected: list[str]) -> None:
    reading = parse_time(text)
    assert [c.isoformat("minutes") for c in reading.candidates] == expected
    assert reading.ambiguous


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("in the morning", "morning"),
        ("mornings are better", "morning"),
        ("first thing", "morning"),
        ("early morning", "morning"),
        ("before noon", "morning"),
        ("this afternoon", "afternoon"),
        ("late afternoon", "afternoon"),
        ("after lunch", "afternoon"),
        ("in the evening", "evening"),
        ("after work", "evening"),
        ("tonight", "evening"),
        ("at night", "night"),
        ("good morning", None),
        ("good afternoon i need an appointment in the morning", "morning"),
        ("morning or afternoon", None),
    ],
)
def test_the_part_of_the_day(text: str, part: str | None) -> None:
    reading = parse_time(text)
    assert reading.part_of_day == part
    assert reading.candidates == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "the first one",
        "that one",
        "i have two kids",
        "march second",
        "yes",
        "one of those",
        "25:00",
    ],
)
def test_no_time_is_found_where_none_is_said(text: str) -> None:
    assert parse_time(text).candidates == ()


@pytest.mark.parametrize(
    ("text", "matched", "rest"),
    [
        ("afternoon at three", "afternoon at three", ""),
        ("can i have 10 am or 2 pm please", "10 am or 2 pm", "can i have please"),
        ("at half past two works", "at half past two", "works"),
    ],
)
def test_words_are_either_matched_or_left(text: str, matched: str, rest: str) -> None:
    reading = parse_time(text)
    assert (reading.matched, reading.rest) == (matched, rest)


@given(st.integers(0, 23), st.integers(0, 59))
def test_a_spoken_time_is_understood_again(hour: int, minute: int) -> None:
    moment = time(hour, minute)
    assert parse_time(spoken_time(moment)).candidates == (moment,)


def test_times_are_written_as_people_say_them() -> None:
    assert spoken_time(time(10)) == "10 AM"
    assert spoken_time(time(14, 30)) == "2:30 PM"
    assert spoken_time(time(12)) == "noon"
    assert spoken_time(time(0, 5)) == "12:05 AM"
