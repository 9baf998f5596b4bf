"""Train the language model: 28 emotions in what a caller says.

    python scripts/train_language.py DATA [--out models/language]

DATA holds ``goemotions``. Writes the weights, their manifest, the card's figures and its drawings. Needs
torch, scikit-learn and matplotlib beside the product's own packages. About five minutes on one core.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from training.comments import Comments, comments
from training.language_card import write_card
from training.language_figures import best_thresholds
from training.language_networks import train
from training.model_card import write_arrays, write_manifest

from models.language import LanguageModel
from models.language.vectorizer import terms

Floats = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[np.generic]]

TERMS = 60000
BAG_C = 4.0
"""Inverse regularization of the bag's regressions."""

RAREST_WORD = 3
"""Occurrences in the training comments from which a word has a vector of its own."""

NETWORKS = 3
NETWORK_SHARE = 0.5
"""Of the log-odds; the bag has the rest."""


def bag(train_set: Comments) -> Arrays:
    """28 logistic regressions on words and pairs, as eight-bit weights; rare labels count up to eightfold."""
    vectorizer = TfidfVectorizer(
        analyzer=lambda text: list(terms(text)), min_df=2, max_features=TERMS, sublinear_tf=True
    )
    x = vectorizer.fit_transform(train_set.texts)
    weights, bias = [], []
    for y in train_set.labels.T:
        rate = y.mean()
        weight = {0: 1.0, 1: float(min(8, max(1, np.sqrt((1 - rate) / rate))))}
        # liblinear is deterministic for a fixed random_state.
        model = LogisticRegression(C=BAG_C, solver="liblinear", class_weight=weight, random_state=0).fit(x, y)
        weights.append(model.coef_[0])
        bias.append(model.intercept_[0])
    matrix = np.array(weights, np.float32).T
    step = np.abs(matrix).max(axis=0) / 127
    return {
        "terms": _text(list(vectorizer.get_feature_names_out())),
        "rarity": vectorizer.idf_.astype(np.float16),
        "bag": np.rint(matrix / step).astype(np.int8),
        "bag_step": step.astype(np.float32),
        "bag_bias": np.array(bias, np.float32),
    }


def networks(train_set: Comments) -> Arrays:
    """Word networks of different seeds, as eight-bit weights."""
    counts = Counter(word for text in train_set.texts for word in text.split())
    words = sorted(word for word, count in counts.items() if count >= RAREST_WORD)
    vocabulary = {word: row for row, word in enumerate(words, 1)}
    arrays: Arrays = {
        "words": _text(words),
        "networks": np.array(NETWORKS),
        "network_share": np.array(NETWORK_SHARE),
    }
    for seed in range(NETWORKS):
        network = train(train_set.texts, train_set.labels, vocabulary, seed)
        for name, values in network.arrays().items():
            if values.ndim == 1:
                arrays[f"net{seed}_{name}"] = values
                continue
            # One step per row of the embedding, per column of a layer: what is multiplied together shares it.
            step = np.abs(values).max(axis=1 if name == "embedding" else 0, keepdims=True) / 127 + 1e-9
            arrays[f"net{seed}_{name}"] = np.rint(values / step).astype(np.int8)
            arrays[f"net{seed}_{name}_scale"] = step.astype(np.float16)
    return arrays


def calibrated(folder: Path, arrays: Arrays, dev: Comments) -> Arrays:
    """``arrays`` with slope, offset and threshold of every label, from the dev comments."""
    count = dev.labels.shape[1]
    neutral: Arrays = {
        "slope": np.ones(count, np.float32),
        "offset": np.zeros(count, np.float32),
        "threshold": np.full(count, 0.5, np.float32),
    }
    save(folder, {**arrays, **neutral})
    model = LanguageModel(folder)
    odds = np.stack([model.log_odds(text) for text in dev.texts])
    slope, offset = np.ones(count), np.zeros(count)
    for label, truth in enumerate(dev.labels.T):
        platt = LogisticRegression(C=10.0).fit(odds[:, label, None], truth)
        slope[label], offset[label] = platt.coef_[0, 0], platt.intercept_[0]
    p = 1 / (1 + np.exp(-(odds * slope + offset)))
    fitted: Arrays = {
        "slope": slope.astype(np.float32),
        "offset": offset.astype(np.float32),
        "threshold": best_thresholds(p, dev.labels).astype(np.float32),
    }
    return {**arrays, **fitted}


def save(folder: Path, arrays: Arrays) -> None:
    """Write weights and manifest."""
    write_arrays(folder / "language.npz", arrays)
    write_manifest(folder, "language", "language.npz")


def _text(lines: list[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode(), np.uint8)


def main() -> None:
    """Train on the train split, calibrate on dev, measure on test."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("models/language"))
    arguments = parser.parse_args()
    sets = {split: comments(arguments.data / "goemotions", split) for split in ("train", "dev", "test")}
    arrays = {**bag(sets["train"]), **networks(sets["train"])}
    save(arguments.out, calibrated(arguments.out, arrays, sets["dev"]))
    write_card(arguments.out, LanguageModel(arguments.out), sets["dev"], sets["test"])


if __name__ == "__main__":
    main()
