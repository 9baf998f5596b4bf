"""A small convolution over word vectors: hears order where the bag of words hears none.

Kim 2014, "Convolutional Neural Networks for Sentence Classification": vectors of the words, filters over two
and three neighbours, the strongest answer of each filter; beside them the sum of the vectors. Trained from
nothing on the same comments as the bag, so it errs elsewhere, which makes the average of the two better than
either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

LONGEST = 40
"""Words that are read, the last ones."""

UNKNOWN = 0
"""Row of a word without a vector of its own."""

SUM_POWER = 0.7
"""The sum of vectors is divided by the number of words to this power: between a sum and a mean."""


@dataclass(frozen=True, slots=True)
class WordNetwork:
    """Weights of one network.

    Attributes:
        embedding: float32 [words, width]; row :data:`UNKNOWN` is for all other words.
        filters: float32 [span * width, filters] for each span of neighbouring words.
        filter_bias: float32 [filters] each.
        output: float32 [sum of filters + width, labels].
        output_bias: float32 [labels].
    """

    embedding: Floats
    filters: tuple[Floats, ...]
    filter_bias: tuple[Floats, ...]
    output: Floats
    output_bias: Floats

    def logits(self, words: list[int]) -> Floats:
        """Rows of ``embedding`` -> float32 [labels]. No words at all count as one unknown one."""
        vectors = self.embedding[(words or [UNKNOWN])[-LONGEST:]]
        width = vectors.shape[1]
        parts: list[Floats] = []
        for weights, bias in zip(self.filters, self.filter_bias, strict=True):
            span = len(weights) // width
            # One word of silence on both sides, as in training.
            padded = np.pad(vectors, ((1, 1), (0, 0)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, span, axis=0)
            stacked = windows.transpose(0, 2, 1).reshape(len(windows), span * width)
            parts.append(np.maximum(stacked @ weights + bias, 0).max(axis=0))
        parts.append(vectors.sum(axis=0) / np.float32(len(vectors) ** SUM_POWER))
        return np.asarray(np.concatenate(parts) @ self.output + self.output_bias, np.float32)
