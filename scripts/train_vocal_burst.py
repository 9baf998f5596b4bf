"""Train the vocal-burst model: is a sound a burst, which emotion, and which delivery does it ask for?

    python scripts/train_vocal_burst.py DATA --cache FOLDER [--out models/vocal_burst]

DATA holds ``emogator`` and ``emodb``; FOLDER takes some 6 GB of encoded frames. Writes the weights, their
manifest, the card's figures and its drawings. Needs torch, scikit-learn, scipy, soundfile, matplotlib and
espeakng-loader beside the product's own packages. About twenty minutes on one core.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
from training.burst_card import write_card
from training.burst_figures import BurstScores, deliveries_of
from training.burst_frames import FramedClips, framed
from training.burst_training import train
from training.emotion_data import clips
from training.emotion_features import Features
from training.gate_training import train_gate
from training.model_card import write_arrays, write_manifest

from models.emotion_encoder import EmotionEncoder
from models.vocal_burst import Delivery, VocalBurstModel
from models.vocal_burst.categories import load_categories
from models.vocal_burst.vocal_burst import GATE

Arrays = dict[str, npt.NDArray[np.generic]]

SEED = 0
COPIES = ("clean", "line1")
CALIBRATION_SPEAKERS = 20
"""The last of the training speakers; they set temperatures and thresholds and are not learned from."""

GATE_BURSTS = 8000
"""Drawn from both copies."""

FEWEST_WINDOWS = 20
"""Above a threshold, for its precision to be believed."""

NEVER = 1.01
"""The threshold of a delivery that does not reach the precision."""


def quantized(arrays: dict[str, npt.NDArray[np.float32]]) -> Arrays:
    """Matrices as eight-bit steps, one step size per column; vectors as they are."""
    out: Arrays = {}
    for name, values in arrays.items():
        if values.ndim == 1 or values.size < 4096:
            out[name] = values
            continue
        step = np.abs(values).max(axis=0, keepdims=True) / 127 + 1e-12
        # Rows of the first layers differ in size by their standardization; a step per row keeps small ones.
        if name in ("hidden", "project"):
            step = np.abs(values).max(axis=1, keepdims=True) / 127 + 1e-12
        out[name] = np.rint(values / step).astype(np.int8)
        out[f"{name}_scale"] = step.astype(np.float32)
    return out


def save(folder: Path, arrays: Arrays) -> None:
    """Write weights and manifest."""
    write_arrays(folder / "vocal_burst.npz", arrays)
    write_manifest(folder, "vocal_burst", "vocal_burst.npz")


def scored(model: VocalBurstModel, bursts: FramedClips, rows: npt.NDArray[np.intp]) -> BurstScores:
    """Readings of some clips."""
    readings = [model.read(bursts.encoding(int(row)))[0] for row in rows]
    features = bursts.features.only(rows)
    return BurstScores.of(model, readings, features.label.tolist(), features.speaker.tolist())


def calibrated(
    folder: Path,
    encoder: EmotionEncoder,
    arrays: Arrays,
    copies: list[FramedClips],
    rows: npt.NDArray[np.intp],
) -> Arrays:
    """``arrays`` with temperatures and thresholds from the calibration speakers, over all copies."""
    plain: Arrays = {
        "temperatures": np.ones(2, np.float32),
        "likely": np.full(len(Delivery), NEVER, np.float32),
        "named": np.full(len(Delivery), NEVER, np.float32),
    }
    save(folder, {**arrays, **plain})
    model = VocalBurstModel(encoder, folder)
    parts = [scored(model, copy, rows) for copy in copies]
    truth = np.concatenate([p.category for p in parts])
    delivery = deliveries_of(model, truth)
    thirty = np.log(np.concatenate([p.categories for p in parts]) + 1e-12)
    eight = np.log(np.concatenate([p.deliveries for p in parts]) + 1e-12)[delivery >= 0]
    temperatures = [_temperature(thirty, truth), _temperature(eight, delivery[delivery >= 0])]
    fitted: Arrays = {**plain, "temperatures": np.array(temperatures, np.float32)}
    save(folder, {**arrays, **fitted})
    model = VocalBurstModel(encoder, folder)
    parts = [scored(model, copy, rows) for copy in copies]
    burst = np.concatenate([p.burst() for p in parts]) > GATE
    p = np.concatenate([p.deliveries for p in parts])
    for name, precision in (("likely", 0.6), ("named", 0.8)):
        fitted[name] = np.array(
            [_threshold(p[burst], delivery[burst], d, precision) for d in range(len(Delivery))]
        )
    return {**arrays, **fitted}


def _temperature(logits: npt.NDArray[np.float64], truth: npt.NDArray[np.int64]) -> float:
    def loss(factor: float) -> float:
        x = logits * factor
        x = x - x.max(axis=1, keepdims=True)
        return float(-(x[np.arange(len(x)), truth] - np.log(np.exp(x).sum(axis=1))).mean())

    return float(min(np.geomspace(0.4, 3, 80), key=loss))


def _threshold(
    p: npt.NDArray[np.float64], delivery: npt.NDArray[np.int64], which: int, precision: float
) -> np.float32:
    """The lowest probability of delivery ``which``, as the best one, from which ``precision`` is reached."""
    chosen = np.flatnonzero(p.argmax(axis=1) == which)
    order = chosen[np.argsort(-p[chosen, which])]
    right = np.cumsum(delivery[order] == which) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero((right >= precision) & (np.arange(len(order)) >= FEWEST_WINDOWS))
    return np.float32(p[order[enough[-1]], which] if len(enough) else NEVER)


def main() -> None:
    """Train on all training speakers but the last, calibrate on those, measure on the dev speakers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("models/vocal_burst"))
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    encoder, categories = EmotionEncoder(), load_categories(arguments.out)
    emogator, emodb = arguments.data / "emogator", arguments.data / "emodb"
    copies = [framed(clips(emogator), encoder, copy, arguments.cache) for copy in COPIES]
    speaker = copies[0].features.speaker.astype(int)
    training = copies[0].features.split == "train"
    last = np.sort(np.unique(speaker[training]))[-CALIBRATION_SPEAKERS:]
    usable = np.logical_and.reduce([copy.features.usable for copy in copies])
    learn = np.flatnonzero(training & usable & ~np.isin(speaker, last))
    calibrate = np.flatnonzero(training & usable & np.isin(speaker, last))
    labels = [np.array([categories.names.index(label) for label in copy.features.label]) for copy in copies]
    places = [
        list(Delivery).index(categories.delivery[n]) if n in categories.delivery else -1
        for n in categories.names
    ]
    drawn = np.sort(np.random.default_rng(SEED).choice(learn, GATE_BURSTS // len(copies), replace=False))
    gate, gate_bias = train_gate(
        encoder, emodb, Features.joined(copy.features.only(drawn) for copy in copies), arguments.cache
    )
    network = train(copies, [learn] * len(copies), labels, np.array(places), SEED)
    arrays: Arrays = {
        "encoder_sha256": np.frombuffer(encoder.identity.sha256.encode(), np.uint8),
        **quantized(network.arrays()),
        "gate": gate.astype(np.float16),
        "gate_bias": gate_bias,
    }
    save(arguments.out, calibrated(arguments.out, encoder, arrays, copies, calibrate))
    write_card(
        arguments.out, VocalBurstModel(encoder, arguments.out), encoder, emogator, emodb, arguments.cache
    )


if __name__ == "__main__":
    main()
