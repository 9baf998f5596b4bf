"""Sounds for the emotion models that nobody has to record."""

from __future__ import annotations

import numpy as np

from models.speech import SAMPLE_RATE, Pcm


def voice(seconds: float = 2.0, pitch: float = 140.0, level: float = 0.1, seed: int = 0) -> Pcm:
    """Something like a voice: a buzz whose pitch wanders, two formants that move, syllables."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    hz = pitch * (1 + 0.12 * np.sin(2 * np.pi * 0.7 * t) + 0.03 * np.cumsum(rng.standard_normal(len(t))) / 90)
    phase = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE
    x = np.zeros(len(t))
    for harmonic in range(1, 22):
        at = harmonic * hz
        first, second = 500 + 250 * np.sin(2 * np.pi * 1.9 * t), 1500 + 500 * np.sin(2 * np.pi * 1.3 * t)
        gain = np.exp(-(((at - first) / 180) ** 2)) + 0.6 * np.exp(-(((at - second) / 250) ** 2)) + 0.02
        x += gain * np.sin(harmonic * phase) * (at < 3800)
    x *= 0.2 + np.abs(np.sin(2 * np.pi * 2.2 * t))
    x += 0.01 * rng.standard_normal(len(t))
    return np.asarray(np.clip(x / np.sqrt(np.mean(x * x) + 1e-12) * level, -1, 1) * 32767, np.int16)


def in_window(pcm: Pcm) -> Pcm:
    """``pcm`` at the end of a window of two seconds, zeros in front."""
    return np.concatenate([np.zeros(2 * SAMPLE_RATE - len(pcm), np.int16), pcm])
