"""Train the prosody model: emotion, arousal, valence and dominance of a voice, from 2 s of phone sound.

    python scripts/train_prosody.py DATA [--out models/prosody] [--cache FOLDER]

DATA holds ``emodb`` and ``emogator``. Writes the weights, their manifest, the card's figures and its
drawings. Needs scikit-learn, scipy, soundfile and matplotlib beside the product's own packages. About three
minutes on one core.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from training.emotion_data import clips
from training.emotion_features import Features, cache_file, encoded
from training.model_card import write_arrays, write_manifest
from training.prosody_card import write_card
from training.prosody_labels import AROUSAL_OF_BURSTS, CATEGORY_OF, DIMENSIONS, sides

from models.emotion_encoder import EmotionEncoder
from models.prosody import ProsodyModel, VoiceEmotion

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

COPIES = ("clean", "phone", "noisy", "line1", "line2", "throat1", "throat2")
REGULARIZATION = 0.002
"""C of the logistic regressions on standardized vectors."""

BURST_SHARE = 0.3
"""Of the arousal score: a second opinion from English bursts, whose errors are others than those of German
speech."""

BURSTS_EVERY = 4
"""Of the training speakers' bursts every fourth is enough."""

CATEGORIES = len(VoiceEmotion)


@dataclass
class Heads:
    """Logistic regressions folded into one matrix: log-odds = x @ weights + bias, then slope and offset."""

    weights: Doubles
    bias: Doubles
    slope: Doubles
    offset: Doubles

    def raw(self, vectors: Floats) -> Doubles:
        """Before calibration."""
        return np.asarray(vectors @ self.weights + self.bias, np.float64)

    def log_odds(self, vectors: Floats) -> Doubles:
        """Calibrated."""
        return self.raw(vectors) * self.slope + self.offset


def _regression(x: Floats, y: npt.NDArray[np.generic]) -> tuple[Doubles, Doubles]:
    """Weights [1536, classes or 1] and bias for vectors as they come, standardization folded in."""
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-6
    model = LogisticRegression(C=REGULARIZATION, max_iter=500, class_weight="balanced")
    model.fit((x - mean) / deviation, y)
    weights = model.coef_.T / deviation[:, None]
    return weights, model.intercept_ - mean @ weights


def fit(speech: Features, x: Floats, bursts: Features | None) -> Heads:
    """All heads on ``x``, the vectors of ``speech`` raw or centred; ``bursts`` add to arousal."""
    category = np.array([CATEGORY_OF[label].value for label in speech.label])
    parts = [_regression(x, category)]  # classes in alphabetical order, which is VoiceEmotion's
    for dimension in DIMENSIONS:
        y = sides(speech.label, DIMENSIONS[dimension])
        parts.append(_regression(x[y >= 0], y[y >= 0]))
    if bursts is not None:
        y = sides(bursts.label, AROUSAL_OF_BURSTS)
        weights, bias = _regression(bursts.vectors[y >= 0], y[y >= 0])
        parts[1] = _blend(parts[1], (weights, bias), x)
    weights = np.concatenate([w for w, _ in parts], axis=1)
    bias = np.concatenate([b for _, b in parts])
    return Heads(weights, bias, np.ones(len(bias)), np.zeros(len(bias)))


def _blend(
    own: tuple[Doubles, Doubles], other: tuple[Doubles, Doubles], x: Floats
) -> tuple[Doubles, Doubles]:
    """Average of two scores brought to the same mean and spread on ``x``."""
    here, there = (x @ w + b for w, b in (own, other))
    scale = here.std() / there.std()
    shift = here.mean() - scale * there.mean()
    weights = (1 - BURST_SHARE) * own[0] + BURST_SHARE * scale * other[0]
    return weights, (1 - BURST_SHARE) * own[1] + BURST_SHARE * (scale * other[1] + shift)


def calibrate(heads: Heads, scores: Doubles, labels: Sequence[str]) -> None:
    """Slope and offset from ``scores`` that ``heads`` of other speakers gave clips with ``labels``."""
    category = np.array([CATEGORY_OF[label] for label in labels])
    truth = np.stack([category == emotion for emotion in VoiceEmotion], axis=1)
    temperatures = np.geomspace(0.3, 4, 60)
    loss = [-np.log(_softmax(scores[:, :CATEGORIES] * t)[truth] + 1e-9).mean() for t in temperatures]
    heads.slope[:CATEGORIES] = temperatures[int(np.argmin(loss))]
    for column, dimension in enumerate(DIMENSIONS, CATEGORIES):
        y = sides(np.array(labels), DIMENSIONS[dimension])
        platt = LogisticRegression(C=1e3, class_weight="balanced").fit(
            scores[y >= 0, column, None], y[y >= 0]
        )
        heads.slope[column], heads.offset[column] = platt.coef_[0, 0], platt.intercept_[0]


def _softmax(x: Doubles) -> Doubles:
    odds = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def centred(features: Features) -> Floats:
    """Vectors without the mean of their speaker."""
    out = features.vectors.copy()
    for speaker in np.unique(features.speaker):
        out[features.speaker == speaker] -= out[features.speaker == speaker].mean(axis=0)
    return out


def cross_scores(
    train: Features, x: Floats, test: Features, test_x: Floats, folds: int, bursts: Features | None
) -> Doubles:
    """Scores of ``test`` by heads that never heard its speakers; rows without a fold stay NaN."""
    scores = np.full((len(test), CATEGORIES + len(DIMENSIONS)), np.nan)
    for _, held in GroupKFold(folds).split(test_x, groups=test.speaker):
        away = ~np.isin(train.speaker, np.unique(test.speaker[held]))
        scores[held] = fit(train.only(away), x[away], bursts).raw(test_x[held])
    return scores


def trained(copies: dict[str, Features], bursts: Features, speakers: set[str]) -> tuple[Heads, Heads, Floats]:
    """Raw and centred heads of ``speakers``, calibrated on the phone and noisy copies of each other, and
    their mean."""
    known = [features.only(np.isin(features.speaker, list(speakers))) for features in copies.values()]
    speech = Features.joined(known)
    check = Features.joined(
        copies[name].only(np.isin(copies[name].speaker, list(speakers)))
        for name in ("clean", "phone", "noisy")
    )
    folds = min(4, len(speakers))
    out = []
    for x, check_x, extra in (
        (speech.vectors, check.vectors, bursts),
        (np.concatenate([centred(f) for f in known]), centred(check), None),
    ):
        heads = fit(speech, x, extra)
        calibrate(heads, cross_scores(speech, x, check, check_x, folds, extra), list(check.label))
        out.append(heads)
    return out[0], out[1], speech.vectors.mean(axis=0)


def save(folder: Path, encoder: EmotionEncoder, raw: Heads, normed: Heads, population: Floats) -> None:
    """Write weights and manifest."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "encoder_sha256": np.frombuffer(encoder.identity.sha256.encode(), np.uint8),
        "population": population.astype(np.float16),
    }
    for kind, heads in (("raw", raw), ("centred", normed)):
        arrays[f"{kind}_weights"] = heads.weights.astype(np.float16)
        for name in ("bias", "slope", "offset"):
            arrays[f"{kind}_{name}"] = getattr(heads, name).astype(np.float32)
    write_arrays(folder / "prosody.npz", arrays)
    write_manifest(folder, "prosody", "prosody.npz")


def main() -> None:
    """Train on all actors but the two test actors; write weights, manifest and card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("models/prosody"))
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    encoder = EmotionEncoder()
    emodb, emogator = arguments.data / "emodb", arguments.data / "emogator"
    copies = {
        name: encoded(clips(emodb), encoder, name, cache_file(arguments.cache, emodb, name))
        for name in COPIES
    }
    uttered = [clip for clip in clips(emogator) if clip.split == "train"][::BURSTS_EVERY]
    bursts = encoded(uttered, encoder, "line1", cache_file(arguments.cache, emogator, "line1"))
    bursts = bursts.only(bursts.usable)
    speakers = set(copies["clean"].speaker[copies["clean"].split != "test"].tolist())
    save(arguments.out, encoder, *trained(copies, bursts, speakers))

    def without(held: set[str]) -> ProsodyModel:
        with tempfile.TemporaryDirectory() as folder:
            everybody = set(copies["clean"].speaker.tolist())
            save(Path(folder), encoder, *trained(copies, bursts, everybody - held))
            return ProsodyModel(encoder, Path(folder))

    write_card(arguments.out, ProsodyModel(encoder, arguments.out), encoder, copies, without)


if __name__ == "__main__":
    main()
