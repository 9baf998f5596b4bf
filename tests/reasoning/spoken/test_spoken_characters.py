import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.reasoning.spoken import parse_alphanumeric, parse_digits, parse_phone, spell_out


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("four one five five five five oh one three four", "4155550134"),
        ("four one five, five five five, zero one three four", "4155550134"),
        ("four fifteen five fifty five oh one thirty four", "4155550134"),
        ("four one five triple five oh one three four", "4155550134"),
        ("double five", "55"),
        ("triple zero", "000"),
        ("twenty four", "24"),
        ("twenty four twelve", "2412"),
        ("thirteen", "13"),
        ("one eight hundred five five five one two one two", "18005551212"),
        ("four hundred", "400"),
        ("four hundred and five", "405"),
        ("two thousand", "2000"),
        ("two thousand and six", "2006"),
        ("my number is (415) 555-0134", "4155550134"),
        ("555 dash 0134", "5550134"),
        ("four one five uh five five five um oh one three four", "4155550134"),
        ("it's four one five then five five five then oh one three four", "4155550134"),
        ("it's for one five five five five oh one three four", "4155550134"),
        ("nine ate too to won nine", "982219"),
        ("one two three for my son", "123"),
        ("niner niner one", "991"),
        ("oh oh seven", "007"),
        ("o o seven", "007"),
        ("", ""),
        ("hello", ""),
        ("for you", ""),
        ("i want to talk to someone", ""),
    ],
)
def test_digits(text: str, value: str) -> None:
    assert parse_digits(text).value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("w two oh four one seven seven", "W204177"),
        ("w two zero four one seven seven", "W204177"),
        ("W204177", "W204177"),
        ("w 204 177", "W204177"),
        ("it's W-204-177", "W204177"),
        ("double u two oh four one seven seven", "W204177"),
        ("double you two oh four", "W204"),
        ("w as in whiskey two oh four", "W204"),
        ("whiskey two oh four", "W204"),
        ("w for william two oh four", "W204"),
        ("w like william two oh four", "W204"),
        ("b as in boy", "B"),
        ("e as in victor one two", "V12"),
        ("b as in boy d as in dog nine", "BD9"),
        ("alpha bravo charlie one two three", "ABC123"),
        ("x ray yankee zulu", "XYZ"),
        ("x y zee one two three", "XYZ123"),
        ("see one two are", "C12R"),
        ("bee four tea five", "B4T5"),
        ("double a one", "AA1"),
        ("double seven x", "77X"),
        ("a b c", "ABC"),
        ("a one two", "A12"),
        ("one two a", "12A"),
        ("a", "A"),
        ("i", "I"),
        ("m r n dash twenty two", "MRN22"),
        ("XKW 204", "XKW204"),
        ("xkw204", "XKW204"),
        ("my member id is w two oh four one seven seven", "W204177"),
        ("the number is w two oh four one seven seven thanks", "W204177"),
        ("b oh b", "BOB"),
        ("b oh five", "B05"),
        ("papa oscar nine", "PO9"),
        ("w twenty forty one seventy seven", "W204177"),
        ("w two oh four one double seven", "W204177"),
        ("", ""),
        ("see you", ""),
        ("i don't have my card", ""),
        ("blue cross", ""),
        ("are you there", ""),
        ("why", ""),
    ],
)
def test_letters_and_digits(text: str, value: str) -> None:
    assert parse_alphanumeric(text).value == value


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("four one five five five five oh one three four", "+14155550134"),
        ("one four one five five five five oh one three four", "+14155550134"),
        ("plus one four one five five five five oh one three four", "+14155550134"),
        ("(415) 555-0134", "+14155550134"),
        ("+1 415 555 0134", "+14155550134"),
        ("415.555.0134", "+14155550134"),
        ("my number is 4155550134", "+14155550134"),
        ("call me at eight hundred five five five one two one two", "+18005551212"),
        ("+44 20 7946 0958", "+442079460958"),
        ("five five five oh one three four", None),
        ("four one five", None),
        ("one two three four five six seven eight nine zero one two three four five six", None),
        ("no", None),
    ],
)
def test_phone_numbers(text: str, e164: str | None) -> None:
    assert parse_phone(text).e164 == e164


def test_an_incomplete_phone_number_keeps_its_digits() -> None:
    reading = parse_phone("it's four one five five five")
    assert (reading.e164, reading.digits, reading.rest) == (None, "41555", "it's")


@given(st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=14))
def test_what_is_spelled_out_is_understood_again(value: str) -> None:
    assert parse_alphanumeric(spell_out(value)).value == value


@given(st.text(string.digits, min_size=1, max_size=14))
def test_digits_spelled_out_are_understood_again(value: str) -> None:
    assert parse_digits(spell_out(value)).value == value


def test_spelling_groups_characters_and_tells_o_from_zero() -> None:
    assert spell_out("W204177") == "W 2 0, 4 1 7, 7"
    assert spell_out("4155550134") == "4 1 5, 5 5 5, 0 1 3 4"
    assert spell_out("o-0") == "O as in Oscar 0"
