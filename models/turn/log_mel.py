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
_BLOCK = 128
"""Frames."""

Floats = npt.NDArray[np.float32]


@cache
def filters() -> Floats:
    """The mel bands over the bins of one window, float32 [80, 201]."""
    return slaney_filters(BANDS, rate=RATE, window=WINDOW, low=0.0, high=RATE / 2).astype(np.float32)


@cache
def window() -> Floats:
    """The periodic Hann window, float32 [400]."""
    return np.hanning(WINDOW + 1)[:WINDOW].astype(np.float32)


def band_energies(frames: Floats, shape: Floats, scale: float = 1.0) -> Floats:
    """Frames of sound [n, samples] under a window of that ``shape`` -> energy in the mel bands, float32
    [80, n]. Frames shorter than :data:`WINDOW` are those of sound at a lower rate, without anything above.
    """
    bands = filters()[:, : frames.shape[1] // 2 + 1] * np.float32(scale)
    energies = np.empty((BANDS, len(frames)), np.float32)
    # In blocks that the allocator need not fetch from the system and give back each time: eight seconds at
    # once took 1.5 to 5.8 ms, by the state of the heap; in blocks they take 1.4.
    for at in range(0, len(frames), _BLOCK):
        spectrum = np.fft.rfft(frames[at : at + _BLOCK] * shape, axis=1)
        # Squared by hand: abs() would take a root only for it to be squared again.
        np.matmul(bands, (spectrum.real**2 + spectrum.imag**2).T, out=energies[:, at : at + _BLOCK])
    return energies


def compressed(energies: Floats) -> Floats:
    """Energy in the mel bands -> its logarithm, the lowest decades cut off, shifted and scaled."""
    log = np.log10(np.maximum(energies, np.float32(1e-10)))
    return (np.maximum(log, log.max() - np.float32(8.0)) + np.float32(4.0)) / np.float32(4.0)


def whisper_log_mel(x: Floats, silent: int = 0) -> Floats:
    """Float samples at 16 kHz, a multiple of 160 of them -> float32 [80, len(x) / 160].

    ``silent``: how many samples at the beginning are zero. Their frames are all alike and computed once.
    """
    x = x.astype(np.float32)
    x = (x - x.mean()) / np.sqrt(x.var() + np.float32(1e-7))
    padded = np.pad(x, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(x) // HOP]
    alike = max(0, (silent - WINDOW // 2) // HOP)
    log = compressed(band_energies(frames[alike:], window()))
    return np.concatenate([np.repeat(log[:, :1], alike, axis=1), log], axis=1)
