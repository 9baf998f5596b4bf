"""What a caller's voice says of how they feel: which emotion, and how much of it.

Two kinds of head on the shared encoder, kept apart because a category says what and not how much. All are
logistic regressions. Each exists twice: one reads the window as it is, the other reads how it differs from
the caller's own normal; the better the caller is known, the more the second counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from models.emotion_encoder import Defect, EmotionEncoder, Encoding
from models.emotion_encoder.encoder import Windows
from models.model_file import ModelError, verified_arrays
from models.prosody.baseline import MOST_AROUSED, CallerBaseline

FOLDER = Path(__file__).parent

Floats = npt.NDArray[np.float32]


class VoiceEmotion(StrEnum):
    """What a voice can sound like, in the order of the weights. Surprise is heard as a burst, if at all."""

    ANGRY = "angry"
    BORED = "bored"
    DISGUSTED = "disgusted"
    FEARFUL = "fearful"
    HAPPY = "happy"
    NEUTRAL = "neutral"
    SAD = "sad"


class Dimension(StrEnum):
    """How much, in the order of the weights behind the categories."""

    AROUSAL = "arousal"
    VALENCE = "valence"
    DOMINANCE = "dominance"


@dataclass(frozen=True, slots=True)
class ProsodyReading:
    """What one window of voice sounds like.

    Attributes:
        categories: probabilities that add up to one.
        valence: -1 (unpleasant) .. 1; weak from voice alone, see the card.
        arousal: 0 (calm) .. 1 (agitated).
        dominance: 0 (yielding) .. 1 (forceful); a proxy, trained on categories.
        baseline_windows: how many of the caller's windows it was held against, 0 for none.
        defect: why the window could not be judged and the reading is neutral, None when it could.
    """

    categories: Mapping[VoiceEmotion, float]
    valence: float
    arousal: float
    dominance: float
    baseline_windows: int = 0
    defect: Defect | None = None

    @property
    def usable(self) -> bool:
        """False when the reading is neutral for want of a voice."""
        return self.defect is None


def neutral(defect: Defect | None = None) -> ProsodyReading:
    """The reading of a window that cannot be judged; also what a caller of a missing model goes on with."""
    categories = {emotion: float(emotion is VoiceEmotion.NEUTRAL) for emotion in VoiceEmotion}
    return ProsodyReading(MappingProxyType(categories), 0.0, 0.5, 0.5, 0, defect)


@dataclass(frozen=True, slots=True)
class _Heads:
    """Logistic regressions on a vector, calibrated: float32 [1536, 10] and what goes with it."""

    weights: Floats
    bias: Floats
    slope: Floats
    offset: Floats

    def log_odds(self, vectors: Floats) -> Floats:
        return np.asarray((vectors @ self.weights + self.bias) * self.slope + self.offset, np.float32)


class ProsodyModel:
    """Both kinds of head. Thread-safe; well below a millisecond a window on top of the encoder."""

    def __init__(self, encoder: EmotionEncoder, folder: Path = FOLDER) -> None:
        """Raises :class:`~models.model_file.ModelError` when the weights are not the published ones, or
        belong to another encoder than ``encoder``."""
        self.identity, arrays = verified_arrays(folder)
        self._encoder = encoder
        try:
            trained_on = bytes(arrays["encoder_sha256"].astype(np.uint8)).decode("ascii")
            self._population = arrays["population"].astype(np.float32)
            self._raw = _heads(arrays, "raw")
            self._centred = _heads(arrays, "centred")
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"weights of {self.identity.name} lack a part ({error}): restore the file"
            ) from error
        if trained_on != encoder.identity.sha256:
            raise ModelError(f"{self.identity.name} was trained on encoder {trained_on}: train it again")

    def run(self, windows: Windows, baseline: CallerBaseline | None = None) -> list[ProsodyReading]:
        """int16 [n, 16000] at 8 kHz -> one reading each; all windows are of the caller of ``baseline``."""
        encoding = self._encoder.encode(windows)
        return self.read(encoding, None if baseline is None else [baseline] * len(encoding.sounds))

    def read(
        self, encoding: Encoding, baselines: Sequence[CallerBaseline | None] | None = None
    ) -> list[ProsodyReading]:
        """Readings of windows that have been encoded already, each with its caller's baseline."""
        if baselines is not None and len(baselines) != len(encoding.sounds):
            raise ValueError(
                f"{len(baselines)} baselines for {len(encoding.sounds)} windows: one each is needed"
            )
        scores = self._raw.log_odds(encoding.vectors)
        known = baselines or [None] * len(encoding.sounds)
        for row, baseline in enumerate(known):
            if baseline is not None and baseline.windows:
                vector = encoding.vectors[row] - baseline.centre(self._population)
                scores[row] += np.float32(baseline.weight) * (
                    self._centred.log_odds(vector[None])[0] - scores[row]
                )
        return [
            _reading(row, baseline.windows if baseline else 0)
            if sound.defect is None
            else neutral(sound.defect)
            for row, baseline, sound in zip(scores, known, encoding.sounds, strict=True)
        ]

    def learn(self, baseline: CallerBaseline, encoding: Encoding) -> CallerBaseline:
        """``baseline`` after these windows of its caller; unusable and very aroused ones stay out."""
        arousal = _sigmoid(self._raw.log_odds(encoding.vectors)[:, len(VoiceEmotion)])
        for vector, p, usable in zip(encoding.vectors, arousal, encoding.usable, strict=True):
            if usable and p < MOST_AROUSED:
                baseline = baseline.with_window(vector)
        return baseline


def _heads(arrays: Mapping[str, npt.NDArray[np.generic]], kind: str) -> _Heads:
    names = ("weights", "bias", "slope", "offset")
    return _Heads(*(arrays[f"{kind}_{name}"].astype(np.float32) for name in names))


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), np.float32)


def _reading(scores: Floats, windows: int) -> ProsodyReading:
    count = len(VoiceEmotion)
    odds = np.exp(scores[:count] - scores[:count].max())
    categories = dict(zip(VoiceEmotion, map(float, odds / odds.sum()), strict=True))
    arousal, valence, dominance = map(float, _sigmoid(scores[count:]))
    return ProsodyReading(MappingProxyType(categories), 2 * valence - 1, arousal, dominance, windows)
