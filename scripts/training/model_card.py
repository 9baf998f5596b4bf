"""What the training scripts write beside the weights: the manifest, and figures with their uncertainty."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.model_file import MANIFEST
from training.metrics import f1_scores, recalls, roc_auc

Rows = npt.NDArray[np.intp]

RESAMPLES = 300
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every part of an archive, so that the same weights are the same bytes."""


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """A compressed ``.npz`` whose bytes depend on nothing but ``arrays``."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, values in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, np.asarray(values, order="C"), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, part.getvalue())


def write_manifest(folder: Path, name: str, file: str) -> str:
    """Publish ``file`` as the weights of model ``name``; the version is the beginning of its hash, which is
    returned."""
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    entry = {"name": name, "version": digest[:12], "file": file, "sha256": digest}
    (folder / MANIFEST).write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")
    return digest


def interval(
    statistic: Callable[[Rows], float], groups: npt.NDArray[np.generic], seed: int = 0
) -> tuple[float, float]:
    """95 % interval of ``statistic(rows)``, resampling whole groups (speakers), because clips of one are
    alike."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    found = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        value = statistic(drawn)
        if np.isfinite(value):
            found.append(value)
    return float(np.percentile(found, 2.5)), float(np.percentile(found, 97.5))


def figure(statistic: Callable[[Rows], float], groups: npt.NDArray[np.generic]) -> str:
    """A figure as the cards print it: the value and its 95 % interval."""
    low, high = interval(statistic, groups)
    return f"{statistic(np.arange(len(groups))):.3f} ({low:.3f}-{high:.3f})"


def auc(truth: npt.NDArray[np.generic], score: npt.NDArray[np.generic]) -> Callable[[Rows], float]:
    """Area under the ROC curve as a statistic over rows; NaN where only one class was drawn."""

    def statistic(rows: Rows) -> float:
        return roc_auc(truth[rows], score[rows])

    return statistic


def uar(truth: npt.NDArray[np.generic], guess: npt.NDArray[np.generic]) -> Callable[[Rows], float]:
    """Unweighted average recall over the classes that occur, as a statistic over rows."""

    def statistic(rows: Rows) -> float:
        return float(recalls(truth[rows], guess[rows]).mean())

    return statistic


def macro_f1(truth: npt.NDArray[np.generic], guess: npt.NDArray[np.generic]) -> Callable[[Rows], float]:
    """F1 averaged over the classes that occur, as a statistic over rows."""

    def statistic(rows: Rows) -> float:
        return float(f1_scores(truth[rows], guess[rows], np.unique(truth[rows])).mean())

    return statistic


def calibration_error(
    confidence: npt.NDArray[np.floating], right: npt.NDArray[np.generic], bins: int = 10
) -> float:
    """Expected calibration error: how far confidence and share of right answers lie apart, over equal
    bins."""
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(confidence[index == b].mean() - right[index == b].mean()) * np.mean(index == b)
            for b in np.unique(index)
        )
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
