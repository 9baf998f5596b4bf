"""Which of the offered items a caller means: "the second one", "the nine o'clock", "Friday morning", its
name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import numpy as np

from voice_agent.reasoning.answers import Reading, nothing
from voice_agent.reasoning.similarity import SentenceEncoder
from voice_agent.reasoning.spoken import YesNo, parse_date, parse_time, parse_yes_no

_ORDINALS = {
    "first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "1st": 0, "2nd": 1, "3rd": 2,
    "former": 0, "earliest": 0, "earlier": 0, "soonest": 0, "sooner": 0, "either": 0, "any": 0,
    "last": -1, "latest": -1, "later": -1, "latter": -1,
}  # fmt: skip
_NUMBERS = {"one": 0, "two": 1, "three": 2, "four": 3, "five": 4, "1": 0, "2": 1, "3": 2, "4": 3, "5": 4}
_DIRECTED = frozenset({"earlier", "later", "sooner", "earliest", "latest", "soonest"})
_BEYOND = frozenset({"anything", "something", "any", "than", "else", "other", "none", "neither"})
"""With these, "earlier" asks for what was not offered."""
_A_MOMENT = frozenset({"a", "one", "few", "sixty"})
"""Before "second": a time to wait, and no place."""

LABEL_THRESHOLD = 0.5
LABEL_MARGIN = 0.08
_PARTS_OF_DAY = {"morning": (0, 12), "afternoon": (12, 17), "evening": (17, 24), "night": (17, 24)}


@dataclass(frozen=True, slots=True)
class Offer:
    """One item with the words it was offered in."""

    item: Any
    text: str


def choose(offers: Sequence[Offer], text: str, *, today: date, encoder: SentenceEncoder) -> Reading:
    """The item meant; several candidates when the words fit more than one of them, nothing when they fit
    none."""
    words = [word.strip(".,;?!'") for word in text.lower().split()]
    if not offers or not words:
        return nothing(text)
    by_time = _by_time(offers, text, today)
    if by_time is not None and len(by_time) == 1 and len(words) == 1:
        return Reading(value=by_time[0].item, strong=True)  # "two": the one at two o'clock, before the second
    if (index := _by_position(_outside_dates(words, text, today), len(offers))) is not None:
        return Reading(value=offers[index].item, strong=True)
    if by_time is not None:
        if len(by_time) == 1:
            return Reading(value=by_time[0].item, strong=True)
        return (
            Reading(candidates=tuple(offer.item for offer in by_time), rest=text)
            if by_time
            else nothing(text)
        )
    if (named := _by_label(offers, text, encoder)) is not None:
        return Reading(value=named.item, rest="")
    if len(offers) == 1 and parse_yes_no(text) is YesNo.YES:
        return Reading(value=offers[0].item)
    return nothing(text)


def _outside_dates(words: list[str], text: str, today: date) -> list[str]:
    """The words that belong to no date: "march second" is no second place. A bare "the second" stays."""
    used = parse_date(text, today=today, purpose="appointment").matched.lower().split()
    if all(word in _ORDINALS or word in ("the", "on") for word in used):
        return words
    for start in range(len(words) - len(used) + 1):
        if words[start : start + len(used)] == used:
            return [*words[:start], *words[start + len(used) :]]
    return words


def _by_position(words: list[str], count: int) -> int | None:
    if any(word in _BEYOND for word in words) and any(word in _DIRECTED for word in words):
        return None
    if "none" in words or "neither" in words or ("not" in words and len(words) < 5):
        return None
    for before, word in zip(("", *words), words, strict=False):
        if (word in ("either", "any") and len(words) > 4) or (word == "second" and before in _A_MOMENT):
            continue
        if word in _ORDINALS and -1 <= _ORDINALS[word] < count:
            return _ORDINALS[word] % count
    for before, word in zip(("", *words), words, strict=False):
        if (
            word in _NUMBERS
            and (before in ("number", "option") or len(words) == 1)
            and _NUMBERS[word] < count
        ):
            return _NUMBERS[word]
    return None


def _by_time(offers: Sequence[Offer], text: str, today: date) -> list[Offer] | None:
    """Offers at the day and time named; None when none was named or the offers have no time."""
    moments = [(offer, moment) for offer in offers if (moment := _moment(offer.item)) is not None]
    if not moments:
        return None
    days = parse_date(text, today=today, purpose="appointment")
    hours = parse_time(days.rest if days.candidates else text)
    if not days.candidates and not hours.candidates and hours.part_of_day is None:
        return None
    return [
        offer
        for offer, moment in moments
        if _fits(moment, days.candidates, hours.candidates, hours.part_of_day)
    ]


def _fits(moment: datetime, days: tuple[date, ...], hours: tuple[time, ...], part: str | None) -> bool:
    if days and moment.date() not in days:
        return False
    if hours:
        return moment.time().replace(tzinfo=None) in hours
    if part is not None:
        start, end = _PARTS_OF_DAY.get(part, (0, 24))
        return start <= moment.hour < end
    return True


def _moment(item: Any) -> datetime | None:
    value = item.get("start") if isinstance(item, Mapping) else item
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and "T" in value:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    return None


def _by_label(offers: Sequence[Offer], text: str, encoder: SentenceEncoder) -> Offer | None:
    plain = f" {' '.join(text.lower().split())} "
    literal = [offer for offer in offers if f" {offer.text.lower()} " in plain]
    if len(literal) == 1:
        return literal[0]
    likeness = encoder.encode([offer.text.lower() for offer in offers]) @ encoder.encode([text.lower()])[0]
    order = np.argsort(-likeness, kind="stable")
    best = float(likeness[order[0]])
    second = float(likeness[order[1]]) if len(offers) > 1 else 0.0
    return offers[int(order[0])] if best >= LABEL_THRESHOLD and best - second >= LABEL_MARGIN else None
