"""The drawings of a model card: ROC curves, a confusion matrix, a reliability diagram, as small SVG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, roc_curve

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "model card", "svg.fonttype": "none", "font.size": 8})

_POINTS = 60
"""Of a curve; more would make the file large, not the picture better."""

Curves = Mapping[str, tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]]
"""Name -> (truth 0/1, score)."""


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def roc(path: Path, curves: Curves) -> None:
    """ROC curves, one per name."""
    figure, axes = plt.subplots(figsize=(4, 3.6))
    for name, (truth, score) in curves.items():
        wrong, right, _ = roc_curve(truth, score)
        at = np.linspace(0, 1, _POINTS)
        axes.plot(at, np.interp(at, wrong, right), label=name, linewidth=1)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.5)
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.legend(fontsize=6)
    _save(figure, path)


def confusion(
    path: Path, truth: npt.NDArray[np.generic], guess: npt.NDArray[np.generic], labels: Sequence[str]
) -> None:
    """Confusion matrix by label, rows add up to one."""
    counts = confusion_matrix(truth, guess, labels=list(labels), normalize="true")
    size = 1.6 + 0.42 * len(labels)
    figure, axes = plt.subplots(figsize=(size, size))
    axes.pcolormesh(counts, cmap="Blues", vmin=0, vmax=1)
    ticks = np.arange(len(labels)) + 0.5
    axes.set_xticks(ticks, labels, rotation=60, ha="right")
    axes.set_yticks(ticks, labels)
    axes.invert_yaxis()
    if len(labels) <= 10:
        for row, column in np.ndindex(counts.shape):
            shade = "white" if counts[row, column] > 0.5 else "black"
            axes.text(
                column + 0.5, row + 0.5, f"{counts[row, column]:.2f}", ha="center", va="center", color=shade
            )
    axes.set(xlabel="model", ylabel="label")
    _save(figure, path)


def reliability(path: Path, curves: Curves) -> None:
    """Share of right answers over confidence in ten bins, one line per name; name -> (right 0/1,
    confidence)."""
    figure, axes = plt.subplots(figsize=(4, 3.6))
    for name, (right, confidence) in curves.items():
        index = np.minimum((confidence * 10).astype(int), 9)
        bins = [b for b in range(10) if (index == b).sum() >= 5]
        axes.plot(
            [confidence[index == b].mean() for b in bins],
            [right[index == b].mean() for b in bins],
            marker="o",
            markersize=3,
            linewidth=1,
            label=name,
        )
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.5)
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    axes.legend(fontsize=6)
    _save(figure, path)
