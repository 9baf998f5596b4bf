"""How well the prosody model reads labelled voices: the figures of its card and of ``evaluate_models.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.emotion_encoder import Defect, Encoding, Sound
from models.prosody import CallerBaseline, Dimension, ProsodyModel, ProsodyReading, VoiceEmotion
from training.emotion_features import Features
from training.model_card import Rows, auc, calibration_error, uar
from training.prosody_labels import ANGER, CATEGORY_OF, DIMENSIONS, FOUR, SYNONYMS, Sides, sides

Doubles = npt.NDArray[np.float64]

HEARD_BEFORE = 8
"""Clips of a speaker that pass before the first is scored against the running baseline."""


@dataclass(frozen=True)
class VoiceScores:
    """Readings as arrays: categories [n, 7]; arousal, valence, dominance [n]; labels and speakers [n]."""

    categories: Doubles
    dimensions: dict[Dimension, Doubles]
    label: npt.NDArray[np.str_]
    speaker: npt.NDArray[np.str_]

    @classmethod
    def of(cls, readings: Sequence[ProsodyReading], features: Features) -> VoiceScores:
        """Readings of ``features``, row by row."""
        return cls(
            np.array([[r.categories[emotion] for emotion in VoiceEmotion] for r in readings]),
            {dimension: np.array([getattr(r, dimension.value) for r in readings]) for dimension in Dimension},
            np.array([SYNONYMS.get(str(label), str(label)) for label in features.label]),
            features.speaker,
        )

    def only(self, rows: npt.NDArray[np.bool_] | Rows) -> VoiceScores:
        """The readings at ``rows``."""
        dimensions = {name: values[rows] for name, values in self.dimensions.items()}
        return VoiceScores(self.categories[rows], dimensions, self.label[rows], self.speaker[rows])

    def category(self, emotion: VoiceEmotion) -> Doubles:
        """Probability of one emotion."""
        return self.categories[:, list(VoiceEmotion).index(emotion)]


def as_encoding(features: Features) -> Encoding:
    """Encoded clips the way the encoder hands them over."""
    nothing = np.zeros(0, np.int16)
    sounds = tuple(
        Sound(nothing, float(seconds), 0.0, None if usable else Defect.SILENT)
        for seconds, usable in zip(features.seconds, features.usable, strict=True)
    )
    # Prosody reads vectors alone, so frames are left out.
    return Encoding(features.vectors, (np.zeros((0, 0), np.float32),) * len(sounds), sounds)


def heard(model: ProsodyModel, features: Features) -> VoiceScores:
    """Every clip by itself."""
    return VoiceScores.of(model.read(as_encoding(features)), features)


def heard_in_turn(model: ProsodyModel, features: Features, seed: int = 0) -> VoiceScores:
    """Every speaker's clips in random order against the running baseline, from the ninth on."""
    rng = np.random.default_rng(seed)
    rows, readings = [], []
    for speaker in np.unique(features.speaker):
        baseline = CallerBaseline.unknown()
        for heard_clips, row in enumerate(rng.permutation(np.flatnonzero(features.speaker == speaker))):
            encoding = as_encoding(features.only(np.array([row])))
            if heard_clips >= HEARD_BEFORE:
                rows.append(row)
                readings += model.read(encoding, [baseline])
            baseline = model.learn(baseline, encoding)
    return VoiceScores.of(readings, features.only(np.array(rows, np.intp)))


Statistic = tuple[Callable[[Rows], float], npt.NDArray[np.str_]]
"""A figure over rows, and the speaker of each row."""


def statistics(scores: VoiceScores) -> dict[str, Statistic]:
    """The card's figures that the labels allow."""
    found: dict[str, Statistic] = {}

    def add(name: str, of: Sides, score: Doubles) -> None:
        truth = sides(scores.label, of)
        judged = truth >= 0
        if len(np.unique(truth[judged])) == 2:
            found[name] = auc(truth[judged], score[judged]), scores.speaker[judged]

    for dimension, of in DIMENSIONS.items():
        add(f"{dimension.value} AUC", of, scores.dimensions[dimension])
    add("anger AUC", ANGER, scores.category(VoiceEmotion.ANGRY))
    four = np.isin(scores.label, list(FOUR))
    if len(np.unique(scores.label[four])) == len(FOUR):
        columns = [list(VoiceEmotion).index(emotion) for emotion in FOUR.values()]
        guess = np.array(list(FOUR))[scores.categories[four][:, columns].argmax(axis=1)]
        found["4-class UAR"] = uar(scores.label[four], guess), scores.speaker[four]
    known = np.isin(scores.label, list(CATEGORY_OF))
    if len(np.unique(scores.label[known])) > len(FOUR):
        guess = guesses(scores.only(known))
        found[f"{len(np.unique(scores.label[known]))}-class UAR"] = (
            uar(scores.label[known], guess),
            scores.speaker[known],
        )
    return found


def guesses(scores: VoiceScores) -> npt.NDArray[np.str_]:
    """The most likely label of each reading, in the words of the corpora."""
    names = {emotion: label for label, emotion in CATEGORY_OF.items()}
    return np.array([names[emotion] for emotion in VoiceEmotion])[scores.categories.argmax(axis=1)]


def calibration(scores: VoiceScores) -> dict[str, float]:
    """Expected calibration error of the top category and of both dimensions that are probabilities."""
    known = scores.only(np.isin(scores.label, list(CATEGORY_OF)))
    right = guesses(known) == known.label
    found = {"categories": calibration_error(known.categories.max(axis=1), right)}
    for dimension, low in ((Dimension.AROUSAL, 0.0), (Dimension.VALENCE, -1.0)):
        truth = sides(scores.label, DIMENSIONS[dimension])
        judged = truth >= 0
        if judged.any():
            p = (scores.dimensions[dimension][judged] - low) / (1 - low)
            found[dimension.value] = binary_calibration(p, truth[judged])
    return found


def binary_calibration(p: Doubles, truth: npt.NDArray[np.generic]) -> float:
    """Calibration error of a probability of yes, both classes given the same weight."""
    yes, no = p[truth == 1], p[truth == 0]
    times = max(1, round(max(len(yes), len(no)) / max(1, min(len(yes), len(no)))))
    fewer, more = (yes, no) if len(yes) < len(no) else (no, yes)
    value = 1.0 if len(yes) < len(no) else 0.0
    p = np.concatenate([np.repeat(fewer, times), more])
    return calibration_error(
        p, np.concatenate([np.full(len(fewer) * times, value), np.full(len(more), 1 - value)])
    )
