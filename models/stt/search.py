"""The best sentences of a graph through phone probabilities: a beam of beginnings, all carried on at once.

CTC prefix search (Graves and Jaitly 2014; Hannun et al. 2014) over a phone graph. A beginning is a place in
the graph and the words before it; its score is the sum over all alignments, kept apart by whether the last
frame was blank. Frames that are surely blank change nothing but that, and cost next to nothing.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from models.stt.phone_graph import NEVER, Floats, Ints, PhoneGraph
from models.stt.word_model import WordModel

_LOW: Final = np.float32(NEVER)
_SURE: Final = math.log(0.92)
"""Log probability of blank from which on a frame is passed over."""
_PHONE_BEAM: Final = 9.0
"""Phones less likely than the likeliest by more are not tried in a frame."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How a search weighs what it finds.

    Attributes:
        beam: beginnings kept after each frame.
        reach: beginnings that fall behind the best by more are dropped.
        word: logarithmic price of a word.
        language: weight of the word model.
    """

    beam: int = 200
    reach: float = 14.0
    word: float = -0.5
    language: float = 1.0


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence found: its words, its score with everything, and that of its sound alone.

    ``belief``: what a network for single words thinks of it, the mean log probability of a word; None where
    it was not asked.
    """

    words: tuple[str, ...]
    score: float
    sound: float
    belief: float | None = None

    @property
    def text(self) -> str:
        """The words in a row."""
        return " ".join(self.words)


@dataclass(slots=True)
class _Beginnings:
    """Arrays of the same length, one entry a beginning."""

    node: Ints
    history: Ints
    blank: Floats
    phone: Floats
    fixed: Floats
    """Prices and word-model scores so far."""

    def pick(self, which: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> _Beginnings:
        return _Beginnings(
            self.node[which], self.history[which], self.blank[which], self.phone[which], self.fixed[which]
        )


class Vocabulary:
    """The word model's view of a graph's words."""

    def __init__(self, model: WordModel, numbers: Ints, extra: Floats) -> None:
        """``numbers``: of the graph's words in the model, -1 for none; ``extra``: a bonus for each word, or
        its
        whole score where the model does not have it."""
        self.model, self._numbers, self._extra = model, numbers, extra
        self._end = model.words.index("</s>")

    def score(self, states: Ints, words: Ints) -> tuple[Floats, Ints]:
        """As :meth:`WordModel.score`, for the graph's words; an unknown one leaves no context behind."""
        numbers = self._numbers[words]
        known = numbers >= 0
        scores, after = self.model.score(states, np.maximum(numbers, 0))
        scores = np.where(known, scores, 0) + self._extra[words]
        return scores.astype(np.float32), np.where(known, after, self.model.start)

    def closing(self, state: int) -> float:
        """Log probability that a sentence ends here."""
        return float(self.model.score(np.array([state]), np.array([self._end]))[0][0])


class _Histories:
    """Words said so far, as a tree: a number stands for a whole history."""

    def __init__(self, state: int) -> None:
        self._known: dict[tuple[int, int], int] = {}
        self.parent, self.word, self.state = [-1], [-1], [state]

    def extend(self, histories: Ints, words: Ints, states: Ints) -> Ints:
        known, out = self._known, np.empty(len(histories), np.int64)
        for i, key in enumerate(zip(histories.tolist(), words.tolist(), strict=True)):
            number = known.get(key)
            if number is None:
                number = known[key] = len(self.parent)
                self.parent.append(key[0])
                self.word.append(key[1])
                self.state.append(int(states[i]))
            out[i] = number
        return out

    def words(self, number: int) -> list[int]:
        out = []
        while number > 0:
            out.append(self.word[number])
            number = self.parent[number]
        return out[::-1]


class Search:
    """One search; fed frame by frame, asked for sentences at any time."""

    def __init__(self, graph: PhoneGraph, weights: Weights, vocabulary: Vocabulary | None = None) -> None:
        self._graph, self._weights, self._vocabulary = graph, weights, vocabulary
        self._histories = _Histories(vocabulary.model.start if vocabulary else 0)
        zero = np.zeros(1, np.int64)
        self._now = _Beginnings(
            zero + graph.start,
            zero.copy(),
            np.zeros(1, np.float32),
            np.full(1, _LOW),
            np.zeros(1, np.float32),
        )

    def fork(self) -> Search:
        """A copy that can be fed something else; histories only grow, so they are shared."""
        twin = copy.copy(self)
        twin._now = replace(self._now)
        return twin

    def feed(self, log: Floats) -> None:
        """The next frames: log probabilities [frames, phones]."""
        for frame in log:
            if frame[0] > _SURE:
                now = self._now
                now.blank = np.logaddexp(now.blank, now.phone) + frame[0]
                now.phone = np.full(len(now.node), _LOW)
            else:
                self._step(frame)

    def _step(self, frame: Floats) -> None:
        graph, now = self._graph, self._now
        likely = frame > max(frame[1:].max() - _PHONE_BEAM, -14.0)
        both = np.logaddexp(now.blank, now.phone)
        stay = _Beginnings(
            now.node, now.history, both + frame[0], now.phone + frame[graph.phone[now.node]], now.fixed
        )
        stay.phone[graph.phone[now.node] == 0] = _LOW
        parts = [stay, self._onward(frame, likely, now, now.node, now.node, now.history, both, now.fixed)]
        crossed = self._across(frame, now, both)
        if crossed is not None:
            who, roots, histories, fixed = crossed
            parts.append(
                self._onward(frame, likely, now.pick(who), now.node[who], roots, histories, both[who], fixed)
            )
        self._now = self._pruned(self._merged(parts))

    def _onward(
        self,
        frame: Floats,
        likely: npt.NDArray[np.bool_],
        now: _Beginnings,
        last: Ints,
        places: Ints,
        histories: Ints,
        both: Floats,
        fixed: Floats,
    ) -> _Beginnings:
        """Along every arc that leaves ``places``; ``last`` are the nodes whose phone was said last."""
        graph = self._graph
        first, count = graph.arc_first[places], graph.arc_first[places + 1] - graph.arc_first[places]
        who = np.repeat(np.arange(len(places)), count)
        arcs = np.arange(len(who)) + np.repeat(first - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
        to = graph.arc_to[arcs]
        phone = graph.phone[to]
        kept = likely[phone]
        who, arcs, to, phone = who[kept], arcs[kept], to[kept], phone[kept]
        # The same phone again is another one only behind a blank.
        before = np.where(graph.phone[last[who]] == phone, now.blank[who], both[who])
        return _Beginnings(
            to,
            histories[who],
            np.full(len(to), _LOW),
            before + frame[phone],
            fixed[who] + graph.arc_cost[arcs],
        )

    def _across(
        self, frame: Floats, now: _Beginnings, both: Floats
    ) -> tuple[Ints, Ints, Ints, Floats] | None:
        """Beginnings at the end of a word, once for each word that ends there, with the word in their
        history."""
        graph = self._graph
        count = graph.end_first[now.node + 1] - graph.end_first[now.node]
        if not count.any():
            return None
        who = np.repeat(np.arange(len(count)), count)
        ends = np.arange(len(who)) + np.repeat(
            graph.end_first[now.node] - np.concatenate([[0], np.cumsum(count)[:-1]]), count
        )
        words, roots = graph.end_word[ends], graph.end_root[ends]
        fixed = now.fixed[who] + self._weights.word
        states = np.zeros(len(who), np.int64)
        if self._vocabulary is not None:
            before = np.array([self._histories.state[h] for h in now.history[who].tolist()], np.int64)
            scores, states = self._vocabulary.score(before, words)
            fixed = fixed + self._weights.language * scores
        standing = both[who] + fixed
        best = (both + now.fixed + self._weights.language * graph.ahead[now.node]).max()
        near = np.flatnonzero(standing > best - self._weights.reach)
        if not len(near):
            return None
        histories = self._histories.extend(now.history[who[near]], words[near], states[near])
        return who[near], roots[near], histories, fixed[near].astype(np.float32)

    def _merged(self, parts: list[_Beginnings]) -> _Beginnings:
        """Beginnings that came to the same by different ways become one."""
        node = np.concatenate([p.node for p in parts])
        history = np.concatenate([p.history for p in parts])
        key = history * len(self._graph.phone) + node
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        fixed = np.concatenate([p.fixed for p in parts])[order]
        blank = np.concatenate([p.blank for p in parts])[order]
        phone = np.concatenate([p.phone for p in parts])[order]
        if len(first) == len(key):
            return _Beginnings(node[order], history[order], blank, phone, fixed)
        # Different prices to one place: the cheaper way counts, the others at what they fall behind it.
        best = np.maximum.reduceat(fixed, first)
        behind = fixed - np.repeat(best, np.diff(first, append=len(key)))
        return _Beginnings(
            node[order][first],
            history[order][first],
            np.logaddexp.reduceat(blank + behind, first),
            np.logaddexp.reduceat(phone + behind, first),
            best,
        )

    def _pruned(self, now: _Beginnings) -> _Beginnings:
        standing = np.logaddexp(now.blank, now.phone) + now.fixed
        standing = standing + self._weights.language * self._graph.ahead[now.node]
        kept = np.flatnonzero(standing > standing.max() - self._weights.reach)
        if len(kept) > self._weights.beam:
            kept = kept[np.argpartition(-standing[kept], self._weights.beam)[: self._weights.beam]]
        return now.pick(kept)

    def sentences(self, count: int = 5, *, complete: bool = True) -> list[Sentence]:
        """The best sentences so far, best first, each text once; empty when none can end here.

        ``complete=False``: also beginnings that a sentence may not end with, without their last, open word.
        """
        graph, now = self._graph, self._now
        both = np.logaddexp(now.blank, now.phone)
        found: dict[tuple[str, ...], tuple[float, float]] = {}

        def add(words: list[int], fixed: float, sound: float) -> None:
            text = tuple(graph.words[w] for w in words)
            if text in found:
                other, heard = found[text]
                heard, fixed = float(np.logaddexp(heard, sound)), max(other, fixed)
            else:
                heard = sound
            found[text] = fixed, heard

        for i in np.argsort(-(both + now.fixed)).tolist():
            node, history = int(now.node[i]), int(now.history[i])
            said = self._histories.words(history)
            if graph.closing[node] > NEVER / 2:
                add(said, float(now.fixed[i]) + float(graph.closing[node]), float(both[i]))
            for end in range(int(graph.end_first[node]), int(graph.end_first[node + 1])):
                word, root = int(graph.end_word[end]), int(graph.end_root[end])
                if complete and graph.closing[root] <= NEVER / 2:
                    continue
                fixed = (
                    float(now.fixed[i])
                    + self._weights.word
                    + max(0.0 if not complete else NEVER, float(graph.closing[root]))
                )
                if self._vocabulary is not None:
                    state = np.array([self._histories.state[history]], np.int64)
                    scores, after = self._vocabulary.score(state, np.array([word]))
                    fixed += self._weights.language * (
                        float(scores[0]) + self._vocabulary.closing(int(after[0]))
                    )
                add([*said, word], fixed, float(both[i]))
            if not complete:
                add(said, float(now.fixed[i]), float(both[i]) + float(graph.ahead[node]))
        ranked = sorted(found.items(), key=lambda item: -(item[1][0] + item[1][1]))
        return [Sentence(words, fixed + sound, sound) for words, (fixed, sound) in ranked[:count]]
