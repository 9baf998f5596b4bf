"""Keypad tones in the audio of a leg, for networks that do not send digits out of band.

ITU-T Q.23 gives the eight frequencies, Q.24 the limits a receiver has to keep: tones within 1.5 % are digits
and beyond 3.5 % are not, the high tone may be 4 dB louder and 8 dB softer than the low one, 40 ms of tone
must count and 23 ms must not, and speech must not be taken for a digit ("talk-off").

The audio is cut into windows of 205 samples every 51. Each window is projected onto the eight frequencies,
each at three places within its tolerance, by one matrix product for all windows that are ready: a bank of
Goertzel filters. A window shows a digit when one low and one high tone hold nearly all of its energy; speech
hardly ever does, having harmonics. A digit is reported once, after three windows in a row, and again only
after a pause.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]

SAMPLE_RATE: Final = 8000
LOW: Final = (697.0, 770.0, 852.0, 941.0)
HIGH: Final = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS: Final = "123A456B789C*0#D"
"""Row by row: ``KEYS[4 * low + high]``."""

_WINDOW: Final = 205
"""25.6 ms: each frequency then falls near the middle of a bin 39 Hz wide."""
_HOP: Final = 51
_BATCH: Final = 12
"""Windows are worked off together, every 76 ms: numpy's cost is per call."""
_TUNING: Final = (0.988, 1.0, 1.012)
"""Where within the tolerance of 1.5 % each frequency is probed."""
_MIN_RMS: Final = 10 ** (-42 / 20) * 32768
_PURITY: Final = 0.80
"""Share of a window's energy in the two tones. At this value 12.9 minutes of speech gave no digit."""
_MAX_FORWARD_TWIST: Final = 10 ** (6 / 10)
"""High over low, as power: 4 dB by Q.24, with 2 dB for the window's own error."""
_MAX_REVERSE_TWIST: Final = 10 ** (10 / 10)
_DOMINANCE: Final = 10 ** (8 / 10)
"""The strongest tone of a group over the next one, as power."""
_HITS: Final = 3
"""Windows in a row: at least 33 ms of tone, so 40 ms counts and 23 ms does not."""
_MISSES: Final = 6
"""Windows without the digit that make a pause: a drop-out of 10 ms spoils four, a pause of 40 ms eight or
nine."""


@cache
def _probes() -> npt.NDArray[np.float32]:
    """[window, 2 x 3 x 8]: cosines, then sines, of each tuning of each frequency, scaled to give mean
    power."""
    frequency = np.outer(_TUNING, LOW + HIGH).ravel()
    angle = 2 * np.pi * np.outer(np.arange(_WINDOW), frequency) / SAMPLE_RATE
    scale = np.sqrt(2) / _WINDOW
    return (np.concatenate([np.cos(angle), np.sin(angle)], axis=1) * scale).astype(np.float32)


class DtmfDetector:
    """Finds the digits one caller keys. One instance per leg; not shared."""

    def __init__(self) -> None:
        self._pending = np.zeros(0, np.int16)
        self._candidate = ""
        self._hits = 0
        self._held = ""
        self._misses = 0

    def feed(self, pcm: Pcm) -> list[str]:
        """The digits (``0``-``9``, ``*``, ``#``, ``A``-``D``) that became certain within ``pcm``, in order.

        ``pcm`` may have any length; what does not fill a batch of windows waits for the next call.
        """
        pending = np.concatenate([self._pending, pcm])
        count = (len(pending) - _WINDOW) // _HOP + 1
        if count < _BATCH:
            self._pending = pending
            return []
        shown = self._show(np.lib.stride_tricks.sliding_window_view(pending, _WINDOW)[: count * _HOP : _HOP])
        self._pending = pending[count * _HOP :]
        digits = [self._follow(key) for key in shown]
        return [digit for digit in digits if digit]

    @staticmethod
    def _show(windows: npt.NDArray[np.int16]) -> list[str]:
        """[n, 205] -> the digit each window shows, "" for none."""
        x = windows.astype(np.float32)
        energy = np.einsum("ij,ij->i", x, x) / _WINDOW
        if energy.max() < _MIN_RMS**2:
            return [""] * len(x)
        projected = x @ _probes()
        half = projected.shape[1] // 2
        # Tuning by tuning the squared projections; the best tuning of each of the eight frequencies counts.
        power = (
            (projected[:, :half] ** 2 + projected[:, half:] ** 2).reshape(len(x), len(_TUNING), 8).max(axis=1)
        )
        low, high = power[:, :4], power[:, 4:]
        low_best, high_best = low.max(axis=1), high.max(axis=1)
        pure = (energy >= _MIN_RMS**2) & (low_best + high_best >= _PURITY * energy)
        if not pure.any():
            return [""] * len(x)
        good = (
            pure
            & (high_best <= _MAX_FORWARD_TWIST * low_best)
            & (low_best <= _MAX_REVERSE_TWIST * high_best)
            & (low_best >= _DOMINANCE * np.partition(low, 2, axis=1)[:, 2])
            & (high_best >= _DOMINANCE * np.partition(high, 2, axis=1)[:, 2])
        )
        index = 4 * low.argmax(axis=1) + high.argmax(axis=1)
        return [KEYS[i] if ok else "" for i, ok in zip(index, good, strict=True)]

    def _follow(self, key: str) -> str:
        """One window further: the digit to report now, or ""."""
        if self._held:
            if key == self._held:
                self._misses = 0
                return ""
            self._misses += 1
            if self._misses >= _MISSES:
                self._held = ""
        if not key or key != self._candidate:
            self._candidate, self._hits = key, 1 if key else 0
            return ""
        self._hits += 1
        if self._hits < _HITS or self._held:
            return ""
        self._held, self._misses = key, 0
        self._candidate, self._hits = "", 0
        return key
