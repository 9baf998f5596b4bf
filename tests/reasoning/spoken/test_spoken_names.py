import pytest

from voice_agent.reasoning.spoken import parse_name


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("maria rivera", "Maria", "Rivera"),
        ("my name is maria rivera", "Maria", "Rivera"),
        ("hi my name is maria rivera and i need an appointment", "Maria", "Rivera"),
        ("this is maria rivera", "Maria", "Rivera"),
        ("yes this is maria", "Maria", None),
        ("it's maria", "Maria", None),
        ("i'm maria rivera", "Maria", "Rivera"),
        ("maria", "Maria", None),
        ("sure maria rivera", "Maria", "Rivera"),
        ("maria rivera please", "Maria", "Rivera"),
        ("first name maria last name rivera", "Maria", "Rivera"),
        ("my first name is maria and my last name is rivera", "Maria", "Rivera"),
        ("last name rivera", None, "Rivera"),
        ("last name rivera first name maria", "Maria", "Rivera"),
        ("mrs maria rivera", "Maria", "Rivera"),
        ("john van der berg", "John", "Van Der Berg"),
        ("sean o'brien", "Sean", "O'Brien"),
        ("mary ann smith", "Mary", "Smith"),
        ("Maria Rivera.", "Maria", "Rivera"),
        ("José García", "José", "García"),
        ("marina no maria rivera", "Maria", "Rivera"),
        ("the patient's name is leo rivera", "Leo", "Rivera"),
    ],
)
def test_names(text: str, first: str | None, last: str | None) -> None:
    reading = parse_name(text)
    assert (reading.first, reading.last) == (first, last)
    assert not reading.spelled


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("maria rivera r i v e r a", "Maria", "Rivera"),
        ("maria riviera that's r i v e r a", "Maria", "Rivera"),
        ("last name smith s m y t h", None, "Smyth"),
        ("first name kathryn k a t h r y n last name lee l e e", "Kathryn", "Lee"),
        ("m a r i a", "Maria", None),
        ("jon j o n", "Jon", None),
    ],
)
def test_letters_decide_how_a_name_is_written(text: str, first: str | None, last: str | None) -> None:
    reading = parse_name(text)
    assert (reading.first, reading.last, reading.spelled) == (first, last, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes",
        "no thanks",
        "i want to move my appointment",
        "i'm calling about my appointment",
        "what do you mean",
        "four one five",
        "it's thursday at ten or so i think maybe",
        "can you hear me",
        "hello",
    ],
)
def test_no_name_is_found_where_none_is_said(text: str) -> None:
    reading = parse_name(text)
    assert (reading.first, reading.last) == (None, None)
    assert reading.rest == text
