"""The log-mel spectrogram of 8 kHz audio, on the scale that the turn model's encoder was trained with.

The same as :func:`models.turn.log_mel.whisper_log_mel` of the audio brought to 16 kHz, at half the work: half
the window, half the transform, and bands above 4 kHz at the floor, where an empty half-band lies anyway.
Steady noise is taken out of it.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from models.speech import SAMPLE_RATE, Pcm
from models.turn.log_mel import RATE, WINDOW, Floats, band_energies, compressed

HOP: Final = 80
"""Samples from one mel frame to the next: 10 ms."""
STEP: Final = 2 * HOP
"""Samples from one encoder frame to the next: 20 ms."""

_STEADY: Final = 0.05
"""Share of the time in which nobody speaks at all: the loudest of it is taken for the noise of the line."""
_TAKEN, _LEFT = 1.5, 0.3
"""How much more than that noise is taken away, and how much of a frame's energy is left at least."""
_HALF: Final = WINDOW * SAMPLE_RATE // RATE


@cache
def _window() -> Floats:
    return np.hanning(_HALF + 1)[:_HALF].astype(np.float32)


def phone_log_mel(pcm: Pcm) -> Floats:
    """int16 at 8 kHz -> float32 [80, 2 n], n frames of 20 ms; what is left over at the end is dropped.

    At least 0.1 s of audio is needed.
    """
    x = pcm[: len(pcm) // STEP * STEP].astype(np.float32)
    x = (x - x.mean()) / np.sqrt(x.var() + np.float32(1e-2))
    padded = np.pad(x, _HALF // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _HALF)[::HOP][: len(x) // HOP]
    # Twice the samples under the window at 16 kHz would have given four times the power.
    return compressed(_less_noise(band_energies(frames, _window(), 4.0)))


def _less_noise(energies: Floats) -> Floats:
    """Without the noise that is always there in each band, [80, n]: spectral subtraction of more than the
    noise, but never of all there is (Berouti, Schwartz and Makhoul 1979)."""
    noise = np.quantile(_mean_around(energies, 9), _STEADY, axis=1, keepdims=True).astype(np.float32)
    share = 1 - _TAKEN * noise / (_mean_around(energies, 3) + np.float32(1e-12))
    return energies * np.maximum(share, np.float32(_LEFT))


def _mean_around(rows: Floats, width: int) -> Floats:
    """The mean of ``width`` neighbours (odd) along a row; beyond its ends it goes on as at the end."""
    half = width // 2
    total = np.cumsum(np.pad(rows, ((0, 0), (half + 1, half)), mode="edge"), axis=1, dtype=np.float64)
    return ((total[:, width:] - total[:, :-width]) / width).astype(np.float32)


def quickened(mel: Floats, step: int) -> Floats:
    """The same said faster: [80, 2 n] to [80, 2 m], two frames for every ``step`` samples of the sound."""
    frames = mel.shape[1] * HOP // step * 2
    at = np.clip((np.arange(frames) + 0.5) * (step / STEP) - 0.5, 0, mel.shape[1] - 1)
    before = np.minimum(at.astype(np.intp), mel.shape[1] - 2)
    share = (at - before).astype(np.float32)
    out: Floats = np.ascontiguousarray(mel[:, before] * (1 - share) + mel[:, before + 1] * share)
    return out
