"""What an operator or the system wants worked into the agent's next words.

Guidance is free text; a few plain forms are understood without a model, the rest is kept as a thought (and
shown to a language model, which follows it in its own words).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class GuidanceKind(StrEnum):
    """What is wanted."""

    SAY = "say"
    ASK = "ask"
    OFFER = "offer"
    SLOW_DOWN = "slow_down"
    TRANSFER = "transfer"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Guidance:
    """One instruction. ``text`` is what to say, ask for or offer."""

    kind: GuidanceKind
    text: str
    sender: str = "System"


_THEM = r"(?:(?:the )?(?:caller|patient|customer)|them|him|her)"
_FORMS: tuple[tuple[GuidanceKind, re.Pattern[str]], ...] = (
    (GuidanceKind.SLOW_DOWN, re.compile(r"(?:please )?(?:slow down|speak (?:more )?slow(?:ly|er)?)\b", re.I)),
    (
        GuidanceKind.TRANSFER,
        re.compile(
            r"(?:please )?(?:transfer|escalate|hand (?:it |them )?over|get (?:them )?a person)\b", re.I
        ),
    ),
    (
        GuidanceKind.SAY,
        re.compile(rf"(?:please )?(?:say|tell {_THEM})(?: that)?\s*[:,]?\s+(?P<text>.+)", re.I | re.S),
    ),
    (
        GuidanceKind.ASK,
        re.compile(
            rf"(?:please )?ask(?: {_THEM})?(?: again)?(?: for| about)?\s*[:,]?\s+(?P<text>.+)", re.I | re.S
        ),
    ),
    (GuidanceKind.OFFER, re.compile(rf"(?:please )?offer(?: {_THEM})?\s*[:,]?\s+(?P<text>.+)", re.I | re.S)),
)


def parse_guidance(message: str, sender: str = "System") -> Guidance:
    """Read an instruction; what is in none of the plain forms is :attr:`GuidanceKind.OTHER`."""
    text = " ".join(message.split())
    for kind, form in _FORMS:
        found = form.match(text)
        if found is not None:
            wanted = found.groupdict().get("text") or ""
            return Guidance(kind, wanted.strip().strip('"“”'), sender)
    return Guidance(GuidanceKind.OTHER, text, sender)


def second_person(text: str) -> str:
    """ "their new card number" as one says it to them: "your new card number"."""
    text = re.sub(r"\b(?:their|his|her|the (?:caller|patient)'s)\b", "your", text, flags=re.I)
    return text.rstrip(".?! ")
