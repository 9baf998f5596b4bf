"""Times of day as callers say them: "half past two", "quarter to ten", "2:30pm", "noon", "in the morning".

A clock time without am or pm has two readings; the one in office hours comes first, and the reading is
ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time

from voice_agent.reasoning.spoken.calendar_dates import MONTHS
from voice_agent.reasoning.spoken.numbers import TEENS, TENS, UNITS, below_hundred
from voice_agent.reasoning.spoken.readings import TimeReading
from voice_agent.reasoning.spoken.replies import parse_correction
from voice_agent.reasoning.spoken.tokens import Tokens, longest_phrase, phrase_table, tokenize

_PARTS = {
    "morning": "morning", "mornings": "morning", "first thing": "morning", "before noon": "morning",
    "before lunch": "morning", "afternoon": "afternoon", "afternoons": "afternoon", "after noon": "afternoon",
    "after lunch": "afternoon", "after school": "afternoon", "after work": "evening", "evening": "evening",
    "evenings": "evening", "tonight": "evening", "night": "night", "at night": "night",
}  # fmt: skip
_PART_PHRASES = phrase_table(*_PARTS)
_GREETINGS = phrase_table("good morning", "good afternoon", "good evening", "good night")
_BEFORE_PART = frozenset({"in", "the", "this", "early", "late", "mid", "on"})
_LEADS = frozenset(
    {
        "at",
        "around",
        "about",
        "by",
        "to",
        "say",
        "or",
        "until",
        "till",
        "between",
        "after",
        "before",
        "from",
        "like",
    }
)
_TIME_WORDS = frozenset(
    {
        *UNITS, *TEENS, *TENS, *_LEADS, "oh", "zero", "and", "either", "please", "noon", "midnight", "am",
        "pm", "a", "p", "m", "o'clock", "oclock", "the", "in", "morning", "afternoon", "evening", "yes", "no",
        "maybe", "ish", "sharp", "exactly", "okay", "let's",
    }
)  # fmt: skip
"""A text of nothing but these is about a time, so that a bare number in it is an hour."""

_BEFORE_HOUR = ("to", "till", "til", "of", "before")
_BEFORE_ONE = frozenset(
    {"the", "that", "this", "first", "second", "last", "other", "earlier", "later", "which"}
)
_OFFICE_BEGINS = 7
"""From this hour on, a bare "seven" to "eleven" more likely means the morning, anything earlier the
afternoon."""


@dataclass(frozen=True, slots=True)
class _Clock:
    """An hour and minute as said; ``half`` is "am", "pm", "24" (nothing open) or "" (both possible)."""

    hour: int
    minute: int
    half: str
    first: int
    behind: int


def parse_time(text: str) -> TimeReading:
    """Read the times of day and the part of the day in ``text``.

    Read dates first and give this their ``rest``: in "march second at two" only the "two" is a time. A
    correction
    counts alone ("two, no, three" is three).
    """
    correction = parse_correction(text)
    if correction.is_correction and correction.rest:
        corrected = _read(correction.rest)
        if corrected.matched:
            return corrected
    return _read(text)


def _read(text: str) -> TimeReading:
    tokens = tokenize(text)
    parts = list(_parts(tokens))
    named = list(dict.fromkeys(part for part, _, _ in parts))
    part = named[0] if len(named) == 1 else None
    clocks = list(_clocks(tokens))
    candidates: list[time] = []
    for clock in clocks:
        candidates.extend(_readings(clock, part))
    distinct = tuple(dict.fromkeys(candidates))
    spans = _join(
        tokens, [(c.first, c.behind) for c in clocks], [(first, behind) for _, first, behind in parts]
    )
    matched, rest = tokens.split(spans)
    return TimeReading(distinct, part, len(distinct) > 1, matched, rest)


def _readings(clock: _Clock, part: str | None) -> Iterator[time]:
    hour, minute = clock.hour, clock.minute
    if clock.half == "24":
        yield time(hour, minute)
        return
    morning, later = time(hour % 12, minute), time(hour % 12 + 12, minute)
    half = clock.half or _half_of(part, hour)
    if half == "am":
        yield morning
    elif half == "pm":
        yield later
    elif _OFFICE_BEGINS <= hour < 12:
        yield from (morning, later)
    else:
        yield from (later, morning)


def _half_of(part: str | None, hour: int) -> str:
    if part is None or (part == "morning" and hour == 12):
        return ""
    if part == "morning":
        return "am"
    if part == "night" and (hour < 5 or hour == 12):
        return "am"
    return "pm"


def _parts(tokens: Tokens) -> Iterator[tuple[str, int, int]]:
    index = 0
    while index < len(tokens):
        if length := longest_phrase(tokens, index, _GREETINGS):
            index += length
            continue
        length = longest_phrase(tokens, index, _PART_PHRASES)
        if not length:
            index += 1
            continue
        words = " ".join(tokens.at(i) for i in range(index, index + length))
        first = index
        while tokens.at(first - 1) in _BEFORE_PART:
            first -= 1
        yield _PARTS[words], first, index + length
        index += length


def _clocks(tokens: Tokens) -> Iterator[_Clock]:
    only_time = len(tokens) > 0 and all(t.text in _TIME_WORDS or t.text[0].isdigit() for t in tokens.items)
    index = 0
    while index < len(tokens):
        if _is_day_of_month(tokens, index):
            index += 1
            continue
        found = [
            *_named(tokens, index),
            *_relative_to_hour(tokens, index),
            *_hour_and_minute(tokens, index, only_time),
        ]
        best = max(found, key=lambda c: c.behind, default=None)
        if best is None:
            index += 1
        else:
            yield best
            index = best.behind


def _is_day_of_month(tokens: Tokens, index: int) -> bool:
    before = tokens.at(index - 1)
    return before in MONTHS or (before in TENS and tokens.at(index - 2) in MONTHS)


def _named(tokens: Tokens, index: int) -> Iterator[_Clock]:
    start = index + 1 if tokens.at(index) == "twelve" else index
    word = tokens.at(start)
    if word in ("noon", "midday") and tokens.at(index - 1) not in ("before", "after"):
        yield _Clock(12, 0, "24", index, start + 1)
    elif word == "midnight":
        yield _Clock(0, 0, "24", index, start + 1)


def _relative_to_hour(tokens: Tokens, index: int) -> Iterator[_Clock]:
    """ "half past two", "a quarter to ten", "twenty past four", "five minutes to three"."""
    start = index + 1 if tokens.at(index) == "a" else index
    minutes: list[tuple[int, int]] = []
    if tokens.at(start) == "half":
        minutes.append((30, start + 1))
    elif tokens.at(start) == "quarter":
        minutes.append((15, start + 1))
    else:
        minutes.extend(r for r in below_hundred(tokens, start) if 1 <= r[0] <= 29)
    for minute, behind in minutes:
        if tokens.at(behind) in ("minutes", "minute"):
            behind += 1
        word = tokens.at(behind)
        if word not in ("past", "after", "to", "till", "til", "of", "before") or (
            minute == 30 and word != "past"
        ):
            continue
        for hour, end in _hours(tokens, behind + 1):
            before = word in ("to", "till", "til", "of", "before")
            half, end = _half(tokens, end)
            yield _clock(
                (hour - 1 if hour > 1 else 12) if before else hour,
                60 - minute if before else minute,
                half,
                index,
                end,
            )
        if tokens.at(behind + 1) in ("noon", "midnight"):
            base = 12 if tokens.at(behind + 1) == "noon" else 24
            total = (
                base * 60 + (-minute if word in ("to", "till", "til", "of", "before") else minute)
            ) % 1440
            yield _Clock(total // 60, total % 60, "24", index, behind + 2)


def _hour_and_minute(tokens: Tokens, index: int, only_time: bool) -> Iterator[_Clock]:
    word = tokens.at(index)
    if ":" in word:
        hour, minute = (int(n) for n in word.split(":"))
        half, end = _half(tokens, index + 1)
        if hour < 24 and minute < 60:
            yield _clock(hour, minute, half, index, end, written=word[0] == "0")
        return
    before = tokens.at(index - 1)
    led = before in _LEADS or (only_time and before not in UNITS | TEENS | TENS)
    if word == "one" and before in _BEFORE_ONE:  # "the one at ten"
        led = False
    if word.isascii() and word.isdigit() and len(word) in (3, 4):
        hour, minute = divmod(int(word), 100)
        half, end = _half(tokens, index + 1)
        if hour < 24 and minute < 60 and (half or led):
            yield _clock(hour, minute, half, index, end)
        return
    for hour, behind in _hours(tokens, index):
        half, end = _half(tokens, behind)
        if half or led or _part_follows(tokens, behind):
            yield _clock(hour, 0, half, index, end)
        if tokens.at(behind) in ("o'clock", "oclock"):
            half, end = _half(tokens, behind + 1)
            yield _clock(hour, 0, half, index, end)
        if tokens.at(behind) == "hundred" and hour >= 10:
            yield _Clock(hour, 0, "24", index, behind + 2 if tokens.at(behind + 1) == "hours" else behind + 1)
        for minute, after in _minutes(tokens, behind):
            half, end = _half(tokens, after)
            yield _clock(hour, minute, half, index, end)


def _part_follows(tokens: Tokens, index: int) -> bool:
    in_the = tokens.starts_with(index, "in", "the") and tokens.at(index + 2) in (
        "morning",
        "afternoon",
        "evening",
    )
    return in_the or tokens.starts_with(index, "at", "night")


def _hours(tokens: Tokens, index: int) -> Iterator[tuple[int, int]]:
    if tokens.at(index) in ("oh", "zero", "o"):
        return
    for value, behind in below_hundred(tokens, index):
        one_word = behind == index + 1 or tokens.at(index) in TENS
        if one_word and 1 <= value <= 23:
            yield value, behind


def _minutes(tokens: Tokens, index: int) -> Iterator[tuple[int, int]]:
    """Two digits: "thirty", "fifteen", "forty five", "oh five", "30"."""
    for value, behind in below_hundred(tokens, index):
        word = tokens.at(index)
        spoken = word in TENS or word in TEENS or (word in ("oh", "o", "zero") and behind == index + 2)
        if value < 60 and (spoken or (len(word) == 2 and word.isdigit())):
            yield value, behind


def _half(tokens: Tokens, index: int) -> tuple[str, int]:
    """am or pm standing at ``index``, and the index behind it."""
    word = tokens.at(index)
    if word in ("am", "pm"):
        return word, index + 1
    if word in ("a", "p") and tokens.at(index + 1) == "m":
        return word + "m", index + 2
    return "", index


def _clock(hour: int, minute: int, half: str, first: int, behind: int, *, written: bool = False) -> _Clock:
    if hour == 0 or hour > 12 or (written and not half):
        half = "24"
    return _Clock(hour, minute, half, first, behind)


def _join(tokens: Tokens, *groups: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, with the "at" before and the "or" between them."""
    joined: list[tuple[int, int]] = []
    for first, behind in sorted(span for group in groups for span in group):
        if joined and all(tokens.at(i) in ("or", "and") for i in range(joined[-1][1], first)):
            joined[-1] = (joined[-1][0], behind)
        else:
            joined.append((first - 1 if tokens.at(first - 1) == "at" else first, behind))
    return joined
