"""Whisper's log-mel spectrogram in numpy.

Radford et al. 2022, section 2.2, with the constants of the published code: 25 ms Hann windows every 10 ms, 80
Slaney mel bands from 0 to 8 kHz, base-10 logarithm, the lowest 8 decades kept, shifted and scaled to about
[-1, 1]. The turn model was trained on waveforms of zero mean and unit variance, so that comes first.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from models.mel import slaney_filters

RATE = 16000
WINDOW = 400
HOP = 160
BANDS = 80

Floats = npt.NDArray[np.float32]


@cache
def filters() -> Floats:
    """The mel bands over the bins of one window, float32 [80, 201]."""
    return slaney_filters(BANDS, rate=RATE, window=WINDOW, low=0.0, high=RATE / 2).astype(np.float32)


@cache
def window() -> Floats:
    """The periodic Hann window, float32 [400]."""
    return np.hanning(WINDOW + 1)[:WINDOW].astype(np.float32)


def compressed(power: npt.NDArray[np.floating]) -> Floats:
    """Power spectra [frames, bins] -> float32 [80, frames]: mel bands, logarithm, the lowest decades cut off.

    Spectra with fewer bins than the window has are those of sound without anything above.
    """
    log = np.log10(np.maximum(filters()[:, : power.shape[1]] @ power.T, 1e-10))
    return ((np.maximum(log, log.max() - 8.0) + 4.0) / 4.0).astype(np.float32)


def whisper_log_mel(x: Floats) -> Floats:
    """Float samples at 16 kHz, a multiple of 160 of them -> float32 [80, len(x) / 160]."""
    x = x.astype(np.float32)
    x = (x - x.mean()) / np.sqrt(x.var() + np.float32(1e-7))
    padded = np.pad(x, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(x) // HOP]
    # Real and imaginary part squared by hand: abs() would take a root only for it to be squared again.
    spectrum = np.fft.rfft(frames * window(), axis=1)
    return compressed(spectrum.real**2 + spectrum.imag**2)
