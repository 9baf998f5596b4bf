"""What may be said, spelled out in phones: prefix trees of words, hung together by the states of a grammar.

One structure serves a grammar and the general vocabulary. Every node but the roots is reached by one phone.
Where a word ends, the graph names the root that the next word begins at; a root may lead into the trees of
several states, each at a price. All of it lies in flat arrays, so that a search takes hundreds of steps at
once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.stt.automaton import Automaton
from models.stt.phones import PHONES

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

NUMBER: Final = {phone: i for i, phone in enumerate(PHONES)}
NEVER: Final = -1e9


@dataclass(frozen=True, slots=True)
class PhoneGraph:
    """See the module.

    Attributes:
        phone: the phone that leads to each node; 0 for a root.
        arc_first: ``arc_first[n]:arc_first[n + 1]`` are the arcs that leave node n.
        arc_to: where an arc leads.
        arc_cost: logarithmic price of an arc, at most 0.
        end_first: ``end_first[n]:end_first[n + 1]`` are the words that end at node n.
        end_word: number of the word.
        end_root: the root from which speech goes on.
        closing: price of ending a sentence at each node that is a root, ``NEVER`` where it must go on.
        ahead: the best that can still be said of the words below each node; 0 in a grammar.
        words: texts by number.
        start: the root that speech begins at.
    """

    phone: Ints
    arc_first: Ints
    arc_to: Ints
    arc_cost: Floats
    end_first: Ints
    end_word: Ints
    end_root: Ints
    closing: Floats
    ahead: Floats
    words: tuple[str, ...]
    start: int = 0


class GraphBuilder:
    """Grows a graph node by node."""

    def __init__(self) -> None:
        self._phone: list[int] = []
        self._children: list[dict[int, int]] = []
        self._shared: list[list[tuple[int, float]]] = []
        self._ends: dict[int, list[tuple[int, int]]] = {}
        self._words: dict[str, int] = {}
        self._closing: dict[int, float] = {}

    def root(self) -> int:
        """A new place where words begin."""
        return self._node(0)

    def _node(self, phone: int) -> int:
        self._phone.append(phone)
        self._children.append({})
        self._shared.append([])
        return len(self._phone) - 1

    def word(self, root: int, text: str, reading: Iterable[str], to: int) -> int:
        """Add a word to the tree at ``root``, after which speech goes on at root ``to``. Returns its
        number."""
        at = root
        for name in reading:
            phone = NUMBER[name]
            children = self._children[at]
            if phone not in children:
                children[phone] = self._node(phone)
            at = children[phone]
        number = self._words.setdefault(text, len(self._words))
        ends = self._ends.setdefault(at, [])
        if (number, to) not in ends:
            ends.append((number, to))
        return number

    def share(self, root: int, other: int, cost: float) -> None:
        """Let words at ``root`` also begin as they do at ``other``, at a price."""
        self._shared[root].append((other, cost))

    def close(self, root: int, cost: float) -> None:
        """A sentence may end at ``root``, at a price."""
        self._closing[root] = max(cost, self._closing.get(root, NEVER))

    def finish(self) -> PhoneGraph:
        """The graph; speech begins at the first root."""
        nodes = len(self._phone)
        counts = np.zeros(nodes + 1, np.int64)
        to: list[int] = []
        cost: list[float] = []
        for n, children in enumerate(self._children):
            before = len(to)
            to += children.values()
            cost += [0.0] * len(children)
            for other, price in self._shared[n]:
                to += self._children[other].values()
                cost += [price] * len(self._children[other])
            counts[n + 1] = len(to) - before
        ended = np.zeros(nodes + 1, np.int64)
        word, root = [], []
        for n in sorted(self._ends):
            ended[n + 1] = len(self._ends[n])
            word += [w for w, _ in self._ends[n]]
            root += [r for _, r in self._ends[n]]
        closing = np.full(nodes, NEVER, np.float32)
        for n, price in self._closing.items():
            closing[n] = price
        return PhoneGraph(
            np.array(self._phone, np.int64),
            np.cumsum(counts),
            np.array(to, np.int64),
            np.array(cost, np.float32),
            np.cumsum(ended),
            np.array(word, np.int64),
            np.array(root, np.int64),
            closing,
            np.zeros(nodes, np.float32),
            tuple(self._words),
        )


def graph_of(
    automaton: Automaton, readings: Mapping[str, Sequence[Sequence[str]]], weight: float
) -> PhoneGraph:
    """A grammar as a graph.

    Args:
        automaton: the grammar.
        readings: the phones of every word, several if it is said in several ways.
        weight: of the grammar's own probabilities beside those of the sound.
    """
    builder = GraphBuilder()
    for _ in range(automaton.states):
        builder.root()
    for at, to, word in automaton.steps:
        for reading in readings[word]:
            builder.word(at, word, reading, to)
    builder.close(automaton.final, 0.0)
    for at, to, probability in automaton.skips:
        cost = weight * float(np.log(probability))
        builder.share(at, to, cost)
        if to == automaton.final:
            builder.close(at, cost)
    return builder.finish()
