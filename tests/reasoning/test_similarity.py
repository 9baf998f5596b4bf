"""Which wish a sentence means: told from examples it does not repeat, and from look-alikes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.reasoner import Option, OptionKind
from voice_agent.reasoning.similarity import DIMENSIONS, HashingEncoder, clauses, stem

WISHES = {
    "move": ("i need to reschedule my appointment", "can i move my appointment to another day"),
    "cancel": ("i need to cancel my appointment", "please cancel my visit", "i can't make it"),
    "book": ("i'd like to make an appointment", "can i book a visit"),
    "hours": ("what are your hours", "when do you open"),
    "card": ("i lost my insurance card", "my insurance changed"),
    "person": ("can i talk to a person", "i want to speak to someone"),
    "refill": ("i need a prescription refill",),
}
OPTIONS = tuple(Option(OptionKind.EXIT, name, "", name, examples) for name, examples in WISHES.items())


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("could you push back my visit a little", "move"),
        ("i'd like to move my thursday appointment to friday morning", "move"),
        ("something came up and i have to change my appointment", "move"),
        ("can we postpone that", "move"),
        ("i won't make it on monday", "cancel"),
        ("just cancel it please", "cancel"),
        ("hello i would like to schedule a checkup", "book"),
        ("are you open on saturdays", "hours"),
        ("what time do you close", "hours"),
        ("i misplaced my insurance card", "card"),
        ("i've got new coverage", "card"),
        ("let me speak to a human being", "person"),
        ("is there somebody i could talk to", "person"),
        ("i'm out of my meds and need a refill", "refill"),
        ("i don't want to cancel i want to reschedule", "move"),
        ("not a new appointment i need to cancel my old one", "cancel"),
    ],
)
def test_a_wish_is_recognized_in_words_no_example_has(text: str, wish: str) -> None:
    score, option = EmbeddedReasoner().rank(text, OPTIONS)[0]
    assert (option.id, score >= EmbeddedReasoner().threshold) == (wish, True)


@pytest.mark.parametrize(
    "text",
    [
        "i do not want to cancel my appointment",
        "please don't cancel it",
        "the weather is lovely today",
        "march second nineteen eighty four",
        "my name is maria lopez",
        "um well you know",
        "",
    ],
)
def test_what_means_no_wish_stays_below_the_threshold(text: str) -> None:
    ranked = EmbeddedReasoner().rank(text, OPTIONS)
    assert ranked[0][0] < EmbeddedReasoner().threshold


@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_vectors_are_unit_length_or_zero_and_always_the_same(texts: list[str]) -> None:
    first, again = HashingEncoder().encode(texts), HashingEncoder().encode(list(texts))
    assert first.shape == (len(texts), DIMENSIONS)
    assert first.dtype == np.float32
    assert np.array_equal(first, again)
    lengths = np.linalg.norm(first, axis=1)
    assert np.all(np.isclose(lengths, 1.0, atol=1e-5) | (lengths == 0))


def test_no_sentences_give_no_rows() -> None:
    assert HashingEncoder().encode([]).shape == (0, DIMENSIONS)


def test_forms_of_a_word_share_their_stem() -> None:
    assert stem("appointments") == stem("appointment")
    assert stem("booking") == stem("booked") == stem("book")
    assert stem("cancelling") == stem("cancel")


def test_a_remark_is_read_whole_and_in_parts() -> None:
    assert clauses("yes and i lost my card, sorry") == [
        "yes and i lost my card, sorry", "yes", "i lost my card", "sorry",
    ]  # fmt: skip
    assert clauses("  ") == []
