"""Templates fill in what is known, as it is spoken, and stay silent about the rest."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest

from voice_agent.reasoning.errors import ExpressionError
from voice_agent.reasoning.memory import Memory
from voice_agent.reasoning.templates import holes, join_options, render, render_value, sentences

TODAY = date(2026, 11, 26)


@pytest.fixture
def memory() -> Memory:
    memory = Memory(
        constants={"practice": {"name": "Maple Clinic", "open": True}}, caller={"phone": "+14155550134"}
    )
    memory.fill("day", date(2026, 11, 27))
    memory.fill("hour", time(14, 30))
    memory.fill("member_id", "W204177")
    memory.fill("name", {"text": "Maria Lopez", "first": "Maria"})
    memory.results["find"] = {
        "slots": [{"start": "2026-11-27T09:00:00"}, {"start": datetime(2026, 11, 27, 14)}]
    }
    return memory


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("This is {practice.name}.", "This is Maple Clinic."),
        ("On {day}.", "On Friday, November 27th."),
        ("At {hour}.", "At 2:30 PM."),
        ("{name}, or {name.first}", "Maria Lopez, or Maria"),
        ("{find.slots.0.start|time}", "9 AM"),
        ("{find.slots.1.start|date}", "Friday, November 27th"),
        ("{find.slots.first.start}", "2026-11-27T09:00:00"),
        ("{find.slots.count} times", "2 times"),
        ("{member_id|spell}", "W 2 0, 4 1 7, 7"),
        ("{name|upper}", "MARIA LOPEZ"),
        ("{practice.open}", "yes"),
        ("{day.year}", "2026"),
    ],
)
def test_values_are_written_as_they_are_spoken(memory: Memory, template: str, words: str) -> None:
    assert render(template, memory.lookup, today=TODAY) == words


@pytest.mark.parametrize(
    "template", ["{nobody}", "{find.slots.9.start}", "{practice.name.first}", "a {day} {x.y}"]
)
def test_a_sentence_about_something_unknown_is_not_said(memory: Memory, template: str) -> None:
    assert render(template, memory.lookup, today=TODAY) is None


def test_a_lone_hole_passes_the_value_itself(memory: Memory) -> None:
    assert render_value("{day}", memory.lookup, today=TODAY) == date(2026, 11, 27)
    assert render_value("{find.slots}", memory.lookup, today=TODAY)[0]["start"] == "2026-11-27T09:00:00"
    assert render_value(["{day}", 3], memory.lookup, today=TODAY) == [date(2026, 11, 27), 3]
    assert render_value(True, memory.lookup, today=TODAY) is True
    assert render_value("for {name}", memory.lookup, today=TODAY) == "for Maria Lopez"


@pytest.mark.parametrize("template", ["{day|shout}", "{", "}", "{a-b}", "{1x}", "{}"])
def test_bad_templates_are_named(template: str) -> None:
    with pytest.raises(ExpressionError):
        list(holes(template))


def test_lists_are_joined_as_one_speaks() -> None:
    options: list[Any] = [join_options(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])]
    assert options == ["", "a", "a or b", "a, b, or c"]


def test_sentences_are_told_from_abbreviations_and_decimals() -> None:
    text = "Hi, this is Dr. Chen's office. It's $3.50. Are you at 12 St. Mary? Yes!"
    assert sentences(text) == [
        "Hi, this is Dr. Chen's office.",
        "It's $3.50.",
        "Are you at 12 St. Mary?",
        "Yes!",
    ]
