"""Loudness, pitch and zero crossings of a voice, and how they stand to the caller's own.

The numbers explain a reading to people; the models do not use them. Pitch is the peak of the
autocorrelation, about half a millisecond for two seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.speech import SAMPLE_RATE, Pcm

BASELINE_SEGMENTS = 6
"""Voiced segments that set a caller's own normal."""

UPDATE = 0.05
"""Weight of a further calm segment in that normal."""

LOWEST_HZ, HIGHEST_HZ = 70.0, 420.0
_FRAME = 480
_HOP = 240
_VOICED = 0.5
"""Share of a frame's energy that comes back after one period."""

_RECENT = 3
_MIN_SPREAD = (1.0, 0.5, 0.01)
"""Least spread of energy (dB), pitch (semitones) and zero crossings that differences are measured in."""

_RISING = 1.5
"""dB of difference between recent segments that make a trend."""


@dataclass(frozen=True, slots=True)
class VoiceMeasures:
    """Of one window: RMS level in dB below full scale, median pitch in semitones above 100 Hz (None without
    voiced frames), share of samples where the sign changes."""

    energy_db: float
    pitch_st: float | None
    zcr: float


class EnergyTrend(StrEnum):
    """Where the loudness goes."""

    RISING = "rising"
    FALLING = "falling"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class SpeakerView:
    """The newest window against the caller's own normal, in standard deviations (0 until that is known)."""

    energy_delta: float = 0.0
    energy_trend: EnergyTrend = EnergyTrend.STABLE
    pitch_delta: float = 0.0
    zcr_delta: float = 0.0
    normalized: bool = False


def measure(pcm: Pcm) -> VoiceMeasures | None:
    """Measures of int16 at 8 kHz; None for less than a frame or for silence."""
    if len(pcm) < 2 * _FRAME:
        return None
    x = pcm.astype(np.float32) / 32768.0
    x -= x.mean()
    power = float(np.mean(x * x))
    if power < 1e-8:
        return None
    zcr = float(np.mean(np.signbit(x[1:]) != np.signbit(x[:-1])))
    return VoiceMeasures(10 * float(np.log10(power)), _pitch(x), zcr)


def _pitch(x: np.ndarray) -> float | None:
    frames = np.lib.stride_tricks.sliding_window_view(x, _FRAME)[::_HOP]
    loud = np.mean(frames * frames, axis=1)
    frames = frames[loud > 0.1 * loud.max()] * np.hanning(_FRAME).astype(np.float32)
    spectrum = np.fft.rfft(frames, 2 * _FRAME, axis=1)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, axis=1)
    first, last = int(SAMPLE_RATE / HIGHEST_HZ), int(SAMPLE_RATE / LOWEST_HZ)
    lags = correlation[:, first : last + 1]
    best = lags.argmax(axis=1)
    strength = lags[np.arange(len(lags)), best] / np.maximum(correlation[:, 0], 1e-12)
    voiced = best[strength > _VOICED]
    if len(voiced) < 3:
        return None
    return 12 * float(np.log2(SAMPLE_RATE / (first + np.median(voiced)) / 100.0))


class CallerMeasures:
    """How loud and high this caller usually speaks. Mutable; owned by one call."""

    def __init__(self) -> None:
        self._first: list[tuple[float, float, float]] = []
        self._mean: np.ndarray | None = None
        self._spread = np.array(_MIN_SPREAD)
        self._recent: deque[float] = deque(maxlen=2 * _RECENT)
        self.view = SpeakerView()
        """The newest window against what is usual."""

    def take(self, measures: VoiceMeasures, *, calm: bool) -> None:
        """One more voiced window; only calm ones move the normal once there is one."""
        self._recent.append(measures.energy_db)
        if measures.pitch_st is None:
            return
        now = np.array((measures.energy_db, measures.pitch_st, measures.zcr))
        if self._mean is None:
            self._first.append((measures.energy_db, measures.pitch_st, measures.zcr))
            if len(self._first) >= BASELINE_SEGMENTS:
                known = np.array(self._first)
                self._mean = known.mean(axis=0)
                self._spread = np.maximum(known.std(axis=0), _MIN_SPREAD)
            self.view = SpeakerView(energy_trend=self._trend())
            return
        z = (now - self._mean) / self._spread
        if calm:
            self._mean = self._mean + UPDATE * (now - self._mean)
        energy, pitch, zcr = (round(float(np.clip(value, -9, 9)), 2) for value in z)
        self.view = SpeakerView(energy, self._trend(), pitch, zcr, normalized=True)

    def _trend(self) -> EnergyTrend:
        levels = list(self._recent)
        if len(levels) < 2 * _RECENT:
            return EnergyTrend.STABLE
        change = float(np.mean(levels[_RECENT:]) - np.mean(levels[:_RECENT]))
        if abs(change) < _RISING:
            return EnergyTrend.STABLE
        return EnergyTrend.RISING if change > 0 else EnergyTrend.FALLING
