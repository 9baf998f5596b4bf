"""The network that tells bursts apart: where in the window to listen, and what was heard there.

A burst is an event in time, so the mean over a window blurs it. Beside the pooled vector this network reads
the frames: each is projected, mixed with its neighbours (a depthwise-separable convolution), and weighted by
four attentions; weighted mean and spread are pooled as in Okabe et al. 2018, "Attentive Statistics Pooling".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

ATTENTIONS = 4
SPAN = 5
"""Frames that the convolution mixes, 100 ms."""

EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class BurstNetwork:
    """Weights, standardization and batch normalization folded in.

    Attributes:
        project, project_bias: float32 [768, width], [width]; a frame.
        scale, shift: float32 [width]; layer normalization.
        mix, mix_bias: float32 [5, width], [width]; each channel over neighbouring frames.
        point, point_bias: float32 [width, width], [width].
        ask, ask_bias, answer, answer_bias: the attentions, float32 [width, 64], [64], [64, 4], [4].
        hidden: float32 [1537, 256] for the pooled vector and the log of the seconds.
        heard: float32 [3 * width, 256] for what the attentions found.
        hidden_bias: float32 [256].
        categories, deliveries: float32 [256, 30], [256, 8] and their biases.
    """

    project: Floats
    project_bias: Floats
    scale: Floats
    shift: Floats
    mix: Floats
    mix_bias: Floats
    point: Floats
    point_bias: Floats
    ask: Floats
    ask_bias: Floats
    answer: Floats
    answer_bias: Floats
    hidden: Floats
    heard: Floats
    hidden_bias: Floats
    categories: Floats
    categories_bias: Floats
    deliveries: Floats
    deliveries_bias: Floats

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> BurstNetwork:
        """From an archive in which ``name_scale`` holds the steps of eight-bit weights. Raises
        :class:`KeyError`."""
        parts = {}
        for name in cls.__slots__:
            values = arrays[name].astype(np.float32)
            parts[name] = (
                values * arrays[f"{name}_scale"].astype(np.float32) if f"{name}_scale" in arrays else values
            )
        return cls(**parts)

    def logits(self, vector: Floats, seconds: float, frames: Floats) -> tuple[Floats, Floats]:
        """[1536], length and [frames, 768] of one window -> logits of 30 categories and 8 deliveries."""
        pooled = np.append(vector, np.float32(np.log(seconds)))
        x = pooled @ self.hidden + self._listen(frames) @ self.heard + self.hidden_bias
        h = np.maximum(x, 0)
        return h @ self.categories + self.categories_bias, h @ self.deliveries + self.deliveries_bias

    def _listen(self, frames: Floats) -> Floats:
        """[frames, 768] -> [3 * width]: weighted mean, weighted spread and maximum."""
        x = frames @ self.project + self.project_bias
        x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + EPSILON)
        h = gelu(x * self.scale + self.shift)
        padded = np.pad(h, ((SPAN // 2, SPAN // 2), (0, 0)))
        mixed = self.mix_bias + sum(padded[k : k + len(h)] * self.mix[k] for k in range(SPAN))
        h = h + gelu(mixed @ self.point + self.point_bias)
        asked = np.tanh(h @ self.ask + self.ask_bias) @ self.answer + self.answer_bias
        weight = np.exp(asked - asked.max(axis=0))
        weight /= weight.sum(axis=0)
        parts = h.reshape(len(h), ATTENTIONS, -1)
        mean = np.einsum("ta,tac->ac", weight, parts)
        variance = np.einsum("ta,tac->ac", weight, (parts - mean) ** 2)
        return np.concatenate([mean.ravel(), np.sqrt(variance + EPSILON).ravel(), h.max(axis=0)])


def gelu(x: Floats) -> Floats:
    """Hendrycks and Gimpel 2016, the form with the hyperbolic tangent."""
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(np.float32(0.5) * x * (1 + np.tanh(inner)), np.float32)
