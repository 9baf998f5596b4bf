"""How alike a turn is to what a concept describes, on the encoder that the embedded reasoner uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voice_agent.reasoning.embedded import CLAUSE_WEIGHT, DESCRIPTION_WEIGHT
from voice_agent.reasoning.similarity import SentenceEncoder, clauses, says_something
from voice_agent.safety.rules import MonitorConcept

MAX_CLAUSES = 12
"""Parts of one turn that are compared; a caller rarely has more thoughts in a breath."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """One text beside all concepts, in their order; cosines, 0..1.

    ``concepts``: to the most alike example or the description. ``harmless``: to the most alike harmless
    example.
    """

    concepts: NDArray[np.float32]
    harmless: NDArray[np.float32]


class LikenessIndex:
    """The sentences of all concepts, encoded once; a text costs one product of matrices."""

    def __init__(
        self, concepts: Sequence[MonitorConcept], harmless: Sequence[str], encoder: SentenceEncoder
    ) -> None:
        """``harmless``: sentences that mean none of the concepts."""
        self._encoder = encoder
        self._count = len(concepts)
        sentences: list[str] = list(harmless)
        weights: list[float] = [1.0] * len(sentences)
        self._everyday = slice(0, len(sentences))
        self._places: list[tuple[slice, slice]] = []
        for concept in concepts:
            begin = len(sentences)
            sentences += [*concept.examples, concept.description]
            weights += [1.0] * len(concept.examples) + [DESCRIPTION_WEIGHT]
            middle = len(sentences)
            sentences += concept.harmless_examples
            weights += [1.0] * len(concept.harmless_examples)
            self._places.append((slice(begin, middle), slice(middle, len(sentences))))
        self._weights = np.array(weights, np.float32)
        self._columns = np.ascontiguousarray(encoder.encode(sentences).T)

    def of(self, text: str) -> Likeness:
        """The likeness of a turn, or of its most alike part."""
        concepts = np.zeros(self._count, np.float32)
        harmless = np.zeros(self._count, np.float32)
        parts = [part for part in clauses(text) if says_something(part)][:MAX_CLAUSES]
        if parts and self._count:
            cosines = np.stack([self._cosines(vector) for vector in self._encoder.encode(parts)])
            cosines[1:] *= CLAUSE_WEIGHT
            best = cosines.max(axis=0)
            everyday = best[self._everyday].max(initial=0.0)
            for index, (meant, other) in enumerate(self._places):
                concepts[index] = best[meant].max()
                harmless[index] = best[other].max(initial=everyday)
        return Likeness(concepts.clip(0.0, 1.0), harmless.clip(0.0, 1.0))

    def _cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Weighted cosines of one vector to all sentences.

        Only its non-zero places are multiplied, and not by BLAS: the vectors are sparse, and on a busy
        machine the threads of BLAS wait for each other many times longer than this takes.
        """
        places = np.flatnonzero(vector)
        products = np.einsum("i,ij->j", vector[places], self._columns[places])
        return np.asarray(products * self._weights, np.float32)
