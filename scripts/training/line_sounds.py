"""Sounds of a phone line that are no caller's voice, made from nothing: what the burst gate must not fall
for.

Every function takes a random generator and returns int16 at 8 kHz, at most two seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, iirpeak, lfilter, sosfilt

from models.speech import SAMPLE_RATE, Pcm
from models.tts.espeak_worker import Espeak
from training.emotion_data import coloured_noise

Doubles = npt.NDArray[np.float64]

_LOW: Final = (697, 770, 852, 941)
_HIGH: Final = (1209, 1336, 1477, 1633)
"""Hz, the tones of a telephone's keys (ITU-T Q.23)."""

_CALL_PROGRESS: Final = ((440, 480), (480, 620), (350, 440), (425,), (400, 450), (1400,), (950,))
"""Hz: ring, busy and dial tones of North America, Europe and Britain; a special information tone; a beep."""


def _to_pcm(x: Doubles, rng: np.random.Generator) -> Pcm:
    peak = np.abs(x).max() + 1e-9
    return np.asarray(np.clip(x / peak * rng.uniform(0.05, 0.8), -1, 1) * 32767, np.int16)


def _seconds(rng: np.random.Generator, low: float = 0.5, high: float = 2.0) -> Doubles:
    return np.arange(int(rng.uniform(low, high) * SAMPLE_RATE)) / SAMPLE_RATE


def _swell(t: Doubles, rng: np.random.Generator) -> Doubles:
    """An envelope that rises and falls once."""
    peak = rng.uniform(0.2, 0.8)
    place = t / (t[-1] + 1e-9)
    return np.asarray(np.sin(np.pi * place ** (np.log(0.5) / np.log(peak))) ** rng.uniform(0.7, 2))


def _throat(x: Doubles, rng: np.random.Generator) -> Doubles:
    """Resonances where a vocal tract has them."""
    out = np.zeros_like(x)
    for centre, spread in ((550, 200), (1500, 400), (2500, 400)):
        b, a = iirpeak(
            float(np.clip(rng.normal(centre, spread), 200, 3500)), rng.uniform(1.5, 5), fs=SAMPLE_RATE
        )
        out += lfilter(b, a, x) * rng.uniform(0.4, 1)
    return out + 0.1 * x


def noise(rng: np.random.Generator) -> Pcm:
    """Room, street or line: steady, swelling or in gusts."""
    t = _seconds(rng)
    x = coloured_noise(len(t), rng.uniform(0, 1.2), rng)
    kind = rng.integers(3)
    if kind == 1:
        x *= _swell(t, rng)
    elif kind == 2:
        x *= np.abs(coloured_noise(len(t), 1.0, rng)) + 0.1
    if rng.random() < 0.3:
        x += rng.uniform(0.5, 3) * np.sin(2 * np.pi * rng.choice([50, 60, 100, 120]) * t)
    return _to_pcm(x, rng)


def breath(rng: np.random.Generator) -> Pcm:
    """One breath, or in and out, close to the microphone."""
    parts = [_throat(coloured_noise(len(t), 0.3, rng), rng) * _swell(t, rng) for t in _breaths(rng)]
    pause = np.zeros(int(rng.uniform(0.03, 0.2) * SAMPLE_RATE))
    x = parts[0] if len(parts) == 1 else np.concatenate([parts[0], pause, parts[1]])
    x = x[: 2 * SAMPLE_RATE]
    return _to_pcm(x + 0.02 * x.std() * coloured_noise(len(x), 0.3, rng), rng)


def _breaths(rng: np.random.Generator) -> list[Doubles]:
    return [_seconds(rng, 0.3, 0.9) for _ in range(int(rng.integers(1, 3)))]


def cough(rng: np.random.Generator) -> Pcm:
    """One to three coughs: an explosion, rough air, sometimes a voiced end."""
    parts = []
    for _ in range(int(rng.integers(1, 4))):
        t = _seconds(rng, 0.2, 0.45)
        air = coloured_noise(len(t), 0.15, rng) * (
            np.exp(-t / rng.uniform(0.008, 0.02)) * 3 + np.exp(-t / rng.uniform(0.06, 0.15))
        )
        buzz = np.sign(np.sin(2 * np.pi * rng.uniform(120, 320) * t + rng.uniform(0, 1) * np.sin(40 * t)))
        voiced = buzz * np.exp(-(((t - 0.6 * t[-1]) / (0.15 * t[-1])) ** 2)) * rng.choice([0, 0.3, 0.8])
        parts += [_throat(air + voiced, rng), np.zeros(int(rng.uniform(0.02, 0.2) * SAMPLE_RATE))]
    x = np.concatenate(parts)[: 2 * SAMPLE_RATE]
    return _to_pcm(x + 0.01 * rng.standard_normal(len(x)) * x.std(), rng)


def digits(rng: np.random.Generator) -> Pcm:
    """Telephone keys, with or without gaps, over noise."""
    parts = []
    for _ in range(int(rng.integers(1, 8))):
        t = _seconds(rng, 0.06, 0.3)
        pair = rng.choice(_LOW), rng.choice(_HIGH)
        parts += [
            sum(np.sin(2 * np.pi * hz * t) for hz in pair),
            np.zeros(int(rng.uniform(0.03, 0.15) * SAMPLE_RATE)),
        ]
    x = np.concatenate(parts)[: 2 * SAMPLE_RATE]
    return _to_pcm(x + rng.choice([0.003, 0.03, 0.1]) * rng.standard_normal(len(x)), rng)


def tones(rng: np.random.Generator) -> Pcm:
    """Ring, busy, dial and information tones, a fax or a beep."""
    t = _seconds(rng, 0.6, 2.0)
    kind = rng.integers(3)
    if kind == 0:
        x = sum(np.sin(2 * np.pi * hz * t) for hz in _CALL_PROGRESS[rng.integers(len(_CALL_PROGRESS))])
        x = x * (np.sin(2 * np.pi * t / rng.choice([0.5, 1.0, 6.0]) + rng.uniform(0, 6)) > -0.2)
    elif kind == 1:
        x = np.sin(
            2
            * np.pi
            * np.cumsum(np.repeat(rng.uniform(300, 2400, 40), len(t) // 40 + 1)[: len(t)])
            / SAMPLE_RATE
        )
    else:
        x = np.sin(2 * np.pi * (rng.uniform(200, 2500) * t + rng.uniform(-400, 400) * t**2))
    return _to_pcm(x + rng.choice([0.003, 0.03, 0.1]) * rng.standard_normal(len(t)), rng)


def music(rng: np.random.Generator) -> Pcm:
    """A tune over chords, sometimes with drums: what plays while somebody is on hold."""
    t = _seconds(rng, 1.0, 2.0)
    root, x, at = rng.uniform(110, 260), np.zeros(len(t)), 0.0
    harmonics = rng.uniform(0.1, 1, 6) * 0.6 ** np.arange(6) * rng.uniform(0.5, 1.5)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    for step in rng.choice([0, 5, 7, 9], 3):
        x += 0.2 * np.sin(2 * np.pi * root * 2 ** (step / 12) * t)
    while at < t[-1]:
        length = rng.choice([0.12, 0.18, 0.25, 0.4])
        u = t - at
        held = (u >= 0) * np.exp(-np.maximum(u, 0) / length) * np.minimum(np.maximum(u, 0) / 0.01, 1)
        pitch = root * 2 ** (1 + rng.choice(scale) / 12)
        x += (
            sum(a * np.sin(2 * np.pi * k * pitch * u) for k, a in enumerate(harmonics, 1) if k * pitch < 3800)
            * held
        )
        if rng.random() < 0.5:
            x += (
                rng.uniform(0, 1.5)
                * rng.standard_normal(len(t))
                * (u >= 0)
                * np.exp(-np.maximum(u, 0) / 0.03)
            )
        at += length
    return _to_pcm(x + 0.003 * rng.standard_normal(len(t)), rng)


def handling(rng: np.random.Generator) -> Pcm:
    """Clicks, keys, knocks, a phone put down: short impacts over quiet noise."""
    t = _seconds(rng)
    x = rng.uniform(0.001, 0.05) * coloured_noise(len(t), 0.6, rng)
    for at in rng.uniform(0, t[-1], int(rng.integers(1, 12))):
        u = t - at
        decay = rng.uniform(0.002, 0.05)
        ring = np.sin(2 * np.pi * rng.uniform(150, 3000) * u) + rng.uniform(0, 2) * rng.standard_normal(
            len(t)
        )
        x += rng.uniform(0.2, 1) * ring * (u >= 0) * np.exp(-np.maximum(u, 0) / decay)
    return _to_pcm(x, rng)


SOUNDS: Final[Mapping[str, Callable[[np.random.Generator], Pcm]]] = {
    "noise": noise,
    "breath": breath,
    "cough": cough,
    "digits": digits,
    "tones": tones,
    "music": music,
    "handling": handling,
}

_VOICES: Final = ("en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-029", "de", "es", "fr", "it", "pt-br")
_VARIANTS: Final = (
    "f1",
    "f2",
    "f3",
    "f4",
    "f5",
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "m8",
    "klatt",
    "klatt4",
)
_WORDS: Final = (
    "yes no please tomorrow appointment doctor monday the insurance number seven four nine hello I would like"
    " to move my visit because it hurts thank you very much what time is that all right okay we can call back"
    " in the afternoon"
)


class SyntheticSpeech:
    """Sentences by espeak-ng's voices: a machine that calls, or the agent's own echo. Not a burst, not a
    person."""

    def __init__(self) -> None:
        """Raises :class:`~models.speech.SpeechError` when espeak-ng is not installed."""
        self._espeak = Espeak(165)
        self._band = butter(6, 3800, fs=self._espeak.rate, output="sos")

    def __call__(self, rng: np.random.Generator) -> Pcm:
        """A stretch of 0.4 to 2 s of a sentence drawn by chance."""
        text = " ".join(rng.choice(_WORDS.split(), int(rng.integers(3, 12))))
        rate, pitch, spread = rng.integers(75, 135), rng.integers(-30, 40), rng.integers(-60, 60)
        prosody = f'rate="{rate}%" pitch="{pitch:+d}%" range="{spread:+d}%"'
        voice = f"{rng.choice(_VOICES)}+{rng.choice(_VARIANTS)}"
        wide = self._espeak.speak(voice, f"<speak><prosody {prosody}>{escape(text)}</prosody></speak>")
        filtered = sosfilt(self._band, wide.astype(np.float64) / 32768)
        narrow = np.interp(
            np.arange(0, len(filtered), self._espeak.rate / SAMPLE_RATE), np.arange(len(filtered)), filtered
        )
        length = int(rng.uniform(0.4, 2.0) * SAMPLE_RATE)
        start = int(rng.integers(0, max(1, len(narrow) - length)))
        return _to_pcm(narrow[start : start + length], rng)
