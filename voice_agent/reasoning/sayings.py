"""Something said more than once: what the caller refused is not offered again, and every saying counts.

A recognizer that is in doubt tells other readings. When a caller says a number again because it was read back
wrong, the same doubts seldom fall on the same places. So the readings of both sayings are weighed together:
character by character where they are of one length, else as wholes.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Saying = Mapping[Any, float]
"""Values that an utterance may have meant, likeliest first, with the recognizer's confidence."""

_UNHEARD: Final = 0.05
"""Share of probability left to characters that no reading has."""
_TRIED: Final = 64
"""Combinations looked at before nothing is found."""
_KEPT: Final = 3
"""Sayings weighed with the newest one."""
_SAME_STRING: Final = 0.5
"""Share of characters that a string said again has in common with what was heard before; with less it is
another one, and what was heard before says nothing of it."""


@dataclass
class SaidBefore:
    """What was heard of one field that is not settled yet."""

    newest: Saying = field(default_factory=dict)
    earlier: list[Saying] = field(default_factory=list)
    """Sayings that were refused."""
    refused: list[Any] = field(default_factory=list)

    def refuse(self, value: Any) -> None:
        """The caller said no to the value, however it came about."""
        self.refused.append(value)
        if self.newest:
            self.earlier = [*self.earlier, self.newest][-_KEPT:]
            self.newest = {}

    def likeliest(self, saying: Saying, valid: Callable[[Any], bool]) -> Any:
        """What was meant by an utterance after those before, None when nothing is left.

        Args:
            saying: of the utterance; becomes the newest.
            valid: whether a value that nobody heard as a whole could be one.
        """
        self.newest = saying
        if not self.refused:
            return next(iter(saying), None)
        first = next(iter(saying), None)
        alike = [other for other in self.earlier if _alike(first, next(iter(other)))]
        if isinstance(first, str):
            strings = (value for value in _strings([saying, *alike]) if value in saying or valid(value))
            return next((value for value in strings if value not in self.refused), None)
        weight: defaultdict[Any, float] = defaultdict(float)
        for other in (saying, *self.earlier):
            for value, confidence in other.items():
                weight[value] += confidence
        left = [value for value in weight if value not in self.refused]
        return max(left, key=lambda value: weight[value], default=None)


def _alike(one: Any, other: Any) -> bool:
    if not isinstance(one, str) or not isinstance(other, str) or len(one) != len(other):
        return False
    return sum(a == b for a, b in zip(one, other, strict=True)) >= _SAME_STRING * len(one)


def _strings(sayings: list[Saying]) -> list[str]:
    """Strings as long as the first reading, likeliest first."""
    length = len(next(iter(sayings[0])))
    best: list[tuple[float, str]] = [(0.0, "")]
    for place in range(length):
        shares = [_shares(saying, length, place) for saying in sayings]
        characters = sorted({character for share in shares for character in share})
        scored = [
            (sum(math.log(share.get(c, 0.0) * (1 - _UNHEARD) + _UNHEARD / 10) for share in shares), c)
            for c in characters
        ]
        best = heapq.nlargest(
            _TRIED, ((total + score, text + c) for total, text in best for score, c in scored)
        )
    return [text for _, text in best]


def _shares(saying: Saying, length: int, place: int) -> dict[str, float]:
    """Probability of each character at a place, by the readings of that length."""
    shares: defaultdict[str, float] = defaultdict(float)
    for value, confidence in saying.items():
        if len(value) == length:
            shares[value[place]] += confidence
    whole = sum(shares.values()) or 1.0
    return {character: share / whole for character, share in shares.items()}
