"""Dates counted from today: "tomorrow", "next friday", "a week from tuesday", "the fifteenth", "in two
weeks"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from voice_agent.reasoning.spoken.calendar_dates import MONTHS, next_day_of_month, real_date
from voice_agent.reasoning.spoken.numbers import below_hundred, ordinal
from voice_agent.reasoning.spoken.tokens import Tokens

WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            ("monday", "mondays", "mon"),
            ("tuesday", "tuesdays", "tue", "tues"),
            ("wednesday", "wednesdays", "wed"),
            ("thursday", "thursdays", "thu", "thur", "thurs"),
            ("friday", "fridays", "fri"),
            ("saturday", "saturdays", "sat"),
            ("sunday", "sundays", "sun"),
        )
    )
    for name in names
}
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_SUNDAY = 6
_NOT_A_DAY = frozenset(
    {
        "one",
        "ones",
        "slot",
        "option",
        "time",
        "times",
        "thing",
        "appointment",
        "available",
        "choice",
        "of",
        "opening",
    }
)
"""Words after "the first", "the second" that make it a place in a list, not a day of the month."""

_LAST_PLACE = 5
"""Up to here a bare ordinal ("second") is more likely a place in a list, or a moment, than a day."""

Found = tuple[int, tuple[date, ...]]


def relative_date(tokens: Tokens, index: int, today: date) -> Found | None:
    """The longest relative date that starts at ``index``: (index behind it, its possible dates), or None."""
    found = [
        *_near_days(tokens, index, today),
        *_weekday(tokens, index, today),
        *_weeks(tokens, index, today),
        *_counted(tokens, index, today),
        *_nth_weekday(tokens, index, today),
        *_day_of_month(tokens, index, today),
    ]
    return max(found, key=lambda f: f[0], default=None)


def weekday_after_modifier(name: str, modifier: str, today: date) -> tuple[date, ...]:
    """The dates a weekday may mean after "this" or "next"."""
    number = WEEKDAYS[name]
    ahead = (number - today.weekday()) % 7
    if modifier == "this":
        return (today + ahead * _DAY,)
    coming = today + (ahead or 7) * _DAY
    return tuple(sorted({coming, *_in_next_week(number, today)}))


def _in_next_week(number: int, today: date) -> tuple[date, ...]:
    """That weekday of the next calendar week; a Sunday twice, because a week begins on Sunday or on
    Monday."""
    monday = today + (7 - today.weekday()) * _DAY
    from_monday = monday + number * _DAY
    if number != _SUNDAY:
        return (from_monday,)
    next_sunday = today + ((_SUNDAY - today.weekday()) or 7) * _DAY
    return tuple(sorted({next_sunday, from_monday}))


def _near_days(tokens: Tokens, index: int, today: date) -> Iterator[Found]:
    word = tokens.at(index)
    if word in ("today", "tonight"):
        yield index + 1, (today,)
    elif word in ("tomorrow", "tomorrow's"):
        yield index + 1, (today + _DAY,)
    elif word == "yesterday":
        yield index + 1, ()
    start = index + 1 if word == "the" else index
    if tokens.starts_with(start, "day", "after", "tomorrow"):
        yield start + 3, (today + 2 * _DAY,)
    if word == "this" and tokens.at(index + 1) in ("morning", "afternoon", "evening"):
        yield index + 1, (today,)  # the part of the day stays for the grammar of times


def _weekday(tokens: Tokens, index: int, today: date) -> Iterator[Found]:
    word = tokens.at(index)
    if word in ("this", "next", "coming") or tokens.starts_with(index, "this", "coming"):
        start = index + 2 if tokens.starts_with(index, "this", "coming") else index + 1
        if tokens.at(start) in WEEKDAYS:
            modifier = "next" if word == "next" else "this"
            yield start + 1, weekday_after_modifier(tokens.at(start), modifier, today)
        return
    if word == "last" and tokens.at(index + 1) in WEEKDAYS:
        yield index + 2, ()
        return
    if word not in WEEKDAYS:
        return
    number = WEEKDAYS[word]
    ahead = (number - today.weekday()) % 7
    plain = (today, today + _WEEK) if ahead == 0 else (today + ahead * _DAY,)
    yield index + 1, plain
    start = index + 2 if tokens.at(index + 1) in ("of", "in") else index + 1
    if tokens.starts_with(start, "next", "week"):
        yield start + 2, _in_next_week(number, today)
    elif tokens.starts_with(start, "this", "week"):
        day = today + (number - today.weekday()) * _DAY
        yield start + 2, (day,) if day >= today else ()
    elif tokens.starts_with(start, "after", "next"):
        yield start + 2, tuple(d + _WEEK for d in plain)


def _weeks(tokens: Tokens, index: int, today: date) -> Iterator[Found]:
    """ "next week friday", "next week" (its weekdays), "this week" (what is left of it), "this weekend"."""
    monday = today - today.weekday() * _DAY
    if tokens.starts_with(index, "next", "week"):
        start = index + 3 if tokens.at(index + 2) == "on" else index + 2
        if tokens.at(start) in WEEKDAYS:
            yield start + 1, _in_next_week(WEEKDAYS[tokens.at(start)], today)
        yield index + 2, tuple(monday + (7 + n) * _DAY for n in range(5))
    elif tokens.starts_with(index, "this", "week"):
        start = index + 3 if tokens.at(index + 2) == "on" else index + 2
        if tokens.at(start) in WEEKDAYS:
            day = monday + WEEKDAYS[tokens.at(start)] * _DAY
            yield start + 1, (day,) if day >= today else ()
        yield index + 2, tuple(d for d in (monday + n * _DAY for n in range(5)) if d >= today)
    for words, weeks in ((("this", "weekend"), 0), (("the", "weekend"), 0), (("next", "weekend"), 1)):
        if tokens.starts_with(index, *words):
            saturday = monday + 5 * _DAY
            both = (saturday, saturday + _DAY, saturday + _WEEK, saturday + _WEEK + _DAY)
            chosen = both[:2] if weeks == 0 else both if today < saturday else both[2:]
            yield index + 2, tuple(d for d in chosen if d >= today)


def _counted(tokens: Tokens, index: int, today: date) -> Iterator[Found]:
    """ "in two weeks", "three days from now", "a week from tuesday", "in a month"."""
    start = index + 1 if tokens.at(index) == "in" else index
    for count, behind in _counts(tokens, start):
        unit = tokens.at(behind).rstrip("s")
        if unit not in ("day", "week", "month"):
            continue
        behind += 1
        if tokens.at(behind) == "from":
            if tokens.at(behind + 1) in ("now", "today"):
                yield behind + 2, (_later(today, count, unit),)
                continue
            near = [*_near_days(tokens, behind + 1, today), *_weekday(tokens, behind + 1, today)]
            if near:
                end, dates = max(near, key=lambda f: f[0])
                yield end, tuple(_later(d, count, unit) for d in dates)
                continue
        if start > index:
            yield behind, (_later(today, count, unit),)


def _counts(tokens: Tokens, index: int) -> Iterator[tuple[int, int]]:
    if tokens.at(index) in ("a", "one"):
        yield 1, index + 1
    if tokens.starts_with(index, "a", "couple"):
        yield 2, index + (3 if tokens.at(index + 2) == "of" else 2)
    if tokens.at(index) == "week" and tokens.at(index + 1) == "from":
        yield 1, index
    for value, behind in below_hundred(tokens, index):
        if value > 0:
            yield value, behind


def _later(day: date, count: int, unit: str) -> date:
    if unit != "month":
        return day + count * (_WEEK if unit == "week" else _DAY)
    years, month = divmod(day.month - 1 + count, 12)
    for number in range(day.day, 0, -1):
        found = real_date(day.year + years, month + 1, number)
        if found is not None:
            return found
    return day


def _nth_weekday(tokens: Tokens, index: int, today: date) -> Iterator[Found]:
    """ "the first monday in december", "second tuesday of next month"."""
    start = index + 1 if tokens.at(index) == "the" else index
    for nth, behind in ordinal(tokens, start):
        if nth > 5 or tokens.at(behind) not in WEEKDAYS or tokens.at(behind + 1) not in ("of", "in"):
            continue
        number = WEEKDAYS[tokens.at(behind)]
        if tokens.starts_with(behind + 2, "next", "month"):
            first, end = _first_of_next_month(today), behind + 4
        elif month := MONTHS.get(tokens.at(behind + 2)):
            first, end = date(today.year + (month < today.month), month, 1), behind + 3
        else:
            continue
        day = first + ((number - first.weekday()) % 7 + 7 * (nth - 1)) * _DAY
        yield end, (day,) if day.month == first.month and day >= today else ()


def _first_of_next_month(today: date) -> date:
    return (today.replace(day=1) + timedelta(days=32)).replace(day=1)


def _day_of_month(tokens: Tokens, index: int, today: date) -> Iterator[Found]:
    """ "the fifteenth", "15th", "the fifteenth of next month"; "the second" only with its article."""
    with_article = tokens.at(index) == "the"
    start = index + 1 if with_article else index
    for day, behind in ordinal(tokens, start):
        for words, first in (
            (("of", "next", "month"), _first_of_next_month(today)),
            (("of", "this", "month"), today.replace(day=1)),
        ):
            if tokens.starts_with(behind, *words):
                found = real_date(first.year, first.month, day)
                yield behind + 3, (found,) if found is not None and found >= today else ()
        follows = tokens.at(behind)
        written = tokens.at(start)[:1].isdigit()
        in_list = follows in WEEKDAYS or follows in MONTHS or (day <= _LAST_PLACE and not with_article)
        if follows in _NOT_A_DAY or (in_list and not written):
            continue
        coming = next_day_of_month(day, today)
        yield behind, (coming,) if coming is not None else ()
