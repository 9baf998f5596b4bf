"""Phone numbers: spoken digits, then the numbering plan."""

from __future__ import annotations

import phonenumbers

from voice_agent.reasoning.spoken.characters import parse_digits
from voice_agent.reasoning.spoken.readings import PhoneReading

_MAX_DIGITS = 15
"""E.164 allows no more."""


def parse_phone(text: str, region: str = "US") -> PhoneReading:
    """Read a phone number. ``region`` (ISO 3166 alpha-2) holds for numbers said without a country code.

    ``e164`` stays None while digits are missing or the numbering plan has no such number.
    """
    run = parse_digits(text)
    if not run.value:
        return PhoneReading(None, "", "", run.rest)
    international = _said_plus(text, run.matched)
    return PhoneReading(_e164(run.value, region, international), run.value, run.matched, run.rest)


def _said_plus(text: str, matched: str) -> bool:
    before = text.lower().split(matched[:1])[0] if matched else ""
    return before.rstrip().endswith(("+", "plus"))


def _e164(digits: str, region: str, international: bool) -> str | None:
    if len(digits) > _MAX_DIGITS:
        return None
    try:
        number = phonenumbers.parse("+" + digits if international else digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
