"""The rules against the sentences they are judged by; and how the figures are made."""

from __future__ import annotations

import math
import statistics

import pytest

from voice_agent.safety.evaluation.figures import (
    SETS,
    Share,
    false_alarms,
    outcomes,
    recall,
    sentences,
)
from voice_agent.safety.monitor import Rulebook
from voice_agent.safety.rules import Level


@pytest.mark.parametrize("name", SETS)
def test_dangerous_sentences_are_heard_and_harmless_ones_pass(rulebook: Rulebook, name: str) -> None:
    judged = outcomes(rulebook, sentences(SETS[name]))
    assert recall(judged).value >= 0.9
    assert false_alarms(judged).value <= 0.1


def test_the_held_out_sentences_are_many_and_half_of_them_harmless() -> None:
    held_out = sentences(SETS["held_out"])
    harmless = [each for each in held_out if each.expected is Level.NONE]
    assert len(held_out) >= 200
    assert len({each.concept for each in held_out}) >= 12
    assert 0.45 <= len(harmless) / len(held_out) <= 0.55


def test_no_sentence_is_in_both_sets() -> None:
    tuning, held_out = ({each.text for each in sentences(path)} for path in SETS.values())
    assert not tuning & held_out


def test_no_held_out_sentence_is_an_example_of_a_concept(rulebook: Rulebook) -> None:
    examples = {text for concept in rulebook.rules.concepts for text in concept.examples}
    assert not examples & {each.text for each in sentences(SETS["held_out"])}


def test_a_turn_takes_a_few_milliseconds(rulebook: Rulebook) -> None:
    judged = outcomes(rulebook, sentences(SETS["held_out"]))
    assert statistics.median(each.cpu_ms for each in judged) <= 5.0


def test_shares_have_wilsons_interval() -> None:
    low, high = Share(9, 10).interval
    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)
    assert Share(0, 0).interval == (0.0, 1.0)
    assert math.isnan(Share(0, 0).value)
    assert str(Share(1, 2)) == "1/2 0.50 (0.09-0.91)"
