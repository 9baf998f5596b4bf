"""From two seconds of phone sound to the log-mel spectrogram that the encoder reads.

The encoder is a part of the turn model and wants that model's features: Whisper's log-mel of a waveform of
zero mean and unit variance, taken over eight seconds. Only the last two are sound here, the rest is silence,
so its share of mean and variance is put in by arithmetic instead of by computing six empty seconds (0.4 ms
instead of 1.8). The turn model's own spectrogram cannot be shared: it stretches over eight seconds that may
hold other levels.
"""

from __future__ import annotations

import numpy as np
import soxr

from models.speech import SAMPLE_RATE, Pcm
from models.turn.log_mel import HOP, RATE, WINDOW, Floats, band_energies, compressed, window

SECONDS = 2
SAMPLES = SECONDS * SAMPLE_RATE
"""Length of a window at 8 kHz."""

FRAMES = 100 * SECONDS
"""Spectra in a window, one every 10 ms; the encoder halves that."""

FULL_SCALE = 32768.0
TARGET_RMS = 0.1
"""Level every window is brought to: phones have gain control, so loudness tells little about the speaker."""

_NORMALIZED_OVER = 8 * RATE
"""Samples that the turn model takes mean and variance over."""


def wideband(pcm: Pcm) -> Floats:
    """int16 at 8 kHz, at most two seconds -> float32 at 16 kHz at :data:`TARGET_RMS`."""
    x = pcm.astype(np.float32) / np.float32(FULL_SCALE)
    gain = TARGET_RMS / (np.sqrt(np.mean(x * x)) + 1e-5)
    return np.asarray(soxr.resample(np.clip(x * gain, -1, 1), SAMPLE_RATE, RATE, quality="HQ"), np.float32)[
        -SECONDS * RATE :
    ]


def log_mel(sound: Floats) -> Floats:
    """Float samples at 16 kHz, at most two seconds -> float32 [80, 200]; shorter sound lies at the end."""
    mean = sound.sum() / _NORMALIZED_OVER
    deviation = np.sqrt((sound * sound).sum() / _NORMALIZED_OVER - mean**2 + 1e-7)
    x = (np.pad(sound, (SECONDS * RATE - len(sound), 0)) - mean) / deviation
    half = WINDOW // 2
    after = np.full(half, -mean / deviation, np.float32)
    x = np.concatenate([x[half:0:-1], x, after]).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(x, WINDOW)[::HOP][:FRAMES]
    return compressed(band_energies(frames, window()))
