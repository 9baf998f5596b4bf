"""Whether an answer is complete: turn-taking need not wait once the question is answered."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal

from rapidfuzz import fuzz

from models.expectation import AnswerKind, Expectation
from voice_agent.reasoning.spoken import (
    YesNo,
    parse_alphanumeric,
    parse_date,
    parse_digits,
    parse_time,
    parse_yes_no,
)

Purpose = Literal["birth", "appointment"]

_SAME_PHRASE = 88.0
"""Percent of likeness (Levenshtein) from which what was said is an expected phrase with a word more or
less."""

_SHORT_ANSWER = 4
"""Words: a yes or no inside a longer sentence may go on."""


def answer_complete(expectation: Expectation, text: str, today: date | None = None) -> bool:
    """True when ``text`` alone answers ``expectation`` and nothing more is to be expected.

    Args:
        today: for dates without a year; the present day by default.
    """
    words = text.lower().split()
    return bool(words) and any(_complete(kind, expectation, words, today) for kind in expectation.kinds)


def has_begun(expectation: Expectation, text: str, today: date | None = None) -> bool:
    """True when ``text`` is the first part of what comes in parts: a date of birth without its year."""
    if AnswerKind.DATE not in expectation.kinds or not expectation.asks_birth:
        return False
    now = today or datetime.now(UTC).date()
    words = text.lower()
    return _complete_date(words, "appointment", now) and not _complete_date(words, "birth", now)


def may_go_on(text: str) -> bool:
    """True for a bare yes or no: it answers the question, and is often only the beginning ("no ... that's
    all, thank you"). How it sounds decides."""
    return len(text.split()) == 1 and parse_yes_no(text.lower()) in (YesNo.YES, YesNo.NO)


def _complete(kind: AnswerKind, expectation: Expectation, words: list[str], today: date | None) -> bool:
    text = " ".join(words)
    match kind:
        case AnswerKind.YES_NO:
            return len(words) <= _SHORT_ANSWER and parse_yes_no(text) in (YesNo.YES, YesNo.NO)
        case AnswerKind.DIGITS:
            return expectation.digits is not None and len(parse_digits(text).value) >= expectation.digits
        case AnswerKind.ALPHANUMERIC:
            return (
                expectation.digits is not None and len(parse_alphanumeric(text).value) >= expectation.digits
            )
        case AnswerKind.DATE:
            day = today or datetime.now(UTC).date()
            birth = _complete_date(text, "birth", day)
            return birth or (not expectation.asks_birth and _complete_date(text, "appointment", day))
        case AnswerKind.TIME:
            time_reading = parse_time(text)
            return len(time_reading.candidates) == 1 and not time_reading.rest.strip()
        case AnswerKind.PHRASES:
            return any(fuzz.ratio(text, phrase) >= _SAME_PHRASE for phrase in expectation.phrases)
        case _:
            return False


def _complete_date(text: str, purpose: Purpose, today: date) -> bool:
    """One date and nothing else. A birthday needs its year, a day to come does not."""
    read = parse_date(text, today=today, purpose=purpose)
    return len(read.candidates) == 1 and not read.rest.strip()
