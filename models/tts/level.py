"""Level of synthesized speech: every voice, pitch and sentence equally loud on the line, no sample
clipped."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from models.speech import SAMPLE_RATE, Pcm

TARGET_DBFS: Final = -21.0
"""Root mean square of the active frames. Telephone practice is -26 dBov (ITU-T P.56); a little more carries
over road noise."""
CEILING: Final = 0.85
"""Largest sample, as a share of full scale: room for the resamplers further down the line."""
_FRAME: Final = 160
_ACTIVE_DB: Final = 25.0
"""Frames this far below the loudest are pauses and do not count."""


def normalize(x: npt.NDArray[np.float32], volume: float = 1.0) -> Pcm:
    """Float samples at 8 kHz, any scale, to int16 at the target level times ``volume``; silence stays
    silence."""
    peak = float(np.abs(x).max(initial=0.0))
    if peak == 0.0:
        return np.zeros(len(x), np.int16)
    padded = np.pad(x, (0, -len(x) % _FRAME)).reshape(-1, _FRAME)
    energy = (padded.astype(np.float64) ** 2).mean(axis=1)
    active = energy[energy >= energy.max() * 10 ** (-_ACTIVE_DB / 10)]
    gain = 10 ** (TARGET_DBFS / 20) * volume / np.sqrt(active.mean())
    return (_limit(x * np.float32(gain)) * 32767).astype(np.int16)


def _limit(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Samples over half the ceiling are bent smoothly below it: loud volumes lose peaks, not words."""
    knee = CEILING / 2
    over = np.abs(x) > knee
    if over.any():
        x = x.copy()
        x[over] = np.sign(x[over]) * (knee + knee * np.tanh((np.abs(x[over]) - knee) / knee))
    return x


def trim(x: npt.NDArray[np.float32], keep: float = 0.02) -> npt.NDArray[np.float32]:
    """Without the silence in front but ``keep`` seconds of it: the caller waits for the first sound."""
    loud = np.flatnonzero(np.abs(x) > 0.01 * np.abs(x).max(initial=1e-9))
    return x[max(0, loud[0] - int(keep * SAMPLE_RATE)) :] if len(loud) else x
