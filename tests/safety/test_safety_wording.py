from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.safety.wording import MAX_WORDS, Mishearings, wording


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("I can’t breathe!", "i can not breathe ."),
        ("i cant breathe", "i can not breathe"),
        ("he's   not OK", "he is not ok"),
        ("No. I've chest pain", "no . i have chest pain"),
        ("we're gonna go", "we are going to go"),
        ("", ""),
    ],
)
def test_the_same_words_have_the_same_form(said: str, form: str) -> None:
    assert wording(said) == form


@given(st.text())
def test_any_text_becomes_plain_words(text: str) -> None:
    words = wording(text).split(" ")
    assert len(words) <= MAX_WORDS
    assert all(word == "." or (word.isascii() and word.isalnum()) for word in words if word)


def test_known_mishearings_are_put_right_as_whole_words() -> None:
    heard = Mishearings({"chest pain": ("chess pain",), "losing": ("loosing",)})
    assert heard.corrected("my chess pain is back") == "my chest pain is back"
    assert heard.corrected("a chess painting") == "a chess painting"


def test_without_mishearings_words_stay_as_they_are() -> None:
    assert Mishearings({}).corrected("chess pain") == "chess pain"
