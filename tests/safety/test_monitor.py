from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voice_agent.reasoning.similarity import HashingEncoder
from voice_agent.safety.findings import Assessment, Evidence, Trajectory, Verdict
from voice_agent.safety.loader import load_rules, read_rules
from voice_agent.safety.monitor import Rulebook, SafetyMonitor
from voice_agent.safety.rules import Level

Judge = Callable[[str], Assessment]


def gravest(judged: Assessment) -> str:
    return judged.gravest.concept.name if judged.gravest is not None else ""


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("i'd like tuesday at ten and i've had this pressure in my chest since breakfast", "chest_pain"),
        ("his face is drooping and he can't talk right", "stroke"),
        ("i can't breathe", "breathing"),
        ("she won't wake up", "unconscious"),
        ("i want to kill myself", "suicide_risk"),
        ("my newborn has a fever", "infant_emergency"),
        ("i'm pregnant and bleeding", "pregnancy"),
        ("he says he'll shoot us he has a gun", "threat_of_violence"),
    ],
)
def test_what_cannot_wait_is_heard_in_passing(judge: Judge, text: str, concept: str) -> None:
    judged = judge(text)
    assert judged.verdict is Verdict.CALL
    assert concept in [found.concept.name for found in judged.findings if found.level is Level.ACUTE]


@pytest.mark.parametrize(
    "text",
    [
        "no chest pain",
        "i have a chest x ray appointment",
        "my chest of drawers",
        "it kills me to wait",
        "my father had a heart attack in two thousand nine",
        "what are the signs of a stroke",
        "march second nineteen eighty four",
        "w two oh four one seven seven",
        "",
    ],
)
def test_harmless_words_raise_nothing(judge: Judge, text: str) -> None:
    assert judge(text).verdict in (Verdict.NONE, Verdict.OBSERVE)


def test_what_recognizers_make_of_it_is_understood(judge: Judge) -> None:
    assert gravest(judge("i have chess pain")) == "chest_pain"
    assert gravest(judge("he past out")) == "unconscious"


@pytest.mark.parametrize("text", ["my husband hits me", "the new pills give me a rash"])
def test_a_regulated_concern_tells_a_person_and_no_more(judge: Judge, text: str) -> None:
    assert judge(text).verdict is Verdict.NOTIFY


def test_a_past_attempt_is_a_reason_to_look_and_not_an_alarm(judge: Judge) -> None:
    assert judge("i tried to kill myself two years ago").verdict is Verdict.NOTIFY


def test_words_nobody_is_sure_of_are_not_acute_but_not_passed_over(rulebook: Rulebook) -> None:
    judged = SafetyMonitor(rulebook).assess("i can't breathe", trusted=False)
    assert judged.verdict is Verdict.NOTIFY
    assert judged.gravest is not None
    assert not judged.gravest.trusted


def test_another_reading_of_the_same_sound_counts_as_unsure(rulebook: Rulebook) -> None:
    judged = SafetyMonitor(rulebook).assess("i have just rain", also=("i have chest pain",))
    assert judged.verdict is Verdict.NOTIFY
    assert gravest(judged) == "chest_pain"


MILD = """
concepts:
  - name: strain
    description: caller is under strain
    mild: [so stressed, hardly slept, no appetite]
    examples: [everything is too much for me lately]
config: {accumulation_window_size: 4}
"""


def test_mild_remarks_add_up_to_one_alarm() -> None:
    monitor = SafetyMonitor(Rulebook(read_rules(MILD)))
    turns = [
        "i'm so stressed",
        "on friday please",
        "i hardly slept",
        "and no appetite",
        "thank you",
        "so stressed",
    ]
    verdicts = [monitor.assess(text).verdict for text in turns]
    assert verdicts == [
        Verdict.OBSERVE,
        Verdict.NONE,
        Verdict.OBSERVE,
        Verdict.NOTIFY,
        Verdict.NONE,
        Verdict.OBSERVE,
    ]


def test_mild_remarks_far_apart_do_not_add_up() -> None:
    monitor = SafetyMonitor(Rulebook(read_rules(MILD)))
    remarks = ["i'm so stressed", *["yes please"] * 4, "i hardly slept", *["no thanks"] * 4, "no appetite"]
    assert Verdict.NOTIFY not in [monitor.assess(text).verdict for text in remarks]


def test_likeness_in_context_is_mild_and_alone_it_takes_more(rulebook: Rulebook) -> None:
    monitor = SafetyMonitor(Rulebook(read_rules(MILD)))
    near = monitor.assess("everything has been a bit too much")
    assert [(f.evidence, f.level) for f in near.findings] == [(Evidence.CONTEXT, Level.MILD)]
    alone = monitor.assess("everything is too much for me lately")
    assert [(f.evidence, f.level) for f in alone.findings] == [(Evidence.ALONE, Level.SIGNIFICANT)]


def test_the_course_of_a_call_is_told(rulebook: Rulebook) -> None:
    monitor = SafetyMonitor(rulebook)
    for text in ("hello", "i need an appointment", "for friday"):
        assert monitor.assess(text).trajectory is Trajectory.STEADY
    worse = monitor.assess("i have chest pain")
    assert (worse.trajectory, worse.peak, worse.concern_turn_count) == (Trajectory.RISING, Level.ACUTE, 1)
    assert worse.history == (Level.NONE, Level.NONE, Level.NONE, Level.ACUTE)
    for text in ("okay", "yes", "thank you"):
        better = monitor.assess(text)
    assert (better.trajectory, better.peak) == (Trajectory.FALLING, Level.ACUTE)


def test_a_configuration_may_ask_for_less() -> None:
    rules = read_rules("template_ids: [doctors_line]\nconfig: {accumulation_fast_track_level: significant}\n")
    assert SafetyMonitor(Rulebook(rules)).assess("i have severe stomach pain").verdict is Verdict.CALL


def test_unfinished_words_are_certain_only_by_an_acute_pattern(rulebook: Rulebook) -> None:
    monitor = SafetyMonitor(rulebook)
    assert monitor.certain("and i can't brea") is None
    found = monitor.certain("and i can't breathe")
    assert found is not None
    assert found.concept.name == "breathing"
    assert monitor.certain("no chest pain") is None


@given(st.text(max_size=300))
def test_any_text_is_judged(text: str) -> None:
    judged = SafetyMonitor(RULEBOOK).assess(text)
    assert Level.NONE <= judged.level <= Level.ACUTE


RULEBOOK = Rulebook(read_rules("template_ids: [doctors_line]"))


class CountingEncoder(HashingEncoder):
    """The built-in encoder, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        self.asked += 1
        return super().encode(sentences)


def test_a_turn_is_read_with_those_before_only_where_a_concept_asks_for_it() -> None:
    encoder = CountingEncoder()
    monitor = SafetyMonitor(Rulebook(load_rules(), encoder))
    for _ in range(3):
        encoder.asked = 0
        monitor.assess("monday the twenty third")
        assert encoder.asked == 1
    encoder.asked = 0
    monitor.assess("i feel a bit odd in my chest")
    assert encoder.asked > 1
