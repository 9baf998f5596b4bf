"""GoEmotions: labelled comments, as text that a recognizer could have written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.language import Emotion
from models.language.vectorizer import spoken

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Comments:
    """Spoken-style texts and their labels, float32 [n, 28] of 0 and 1; ``raw`` are the texts as written."""

    texts: list[str]
    raw: list[str]
    labels: Floats


def comments(folder: Path, split: str) -> Comments:
    """One split (train, dev, test) of ``folder``."""
    raw, rows = [], []
    with (folder / f"{split}.tsv").open(encoding="utf-8") as file:
        for line in file:
            text, ids, _ = line.rstrip("\n").split("\t")
            row = np.zeros(len(Emotion), np.float32)
            row[[int(i) for i in ids.split(",")]] = 1
            raw.append(text)
            rows.append(row)
    return Comments([spoken(text) for text in raw], raw, np.array(rows))
