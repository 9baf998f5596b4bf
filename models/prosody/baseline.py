"""How this caller usually sounds, learned while they speak.

Voices differ more between people than between moods. What is taken away is the mean of the caller's own
windows, with the mean of all training speakers as a prior that eight windows outweigh. Windows that sound
most aroused stay out, so that somebody who calls in anger does not become the measure of calm. A mean over
neutral windows only would gain nothing; dividing by the caller's spread would destroy the scores of a caller
who has one mood all along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.emotion_encoder import VECTOR

Floats = npt.NDArray[np.float32]

PRIOR_WINDOWS = 8
"""Weight of the population mean, in windows."""

MOST_AROUSED = 0.88
"""Uncalibrated arousal from which a window is left out of the mean."""


@dataclass(frozen=True, slots=True)
class CallerBaseline:
    """The caller's mean encoder vector. Start with :meth:`unknown`, or with what an earlier call left.

    Attributes:
        mean: float32 [1536] over ``windows`` windows; zeros for none.
        windows: how many went in; report it beside the scores.
    """

    mean: Floats
    windows: int

    @classmethod
    def unknown(cls) -> CallerBaseline:
        """Of a caller who has not been heard yet."""
        return cls(np.zeros(VECTOR, np.float32), 0)

    @property
    def weight(self) -> float:
        """Trust in this baseline, 0..1: half after :data:`PRIOR_WINDOWS` windows."""
        return self.windows / (self.windows + PRIOR_WINDOWS)

    def centre(self, population: Floats) -> Floats:
        """The point that counts as this caller's normal."""
        return np.asarray(population + self.weight * (self.mean - population), np.float32)

    def with_window(self, vector: Floats) -> CallerBaseline:
        """The baseline after one more window."""
        mean = self.mean + (vector - self.mean) / np.float32(self.windows + 1)
        return CallerBaseline(mean.astype(np.float32), self.windows + 1)
