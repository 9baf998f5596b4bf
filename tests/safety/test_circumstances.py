from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.safety.circumstances import Circumstance, circumstance
from voice_agent.safety.patterns import Pattern, Span
from voice_agent.safety.wording import wording

CURRENT, DENIED, PAST = Circumstance.CURRENT, Circumstance.DENIED, Circumstance.PAST
SUPPOSED, ROUTINE, TOLD = Circumstance.SUPPOSED, Circumstance.ROUTINE, Circumstance.TOLD


def meant(text: str) -> Circumstance:
    words = wording(text)
    [span] = Pattern("(chest pain|a stroke|seizure|seizures|bleeding|overdose)", {}).spans(words)
    return circumstance(words, span)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i have chest pain", CURRENT),
        ("no i have chest pain", CURRENT),
        ("no chest pain", DENIED),
        ("i don't have any chest pain", DENIED),
        ("no fever or chest pain", DENIED),
        ("i don't think i'm having a stroke", DENIED),
        ("i don't have a fever but i have chest pain", CURRENT),
        ("i'm not feeling well i have chest pain", CURRENT),
        ("i don't know what to do about the chest pain", CURRENT),
        ("i can't sleep with this chest pain", CURRENT),
        ("i never had chest pain like this", CURRENT),
        ("i never had chest pain", DENIED),
        ("chest pain no", DENIED),
        ("my father had a stroke ten years ago", PAST),
        ("he had a stroke ten minutes ago", CURRENT),
        ("i had a stroke last year and now i have chest pain today", None),
        ("the chest pain went away", PAST),
        ("the chest pain has not gone away", CURRENT),
        ("what should i do if i ever get chest pain", SUPPOSED),
        ("i don't know if this is a stroke", CURRENT),
        ("i need a refill of my seizure medicine", ROUTINE),
        ("i'd like the results of the bleeding test", ROUTINE),
        ("i need an appointment for chest pain", CURRENT),
        ("i saw an overdose on the news", TOLD),
    ],
)
def test_the_words_around_a_finding_tell_how_it_is_meant(text: str, expected: Circumstance | None) -> None:
    if expected is None:
        words = wording(text)
        spans = list(Pattern("(a stroke|chest pain)", {}).spans(words))
        assert [circumstance(words, span) for span in spans][-1] is CURRENT
    else:
        assert meant(text) is expected


@given(st.text(alphabet="abcdinosty .", max_size=80), st.integers(0, 5), st.integers(1, 5))
def test_any_words_have_a_circumstance(text: str, start: int, length: int) -> None:
    words = wording(text)
    assert circumstance(words, Span(start, start + length)) in Circumstance
