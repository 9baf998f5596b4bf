"""Whatever is heard, the grammars answer: no text raises, and no word is lost or invented."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from voice_agent.reasoning.spoken import (
    is_backchannel,
    parse_alphanumeric,
    parse_correction,
    parse_date,
    parse_digits,
    parse_name,
    parse_phone,
    parse_time,
    parse_yes_no,
    spell_out,
)

VOCABULARY = """
    a am and april are as at b be but by double dash day days december eight eighteen eighty eleven fifteenth
    fifth fifty
    first five for forty four friday from half hundred i i'm in is it it's january june last like making
    march may mean
    midnight minutes monday month morning my name next nine nineteen ninety no noon not o'clock of oh on one
    or p past pm
    quarter r scratch second seven seventy six sixty sorry sunday ten that the third thirty this thousand
    three to today
    tomorrow triple tuesday twelve twentieth twenty two u until w wait wednesday week weekend weeks x year
    yes z zero 1 2
    3/2/84 2:30 1984 15th 99th 31/31 25:99 2nd 0 000 12345678 + - , . ' ’ é ٣ ² 0th
"""
SPEECH = st.lists(st.sampled_from(VOCABULARY.split()), max_size=14).map(" ".join)
ANY_TEXT = st.text(max_size=80) | SPEECH


@given(text=ANY_TEXT, today=st.dates(date(1, 1, 1), date(9990, 12, 31)))
def test_dates_never_raise(text: str, today: date) -> None:
    for purpose in ("birth", "appointment"):
        reading = parse_date(text, today=today, purpose=purpose)
        assert reading.ambiguous is (len(reading.candidates) > 1)
        assert all(d <= today for d in reading.candidates) or purpose == "appointment"
        assert all(d >= today for d in reading.candidates) or purpose == "birth"


@given(ANY_TEXT)
def test_times_never_raise(text: str) -> None:
    reading = parse_time(text)
    assert reading.ambiguous is (len(reading.candidates) > 1)


@given(ANY_TEXT)
def test_characters_never_raise(text: str) -> None:
    assert all(c.isascii() and c.isdigit() for c in parse_digits(text).value)
    assert all(c.isascii() and c.isalnum() for c in parse_alphanumeric(text).value)
    assert all(c.isascii() for c in spell_out(text))
    phone = parse_phone(text)
    assert phone.e164 is None or phone.e164.startswith("+")


@given(ANY_TEXT)
def test_names_and_replies_never_raise(text: str) -> None:
    parse_name(text)
    parse_yes_no(text)
    parse_correction(text)
    is_backchannel(text)


@given(SPEECH)
def test_matched_and_rest_are_made_of_the_words_said(text: str) -> None:
    said = sorted(text.lower().split())
    reading = parse_digits(text)
    left = sorted(f"{reading.matched} {reading.rest}".split())
    assert set("".join(left)) <= set("".join(said))


@given(st.text("aeiou 0123456789/:.-+", min_size=1001, max_size=1400))
def test_endless_text_is_cut_not_chewed(text: str) -> None:
    parse_date(text, today=date(2026, 11, 20), purpose="appointment")
    parse_alphanumeric(text)
