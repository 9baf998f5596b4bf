"""Whether a sentence was said at all, and how sure that is.

A network that has heard clear speech gives one string of phones nearly all of the probability. A sentence
that
was said follows that string; one that was not has to cross it. How far its sound falls behind, a phone, tells
the two apart whatever the length, the voice and the grammar.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from models.stt.phone_graph import Floats
from models.stt.search import Sentence

ACCEPT_MARGIN: Final = -1.5
"""Margin below which a sentence was not said."""
_SLOPE: Final = 0.4
_BLANK: Final = math.log(0.35)
_SOUNDING: Final = 0.5
"""Frames that are not rather blank, that a phone needs."""
_BELIEF: Final = 0.5
_BELIEVED: Final = -2.0
"""Weight of the belief of a network for single words, and the belief that leaves a margin as it is."""
_FEWEST: Final = 3
"""Phones counted at least: one phone wrong of two must not weigh like half a sentence."""


def phones_heard(log: Floats) -> int:
    """How many phones the likeliest string has."""
    best = log.argmax(axis=1)
    return int(((best != 0) & (best != np.concatenate([[0], best[:-1]]))).sum())


def margin_of(sentence: Sentence, log: Floats) -> float:
    """Score of the sound minus that of the likeliest string of phones, a phone: about 0 at most; moved by
    what another network believes, where it was asked."""
    if not len(log):
        return -math.inf
    margin = (sentence.sound - float(log.max(axis=1).sum())) / max(phones_heard(log), _FEWEST)
    if sentence.belief is None:
        return margin
    return min(margin, 0.0) + _BELIEF * (sentence.belief - _BELIEVED)


def fits(sentence: Sentence, log: Floats, phones: int) -> bool:
    """Whether the sentence, of ``phones`` phones, was said."""
    if not sentence.words:
        return False
    # A short word costs little even where nothing was said: there must be sound for its phones.
    sounding = int((log[:, 0] < _BLANK).sum())
    # The network of single words is asked of pieces of sound only.
    enough = sentence.belief is not None or sounding >= _SOUNDING * phones
    return enough and margin_of(sentence, log) >= ACCEPT_MARGIN


def confidence(margin: float) -> float:
    """A margin as a number from 0 to 1: one half at the threshold of acceptance."""
    return 1 / (1 + math.exp(min(50.0, (ACCEPT_MARGIN - margin) / _SLOPE)))
