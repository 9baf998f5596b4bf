"""The risk of a call and the arithmetic behind it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voice_agent.emotion.history import CallHistory
from voice_agent.emotion.readings import CallContext
from voice_agent.emotion.risk import RiskLevel, assess
from voice_agent.emotion.settings import RiskPart, RiskSignalConfig
from voice_agent.reasoning.parts import RiskOverride

DEFAULT = RiskSignalConfig()
STATE = RiskOverride()


def test_a_calm_short_call_has_no_risk() -> None:
    risk = assess(0.2, 0.3, CallContext(seconds=60), DEFAULT, STATE)
    assert (risk.score, risk.level, risk.wants_person) == (0.0, RiskLevel.NORMAL, False)


def test_emotion_loops_and_duration_have_forty_thirty_and_thirty_percent() -> None:
    worst = CallContext(seconds=600, loops=3)
    risk = assess(-1.0, 1.0, worst, DEFAULT, STATE)
    assert [(s.name, s.raw, s.weight, s.weighted) for s in risk.signals] == [
        ("emotion", 100.0, 0.4, 40.0),
        ("loop", 100.0, 0.3, 30.0),
        ("duration", 100.0, 0.3, 30.0),
    ]
    assert (risk.score, risk.level) == (100.0, RiskLevel.ESCALATE)


@pytest.mark.parametrize(("seconds", "raw"), [(0, 0.0), (180, 0.0), (390, 50.0), (600, 100.0), (6000, 100.0)])
def test_duration_counts_from_three_minutes_and_in_full_from_ten(seconds: float, raw: float) -> None:
    risk = assess(0.0, 0.5, CallContext(seconds=seconds), DEFAULT, STATE)
    assert next(s.raw for s in risk.signals if s.name == "duration") == raw


@pytest.mark.parametrize(
    ("loops", "level"),
    [(0, RiskLevel.NORMAL), (1, RiskLevel.MONITOR), (2, RiskLevel.ALERT), (3, RiskLevel.ESCALATE)],
)
def test_levels_follow_the_thresholds_of_the_service(loops: int, level: RiskLevel) -> None:
    only_loops = RiskSignalConfig(
        weights={RiskPart.LOOP: 1.0}, monitor_threshold=30, alert_threshold=60, auto_escalate_threshold=90
    )
    assert assess(-1.0, 1.0, CallContext(loops=loops), only_loops, STATE).level is level


def test_a_state_may_escalate_earlier_stand_fewer_loops_and_add_for_its_topic() -> None:
    touchy = RiskOverride(auto_escalate_threshold=40, max_loop_count=1, topic_risk_score=15)
    once = CallContext(loops=1)
    assert assess(0.0, 0.5, once, DEFAULT, STATE).level is RiskLevel.NORMAL
    risk = assess(0.0, 0.5, once, DEFAULT, touchy)
    assert (risk.score, risk.level) == (45.0, RiskLevel.ESCALATE)
    assert ("topic", 15.0) in [(s.name, s.weighted) for s in risk.signals]


def test_ten_minutes_of_unpleasant_turns_want_a_person_whatever_the_score() -> None:
    risk = assess(-0.35, 0.2, CallContext(seconds=610), DEFAULT, STATE, sustained=True)
    assert risk.level is not RiskLevel.ESCALATE
    assert risk.wants_person
    assert not assess(-0.35, 0.2, CallContext(seconds=590), DEFAULT, STATE, sustained=True).wants_person


def test_risk_explains_itself_heaviest_first() -> None:
    risk = assess(-0.9, 0.9, CallContext(seconds=400, loops=1), DEFAULT, STATE)
    assert risk.reason.startswith(f"risk {risk.score:.0f} of 100: valence -0.90")


@given(
    st.floats(-1, 1),
    st.floats(0, 1),
    st.floats(0, 20_000),
    st.integers(0, 60),
    st.floats(-500, 500),
    st.dictionaries(st.sampled_from(RiskPart), st.floats(0.01, 10), min_size=1),
)
def test_the_score_is_the_bounded_sum_of_its_signals(
    valence: float, arousal: float, seconds: float, loops: int, topic: float, weights: dict[RiskPart, float]
) -> None:
    risk = assess(
        valence,
        arousal,
        CallContext(seconds=seconds, loops=loops),
        RiskSignalConfig(weights=weights),
        RiskOverride(topic_risk_score=topic),
    )
    assert 0.0 <= risk.score <= 100.0
    total = min(100.0, max(0.0, sum(s.weighted for s in risk.signals)))
    assert risk.score == pytest.approx(total, abs=0.1)


@pytest.mark.parametrize(
    "settings",
    [
        {"monitor_threshold": 60, "alert_threshold": 50},
        {"auto_escalate_threshold": 101},
        {"weights": {"emotion": 0}},
        {"weights": {"mood": 1}},
        {"treshold": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RiskSignalConfig.model_validate(settings)


def test_coming_back_from_a_side_trip_is_no_loop() -> None:
    history = CallHistory()
    history.entered("ask", "exit_condition")
    history.entered("hours", "intent")
    history.entered("ask", "jumpback")
    assert history.context(10).loops == 0
    history.entered("ask", "exit_condition")
    assert history.context(10).loops == 1


def test_a_lookup_that_works_forgives_those_before_it() -> None:
    history = CallHistory()
    for succeeded in (False, False, True, False):
        history.tool(succeeded=succeeded)
    assert history.context(10).failed_tools == 1


def test_silence_counts_for_the_turn_after_it_and_is_forgotten_then() -> None:
    history = CallHistory()
    history.silence(8.0)
    assert history.context(10).silence == 8.0
    history.turn_over(3, understood=True)
    assert history.context(12).silence == 0.0
