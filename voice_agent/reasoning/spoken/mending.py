"""A string of digits or letters put right in one place: "it ends in four five", "five, not nine"."""

from __future__ import annotations

import re

from voice_agent.reasoning.spoken.characters import parse_alphanumeric, parse_digits

_PART = r"(?: \w+)?(?: digits?| numbers?| letters?| ones?)?(?: is| are| should be)"
_END = re.compile(rf"\b(?:end(?:s|ing)? (?:in|with)|last{_PART}) (?P<new>.+)")
_START = re.compile(rf"\b(?:(?:start|begin)(?:s|ning|ing)? with|first{_PART}|area code(?: is)?) (?P<new>.+)")
_ONE_NOT_OTHER = re.compile(r"(?P<new>.+?),? (?:and |but )?not (?P<old>.+)")
_NOT_ONE_OTHER = re.compile(r"\bnot (?P<old>.+?),? (?:but |it's |it is )(?P<new>.+)")
_DENIAL = re.compile(r"^(?:no|nope|sorry|actually)\b,? ?(?:sorry |actually )?")


def mended(value: str, text: str, *, letters: bool) -> str | None:
    """``value`` as a caller corrects a part of it, None where ``text`` says nothing of the kind or could mean
    several places.

    Args:
        value: digits, or with ``letters`` digits and capitals.
        text: lower-case words.
    """
    parse = parse_alphanumeric if letters else parse_digits
    said = _DENIAL.sub("", text)
    for pattern in (_END, _START):
        if (found := pattern.search(said)) and 0 < len(new := parse(found["new"]).value) < len(value):
            return value[: -len(new)] + new if pattern is _END else new + value[len(new) :]
    for pattern in (_NOT_ONE_OTHER, _ONE_NOT_OTHER):
        found = pattern.search(said)
        if found is None:
            continue
        new, old = parse(found["new"]).value, parse(found["old"]).value
        if new and len(new) == len(old) and value.count(old) == 1:
            return value.replace(old, new)
    return None
