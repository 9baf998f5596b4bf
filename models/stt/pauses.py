"""Where a caller paused: the pieces of sound between."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.speech import SAMPLE_RATE, Pcm

FRAME: Final = SAMPLE_RATE // 100
_SPREAD_DB: Final = 15.0
"""Speech that is louder than what lies between by less has no pauses that could be found."""
_SHARE: Final = 0.35
"""Of the way from the quiet frames' level to the loud ones': what lies below is a pause."""
_SHORTEST_PIECE: Final = 6
"""Frames; less is a click."""


def pieces(pcm: Pcm, least: int) -> list[tuple[int, int]]:
    """First and last sample of every stretch of sound; between two lie at least ``least`` quiet frames of
    10 ms. Empty where sound does not stand out from what is between."""
    count = len(pcm) // FRAME
    if count < _SHORTEST_PIECE:
        return []
    power = (pcm[: count * FRAME].reshape(count, FRAME).astype(np.float32) ** 2).mean(axis=1)
    level = np.convolve(np.pad(10 * np.log10(power + 1), 1, mode="edge"), np.ones(3) / 3, "valid")
    low, high = np.percentile(level, [10, 95])
    if high - low < _SPREAD_DB:
        return []
    sounding = np.concatenate([[False], level >= low + _SHARE * (high - low), [False]])
    edges = np.flatnonzero(sounding[1:] != sounding[:-1]).reshape(-1, 2)
    found: list[tuple[int, int]] = []
    for first, end in edges.tolist():
        if found and first - found[-1][1] < least:
            found[-1] = found[-1][0], end
        else:
            found.append((first, end))
    return [(first * FRAME, end * FRAME) for first, end in found if end - first >= _SHORTEST_PIECE]
