"""Which letter or digit a word said alone is: SpellingCNN by Moonshine AI (MIT), which heard real people.

It was trained on single words of at most a second and knows nothing of running speech. Where in its second a
word lies changes what it thinks of doubtful ones, so it is shown each word at several places and its opinions
are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from models.mel import slaney_filters
from models.model_file import ModelError, verified_file
from models.onnx import session_of_bytes
from models.speech import SAMPLE_RATE, Pcm, SpeechError
from models.stt.phone_graph import Floats

FOLDER: Final = Path(__file__).parent / "spelling"

DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LETTERS: Final = tuple("abcdefghijklmnopqrstuvwxyz")
CLASSES: Final = (
    *LETTERS,
    *DIGITS,
    *("capital", "uppercase", "star", "dollar", "underscore", "exclamation", "percent", "dash", "delete"),
    *("finish", "cancel", "wifi", "ip", "yes", "no"),
)
"""What the network tells apart, in the order of its outputs."""

_RATE: Final = 16000
_WINDOW: Final = 512
_HOP: Final = 125
_BANDS: Final = 64
_FRAMES: Final = 128
MARGIN: Final = SAMPLE_RATE * 5 // 100
"""Samples before and behind its sound that a word is cut out with."""
LONGEST: Final = SAMPLE_RATE * 9 // 10
"""Samples of sound that the network can be shown: what is longer is no single word."""
_BEGINS: Final = SAMPLE_RATE * 10 // 100, SAMPLE_RATE * 15 // 100
"""Samples into its second at which the network is shown the beginning of a cut."""
_PEAK: Final = 0.1
_BATCH: Final = 16
"""Pictures in one run: more would only take memory."""


@cache
def _filters() -> Floats:
    return slaney_filters(_BANDS, rate=_RATE, window=_WINDOW, low=20.0, high=_RATE / 2).astype(np.float32)


@cache
def _window() -> Floats:
    return np.hanning(_WINDOW + 1)[:_WINDOW].astype(np.float32)


def _picture(word: Floats, begin: int) -> Floats:
    """A word that is to begin ``begin`` samples into a second -> log mel, float32 [64, 128]."""
    second = np.zeros(SAMPLE_RATE, np.float32)
    second[begin : begin + len(word)] = word[: SAMPLE_RATE - begin]
    wide = soxr.resample(second, SAMPLE_RATE, _RATE, quality="HQ")
    padded = np.pad(wide, _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:_FRAMES]
    spectrum = np.fft.rfft(frames * _window(), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    mel = np.log(_filters() @ power.T + np.float32(1e-6))
    out: Floats = (mel - mel.mean()) / np.maximum(mel.std(), np.float32(1e-3))
    return out


class SpellingModel:
    """The network, loaded: 4 MB, some 10 MB of memory. Not thread-safe."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Raises :class:`SpeechError` when the weights are missing or not the published ones."""
        try:
            self.identity, weights = verified_file(folder)
        except ModelError as error:
            raise SpeechError(str(error)) from error
        self._session = session_of_bytes(weights)

    def __call__(self, words: Sequence[Pcm]) -> Floats:
        """Words cut out with :data:`MARGIN`, int16 at 8 kHz -> log probabilities [words, :data:`CLASSES`]."""
        pictures = [_picture(leveled, begin) for leveled in map(_leveled, words) for begin in _BEGINS]
        batches = [
            self._session.run(None, {"log_mel": np.stack(pictures[at : at + _BATCH])[:, None]})[0]
            for at in range(0, len(pictures), _BATCH)
        ]
        logits = np.concatenate([np.zeros((0, len(CLASSES)), np.float32), *batches])
        logits -= np.logaddexp.reduce(logits, axis=1, keepdims=True)
        mean: Floats = logits.reshape(len(words), len(_BEGINS), len(CLASSES)).mean(axis=1)
        return mean


def _leveled(pcm: Pcm) -> Floats:
    x = pcm.astype(np.float32)
    out: Floats = x * (_PEAK / max(1.0, float(np.abs(x).max(initial=0.0))))
    return out
