"""Cut: turns the caller's words into the value of a field, with the grammars of ``spoken``.

A reading says what it used, so that the rest can be read for other fields and wishes. Nothing is guessed:
several sensible values come back as candidates, and the conversation asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from voice_agent.reasoning.fields import CollectionField, FieldType
from voice_agent.reasoning.spoken import (
    YesNo,
    parse_alphanumeric,
    parse_correction,
    parse_date,
    parse_digits,
    parse_name,
    parse_phone,
    parse_time,
    parse_yes_no,
)

MAX_TEXT = 300
"""Characters of a free text kept, and the most a validation expression is run on."""

_NAME_PATTERNS = ("my name is {}", "my name's {}", "name is {}", "this is {}", "i'm {}", "it's {}")
_PATTERN_REACH = 10
"""Words after a pattern's beginning in which its value may stand."""
_FEWEST_CHARACTERS, _MOST_CHARACTERS = 2, 40
"""Of a number or identifier said in pieces."""
_SOME_YEAR = "nineteen eighty"
"""A day and month that become a birthday with it were only said without their year."""
_BORN = re.compile(
    r"\b(?:(?:i was |i am |i'm |was )?born(?: on| in)?"
    r"|(?:and )?(?:my )?(?:birthday|birth date|date of birth|d o b|dob)(?: is)?)\b"
)
"""What only says that a date is the one of a birth."""
_CONNECTORS = frozenset(
    "and but so also um uh er ah well it's its it is that's the my i'm yeah yes okay ok please".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an utterance says about one field.

    Attributes:
        value: the value, None when there is none or several.
        candidates: several sensible values, in the order said.
        partial: digits or letters heard so far when more must come.
        rest: the words it did not use.
        strong: the form leaves little doubt (a full date, a phone number); weak ones could be anything (a
            name).
    """

    value: Any = None
    candidates: tuple[Any, ...] = ()
    partial: str = ""
    rest: str = ""
    strong: bool = False

    @property
    def found(self) -> bool:
        """Whether there is a value or a choice of values."""
        return self.value is not None or bool(self.candidates)


def nothing(text: str) -> Reading:
    """The words say nothing about the field."""
    return Reading(rest=text)


def read_answer(field: CollectionField, text: str, *, today: date) -> Reading:
    """Read the answer to the field's own question. Choices are read by ``choosing.py``."""
    reading = _READERS[field.type](field, text, today)
    return _validated(field, reading, text)


def read_volunteered(field: CollectionField, text: str, *, today: date) -> Reading:
    """Read a value out of a remark that was no answer: by ``heard_as``, or when its form leaves no doubt."""
    patterns = field.heard_as or (_NAME_PATTERNS if field.type is FieldType.NAME else ())
    for pattern in patterns:
        for span in pattern_spans(pattern, text):
            reading = _READERS[field.type](field, span, today)
            correction = parse_correction(span)
            if correction.is_correction:  # "to monday, no wait, tuesday"
                corrected = _READERS[field.type](field, correction.rest, today)
                reading = replace(corrected, rest="") if corrected.found else reading
            if reading.found and _starts_at_once(span, reading.rest):
                used = without(span, reading.rest)
                return _validated(field, _with_rest(reading, without(text, used)), text)
    if field.heard_as or field.type in (FieldType.TEXT, FieldType.NAME, FieldType.BOOLEAN, FieldType.CHOICE):
        return nothing(text)
    reading = _READERS[field.type](field, text, today)
    return _validated(field, reading, text) if reading.strong else nothing(text)


def pattern_spans(pattern: str, text: str) -> list[str]:
    """What stands in the hole of a pattern, wherever it occurs: "my {} appointment" -> "thursday"."""
    before, _, after = (part.split() for part in pattern.lower().partition("{}"))
    words = text.split()
    plain = [word.strip(".,;?!").lower() for word in words]
    spans: list[str] = []
    for start in range(len(words) - len(before) + 1):
        if plain[start : start + len(before)] != before:
            continue
        inside = start + len(before)
        end = _end_of_hole(plain, inside, after)
        if end > inside:
            spans.append(" ".join(words[inside:end]))
    return spans


def _end_of_hole(words: list[str], inside: int, after: list[str]) -> int:
    limit = min(len(words), inside + _PATTERN_REACH)
    if not after:
        return limit
    for end in range(inside + 1, limit + 1):
        if words[end : end + len(after)] == after:
            return end
    return inside


def _starts_at_once(span: str, rest: str) -> bool:
    """Whether the value begins in the first two words of the hole."""
    words, left = span.split(), rest.split()
    return words[:2] != left[:2] or len(words) < 2


def without(text: str, used: str) -> str:
    """The text without the words of ``used`` (each removed once, in order), and without what only connected
    them."""
    words = text.split()
    at = 0
    for word in used.split():
        plain = word.strip(".,;?!").lower()
        for index in range(at, len(words)):
            if words[index].strip(".,;?!").lower() == plain:
                del words[index]
                at = index
                break
    return trim(" ".join(words))


def trim(text: str) -> str:
    """Text without connecting words at its ends ("it's and i'd like" -> "i'd like")."""
    words = text.split()
    while words and words[0].strip(".,;?!").lower() in _CONNECTORS:
        words.pop(0)
    while words and words[-1].strip(".,;?!").lower() in _CONNECTORS:
        words.pop()
    return " ".join(words)


def _with_rest(reading: Reading, rest: str) -> Reading:
    return Reading(reading.value, reading.candidates, reading.partial, rest, True)


def _validated(field: CollectionField, reading: Reading, text: str) -> Reading:
    if field.validation is None or reading.value is None:
        return reading
    value = str(reading.value)[:MAX_TEXT]
    if re.fullmatch(field.validation, value):
        return reading
    if field.type in (FieldType.ALPHANUMERIC, FieldType.DIGITS) and _may_go_on(field.validation, value):
        return Reading(partial=value, rest=reading.rest)
    return nothing(text)


def _may_go_on(validation: str, value: str) -> bool:
    """Whether more characters would make it fit: it was said in pieces."""
    more = (f"{value}{'0' * count}" for count in range(1, _MOST_CHARACTERS - len(value)))
    return len(value) >= _FEWEST_CHARACTERS and any(re.fullmatch(validation, longer) for longer in more)


def _date(field: CollectionField, text: str, today: date) -> Reading:
    if (typed := _keyed_date(text)) is not None:
        return Reading(value=typed, strong=True)
    found = parse_date(text, today=today, purpose=field.date_purpose)
    if not found.candidates and found.matched and field.date_purpose == "birth":
        with_year = parse_date(f"{found.matched} {_SOME_YEAR}", today=today, purpose="birth")
        return Reading(partial=found.matched) if with_year.candidates else nothing(text)
    if not found.candidates:
        return nothing(text)
    rest = _BORN.sub(" ", found.rest) if field.date_purpose == "birth" else found.rest
    if found.ambiguous or len(found.candidates) > 1:
        return Reading(candidates=found.candidates, rest=trim(rest), strong=True)
    return Reading(value=found.candidates[0], rest=trim(rest), strong=True)


def _keyed_date(text: str) -> date | None:
    """Eight keypad digits, month day year, or an ISO date."""
    plain = text.strip()
    try:
        if re.fullmatch(r"[0-9]{8}", plain):
            return date(int(plain[4:]), int(plain[:2]), int(plain[2:4]))
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", plain):
            return date.fromisoformat(plain)
    except ValueError:
        return None
    return None


def _time(field: CollectionField, text: str, today: date) -> Reading:
    found = parse_time(text)
    if found.candidates:
        # Twelve-hour words come with the office-hours reading first; that is the one an appointment means.
        return Reading(value=found.candidates[0], rest=trim(found.rest), strong=True)
    if found.part_of_day:
        return Reading(value=found.part_of_day, rest=trim(found.rest), strong=True)
    return nothing(text)


def _phone(field: CollectionField, text: str, today: date) -> Reading:
    found = parse_phone(text)
    if found.e164 is not None:
        return Reading(value=found.e164, rest=trim(found.rest), strong=True)
    return Reading(partial=found.digits, rest=trim(found.rest)) if found.digits else nothing(text)


def _characters(field: CollectionField, text: str, today: date) -> Reading:
    read = parse_digits if field.type is not FieldType.ALPHANUMERIC else parse_alphanumeric
    found = read(text)
    if not found.value:
        return nothing(text)
    if field.digits is None or len(found.value) == field.digits:
        return Reading(value=found.value, rest=trim(found.rest), strong=field.digits is not None)
    if len(found.value) < field.digits:
        return Reading(partial=found.value, rest=trim(found.rest))
    return nothing(text)


def _number(field: CollectionField, text: str, today: date) -> Reading:
    found = parse_digits(text)
    if not found.value or len(found.value) > 9:
        return nothing(text)
    return Reading(value=int(found.value), rest=trim(found.rest))


def _name(field: CollectionField, text: str, today: date) -> Reading:
    found = parse_name(text)
    if not found.first and not found.last:
        return nothing(text)
    first, last = found.first or "", found.last or ""
    return Reading(
        value={"text": f"{first} {last}".strip(), "first": first, "last": last}, rest=trim(found.rest)
    )


def _boolean(field: CollectionField, text: str, today: date) -> Reading:
    reply = parse_yes_no(text)
    return Reading(value=reply is YesNo.YES) if reply in (YesNo.YES, YesNo.NO) else nothing(text)


def _text(field: CollectionField, text: str, today: date) -> Reading:
    plain = text.strip()[:MAX_TEXT]
    return Reading(value=plain) if plain else nothing(text)


_Reader = Callable[[CollectionField, str, date], Reading]

_READERS: dict[FieldType, _Reader] = {
    FieldType.DATE: _date,
    FieldType.TIME: _time,
    FieldType.PHONE: _phone,
    FieldType.DIGITS: _characters,
    FieldType.ALPHANUMERIC: _characters,
    FieldType.NUMBER: _number,
    FieldType.NAME: _name,
    FieldType.BOOLEAN: _boolean,
    FieldType.TEXT: _text,
    FieldType.CHOICE: lambda field, text, today: nothing(text),
}
