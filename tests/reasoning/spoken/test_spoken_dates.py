from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.reasoning.spoken import parse_date, spoken_date

FRIDAY = date(2026, 11, 20)
MONDAY = date(2026, 11, 16)

BIRTHDAYS = [
    *(
        (text, "1984-03-02")
        for text in (
            "march second nineteen eighty four",
            "march second eighty four",
            "march the second nineteen eighty four",
            "march two nineteen eighty four",
            "march two eighty four",
            "march second of nineteen eighty four",
            "the second of march nineteen eighty four",
            "second of march eighty four",
            "second march nineteen eighty four",
            "nineteen eighty four march second",
            "it's march second nineteen eighty four",
            "my date of birth is march second nineteen eighty four thank you",
            "um march uh second nineteen eighty four",
            "oh three oh two eighty four",
            "oh three oh two nineteen eighty four",
            "zero three zero two one nine eight four",
            "oh three oh two eight four",
            "three two eighty four",
            "three two nineteen eighty four",
            "three slash two slash eighty four",
            "three second eighty four",
            "3/2/84",
            "3/2/1984",
            "03/02/1984",
            "03-02-84",
            "3.2.1984",
            "1984-03-02",
            "03021984",
            "030284",
            "Mar 2nd, 1984",
            "March 2, 1984",
            "march 2nd 84",
            "2 march 1984",
            "2nd of March 1984",
            "march second nineteen eighty for",
            "march to nineteen eighty four",
            "march second one nine eight four",
            "no march second nineteen eighty four",
            "march third no march second nineteen eighty four",
            "march third sorry i mean march second nineteen eighty four",
        )
    ),
    ("twelve thirty one ninety nine", "1999-12-31"),
    ("ten thirty one seventy nine", "1979-10-31"),
    ("december thirty first nineteen ninety nine", "1999-12-31"),
    ("december twenty five nineteen sixty", "1960-12-25"),
    ("july fourth nineteen seventy six", "1976-07-04"),
    ("january first two thousand", "2000-01-01"),
    ("january first two thousand and one", "2001-01-01"),
    ("may fifth two thousand five", "2005-05-05"),
    ("may fifth twenty ten", "2010-05-05"),
    ("may fifth twenty oh five", "2005-05-05"),
    ("june ninth nineteen oh nine", "1909-06-09"),
    ("september eleventh nineteen hundred and fifty", "1950-09-11"),
    ("february twenty ninth nineteen eighty eight", "1988-02-29"),
    ("13/2/84", "1984-02-13"),
    ("august thirtieth oh seven", "2007-08-30"),
    ("four twenty three forty five", "1945-04-23"),
    ("eleven eleven eleven", "2011-11-11"),
]


@pytest.mark.parametrize(("text", "expected"), BIRTHDAYS)
def test_a_birthday_is_read_without_guessing(text: str, expected: str) -> None:
    reading = parse_date(text, today=FRIDAY, purpose="birth")
    assert reading.candidates == (date.fromisoformat(expected),)
    assert not reading.ambiguous


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3/2/24", ["1924-03-02", "2024-03-02"]),
        ("one one two eight four", ["1984-01-12", "1984-11-02"]),
        ("march second twenty one", ["1921-03-02", "2021-03-02"]),
        ("march second or march third nineteen eighty four", ["1984-03-03"]),
    ],
)
def test_a_birthday_with_two_meanings_gives_both(text: str, expected: list[str]) -> None:
    reading = parse_date(text, today=FRIDAY, purpose="birth")
    assert [d.isoformat() for d in reading.candidates] == expected
    assert reading.ambiguous is (len(expected) > 1)


@pytest.mark.parametrize(
    "text",
    [
        "february thirtieth nineteen eighty",
        "april thirty first nineteen eighty",
        "13/13/84",
        "march second",
        "march second nineteen",
        "march second twenty eighty four",
        "2/29/1983",
        "12/25/2026",
    ],
)
def test_what_cannot_be_a_birthday_is_matched_but_gives_no_date(text: str) -> None:
    reading = parse_date(text, today=FRIDAY, purpose="birth")
    assert reading.candidates == ()
    assert reading.matched


@pytest.mark.parametrize(
    "text",
    [
        "", "hello", "i may be late", "next friday", "tomorrow", "march", "i was born in springfield",
        "four one five five five five oh one three four x", "oh three oh two twenty",
        "can you march over there", "yes", "the second one",
    ],
)  # fmt: skip
def test_no_birthday_is_found_where_none_is_said(text: str) -> None:
    assert parse_date(text, today=FRIDAY, purpose="birth").candidates == ()


APPOINTMENTS_FROM_FRIDAY = [
    ("today", ["2026-11-20"]),
    ("tonight", ["2026-11-20"]),
    ("this afternoon", ["2026-11-20"]),
    ("tomorrow", ["2026-11-21"]),
    ("day after tomorrow", ["2026-11-22"]),
    ("the day after tomorrow at half past two", ["2026-11-22"]),
    ("monday", ["2026-11-23"]),
    ("on tuesday please", ["2026-11-24"]),
    ("tuesday at 3", ["2026-11-24"]),
    ("this thursday", ["2026-11-26"]),
    ("this coming thursday", ["2026-11-26"]),
    ("coming thursday", ["2026-11-26"]),
    ("thursday", ["2026-11-26"]),
    ("thursdays are best", ["2026-11-26"]),
    ("friday", ["2026-11-20", "2026-11-27"]),
    ("this friday", ["2026-11-20"]),
    ("next friday", ["2026-11-27"]),
    ("next friday afternoon", ["2026-11-27"]),
    ("next tuesday", ["2026-11-24"]),
    ("next sunday", ["2026-11-22", "2026-11-29"]),
    ("friday next week", ["2026-11-27"]),
    ("friday of next week", ["2026-11-27"]),
    ("next week friday", ["2026-11-27"]),
    ("next week on friday", ["2026-11-27"]),
    ("next week", ["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27"]),
    ("this week", ["2026-11-20"]),
    ("this weekend", ["2026-11-21", "2026-11-22"]),
    ("the fifteenth", ["2026-12-15"]),
    ("the 15th", ["2026-12-15"]),
    ("15th", ["2026-12-15"]),
    ("fifteenth", ["2026-12-15"]),
    ("on the twentieth", ["2026-11-20"]),
    ("the thirtieth", ["2026-11-30"]),
    ("the thirty first", ["2026-12-31"]),
    ("the second", ["2026-12-02"]),
    ("the fifteenth of next month", ["2026-12-15"]),
    ("the twenty fifth of this month", ["2026-11-25"]),
    ("a week from tuesday", ["2026-12-01"]),
    ("week from tuesday", ["2026-12-01"]),
    ("one week from tuesday", ["2026-12-01"]),
    ("two weeks from tuesday", ["2026-12-08"]),
    ("a week from today", ["2026-11-27"]),
    ("a week from tomorrow", ["2026-11-28"]),
    ("a week from friday", ["2026-11-27", "2026-12-04"]),
    ("a week from now", ["2026-11-27"]),
    ("in a week", ["2026-11-27"]),
    ("in two weeks", ["2026-12-04"]),
    ("in 3 days", ["2026-11-23"]),
    ("three days from now", ["2026-11-23"]),
    ("in a couple of weeks", ["2026-12-04"]),
    ("in a month", ["2026-12-20"]),
    ("in three months", ["2027-02-20"]),
    ("december third", ["2026-12-03"]),
    ("december 3rd at 2 pm", ["2026-12-03"]),
    ("the third of december", ["2026-12-03"]),
    ("december the third", ["2026-12-03"]),
    ("dec 3", ["2026-12-03"]),
    ("3 december", ["2026-12-03"]),
    ("12/3", ["2026-12-03"]),
    ("12/3/26", ["2026-12-03"]),
    ("2026-12-03", ["2026-12-03"]),
    ("march second", ["2027-03-02"]),
    ("march second twenty twenty seven", ["2027-03-02"]),
    ("february twenty ninth", ["2028-02-29"]),
    ("thursday november twenty sixth", ["2026-11-26"]),
    ("thursday the twenty sixth", ["2026-11-26"]),
    ("november twenty sixth thursday", ["2026-11-26"]),
    ("friday the twentieth", ["2026-11-20"]),
    ("thursday the fifteenth", ["2026-11-26", "2026-12-15"]),
    ("monday or tuesday", ["2026-11-23", "2026-11-24"]),
    ("either monday or tuesday", ["2026-11-23", "2026-11-24"]),
    ("monday or wednesday after 4", ["2026-11-23", "2026-11-25"]),
    ("monday tuesday or wednesday", ["2026-11-23", "2026-11-24", "2026-11-25"]),
    ("tomorrow or the day after tomorrow", ["2026-11-21", "2026-11-22"]),
    ("the third or the fourth", ["2026-12-03", "2026-12-04"]),
    ("the first monday in december", ["2026-12-07"]),
    ("the second tuesday of next month", ["2026-12-08"]),
    ("thursday no friday", ["2026-11-20", "2026-11-27"]),
    ("thursday no monday", ["2026-11-23"]),
    ("wednesday i mean monday", ["2026-11-23"]),
    ("wednesday wait no make that monday", ["2026-11-23"]),
    ("not thursday monday", ["2026-11-23"]),
    ("no the twenty fourth", ["2026-11-24"]),
    ("actually can we do tuesday", ["2026-11-24"]),
    ("i can't do monday but tuesday works", ["2026-11-24"]),
    ("any day but monday", []),
    ("not on monday", []),
    ("move my thursday appointment to monday", ["2026-11-23"]),
    ("from thursday to monday", ["2026-11-23"]),
    ("my thursday appointment", ["2026-11-26"]),
    ("yesterday", []),
    ("last tuesday", []),
    ("november nineteenth twenty twenty six", []),
    ("the second one", []),
    ("the first one please", []),
    ("wait a second", []),
    ("first thing", []),
    ("ten thirty", []),
    ("half past two", []),
    ("as soon as possible", []),
    ("may i have another time", []),
    ("in december", []),
    ("four one five five five five oh one three four", []),
]


@pytest.mark.parametrize(("text", "expected"), APPOINTMENTS_FROM_FRIDAY)
def test_an_appointment_day_said_on_a_friday(text: str, expected: list[str]) -> None:
    reading = parse_date(text, today=FRIDAY, purpose="appointment")
    assert [d.isoformat() for d in reading.candidates] == expected
    assert reading.ambiguous is (len(expected) > 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("next friday", ["2026-11-20", "2026-11-27"]),
        ("next monday", ["2026-11-23"]),
        ("next monday or friday", ["2026-11-23", "2026-11-20", "2026-11-27"]),
        ("monday", ["2026-11-16", "2026-11-23"]),
        ("this friday", ["2026-11-20"]),
        ("friday this week", ["2026-11-20"]),
        ("this week", ["2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"]),
        ("next sunday", ["2026-11-22", "2026-11-29"]),
        ("next weekend", ["2026-11-21", "2026-11-22", "2026-11-28", "2026-11-29"]),
    ],
)
def test_an_appointment_day_said_on_a_monday(text: str, expected: list[str]) -> None:
    reading = parse_date(text, today=MONDAY, purpose="appointment")
    assert [d.isoformat() for d in reading.candidates] == expected


@pytest.mark.parametrize(
    ("text", "matched", "rest"),
    [
        ("next tuesday afternoon at three", "next tuesday", "afternoon at three"),
        ("can we do monday or tuesday instead", "monday or tuesday", "can we do instead"),
        ("Thursday, the 26th, at 2pm", "thursday, the 26th", "at 2pm"),
        ("hello there", "", "hello there"),
    ],
)
def test_words_are_either_matched_or_left(text: str, matched: str, rest: str) -> None:
    reading = parse_date(text, today=FRIDAY, purpose="appointment")
    assert (reading.matched, reading.rest) == (matched, rest)


@given(
    today=st.dates(date(2000, 1, 1), date(2100, 12, 31)),
    ahead=st.integers(0, 364),
)
def test_a_spoken_appointment_day_is_understood_again(today: date, ahead: int) -> None:
    day = today + timedelta(days=ahead)
    reading = parse_date(spoken_date(day, today), today=today, purpose="appointment")
    assert reading.candidates == (day,)
    assert reading.rest == ""


@given(today=st.dates(date(2000, 1, 1), date(2090, 12, 31)), ago=st.integers(1, 36_000))
def test_a_spoken_birthday_is_understood_again(today: date, ago: int) -> None:
    day = today - timedelta(days=ago)
    assert parse_date(spoken_date(day, today), today=today, purpose="birth").candidates == (day,)


def test_the_year_is_said_only_when_it_is_needed() -> None:
    assert spoken_date(date(2026, 11, 26), FRIDAY) == "Thursday, November 26th"
    assert spoken_date(date(2027, 1, 4), FRIDAY) == "Monday, January 4th"
    assert spoken_date(date(1984, 3, 2), FRIDAY) == "March 2nd, 1984"
    assert spoken_date(date(2026, 11, 13), FRIDAY) == "November 13th, 2026"
