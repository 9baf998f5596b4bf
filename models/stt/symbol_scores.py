"""How well a stretch of sound fits each digit and letter: the network's phones, whatever a search kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.stt.dictionary import Dictionary
from models.stt.phone_graph import NEVER, NUMBER, Floats


class SymbolScores:
    """Scores of a fixed list of words; CTC's sum over all alignments (Graves et al. 2006), all words and
    stretches at once."""

    def __init__(self, words: Sequence[str], dictionary: Dictionary) -> None:
        readings = [(i, reading) for i, word in enumerate(words) for reading in dictionary.readings(word)]
        states = 2 * max(len(reading) for _, reading in readings) + 1
        self._count = len(words)
        self._word = np.array([i for i, _ in readings])
        self._last = np.array([2 * len(reading) - 1 for _, reading in readings])
        self._phone = np.zeros((len(readings), states), np.int64)
        """Blanks at even states, the reading's phones at odd ones."""
        for row, (_, reading) in enumerate(readings):
            self._phone[row, 1 : 2 * len(reading) : 2] = [NUMBER[phone] for phone in reading]
        # From phone to phone without the blank between, where they differ.
        skips = (self._phone[:, 2:] != self._phone[:, :-2]) & (self._phone[:, 2:] > 0)
        self._skip = np.where(skips, 0.0, NEVER).astype(np.float32)

    def __call__(self, stretches: Sequence[Floats]) -> Floats:
        """Log probabilities [frames, phones] of each stretch -> log likelihoods [stretches, words]."""
        frames = max(len(log) for log in stretches)
        # Behind a stretch's end blank is certain: that changes no sum.
        padded = np.full((len(stretches), frames, stretches[0].shape[1]), NEVER, np.float32)
        padded[:, :, 0] = 0.0
        for row, log in enumerate(stretches):
            padded[row, : len(log)] = log
        score = np.full((len(stretches), *self._phone.shape), NEVER, np.float32)
        score[:, :, 0] = 0.0
        for t in range(frames):
            stay = score.copy()
            stay[:, :, 1:] = np.logaddexp(stay[:, :, 1:], score[:, :, :-1])
            stay[:, :, 2:] = np.logaddexp(stay[:, :, 2:], score[:, :, :-2] + self._skip)
            score = stay + padded[:, t][:, self._phone]
        rows = np.arange(len(self._phone))
        ended = np.logaddexp(score[:, rows, self._last], score[:, rows, self._last + 1])
        out = np.full((len(stretches), self._count), NEVER, np.float32)
        for column, word in enumerate(self._word.tolist()):
            np.maximum(out[:, word], ended[:, column], out=out[:, word])
        return out
