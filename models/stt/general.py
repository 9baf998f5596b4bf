"""The general vocabulary as a graph: seventy thousand words with their trigrams, and a service's terms."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Final

import numpy as np

from models.onnx import package_file
from models.stt.dictionary import Dictionary
from models.stt.grammar import spoken_words
from models.stt.phone_graph import PhoneGraph
from models.stt.search import Vocabulary
from models.stt.word_model import load_word_model
from models.stt.word_tree import tree_of

TRIGRAMS: Final = "model/en-us/en-us.lm.bin"
"""Inside the pocketsphinx package."""

_TERM: Final = -6.5
"""Log probability of a service's term anywhere: as of a common word."""
_KEPT: Final = 16


class GeneralVocabulary:
    """What may be said where no grammar applies. Loading takes about a second."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._model = load_word_model(package_file("pocketsphinx", TRIGRAMS))
        numbers = [n for n, word in enumerate(self._model.words) if word in dictionary and word[0].isalpha()]
        words = tuple(self._model.words[n] for n in numbers)
        readings = [(reading, i) for i, word in enumerate(words) for reading in dictionary.readings(word)]
        self._graph = tree_of(readings, words, self._model.single[numbers])
        self._numbers = np.array(numbers, np.int64)
        self._with_terms: OrderedDict[tuple[str, ...], tuple[PhoneGraph, Vocabulary]] = OrderedDict()

    def graph(self, terms: tuple[str, ...] = ()) -> tuple[PhoneGraph, Vocabulary]:
        """The graph with ``terms`` among its words; each may be several words."""
        if terms not in self._with_terms:
            self._with_terms[terms] = self._extended(terms)
            if len(self._with_terms) > _KEPT:
                self._with_terms.popitem(last=False)
        self._with_terms.move_to_end(terms)
        return self._with_terms[terms]

    def _extended(self, terms: tuple[str, ...]) -> tuple[PhoneGraph, Vocabulary]:
        base = self._graph
        said = dict.fromkeys(" ".join(words) for term in terms if (words := spoken_words(term)))
        if not said:
            return base, Vocabulary(self._model, self._numbers, np.zeros(len(self._numbers), np.float32))
        readings = [
            (tuple(phone for word in text.split() for phone in self._dictionary.readings(word)[0]), i)
            for i, text in enumerate(said)
        ]
        added = tree_of(readings, tuple(said), np.full(len(said), _TERM, np.float32))
        own = len(base.phone)
        start = own + len(added.phone)
        first, own_first = base.arc_to[: base.arc_first[1]], added.arc_to[: added.arc_first[1]] + own
        ends = len(base.end_word) + len(added.end_word)
        graph = replace(
            base,
            phone=np.concatenate([base.phone, added.phone, [0]]),
            arc_first=np.concatenate(
                [base.arc_first, added.arc_first[1:] + len(base.arc_to), [0]],
            ),
            arc_to=np.concatenate([base.arc_to, added.arc_to + own, first, own_first]),
            arc_cost=np.zeros(len(base.arc_to) + len(added.arc_to) + len(first) + len(own_first), np.float32),
            end_first=np.concatenate([base.end_first, added.end_first[1:] + len(base.end_word), [ends]]),
            end_word=np.concatenate([base.end_word, added.end_word + len(base.words)]),
            end_root=np.full(ends, start, np.int64),
            closing=np.concatenate([base.closing, added.closing, np.zeros(1, np.float32)]),
            ahead=np.concatenate([base.ahead, added.ahead, np.zeros(1, np.float32)]),
            words=base.words + added.words,
            start=start,
        )
        graph.arc_first[-1] = len(graph.arc_to)
        return graph, Vocabulary(
            self._model,
            np.concatenate([self._numbers, np.full(len(said), -1, np.int64)]),
            np.concatenate([np.zeros(len(self._numbers)), np.full(len(said), _TERM)]).astype(np.float32),
        )
