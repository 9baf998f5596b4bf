"""Sentences as large recognizers write them become words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.stt.wording import plain_words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Hello, I’d like to move my appointment.", "hello i'd like to move my appointment"),
        ("It's 2:30 p.m. on 3/2/84 — maybe?", "it's 2:30 p.m on 3/2/84 maybe"),
        ("[MUSIC] (coughs) Yes… <noise>", "yes"),
        ("555-0100, and W-204.", "555-0100 and w-204"),
        ("Mm-hmm.", "mm-hmm"),
        ("▁I▁do", "i do"),
        ("...", ""),
    ],
)
def test_words_keep_what_stands_inside_them(written: str, words: str) -> None:
    assert plain_words(written) == words


@given(st.text())
def test_any_text_becomes_lower_case_words_and_stays_so(text: str) -> None:
    words = plain_words(text)
    assert words == " ".join(words.split())
    assert plain_words(plain_words(words)) == plain_words(words)
