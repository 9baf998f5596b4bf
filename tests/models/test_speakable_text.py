import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tts.text import TextNormalizer, number, ordinal, spelled, year


@pytest.fixture(scope="module")
def said() -> TextNormalizer:
    return TextNormalizer()


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Dr. Patel at 2:30 PM.", "Doctor Patel at two thirty P M."),
        ("Open 8 AM - 5 PM, Mon-Fri", "Open eight A M to five P M, Monday to Friday"),
        ("on March 5th, 2026", "on March fifth, twenty twenty six"),
        ("on 03/02/1984", "on March second, nineteen eighty four"),
        ("on 2026-11-20", "on November twentieth, twenty twenty six"),
        ("at 10:05am", "at ten oh five A M"),
        ("at 14:00", "at two P M"),
        ("(415) 555-0122", "four one five, five five five, zero one two two"),
        ("+14155550122", "four one five, five five five, zero one two two"),
        ("id W204177", "id W, two zero four, one seven seven"),
        ("code 482913", "code four eight two, nine one three"),
        ("500 mg", "five hundred milligrams"),
        ("1 mg", "one milligram"),
        ("$12.50", "twelve dollars and fifty cents"),
        ("98.6", "ninety eight point six"),
        ("30%", "thirty percent"),
        ("the 23rd", "the twenty third"),
        ("5-10 minutes", "five to ten minutes"),
        ("12 Oak St. in Salem", "twelve Oak Street in Salem"),
        ("an MRI", "an M R I"),
        ("the COVID shot", "the COVID shot"),
        ("**Hello** there", "Hello there"),
    ],
)
def test_written_forms_are_said_as_a_person_would(said: TextNormalizer, written: str, spoken: str) -> None:
    assert said(written) == spoken


def test_numbers_ordinals_and_years_have_names() -> None:
    assert number(1204) == "one thousand two hundred four"
    assert [ordinal(n) for n in (1, 12, 20, 31)] == ["first", "twelfth", "twentieth", "thirty first"]
    assert [year(y) for y in (1905, 2000, 2005, 2026)] == [
        "nineteen oh five",
        "two thousand",
        "two thousand five",
        "twenty twenty six",
    ]


def test_no_digit_of_a_spelled_string_stands_alone() -> None:
    assert spelled("1234567") == "one two three, four five six seven"


@pytest.mark.parametrize("nothing", ["", "   ", "...", "\U0001f600", "--"])
def test_what_holds_no_word_is_nothing_to_say(said: TextNormalizer, nothing: str) -> None:
    assert said(nothing) == ""


@given(st.text(max_size=120))
def test_any_text_becomes_something_speakable(text: str) -> None:
    assert not set(TextNormalizer()(text)) & set("<>&{}[]*#|")
