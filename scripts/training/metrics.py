"""Figures of classifiers in plain numpy, so that the product's own packages are enough to measure a model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating]
Truth = npt.NDArray[np.generic]


def roc_auc(truth: Truth, score: Scores) -> float:
    """Area under the ROC curve: how often a yes scores above a no, ties counting half."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    yes = truth.astype(bool)
    positive, negative = int(yes.sum()), int((~yes).sum())
    if not positive or not negative:
        return float("nan")
    return float((rank[yes].sum() - positive * (positive + 1) / 2) / (positive * negative))


def recalls(truth: Truth, guess: Truth) -> npt.NDArray[np.float64]:
    """Recall of each class that occurs, in the order of the classes."""
    return np.array([np.mean(guess[truth == label] == label) for label in np.unique(truth)])


def f1_scores(truth: Truth, guess: Truth, labels: Truth) -> npt.NDArray[np.float64]:
    """F1 of each of ``labels``; 0 for one that is neither true nor guessed."""
    return np.array([f1(truth == label, guess == label) for label in labels])


def f1(truth: Truth, said: Truth) -> float:
    """F1 of a yes or no."""
    right = float(np.sum(truth * said))
    return 2 * right / max(1.0, float(np.sum(truth) + np.sum(said)))


def precisions(truth: Truth, score: Scores) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Precision and recall at every threshold, from the strictest; equal scores are taken together."""
    order = np.argsort(-score, kind="stable")
    right = np.cumsum(truth[order].astype(float))
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    return right[last] / (last + 1), right[last] / max(1.0, float(right[-1]))


def average_precision(truth: Truth, score: Scores) -> float:
    """Precision averaged over recall, step by step."""
    precision, recall = precisions(truth, score)
    return float(np.sum(np.diff(np.append(0.0, recall)) * precision))
