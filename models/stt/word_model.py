"""How likely words follow each other: the general English trigrams that come with PocketSphinx.

The library itself answers one question at a time; the search asks hundreds at once, so its file is read into
sorted arrays. Layout (``ngram_model_trie.c``, ``lm_trie.c`` of version 5): a name, the order, the counts;
tables of 2^16 probabilities and back-offs for pairs and of probabilities for triples; words; then pairs and
triples as fields of bits, little end first: word, table index, and for pairs where its triples begin.
Logarithms are to the base 1.0001.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.speech import SpeechError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_MAGIC: Final = b"Trie Language Model"
_TO_NATURAL: Final = math.log(1.0001)
_TABLE: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class WordModel:
    """Trigrams with back-off. A state is what has been said as far as it matters: the number of a pair, or
    minus one minus the number of a single word.

    Attributes:
        words: by number.
        single: log probability of each word alone, natural.
        single_backoff: what a word not seen after it costs.
        pairs: ``word * len(words) + the one before``, sorted: histories run backwards in the file.
        pair: log probabilities of the pairs.
        pair_backoff: what a word not seen after the pair costs.
        triples: ``number of pair * len(words) + the one before both``, sorted.
        triple: log probabilities of the triples.
    """

    words: tuple[str, ...]
    single: Floats
    single_backoff: Floats
    pairs: Ints
    pair: Floats
    pair_backoff: Floats
    triples: Ints
    triple: Floats

    @property
    def start(self) -> int:
        """The state before the first word."""
        return -1 - self.words.index("<s>")

    def score(self, states: Ints, words: Ints) -> tuple[Floats, Ints]:
        """Log probability of each of ``words`` after each of ``states``, and the states then."""
        size = len(self.words)
        held = self.pairs[np.maximum(states, 0)]
        last = np.where(states < 0, -1 - states, held // size)
        key = words * size + last
        at = np.minimum(np.searchsorted(self.pairs, key), len(self.pairs) - 1)
        known = self.pairs[at] == key
        score = np.where(known, self.pair[at], self.single_backoff[last] + self.single[words])
        key = at * size + held % size
        above = np.minimum(np.searchsorted(self.triples, key), len(self.triples) - 1)
        whole = known & (states >= 0) & (self.triples[above] == key)
        backed_off = score + np.where(states >= 0, self.pair_backoff[np.maximum(states, 0)], 0)
        return np.where(whole, self.triple[above], backed_off).astype(np.float32), np.where(
            known, at, -1 - words
        )


def load_word_model(path: Path) -> WordModel:
    """Read the file. Raises :class:`SpeechError` when it is missing or of another layout."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SpeechError(f"language model {path} cannot be read ({error}): install pocketsphinx") from error
    if not data.startswith(_MAGIC) or data[len(_MAGIC)] != 3:
        raise SpeechError(f"{path} is not a trigram model of pocketsphinx 5: install that version")
    at = len(_MAGIC) + 1
    ones, twos, threes = (int(n) for n in np.frombuffer(data, "<u4", 3, at))
    at += 12 + 4
    tables = np.frombuffer(data, "<f4", 3 * _TABLE, at) * np.float32(_TO_NATURAL)
    at += 12 * _TABLE
    record = np.dtype([("p", "<f4"), ("b", "<f4"), ("next", "<u4")])
    single: npt.NDArray[Any] = np.frombuffer(data, record, ones + 1, at)
    at += 12 * (ones + 1)
    word_bits, next_bits = ones.bit_length(), threes.bit_length()
    width = word_bits + 32 + next_bits
    pairs = _Bits(data, at, width)
    at += ((1 + twos) * width + 7) // 8 + 8
    triples = _Bits(data, at, word_bits + 16)
    at += ((1 + threes) * (word_bits + 16) + 7) // 8 + 8
    size = int(np.frombuffer(data, "<u4", 1, at)[0])
    words = tuple(data[at + 4 : at + 4 + size].decode("utf-8").split("\0")[:ones])
    # The counts in front may include a few n-grams that were dropped: what the records point to is right.
    twos = int(single["next"][-1])
    every_pair = np.arange(twos)
    follow: Ints = single["next"].astype(np.int64)
    word = np.repeat(np.arange(ones), follow[1:] - follow[:-1])
    begins = pairs.field(np.arange(twos + 1), word_bits + 32, next_bits)
    every_triple = np.arange(int(begins[-1]))
    return WordModel(
        words,
        single["p"][:-1] * np.float32(_TO_NATURAL),
        single["b"][:-1] * np.float32(_TO_NATURAL),
        word * len(words) + pairs.field(every_pair, 0, word_bits),
        tables[:_TABLE][pairs.field(every_pair, word_bits + 16, 16)],
        tables[_TABLE : 2 * _TABLE][pairs.field(every_pair, word_bits, 16)],
        np.repeat(every_pair, begins[1:] - begins[:-1]) * len(words)
        + triples.field(every_triple, 0, word_bits),
        tables[2 * _TABLE :][triples.field(every_triple, word_bits, 16)],
    )


class _Bits:
    """Records of ``width`` bits in a row."""

    def __init__(self, data: bytes, first: int, width: int) -> None:
        self._data, self._first, self._width = np.frombuffer(data, np.uint8), first, width

    def field(self, records: Ints, offset: int, bits: int) -> Ints:
        """``bits`` (at most 32) from ``offset`` on in each of ``records``."""
        at = records * self._width + offset
        byte = self._first + at // 8
        value = np.zeros(len(records), np.int64)
        for k in range((bits + 7) // 8 + 1):
            value |= self._data[np.minimum(byte + k, len(self._data) - 1)].astype(np.int64) << (8 * k)
        return (value >> (at % 8)) & ((1 << bits) - 1)
