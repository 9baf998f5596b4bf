"""Text as a bag of words and word pairs, weighted by how rare they are.

TF-IDF as in Manning, Raghavan, Schütze 2008, chapter 6: 1 + ln(count) times the inverse document frequency,
unit length. Text is first made to look like a recognizer's: lower case, no punctuation, no masks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

LONGEST = 4000
"""Characters of a text that are read, its last ones: a turn is far shorter, a stuck recognizer is not."""

_MASKS = re.compile(r"\[[a-z]+\]")
_NOT_SPOKEN = re.compile(r"[^a-z0-9' ]")
_WORD = re.compile(r"[\w']+")


def spoken(text: str) -> str:
    """``text`` as a recognizer would have written it."""
    lower = text[-LONGEST:].lower().replace("\u2019", "'")
    return " ".join(_NOT_SPOKEN.sub(" ", _MASKS.sub(" ", lower)).split())


def terms(text: str) -> Iterator[str]:
    """Words of a :func:`spoken` text, then pairs of neighbours."""
    words = _WORD.findall(text)
    yield from words
    for first, second in pairwise(words):
        yield f"{first} {second}"


class Vectorizer:
    """Terms that are known, and their weights."""

    def __init__(self, vocabulary: list[str], rarity: npt.NDArray[np.float32]) -> None:
        """``rarity``: inverse document frequency of each term of ``vocabulary``, float32 [terms]."""
        if len(vocabulary) != len(rarity):
            raise ValueError(f"{len(vocabulary)} terms with {len(rarity)} weights: the two must match")
        self._index = {term: i for i, term in enumerate(vocabulary)}
        self._rarity = rarity

    def __call__(self, text: str) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Columns and values of the terms of ``text`` that are known; values have unit length."""
        counts = Counter(self._index[term] for term in terms(spoken(text)) if term in self._index)
        columns = np.fromiter(counts.keys(), np.intp, len(counts))
        frequency = np.fromiter(counts.values(), np.float32, len(counts))
        values = (1 + np.log(frequency)) * self._rarity[columns]
        length = float(np.sqrt((values * values).sum()))
        return columns, (values / length if length else values).astype(np.float32)
