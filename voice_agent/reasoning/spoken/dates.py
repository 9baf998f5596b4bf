"""Dates as callers say them: one expression or several, with everything they may mean.

"Friday" said on a Friday is today or a week from today; "next friday" said on a Monday is this week's or the
next
one's; "thursday the fifteenth" is two dates when the fifteenth is no Thursday. Those come back as candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum, auto

from voice_agent.reasoning.spoken.calendar_dates import Purpose, calendar_date
from voice_agent.reasoning.spoken.readings import DateReading
from voice_agent.reasoning.spoken.relative_dates import WEEKDAYS, relative_date, weekday_after_modifier
from voice_agent.reasoning.spoken.replies import parse_correction
from voice_agent.reasoning.spoken.tokens import Tokens, longest_phrase, phrase_table, tokenize

_JOINS = frozenset({"or", "and", "either"})
_LINKS = frozenset({"the", "on", "of"})
_NOT = phrase_table(
    "not", "not on", "except", "except for", "besides", "anything but", "any day but", "everything but",
    "instead of", "can't do", "cannot do", "can't make", "cannot make", "can't on", "can't come",
    "can't come on", "can't make it", "can't make it on", "can't do it on", "doesn't have to be",
)  # fmt: skip


class _Role(Enum):
    """What a date is to the rest of the sentence."""

    PLAIN = auto()
    REFUSED = auto()
    """"not monday"."""
    FORMER = auto()
    """"my thursday appointment", "from thursday": the one to move, when another is named."""


@dataclass(frozen=True, slots=True)
class _Mention:
    first: int
    behind: int
    dates: tuple[date, ...]
    is_weekday: bool = False
    role: _Role = _Role.PLAIN


def parse_date(text: str, *, today: date, purpose: Purpose) -> DateReading:
    """Read the dates in ``text``.

    Args:
        text: words or typed text.
        today: the day it is for the caller.
        purpose: ``birth`` reads full dates in the past, ``appointment`` also relative ones, today or later.

    A correction counts alone: of "thursday no friday" only Friday is read.
    """
    correction = parse_correction(text)
    if correction.is_correction and correction.rest:
        corrected = _read(correction.rest, today, purpose)
        if corrected.matched:
            return corrected
    return _read(text, today, purpose)


def _read(text: str, today: date, purpose: Purpose) -> DateReading:
    tokens = tokenize(text)
    mentions = _merge(tokens, list(_mentions(tokens, today, purpose)))
    mentions = [replace(m, role=_role(tokens, m)) for m in mentions]
    if any(m.role is _Role.PLAIN for m in mentions):
        read = [m for m in mentions if m.role is _Role.PLAIN]
    else:
        read = [m for m in mentions if m.role is _Role.FORMER]
    candidates = tuple(dict.fromkeys(d for m in read for d in m.dates))
    matched, rest = tokens.split(_spans(tokens, mentions))
    return DateReading(candidates, len(candidates) > 1, matched, rest)


def _mentions(tokens: Tokens, today: date, purpose: Purpose) -> Iterator[_Mention]:
    index = 0
    modifier: str | None = None
    while index < len(tokens):
        mention = _mention(tokens, index, today, purpose, modifier)
        if mention is None:
            index += 1
            if tokens.at(index - 1) not in _JOINS:
                modifier = None
            continue
        yield mention
        # "next monday or tuesday": the word before the first weekday holds for the ones joined to it
        modifier = tokens.at(mention.first) if tokens.at(mention.first) in ("next", "this") else modifier
        index = mention.behind


def _mention(
    tokens: Tokens, index: int, today: date, purpose: Purpose, modifier: str | None
) -> _Mention | None:
    found = calendar_date(tokens, index, today=today, purpose=purpose)
    best = _Mention(index, found[0], found[1]) if found is not None else None
    if purpose == "appointment":
        relative = relative_date(tokens, index, today)
        if relative is not None and (best is None or relative[0] > best.behind):
            best = _Mention(index, *relative, is_weekday=_ends_in_weekday(tokens, index, relative[0]))
        if best is not None and modifier and best.is_weekday and best.behind == index + 1:
            best = replace(best, dates=weekday_after_modifier(tokens.at(index), modifier, today))
    return best


def _ends_in_weekday(tokens: Tokens, first: int, behind: int) -> bool:
    return behind - first <= 2 and tokens.at(behind - 1) in WEEKDAYS


def _merge(tokens: Tokens, mentions: list[_Mention]) -> list[_Mention]:
    """ "thursday the fifteenth" is one date said twice: what both allow, or everything when they disagree."""
    merged: list[_Mention] = []
    for mention in mentions:
        before = merged[-1] if merged else None
        adjacent = before is not None and all(
            tokens.at(i) in _LINKS for i in range(before.behind, mention.first)
        )
        if before is not None and adjacent and before.is_weekday != mention.is_weekday:
            weekday, other = (before, mention) if before.is_weekday else (mention, before)
            name = WEEKDAYS[tokens.at(weekday.behind - 1)]
            agreed = tuple(d for d in other.dates if d.weekday() == name)
            dates = agreed or tuple(sorted({*weekday.dates, *other.dates}))
            merged[-1] = _Mention(before.first, mention.behind, dates if other.dates else ())
        else:
            merged.append(mention)
    return merged


def _role(tokens: Tokens, mention: _Mention) -> _Role:
    for start in range(max(0, mention.first - 4), mention.first):
        if start + longest_phrase(tokens, start, _NOT) == mention.first:
            return _Role.REFUSED
    lead = mention.first - 1 if tokens.at(mention.first - 1) not in ("the", "on") else mention.first - 2
    follows = tokens.at(mention.behind)
    if tokens.at(lead) in ("my", "from", "our", "his", "her") or (
        follows in ("appointment", "appointments", "visit")
        and tokens.at(lead) not in ("a", "an", "to", "for")
    ):
        return _Role.FORMER
    return _Role.PLAIN


def _spans(tokens: Tokens, mentions: list[_Mention]) -> list[tuple[int, int]]:
    """The mentions' places, with the "or" between two of them."""
    spans: list[tuple[int, int]] = []
    for mention in mentions:
        if spans and all(tokens.at(i) in _JOINS for i in range(spans[-1][1], mention.first)):
            spans[-1] = (spans[-1][0], mention.behind)
        else:
            spans.append((mention.first, mention.behind))
    return spans
