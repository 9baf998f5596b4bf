"""Sentences with ``{path}`` and ``{path|filter}`` in them, filled from what the conversation knows.

A sentence that needs something unknown is not said at all: :func:`render` gives None and the next variant is
tried. Dates and times become words as they are spoken; nothing but the listed filters can be applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from voice_agent.reasoning.conditions import Lookup
from voice_agent.reasoning.errors import ExpressionError
from voice_agent.reasoning.spoken import spell_out, spoken_date, spoken_time

_HOLE = re.compile(r"\{\s*([A-Za-z_]\w*(?:\.\w+)*)\s*(?:\|\s*(\w+)\s*)?\}")
_BRACE = re.compile(r"[{}]")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[\"'(]?[A-Z0-9{])")
_ABBREVIATION = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|St|Jr|Sr|No|vs|approx|a\.m|p\.m)\.$")

FILTERS = frozenset({"date", "time", "spell", "list", "upper", "lower", "title"})
PART_OF_DAY = {"morning": "in the morning", "afternoon": "in the afternoon", "evening": "in the evening"}


def holes(template: str) -> Iterator[tuple[str, str]]:
    """The ``(path, filter)`` pairs of a template; filter is "" when there is none.

    Raises:
        ExpressionError: for an unknown filter or an unbalanced brace.
    """
    for found in _HOLE.finditer(template):
        if found[2] and found[2] not in FILTERS:
            raise ExpressionError(f"{found[2]!r} is not a filter; use one of {', '.join(sorted(FILTERS))}")
        yield found[1], found[2] or ""
    if (rest := _BRACE.search(_HOLE.sub("", template))) is not None:
        raise ExpressionError(f"stray {rest[0]!r} in {template!r}; write {{name}} or {{name|filter}}")


def render(template: str, lookup: Lookup, *, today: date) -> str | None:
    """The template in words, or None when something it needs is unknown."""
    missing = False

    def fill(found: re.Match[str]) -> str:
        nonlocal missing
        value = lookup(found[1])
        if value is None or value == "":
            missing = True
            return ""
        return say_value(value, today=today, how=found[2] or "")

    text = _HOLE.sub(fill, template)
    return None if missing else " ".join(text.split())


def render_value(template: Any, lookup: Lookup, *, today: date) -> Any:
    """A parameter: a lone ``{path}`` gives the value itself, other text is rendered, anything else passes
    through.

    None when something it needs is unknown.
    """
    if isinstance(template, list):
        return [render_value(item, lookup, today=today) for item in template]
    if not isinstance(template, str):
        return template
    whole = _HOLE.fullmatch(template.strip())
    if whole is not None and not whole[2]:
        return lookup(whole[1])
    return render(template, lookup, today=today)


def say_value(value: Any, *, today: date, how: str = "") -> str:
    """A value in spoken words."""
    if how in ("date", "time"):
        value = _moment(value)
    if how == "date" and isinstance(value, datetime | date):
        return spoken_date(value.date() if isinstance(value, datetime) else value, today)
    if how == "time" and isinstance(value, datetime | time):
        return spoken_time(value.time() if isinstance(value, datetime) else value)
    if how == "spell":
        return spell_out(_plain(value, today))
    text = _plain(value, today)
    transform: dict[str, Callable[[str], str]] = {"upper": str.upper, "lower": str.lower, "title": str.title}
    return transform[how](text) if how in transform else text


def join_options(items: list[str], *, word: str = "or") -> str:
    """``a, b, or c`` as one says it."""
    if len(items) < 2:
        return "".join(items)
    if len(items) == 2:
        return f"{items[0]} {word} {items[1]}"
    return f"{', '.join(items[:-1])}, {word} {items[-1]}"


def sentences(text: str) -> list[str]:
    """Text cut into sentences; abbreviations such as "Dr." do not end one."""
    parts: list[str] = []
    for piece in _SENTENCE_END.split(text.strip()):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] = f"{parts[-1]} {piece}"
        elif piece:
            parts.append(piece)
    return parts


def _plain(value: Any, today: date) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{spoken_date(value.date(), today)} at {spoken_time(value.time())}"
    if isinstance(value, date):
        return spoken_date(value, today)
    if isinstance(value, time):
        return spoken_time(value)
    if isinstance(value, Mapping):
        return str(value.get("text") or value.get("label") or value.get("name") or "")
    if isinstance(value, list | tuple):
        return join_options([_plain(item, today) for item in value], word="and")
    return str(value)


def _moment(value: Any) -> Any:
    """ISO text as the moment it names; anything else as it is."""
    if not isinstance(value, str):
        return value
    for read in (date.fromisoformat, time.fromisoformat, datetime.fromisoformat):
        try:
            return read(value)
        except ValueError:
            continue
    return PART_OF_DAY.get(value, value)
