"""How alike two sentences are, for the small world of a practice's phone line.

:class:`SentenceEncoder` is the door; a trained encoder may stand behind it. :class:`HashingEncoder` needs no
model: it hashes stems, pairs of stems and character trigrams into a fixed space (feature hashing, Weinberger
et al. 2009), after folding words that mean the same here onto one concept ("push back", "move", "change" ->
reschedule) and giving little weight to words that say little. It is deterministic across processes and
machines.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voice_agent.reasoning.vocabulary import CONCEPT_PHRASES, CONCEPTS, STOP_WORDS

DIMENSIONS = 4096

CONCEPT_WEIGHT = 2.2
"""A word of the domain's table says most."""
STEM_WEIGHT = 1.0
STOP_WEIGHT = 0.15
PAIR_WEIGHT = 0.35
TRIGRAM_WEIGHT = 0.12
"""Catches recognition errors and unknown forms without outvoting whole words."""

_WORD = re.compile(r"[a-z0-9']+")
_NEGATION = re.compile(
    r"\b(?:do not|does not|did not|don't|doesn't|didn't|won't|will not|wouldn't|can't|cannot|not|never"
    r"|no need to|without|rather not|instead of|isn't|is not|wasn't|haven't)\b"
)
_SCOPE_END = re.compile(r"\b(?:but|just|only|rather|instead|and|because|so|i want|i'd like|i need)\b|[,.;?!]")
_ENDINGS = (
    "ingly", "edly", "ations", "ation", "ments", "ment", "ings", "ing", "ies", "ied", "ers", "er", "ed",
    "es", "ly", "s",
)  # fmt: skip


class SentenceEncoder(Protocol):
    """Turns sentences into vectors whose cosine is their likeness."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors ``[n, d]``; an empty sentence gives a zero row."""


class HashingEncoder:
    """The built-in encoder. Stateless apart from a bounded cache."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors ``[n, DIMENSIONS]``."""
        if not sentences:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        return np.stack([_vector(sentence) for sentence in sentences])


@lru_cache(maxsize=2048)
def _vector(sentence: str) -> NDArray[np.float32]:
    vector = np.zeros(DIMENSIONS, dtype=np.float32)
    features = _features(sentence)
    for name, weight in features.items():
        digest = zlib.crc32(name.encode())
        vector[digest % DIMENSIONS] += weight if digest & 0x80000000 else -weight
    length = float(np.linalg.norm(vector))
    if length > 0:
        vector /= length
    vector.setflags(write=False)
    return vector


def _features(sentence: str) -> dict[str, float]:
    features: dict[str, float] = {}
    previous = ""
    for term, negated in terms(sentence):
        stop = term in STOP_WORDS
        concept = term.startswith("=")
        weight = STOP_WEIGHT if stop else CONCEPT_WEIGHT if concept else STEM_WEIGHT
        name = f"not {term}" if negated and not stop else term
        features[name] = max(features.get(name, 0.0), weight)
        if stop:
            continue
        if previous:
            features[f"{previous}+{name}"] = PAIR_WEIGHT
        previous = name
        if not concept and not negated and len(term) > 3:
            padded = f"<{term}>"
            for start in range(len(padded) - 2):
                features[f"#{padded[start : start + 3]}"] = TRIGRAM_WEIGHT
    return features


def terms(sentence: str) -> list[tuple[str, bool]]:
    """Stems and ``=concepts`` of a sentence, each with whether it is negated ("I don't want to cancel")."""
    text = sentence.lower().replace("’", "'")
    negated = _negated_spans(text)
    words = [(found[0], found.start()) for found in _WORD.finditer(text)]
    result: list[tuple[str, bool]] = []
    index = 0
    while index < len(words):
        concept, length = _concept_at(words, index)
        term = f"={concept}" if concept else stem(words[index][0])
        if concept is None and words[index][0] in STOP_WORDS:
            term = words[index][0]
        place = words[index][1]
        result.append((term, any(start <= place < end for start, end in negated)))
        index += length
    return result


def is_thanks(sentence: str) -> bool:
    """Whether a sentence thanks and says nothing else."""
    said = {term for term, _ in terms(sentence)}
    return "=thanks" in said and said <= STOP_WORDS


def _concept_at(words: list[tuple[str, int]], index: int) -> tuple[str | None, int]:
    for length in (4, 3, 2):
        phrase = " ".join(word for word, _ in words[index : index + length])
        if len(words) - index >= length and phrase in CONCEPT_PHRASES:
            return CONCEPT_PHRASES[phrase], length
    word = words[index][0]
    return CONCEPTS.get(word) or _concepts_of_stems().get(stem(word)), 1


@lru_cache(maxsize=1)
def _concepts_of_stems() -> dict[str, str]:
    return {stem(word): concept for word, concept in CONCEPTS.items()}


def _negated_spans(text: str) -> list[tuple[int, int]]:
    """Where a negation rules: from it to the next clause, six words at most."""
    spans: list[tuple[int, int]] = []
    for found in _NEGATION.finditer(text):
        end = _SCOPE_END.search(text, found.end() + 1)
        limit = end.start() if end else len(text)
        words = [word.end() for word in _WORD.finditer(text, found.end(), limit)]
        if words:
            spans.append((found.end(), words[min(5, len(words) - 1)]))
    return spans


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A word without its ending; crude on purpose, the same for examples and callers."""
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeious":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 4 else word


_CLAUSE = re.compile(
    r"[,.;?!]+\s*|\s+(?:and|but|also|because|so|then|by the way|oh)\s+"
    r"|\s+(?=(?:i want|i need|i'd like|i would like|can i|could i|let me)\b)"
)


def says_something(text: str) -> bool:
    """Whether a sentence has a word that is no stop word; without one it is like anything."""
    return any(term not in STOP_WORDS for term, _ in terms(text))


def clauses(text: str) -> list[str]:
    """A remark cut where a new thought may begin; the whole remark comes first."""
    parts = [part.strip() for part in _CLAUSE.split(text) if part and part.strip()]
    whole = text.strip()
    return [whole, *(part for part in parts if part != whole)] if whole else []
