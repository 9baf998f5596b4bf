"""Dates named by month and day: "march second nineteen eighty four", "3/2/84", "oh three oh two eighty four".

Numbers alone are read month first, as in the United States; the day comes first only where no month could
stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from voice_agent.reasoning.spoken.numbers import (
    Reading,
    below_hundred,
    digit,
    four_digit_year,
    ordinal,
    two_digit_year,
)
from voice_agent.reasoning.spoken.tokens import Tokens

Purpose = Literal["birth", "appointment"]

OLDEST_CALLER_YEARS = 110
"""A two-digit year is not read as more than this long ago: at most one person in a million is older."""

MONTHS = {
    "january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5,
    "june": 6, "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9,
    "october": 10, "oct": 10, "november": 11, "nov": 11, "december": 12, "dec": 12,
}  # fmt: skip

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_NUMERIC = re.compile(r"(\d{1,2})[/.\-](\d{1,2})(?:[/.\-](\d{2}|\d{4}))?")
_BARE = re.compile(r"(\d{2})(\d{2})(\d{4}|\d{2})")


@dataclass(frozen=True, slots=True)
class Said:
    """Month, day and year as said; ``century`` is False when the year had two digits."""

    month: int
    day: int
    year: int | None
    century: bool
    behind: int


def calendar_date(
    tokens: Tokens, index: int, *, today: date, purpose: Purpose
) -> tuple[int, tuple[date, ...]] | None:
    """The longest date named by month and day that starts at ``index``: (index behind it, its possible
    dates).

    None when there is none; an empty tuple of dates when what is said cannot be.
    """
    said = list(_said(tokens, index, purpose))
    if not said:
        return None
    behind = max(s.behind for s in said)
    dates: set[date] = set()
    for s in said:
        if s.behind == behind:
            dates.update(resolve(s, today=today, purpose=purpose))
    return behind, tuple(sorted(dates))


def resolve(said: Said, *, today: date, purpose: Purpose) -> Iterator[date]:
    """The dates that month, day and year may mean: past for a birth, today or later for an appointment."""
    if said.year is None:
        if purpose == "appointment":
            for year in range(today.year, today.year + 9):  # a February 29th is at most eight years away
                day = real_date(year, said.month, said.day)
                if day is not None and day >= today:
                    yield day
                    return
        return
    if said.century:
        years = [said.year]
    elif purpose == "birth":
        years = [c + said.year for c in (1900, 2000) if c + said.year >= today.year - OLDEST_CALLER_YEARS]
    else:
        years = [2000 + said.year]
    for year in years:
        day = real_date(year, said.month, said.day)
        if day is not None and (day <= today if purpose == "birth" else day >= today):
            yield day


def real_date(year: int, month: int, day: int) -> date | None:
    """The date, or None when the calendar has no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _said(tokens: Tokens, index: int, purpose: Purpose) -> Iterator[Said]:
    yield from _written(tokens, index, purpose)
    yield from _month_first(tokens, index, purpose)
    yield from _day_first(tokens, index, purpose)
    yield from _numbers_only(tokens, index, purpose)
    for year, behind in four_digit_year(tokens, index):
        for said in _month_first(tokens, behind, purpose):
            if said.year is None:
                yield Said(said.month, said.day, year, True, said.behind)


def _written(tokens: Tokens, index: int, purpose: Purpose) -> Iterator[Said]:
    word = tokens.at(index)
    if match := _ISO.fullmatch(word):
        yield Said(int(match[2]), int(match[3]), int(match[1]), True, index + 1)
    elif match := _NUMERIC.fullmatch(word):
        month, day = _american(int(match[1]), int(match[2]))
        year = int(match[3]) if match[3] else None
        yield Said(month, day, year, len(match[3] or "") == 4, index + 1)
    elif purpose == "birth" and (match := _BARE.fullmatch(word)):
        yield Said(int(match[1]), int(match[2]), int(match[3]), len(match[3]) == 4, index + 1)


def _american(first: int, second: int) -> tuple[int, int]:
    return (second, first) if first > 12 >= second else (first, second)


def _month_first(tokens: Tokens, index: int, purpose: Purpose) -> Iterator[Said]:
    month = MONTHS.get(tokens.at(index))
    if month is None:
        return
    start = index + 1
    if tokens.at(start) == "the":
        start += 1
    for day, behind in _days(tokens, start, purpose):
        yield from _with_year(tokens, month, day, behind, purpose)


def _day_first(tokens: Tokens, index: int, purpose: Purpose) -> Iterator[Said]:
    start = index + 1 if tokens.at(index) == "the" else index
    for day, behind in _days(tokens, start, purpose):
        linked = tokens.at(behind) == "of"
        month = MONTHS.get(tokens.at(behind + 1 if linked else behind))
        if month is not None and (
            linked or tokens.at(start)[:1].isdigit() or (day, behind) in ordinal(tokens, start)
        ):
            yield from _with_year(tokens, month, day, behind + (2 if linked else 1), purpose)


def _days(tokens: Tokens, index: int, purpose: Purpose) -> Iterator[Reading]:
    yield from ordinal(tokens, index)
    for value, behind in below_hundred(tokens, index, sound_alikes=False):
        if 1 <= value <= 31:
            yield value, behind
    if purpose == "birth" and tokens.at(index) in ("to", "too"):  # "march to nineteen eighty four"
        yield 2, index + 1


def _with_year(tokens: Tokens, month: int, day: int, index: int, purpose: Purpose) -> Iterator[Said]:
    start = index + 1 if tokens.at(index) in ("of", "in") else index
    alikes = purpose == "birth"
    found = False
    for year, behind in four_digit_year(tokens, start, sound_alikes=alikes):
        found = True
        yield Said(month, day, year, True, behind)
    if purpose == "birth":
        for year, behind in two_digit_year(tokens, start, sound_alikes=True):
            found = True
            yield Said(month, day, year, False, behind)
    if not found or purpose == "appointment":
        yield Said(month, day, None, False, index)


def _numbers_only(tokens: Tokens, index: int, purpose: Purpose) -> Iterator[Said]:
    """ "oh three oh two eighty four", "three two nineteen eighty four", "3 2 84", "three slash two slash
    eighty four"."""
    if digit(tokens.at(index - 1)) is not None:
        return
    for month, after_month in below_hundred(tokens, index):
        if not 1 <= month <= 12:
            continue
        for day, after_day in _days(tokens, _skip_slash(tokens, after_month), "appointment"):
            start = _skip_slash(tokens, after_day)
            for year, behind in four_digit_year(tokens, start, sound_alikes=purpose == "birth"):
                if digit(tokens.at(behind)) is None:  # else a longer number: no date
                    yield Said(month, day, year, True, behind)
            if purpose == "birth":
                for year, behind in two_digit_year(tokens, start, sound_alikes=True):
                    if digit(tokens.at(behind)) is None:
                        yield Said(month, day, year, False, behind)


def _skip_slash(tokens: Tokens, index: int) -> int:
    return index + 1 if tokens.at(index) in ("slash", "dash") else index


def next_day_of_month(day: int, today: date) -> date | None:
    """The next date with this day of the month, today included ("the fifteenth")."""
    first = today.replace(day=1)
    for _ in range(3):
        found = real_date(first.year, first.month, day)
        if found is not None and found >= today:
            return found
        first = (first + timedelta(days=32)).replace(day=1)
    return None
