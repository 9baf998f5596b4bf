from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.safety.errors import PatternError
from voice_agent.safety.patterns import Pattern, Span
from voice_agent.safety.wording import wording

SETS = {"chest": ("chest", "breast bone"), "pain": ("pain", "hurts")}


def spans(source: str, text: str) -> list[Span]:
    return list(Pattern(source, SETS).spans(wording(text)))


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("chest pain", "i have chest pain", True),
        ("chest pain", "i have chest and pain", False),
        ("chest ~2 pain", "my chest is in pain", True),
        ("chest ~2 pain", "my chest is full of pain", False),
        ("<chest> &3 <pain>", "pain behind my breast bone", True),
        ("<chest> &3 <pain>", "my breast bone hurts", True),
        ("(really|so)? bad", "bad", True),
        ("so (really)? bad", "so bad", True),
        ("vomit*", "he keeps vomiting", True),
        ("vomit", "he keeps vomiting", False),
        ("can't breathe", "I cannot breathe", True),
        ("chest ~3 pain", "about my chest. the pain is elsewhere", False),
        ("pain", "painting", False),
    ],
)
def test_a_pattern_finds_what_it_says(source: str, text: str, found: bool) -> None:
    assert bool(spans(source, text)) is found


def test_a_match_tells_which_words_it_covers() -> None:
    assert spans("<chest> ~1 <pain>", "oh my chest really hurts today") == [Span(2, 5, ("really",))]
    assert spans("<chest> &1 <pain>", "this pain in my chest is in my chest") == []
    assert spans("<chest> &3 <pain>", "pain in my chest") == [Span(0, 4, ("in", "my"))]


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("", "write the words"),
        ("<limb> pain", "known are chest, pain"),
        ("(a|(b|c))", "use words"),
        ("a & b", "use words"),
        ("a &2 b &2 c", "split it"),
        ("&2 b", "both sides"),
        ("a ~40 b", "at most 12"),
        ("a ~3", "leave it out"),
        ("(a||b)", "remove the stray"),
        ("a.b", "use words"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused_with_a_remedy(source: str, remedy: str) -> None:
    with pytest.raises(PatternError, match=remedy):
        Pattern(source, SETS)


@given(st.text(alphabet="abc ()|<>~&?*.12", max_size=40))
def test_any_pattern_is_read_or_refused(source: str) -> None:
    try:
        pattern = Pattern(source, SETS)
    except PatternError:
        return
    assert list(pattern.spans("a b c")) is not None


def test_a_long_text_of_near_matches_takes_no_time() -> None:
    pattern = Pattern("(a|a a|a a a) ~12 (a|a a) ~12 (a|a a) ~12 z", SETS)
    began = time.process_time()
    assert list(pattern.spans(" ".join(["a"] * 200))) == []
    assert time.process_time() - began < 2.0
