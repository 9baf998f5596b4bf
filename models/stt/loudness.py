"""How far a caller stands out from the noise behind."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.speech import Pcm

_FRAME: Final = 160
_FLOOR: Final = 4.0
"""Power of mu-law's own rounding in silence, int16 scale squared."""


def snr_db(pcm: Pcm) -> float | None:
    """Signal-to-noise ratio of an utterance in dB: its loud frames over its quiet ones; None when too short
    to tell."""
    power = (pcm[: len(pcm) // _FRAME * _FRAME].astype(np.float32).reshape(-1, _FRAME) ** 2).mean(axis=1)
    if len(power) < 15:
        return None
    quiet = np.percentile(power, 8) + _FLOOR
    loud = np.percentile(power, 90) + _FLOOR
    return round(float(10 * np.log10(max(loud - quiet, 1e-3) / quiet)), 1)
