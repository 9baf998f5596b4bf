"""The language of conditions: what it says, and that nothing in it can do harm."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.reasoning.conditions import MAX_LENGTH, parse_condition
from voice_agent.reasoning.errors import ExpressionError

KNOWN: dict[str, Any] = {
    "wish": "move",
    "slots.count": 3,
    "verified": True,
    "failed": False,
    "day": date(2026, 11, 27),
    "hour": time(9, 0),
    "valence": -0.4,
}


@pytest.mark.parametrize(
    "text",
    [
        'wish == "move"',
        "wish == 'move' and verified",
        "slots.count > 0",
        "slots.count >= 3 and slots.count < 4",
        "not failed",
        "not not verified",
        "nothing == null",
        "not nothing",
        'wish in ["move", "cancel"]',
        "not (failed or nothing)",
        "failed or verified",
        "valence < -0.3",
        'day == "2026-11-27"',
        '"09:00:00" == hour',
        'day > "2026-01-01"',
        "true",
        'wish != "cancel"',
    ],
)
def test_true_conditions(text: str) -> None:
    assert parse_condition(text).holds(KNOWN.get)


@pytest.mark.parametrize(
    "text",
    [
        "wish == 3",
        "nothing > 3",
        "wish < 3",
        "3 in wish",
        "nothing in wish",
        "false",
        "failed and verified",
        "[]",
    ],
)
def test_false_conditions_never_raise(text: str) -> None:
    assert not parse_condition(text).holds(KNOWN.get)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wish ==",
        "== 3",
        "wish = 3",
        "(wish",
        "wish)",
        "__import__('os')",
        "a b",
        "a.b()",
        "[1",
        "1 < 2 < 3",
        "x;y",
    ],
)
def test_anything_else_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_condition(text)


def test_depth_and_length_are_bounded() -> None:
    with pytest.raises(ExpressionError, match="nested"):
        parse_condition("(" * 60 + "a" + ")" * 60)
    with pytest.raises(ExpressionError, match="nested"):
        parse_condition("[" * 60 + "]" * 60)
    with pytest.raises(ExpressionError, match="characters"):
        parse_condition("a" * (MAX_LENGTH + 1))


def test_the_paths_of_a_condition_are_known() -> None:
    assert parse_condition('a.b == "x" and not (c or d in [e, 1])').paths() == ("a.b", "c", "d", "e")


@given(st.text(alphabet="abinortd .=<>!()[]\"',0123456789-", max_size=60))
def test_any_text_is_either_refused_or_decided(text: str) -> None:
    try:
        condition = parse_condition(text)
    except ExpressionError:
        return
    assert condition.holds(KNOWN.get) in (True, False)
