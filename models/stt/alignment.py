"""When each word of a known sentence was said: the best path of its phones through the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.stt.dictionary import Reading
from models.stt.phone_graph import NEVER, NUMBER, Floats


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """Frames of a word, the last exclusive, and how far its sound falls behind the best phones, a phone (at
    most 0)."""

    first: int
    end: int
    margin: float


class _Chain:
    """States in a row of words: a blank, then phones with blanks between; readings side by side."""

    def __init__(self, words: Sequence[Sequence[Reading]]) -> None:
        self.phone, self.word = [0], [-1]
        self.edges: list[tuple[int, int]] = [(0, 0)]
        leaving = [0]
        """States from which the next word may begin."""
        for k, readings in enumerate(words):
            ends = []
            for reading in readings:
                before = leaving
                for i, name in enumerate(reading):
                    state = self._add(NUMBER[name], k)
                    self.edges += [(b, state) for b in before if self.phone[b] != self.phone[state]]
                    if i == len(reading) - 1:
                        ends.append(state)
                        break
                    blank = self._add(0, k)
                    self.edges.append((state, blank))
                    before = [state, blank]
            gap = self._add(0, -1)
            self.edges += [(end, gap) for end in ends]
            leaving = [*ends, gap]
        self.final = leaving

    def _add(self, phone: int, word: int) -> int:
        self.phone.append(phone)
        self.word.append(word)
        state = len(self.phone) - 1
        self.edges.append((state, state))
        return state


def align(words: Sequence[Sequence[Reading]], log: Floats) -> list[AlignedWord] | None:
    """One entry a word, given its readings, through ``log`` [frames, phones]; None when they do not fit."""
    chain = _Chain(words)
    edges = np.array(sorted(chain.edges, key=lambda edge: edge[1]), np.int64)
    source, target = edges[:, 0], edges[:, 1]
    first = np.flatnonzero(np.concatenate([[True], target[1:] != target[:-1]]))
    counts = np.diff([*first.tolist(), len(target)])
    phone = np.array(chain.phone)
    score = np.full(len(phone), NEVER, np.float64)
    # Before the first frame speech stands at the first blank, whose price it has not paid.
    score[0] = 0.0
    back = np.zeros((len(log), len(phone)), np.int64)
    for t, frame in enumerate(log):
        through = score[source]
        best = np.maximum.reduceat(through, first)
        winners = np.flatnonzero(through >= np.repeat(best, counts))
        back[t, target[winners]] = source[winners]
        score = best + frame[phone]
    state = max(chain.final, key=lambda s: score[s])
    if score[state] <= NEVER / 2:
        return None
    path = np.zeros(len(log), np.int64)
    for t in range(len(log) - 1, -1, -1):
        path[t] = state
        state = int(back[t, state])
    behind = log[np.arange(len(log)), phone[path]] - log.max(axis=1)
    place = np.array(chain.word)[path]
    out = []
    for k, readings in enumerate(words):
        inside = np.flatnonzero(place == k)
        begin, end = int(inside[0]), int(inside[-1]) + 1
        out.append(AlignedWord(begin, end, float(behind[begin:end].sum()) / max(2, len(readings[0]))))
    return out
