"""What the grammars give back: immutable readings, each with the words it used and the words it left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class DateReading:
    """Every date the words may mean.

    Attributes:
        candidates: in the order said (one expression's readings in calendar order). Empty when no date was
        said, or
            when what was said cannot be one (``matched`` tells the two apart): a 30th of February, a
            birthday in
            the future, an appointment in the past, a birthday without its year.
        ambiguous: more than one candidate: ask.
        matched: the words that made the date.
        rest: the other words.
    """

    candidates: tuple[date, ...] = ()
    ambiguous: bool = False
    matched: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class TimeReading:
    """Every time of day the words may mean.

    Attributes:
        candidates: in the order said; a clock time without am or pm gives both, the one in office hours
        first.
        part_of_day: ``morning``, ``afternoon``, ``evening`` or ``night`` when one was named.
        ambiguous: more than one candidate: ask.
        matched: the words that made the time or the part of the day.
        rest: the other words.
    """

    candidates: tuple[time, ...] = ()
    part_of_day: str | None = None
    ambiguous: bool = False
    matched: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class CharactersReading:
    """Digits, or capital letters and digits, said one by one or in groups. ``value`` is "" when none were
    said."""

    value: str = ""
    matched: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class PhoneReading:
    """A phone number: ``e164`` is None while the digits heard do not make a possible number."""

    e164: str | None = None
    digits: str = ""
    matched: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class NameReading:
    """A person's name, capitalized. ``spelled`` is True when letters decided how it is written."""

    first: str | None = None
    last: str | None = None
    spelled: bool = False
    matched: str = ""
    rest: str = ""


class YesNo(StrEnum):
    """What a reply to a yes-or-no question says."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
    """Neither: "maybe", or yes and no in one breath. Ask again."""
    NONE = "none"
    """The words do not answer."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Whether the words take back what was said before; ``rest`` is what is said instead (all words
    otherwise)."""

    is_correction: bool = False
    rest: str = ""
