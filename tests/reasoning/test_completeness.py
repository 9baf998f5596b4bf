"""Turn-taking may stop waiting exactly when the answer is complete."""

from __future__ import annotations

from datetime import date

import pytest

from models.expectation import AnswerKind, Expectation
from voice_agent.reasoning.completeness import answer_complete, has_begun, may_go_on

TODAY = date(2026, 11, 26)


def expecting(*kinds: AnswerKind, digits: int | None = None, phrases: tuple[str, ...] = ()) -> Expectation:
    return Expectation(kinds, digits, phrases)


@pytest.mark.parametrize(
    ("expectation", "text"),
    [
        (expecting(AnswerKind.YES_NO), "yes"),
        (expecting(AnswerKind.YES_NO, AnswerKind.PHRASES), "no thanks"),
        (expecting(AnswerKind.DIGITS, digits=4), "one two three four"),
        (expecting(AnswerKind.ALPHANUMERIC, digits=3), "w two zero"),
        (expecting(AnswerKind.DATE), "march second nineteen eighty four"),
        (expecting(AnswerKind.DATE), "tomorrow"),
        (expecting(AnswerKind.TIME), "two thirty pm"),
        (expecting(AnswerKind.PHRASES, phrases=("blue shield",)), "blue shield"),
    ],
)
def test_a_whole_answer_is_complete(expectation: Expectation, text: str) -> None:
    assert answer_complete(expectation, text, TODAY)


@pytest.mark.parametrize(
    ("expectation", "text"),
    [
        (expecting(AnswerKind.YES_NO), ""),
        (expecting(AnswerKind.YES_NO), "well you see the thing is"),
        (expecting(AnswerKind.DIGITS, digits=10), "four one five"),
        (expecting(AnswerKind.DIGITS), "four one five"),
        (expecting(AnswerKind.ALPHANUMERIC, digits=7), "w two zero"),
        (expecting(AnswerKind.DATE), "march"),
        (expecting(AnswerKind.DATE), "tomorrow and i also"),
        (expecting(AnswerKind.PHRASES, phrases=("blue shield",)), "blue"),
        (expecting(AnswerKind.NAME), "maria"),
        (expecting(AnswerKind.FREE), "my back hurts"),
        (Expectation(), "anything at all"),
    ],
)
def test_more_may_follow_an_unfinished_or_open_answer(expectation: Expectation, text: str) -> None:
    assert not answer_complete(expectation, text, TODAY)


def test_a_bare_yes_or_no_may_be_only_the_beginning() -> None:
    assert may_go_on("no")
    assert may_go_on("Yes")
    assert not may_go_on("yes please")
    assert not may_go_on("thursday")
    assert not may_go_on("")


BIRTH = Expectation((AnswerKind.DATE,), prompt="What's your date of birth?")


@pytest.mark.parametrize("text", ["march second", "the fifth of june"])
def test_a_date_of_birth_without_its_year_goes_on(text: str) -> None:
    assert not answer_complete(BIRTH, text, TODAY)
    assert has_begun(BIRTH, text, TODAY)
    assert answer_complete(Expectation((AnswerKind.DATE,)), text, TODAY)
    assert not has_begun(Expectation((AnswerKind.DATE,)), text, TODAY)


@pytest.mark.parametrize("text", ["march second nineteen eighty four", "why do you ask", ""])
def test_a_whole_date_of_birth_or_something_else_does_not(text: str) -> None:
    assert not has_begun(BIRTH, text, TODAY)
