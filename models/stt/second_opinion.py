"""Digits and letters that a caller says one by one, judged again: by the phones of each, and by a network
that knows single words and real people.

The search weighs whole strings with phones alone and keeps what looks best so far. Where words stand apart,
each is cut out and every digit or letter that may stand there is scored: the sum over its phones, whether the
search kept it or not, plus what SpellingCNN thinks of the cut. Words that run together stay with the phones,
for the other network was never shown any. How many words there are is the search's finding, except where the
expected number of pieces of sound lies between pauses: then each of them is one.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np

from models.expectation import AnswerKind, Expectation
from models.speech import Pcm
from models.stt.alignment import align
from models.stt.dictionary import Dictionary
from models.stt.pauses import pieces
from models.stt.phone_graph import NEVER, Floats
from models.stt.rules import RULES
from models.stt.search import Sentence
from models.stt.spelling_model import CLASSES, DIGITS, LETTERS, LONGEST, MARGIN, SpellingModel
from models.stt.symbol_scores import SymbolScores

SYMBOLS: Final = ("oh", *DIGITS, *LETTERS)
_DIGITS: Final = len(DIGITS) + 1
"""The first of the symbols; a letter follows."""
_CLASS: Final = {name: CLASSES.index("o" if name == "oh" else name) for name in SYMBOLS}
"""Where SpellingCNN tells each symbol."""
_WEIGHT: Final = 2.0
"""Of SpellingCNN's log probability beside the phones'."""
_AHEAD: Final = 0.2
"""How far what both say together stays before what one of them says, in the logarithm."""
_LETTER: Final = 0.2 * float(np.log(0.02))
"""Price of a letter where a digit may stand, as in the grammar."""
_LEAST_PAUSES: Final = (5, 7, 10, 15)
"""Frames of 10 ms that may count as a pause, tried in turn until the pieces are as many as the words."""
_ALONE: Final = 7
"""Frames of pause on either side of a word that stands apart."""


@cache
def _leads() -> frozenset[str]:
    """What callers say before a string, word by word."""
    spoken = f"{RULES['number_lead']} | {RULES['denial']} | {RULES['filler']}"
    return frozenset(word for word in spoken.replace("|", " ").split() if "/" not in word)


_DENIALS: Final = frozenset({"no", "nope", "sorry", "actually"})


@dataclass(frozen=True, slots=True)
class _Cut:
    """One digit or letter: frames from ``first`` to ``end``, and its sound when it stands apart."""

    first: int
    end: int
    sound: tuple[int, int] | None = None


def _pieces(wanted: int, frames: int, pcm: Pcm, step: int) -> list[_Cut]:
    """The pieces between the caller's pauses, where they are as many as the words; else none."""
    for least in _LEAST_PAUSES:
        apart = pieces(pcm, least)
        if len(apart) == wanted and all(end - first <= LONGEST for first, end in apart):
            middles = [(a[1] + b[0]) // 2 // step for a, b in pairwise(apart)]
            edges = [0, *middles, frames]
            return [_Cut(edges[k], edges[k + 1], sound) for k, sound in enumerate(apart)]
    return []


class SecondOpinion:
    """Shared by all utterances of a process."""

    def __init__(self, dictionary: Dictionary, spelling: SpellingModel) -> None:
        self._dictionary, self._spelling = dictionary, spelling
        self._scores = SymbolScores(SYMBOLS, dictionary)
        self._digits = SymbolScores(SYMBOLS[:_DIGITS], dictionary)

    def on(
        self, found: list[Sentence], log: Floats, pcm: Pcm, step: int, expectation: Expectation, count: int
    ) -> list[Sentence]:
        """The sentences that may have been said instead, best first, at most ``count``; ``found`` itself
        where no word of a string stands apart.

        Args:
            found: what the search found, best first.
            log: log probabilities [frames, phones] of the utterance.
            pcm: the utterance, int16 at 8 kHz, from its first frame on.
            step: samples a frame.
            expectation: what was expected.
        """
        lead, symbols = _split(found[0].words)
        if not symbols:
            return found
        wanted = expectation.digits or len(symbols)
        if _DENIALS.intersection(lead) or (lead and not expectation.digits):
            wanted = 0  # something was said before
        cuts = _pieces(wanted, len(log), pcm, step) if wanted else []
        if cuts:
            lead = ()  # what seemed to come before has no piece of its own
        cuts = cuts or self._cuts(lead, symbols, log, pcm, step)
        if not any(cut.sound for cut in cuts):
            return found
        letters = AnswerKind.ALPHANUMERIC in expectation.kinds
        scores = (self._scores if letters else self._digits)([log[cut.first : cut.end] for cut in cuts])
        if letters:
            scores[:, _DIGITS:] += np.float32(_LETTER)
            if not expectation.digits:
                _keep_kinds(scores, symbols)
        scores -= np.logaddexp.reduce(scores, axis=1, keepdims=True)
        sounds = {k: cut.sound for k, cut in enumerate(cuts) if cut.sound}
        opinions = self._spelling([pcm[max(0, a - MARGIN) : b + MARGIN] for a, b in sounds.values()])
        strings = _best(_agreed(scores, list(sounds), _of_symbols(opinions, letters=letters)), count)
        belief = None
        if len(sounds) == len(cuts):
            belief = float(np.mean([row[_CLASS[w]] for row, w in zip(opinions, strings[0][1], strict=True)]))
        return [Sentence((*lead, *words), score, found[0].sound, belief) for score, words in strings]

    def _cuts(
        self, lead: tuple[str, ...], symbols: tuple[str, ...], log: Floats, pcm: Pcm, step: int
    ) -> list[_Cut]:
        """The symbols where the phones place them, each with its sound if no other word shares it."""
        words = (*lead, *symbols)
        aligned = align([self._dictionary.readings(word) for word in words], log)
        if aligned is None:
            return []
        frames = [(a.end + b.first) // 2 for a, b in pairwise(aligned)]
        frames = [0, *frames, len(log)]
        apart = [(first, end) for first, end in pieces(pcm, _ALONE) if end - first <= LONGEST]
        middles = [(word.first + word.end) * step // 2 for word in aligned]
        held = [next((p for p in apart if p[0] <= m < p[1]), None) for m in middles]
        return [
            _Cut(frames[k], frames[k + 1], held[k] if held.count(held[k]) == 1 else None)
            for k in range(len(lead), len(words))
        ]


def _split(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What introduces a string, and the string; nothing of both where the words are no such thing."""
    at = len(words)
    while at and words[at - 1] in SYMBOLS:
        at -= 1
    return (words[:at], words[at:]) if _leads().issuperset(words[:at]) else ((), ())


def _keep_kinds(scores: Floats, symbols: tuple[str, ...]) -> None:
    """Of each word its kind, letter or digit: ids have places for either."""
    for row, word in zip(scores, symbols, strict=True):
        row[slice(_DIGITS, None) if word in SYMBOLS[:_DIGITS] else slice(_DIGITS)] = NEVER


def _of_symbols(opinions: Floats, *, letters: bool) -> Floats:
    """Log probabilities [n, classes] as those of :data:`SYMBOLS`, or of the digits among them."""
    names = SYMBOLS if letters else SYMBOLS[:_DIGITS]
    found: Floats = opinions[:, [_CLASS[name] for name in names]]
    # Among letters the "oh" is there twice and counts once.
    held: Floats = found - np.logaddexp.reduce(found[:, 1 if letters else 0 :], axis=1, keepdims=True)
    return held


def _agreed(phones: Floats, alone: list[int], opinions: Floats) -> Floats:
    """How likely each symbol is in each row.

    Weighed together the two networks are right more often than either; but where they contradict each other,
    what one of them says is likelier wrong than their sum lets believe. So the order of the others is
    that of one network or the other.
    """
    together, either = phones.copy(), phones.copy()
    together[alone] += np.float32(_WEIGHT) * opinions
    either[alone] = np.logaddexp(phones[alone], opinions) - np.float32(np.log(2))
    chosen = together.argmax(axis=1)
    rows = np.arange(len(phones))
    either[rows, chosen] = np.maximum(either[rows, chosen], either.max(axis=1) + np.float32(_AHEAD))
    return either


def _best(likely: Floats, count: int) -> list[tuple[float, tuple[str, ...]]]:
    """The strings of one symbol for each row that are likeliest, best first; of "oh" and "zero" the likelier
    only."""
    strings: list[tuple[float, tuple[str, ...]]] = [(0.0, ())]
    for row in likely:
        ranked = sorted(zip(row.tolist(), SYMBOLS, strict=False), reverse=True)[: count + 2]
        zeros = [pair for pair in ranked if pair[1] in ("oh", "zero", "o")]
        kept = [pair for pair in ranked if pair not in zeros[1:]]
        strings = heapq.nlargest(
            count, ((total + score, (*words, word)) for total, words in strings for score, word in kept)
        )
    return strings
