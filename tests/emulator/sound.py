"""Sounds for tests and a way to find them again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE = 8000
Pcm = npt.NDArray[np.int16]


def tone(hertz: float, seconds: float, level: float = 0.2) -> Pcm:
    t = np.arange(round(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * hertz * t) * 32767 * level).astype(np.int16)


def strength(samples: Pcm, hertz: float) -> float:
    """Amplitude of one frequency, as a part of full scale."""
    if len(samples) == 0:
        return 0.0
    t = np.arange(len(samples)) / RATE
    return float(2 * abs(np.mean(samples * np.exp(-2j * np.pi * hertz * t))) / 32767)


def heard_from(samples: Pcm, hertz: float, level: float = 0.05, window_s: float = 0.02) -> float | None:
    """Seconds until the first window in which the frequency is present, or None."""
    size = round(window_s * RATE)
    for start in range(0, len(samples) - size + 1, size):
        if strength(samples[start : start + size], hertz) > level:
            return start / RATE
    return None


def seconds_with(samples: Pcm, hertz: float, level: float = 0.05, window_s: float = 0.02) -> float:
    """How long the frequency is present."""
    size = round(window_s * RATE)
    windows = range(0, len(samples) - size + 1, size)
    return sum(strength(samples[s : s + size], hertz) > level for s in windows) * window_s
