"""The recognizer's ear: 8 kHz phone audio to the cepstra of clean wideband speech.

PocketSphinx brings an acoustic model of 16 kHz studio-like speech; a phone line has no sound above 3.4 kHz,
and noise besides. Instead of guessing the missing band as sound and sending it through the library's own
analysis, the guess is made where the model looks: a small network takes the log-mel bands of the phone
audio, a few frames around, and an estimate of the noise in each band, and gives the 13 cepstra which the
library would have computed from the clean wideband original. They go to any number of decoders, so grammar,
phone loop and language model share one analysis.

Frames as the library has them (``fe_sigproc.c``): 25.6 ms every 10 ms, pre-emphasis 0.97, Hamming window.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.speech import SAMPLE_RATE, Pcm

Floats = npt.NDArray[np.float32]

HOP: Final = 80
WINDOW: Final = 205
BANDS: Final = 24
LOW_HZ: Final = 150.0
HIGH_HZ: Final = 3750.0
BEFORE: Final = 7
AFTER: Final = 3
"""Frames of context on either side of the one that is mapped; 30 ms of look-ahead."""
CEPSTRA: Final = 13
WEIGHTS: Final = Path(__file__).with_name("band_extension.npz")

TRAINED_LEVEL: Final = 5000.0
"""Root mean square of the loudest frames, int16 scale."""
_FFT: Final = 256
_PREEMPHASIS: Final = 0.97
_FLOOR_UP: Final = 0.995
_FLOOR_DOWN: Final = 0.7
"""The noise estimate follows a band slowly upwards and quickly downwards."""


@cache
def _filters() -> Floats:
    """Triangles on the mel scale 2595 log10(1 + f/700), [bands, bins], each of unit area in bins."""
    top = 2595 * np.log10(1 + np.array([LOW_HZ, HIGH_HZ]) / 700)
    edges = 700 * (10 ** (np.linspace(top[0], top[1], BANDS + 2) / 2595) - 1)
    bins = np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangle = np.maximum(np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)), 0)
    return (triangle / triangle.sum(axis=1, keepdims=True)).astype(np.float32)


@cache
def _window() -> Floats:
    return np.hamming(WINDOW).astype(np.float32)


def level_gain(pcm: Pcm) -> float:
    """What brings the loudest 50 ms to the level that the network was trained at, 1/8 to 32."""
    frames = pcm[: len(pcm) // HOP * HOP].astype(np.float32).reshape(-1, HOP)
    if not len(frames):
        return 1.0
    loudest = np.sort((frames**2).mean(axis=1))[-5:].mean()
    return float(np.clip(TRAINED_LEVEL / np.sqrt(loudest + 1.0), 0.125, 32.0))


class PhoneSpectrum:
    """Log-mel bands of one utterance as it comes in, with the noise floor under each."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._last = 0.0
        self._floor: Floats | None = None

    def feed(self, pcm: Pcm | Floats) -> Floats:
        """Samples on the int16 scale -> float32 [frames, 2 x bands] that became complete: bands, then
        floors."""
        x = pcm.astype(np.float32)
        emphasized = np.empty_like(x)
        if len(x):
            emphasized[0] = x[0] - _PREEMPHASIS * self._last
            emphasized[1:] = x[1:] - _PREEMPHASIS * x[:-1]
            self._last = float(x[-1])
        signal = np.concatenate([self._rest, emphasized])
        count = max(0, (len(signal) - WINDOW) // HOP + 1)
        self._rest = signal[count * HOP :]
        if not count:
            return np.zeros((0, 2 * BANDS), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[: count * HOP : HOP]
        spectrum = np.fft.rfft(frames * _window(), _FFT, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        bands = np.log(power @ _filters().T + 1.0)
        return np.concatenate([bands, self._track(bands)], axis=1)

    def _track(self, bands: Floats) -> Floats:
        floors = np.empty_like(bands)
        floor = bands[0] if self._floor is None else self._floor
        for i, band in enumerate(bands):
            keep = np.where(band >= floor, np.float32(_FLOOR_UP), np.float32(_FLOOR_DOWN))
            floor = band + keep * (floor - band)
            floors[i] = floor
        self._floor = floor
        return floors


def with_context(frames: Floats) -> Floats:
    """[BEFORE + n + AFTER, 2 x bands] -> network input [n, (BEFORE + 1 + AFTER) x bands + bands]."""
    count = len(frames) - BEFORE - AFTER
    bands = frames[:, :BANDS]
    view = np.lib.stride_tricks.sliding_window_view(bands, BEFORE + 1 + AFTER, axis=0)[:count]
    spread = view.transpose(0, 2, 1).reshape(count, -1)
    return np.concatenate([spread, frames[BEFORE : BEFORE + count, BANDS:]], axis=1)


class BandExtension:
    """The trained network: two hidden layers beside a straight linear path, about 150,000 weights."""

    def __init__(self, path: Path = WEIGHTS) -> None:
        """Load the weights written by ``scripts/train_bwe.py``."""
        with np.load(path) as stored:
            self._weights: dict[str, Floats] = {
                name: stored[name].astype(np.float32) for name in stored.files
            }

    @property
    def mean(self) -> Floats:
        """Cepstral mean of the utterances it was trained on, float32 [13]: the prior of a new utterance."""
        return self._weights["mean"]

    def __call__(self, x: Floats) -> Floats:
        """Network input of :func:`with_context` -> cepstra float32 [n, 13], means not yet removed."""
        w = self._weights
        x = (x - w["input_mean"]) * w["input_scale"]
        hidden = np.maximum(x @ w["w1"] + w["b1"], 0)
        hidden = np.maximum(hidden @ w["w2"] + w["b2"], 0)
        return (hidden @ w["w3"] + x @ w["w0"] + w["b3"]) * w["output_scale"] + w["output_mean"]


class FrontEnd:
    """One utterance on its way to cepstra of zero mean, in pieces of any length."""

    _PRIOR_FRAMES: Final = 400
    """Weight of the prior against the utterance's own mean, in frames."""

    def __init__(self, network: BandExtension, gain: float = 1.0) -> None:
        self._network = network
        self._gain = np.float32(gain)
        self._spectrum = PhoneSpectrum()
        self._frames = np.zeros((0, 2 * BANDS), np.float32)
        self._sum = network.mean.astype(np.float64) * self._PRIOR_FRAMES
        self._count = float(self._PRIOR_FRAMES)

    def feed(self, pcm: Pcm) -> Floats:
        """int16 at 8 kHz -> the cepstra float32 [n, 13] that became certain."""
        return self._map(self._spectrum.feed(pcm * self._gain))

    def flush(self) -> Floats:
        """The cepstra of the last frames, their missing future filled with the last one."""
        if not len(self._frames):
            return np.zeros((0, CEPSTRA), np.float32)
        return self._map(np.repeat(self._frames[-1:], AFTER, axis=0))

    def _map(self, new: Floats) -> Floats:
        if not len(self._frames) and len(new):
            self._frames = np.repeat(new[:1], BEFORE, axis=0)
        self._frames = np.concatenate([self._frames, new])
        if len(self._frames) <= BEFORE + AFTER:
            return np.zeros((0, CEPSTRA), np.float32)
        cepstra = self._network(with_context(self._frames))
        self._frames = self._frames[len(cepstra) :]
        # Pauses count: the acoustic model was trained with the mean of whole utterances.
        self._sum += cepstra.sum(axis=0)
        self._count += len(cepstra)
        return (cepstra - self._sum / self._count).astype(np.float32)
