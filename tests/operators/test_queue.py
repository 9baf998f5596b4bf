"""The order in which operators should look at calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.operators.ports import Escalation, EscalationStatus, LiveCall
from voice_agent.operators.queue import ranked, rated

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
CALM = LiveCall("CA1", "dr_chen", "inbound", NOW - timedelta(minutes=9), None, "", "greeting", 4)


def wanted(seconds: float, status: EscalationStatus = EscalationStatus.REQUESTED) -> Escalation:
    """A person has been wanted for so long."""
    return Escalation("e1", status, "caller_request", "", False, NOW - timedelta(seconds=seconds))


def test_a_call_of_which_nothing_bad_is_known_scores_nothing() -> None:
    assert rated(CALM, NOW).priority == 0.0
    assert rated(CALM, NOW).reasons == ()


@pytest.mark.parametrize(
    ("known", "score", "reasons"),
    [
        ({"risk_score": 1.0}, 0.4, ["high_risk"]),
        ({"risk_score": 0.5}, 0.2, ["high_risk"]),
        ({"risk_score": 0.49}, 0.196, []),
        ({"valence": -1.0}, 0.15, ["negative_emotion"]),
        ({"valence": -0.3}, 0.045, ["negative_emotion"]),
        ({"valence": 0.8}, 0.0, []),
        ({"concepts": ("self_harm",)}, 0.15, ["safety_concern"]),
        ({"loops": 3}, 0.1, ["looping"]),
        ({"loops": 30}, 0.1, ["looping"]),
        ({"loops": 1}, 0.1 / 3, []),
        ({"escalation": wanted(300)}, 0.2, ["long_wait"]),
        ({"escalation": wanted(3000)}, 0.2, ["long_wait"]),
        ({"escalation": wanted(120)}, 0.08, ["long_wait"]),
        ({"escalation": wanted(119)}, 0.2 * 119 / 300, []),
        ({"escalation": wanted(300, EscalationStatus.CONNECTED)}, 0.0, []),
        ({"escalation": wanted(300, EscalationStatus.COMPLETED)}, 0.0, []),
        (
            {"risk_score": 1.0, "valence": -1.0, "concepts": ("x",), "loops": 3, "escalation": wanted(300)},
            1.0,
            ["high_risk", "long_wait", "negative_emotion", "safety_concern", "looping"],
        ),
    ],
)
def test_each_part_has_its_weight_and_its_reason(
    known: dict[str, object], score: float, reasons: list[str]
) -> None:
    item = rated(replace(CALM, **known), NOW)  # type: ignore[arg-type]
    assert item.priority == pytest.approx(score)
    assert list(item.reasons) == reasons


def test_an_active_escalation_stands_before_any_score() -> None:
    risky = replace(CALM, call_sid="risky", risk_score=1.0, valence=-1.0)
    asked = replace(CALM, call_sid="asked", escalation=wanted(1))
    helped = replace(CALM, call_sid="helped", escalation=wanted(9, EscalationStatus.CONNECTED))
    over = replace(CALM, call_sid="over", escalation=wanted(9, EscalationStatus.COMPLETED))
    order = [item.call.call_sid for item in ranked([over, risky, helped, asked], NOW)]
    assert order == ["asked", "helped", "risky", "over"]


def test_of_two_equally_urgent_calls_the_older_comes_first() -> None:
    young = replace(CALM, call_sid="young", started_at=NOW)
    assert [item.call.call_sid for item in ranked([young, CALM], NOW)] == ["CA1", "young"]


numbers = st.none() | st.floats(allow_nan=False)


@given(risk=numbers, valence=numbers, loops=st.integers(0, 10**6), waited=st.floats(-1e6, 1e6))
def test_no_call_scores_outside_of_zero_to_one(
    risk: float | None, valence: float | None, loops: int, waited: float
) -> None:
    call = replace(CALM, risk_score=risk, valence=valence, loops=loops, escalation=wanted(waited))
    assert 0.0 <= rated(call, NOW).priority <= 1.0
    assert rated(call, NOW).wait_s >= 0.0
