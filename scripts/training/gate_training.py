"""The gate in front of the burst network: is a window speech, a burst, or a sound of the line?

Speech is EmoDB's training actors and espeak-ng; bursts are EmoGator's training speakers; the sounds of the
line are made up.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from models.emotion_encoder import EmotionEncoder
from models.vocal_burst import Kind
from training.emotion_data import Clip, clips
from training.emotion_features import Features, cache_file, encoded
from training.line_sounds import SOUNDS, SyntheticSpeech

Floats = npt.NDArray[np.float32]

TRAINING_SOUNDS, TEST_SOUNDS = 500, 200
"""Of each kind."""

SYNTHETIC_SENTENCES = 1500
REGULARIZATION = 0.002
SPEECH_COPIES = ("clean", "phone", "noisy", "line1", "line2", "throat1")


def made_up(count: int, split: str) -> Iterator[Clip]:
    """``count`` sounds of every kind, other ones for every split."""
    for name, make in SOUNDS.items():
        rng = np.random.default_rng(zlib.crc32(f"{split} {name}".encode()))
        for _ in range(count):
            yield Clip(make(rng), name, name, split)


def spoken_by_machine(count: int, split: str) -> Iterator[Clip]:
    """``count`` stretches of synthetic speech, other ones for every split."""
    speak, rng = SyntheticSpeech(), np.random.default_rng(zlib.crc32(f"{split} synthetic".encode()))
    for _ in range(count):
        yield Clip(speak(rng), "synthetic speech", "synthetic speech", split)


def line_features(encoder: EmotionEncoder, split: str, treatment: str, cache: Path | None) -> Features:
    """Made-up sounds and synthetic speech of one split."""
    training = split == "train"
    sounds = made_up(TRAINING_SOUNDS if training else TEST_SOUNDS, split)
    voices = spoken_by_machine(SYNTHETIC_SENTENCES if training else TEST_SOUNDS, split)
    parts = [
        encoded(source, encoder, treatment, cache_file(cache, Path(f"{split}-{name}"), treatment))
        for name, source in (("sounds", sounds), ("voices", voices))
    ]
    joined = Features.joined(parts)
    return joined.only(joined.usable)


def inputs(features: Features) -> Floats:
    """[n, 1537] as the model takes them."""
    seconds = np.log(np.maximum(features.seconds, 0.01))
    return np.concatenate([features.vectors, seconds[:, None]], axis=1).astype(np.float32)


def train_gate(
    encoder: EmotionEncoder, emodb: Path, bursts: Features, cache: Path | None
) -> tuple[Floats, Floats]:
    """Weights [1537, 3] and bias [3], in the order of :class:`~models.vocal_burst.Kind`."""
    speech = Features.joined(
        encoded(clips(emodb), encoder, copy, cache_file(cache, emodb, copy)) for copy in SPEECH_COPIES
    )
    speech = speech.only((speech.split != "test") & speech.usable)
    line = Features.joined(line_features(encoder, "train", copy, cache) for copy in ("clean", "line1"))
    machine = line.label == "synthetic speech"
    x = np.concatenate(
        [inputs(speech), inputs(line.only(machine)), inputs(bursts), inputs(line.only(~machine))]
    )
    kinds = list(Kind)
    y = np.repeat(
        [
            kinds.index(Kind.SPEECH),
            kinds.index(Kind.SPEECH),
            kinds.index(Kind.BURST),
            kinds.index(Kind.OTHER),
        ],
        [len(speech), int(machine.sum()), len(bursts), int((~machine).sum())],
    )
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-6
    model = LogisticRegression(C=REGULARIZATION, max_iter=500, class_weight="balanced").fit(
        (x - mean) / deviation, y
    )
    weights = (model.coef_ / deviation).T
    return weights.astype(np.float32), (model.intercept_ - mean @ weights).astype(np.float32)
