"""How well the burst model tells sounds apart: the figures of its card and of ``evaluate_models.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.vocal_burst import Delivery, Kind, VocalBurstModel, VocalBurstReading
from training.metrics import precisions
from training.model_card import Rows, auc, calibration_error, macro_f1, uar

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BurstScores:
    """Readings as arrays.

    Attributes:
        kinds: [n, 3]; deliveries: [n, 8]; categories: [n, 30].
        valence, arousal: [n].
        named, likely: str [n], "" for none.
        category: int [n], the label's place among the model's names; -1 for a label it does not know.
        speaker: str [n].
    """

    kinds: Doubles
    deliveries: Doubles
    categories: Doubles
    valence: Doubles
    arousal: Doubles
    named: npt.NDArray[np.str_]
    likely: npt.NDArray[np.str_]
    category: npt.NDArray[np.int64]
    speaker: npt.NDArray[np.str_]

    @classmethod
    def of(
        cls,
        model: VocalBurstModel,
        readings: Iterable[VocalBurstReading],
        labels: Sequence[str],
        speaker: Sequence[str],
    ) -> BurstScores:
        """Usable readings with their labels, row by row."""
        rows = [(r, label, s) for r, label, s in zip(readings, labels, speaker, strict=True) if r.usable]
        names = model.categories.names
        kept = [r for r, _, _ in rows]
        return cls(
            np.array([[r.kinds[k] for k in Kind] for r in kept]),
            np.array([[r.deliveries[d] for d in Delivery] for r in kept]),
            np.array([[r.categories[n] for n in names] for r in kept]),
            np.array([r.valence for r in kept]),
            np.array([r.arousal for r in kept]),
            np.array([r.named.value if r.named else "" for r in kept]),
            np.array([r.likely.value if r.likely else "" for r in kept]),
            np.array([names.index(label) if label in names else -1 for _, label, _ in rows]),
            np.array([str(s) for _, _, s in rows]),
        )

    def burst(self) -> Doubles:
        """Probability of a burst, [n]."""
        return self.kinds[:, list(Kind).index(Kind.BURST)]


def deliveries_of(model: VocalBurstModel, category: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The place of each label's delivery, -1 for none."""
    places = [
        list(Delivery).index(model.categories.delivery[n]) if n in model.categories.delivery else -1
        for n in model.categories.names
    ]
    return np.append(places, -1)[category]


Statistic = tuple[Callable[[Rows], float], npt.NDArray[np.str_]]


def statistics(model: VocalBurstModel, scores: BurstScores) -> dict[str, Statistic]:
    """The card's figures over rows, each with the speaker of its rows."""
    known = scores.category >= 0
    truth, p = scores.category[known], scores.categories[known]
    speaker = scores.speaker[known]
    top = np.argsort(-p, axis=1)[:, :5] == truth[:, None]
    found: dict[str, Statistic] = {
        "30-way F1": (macro_f1(truth, p.argmax(axis=1)), speaker),
        "30-way top-5": (lambda rows: float(top[rows].any(axis=1).mean()), speaker),
    }
    delivery = deliveries_of(model, truth)
    kept = delivery >= 0
    d, q, who = delivery[kept], scores.deliveries[known][kept], speaker[kept]
    found["8-class F1"] = macro_f1(d, q.argmax(axis=1)), who
    found["8-class UAR"] = uar(d, q.argmax(axis=1)), who
    laugh = list(Delivery).index(Delivery.LAUGH)
    found["laugh AUC"] = auc((d == laugh).astype(int), q[:, laugh]), who
    found["laugh recall at precision .8"] = recall_at((d == laugh).astype(int), q[:, laugh], 0.8), who
    for name, signs, score in (
        ("valence AUC", model.categories.valence, scores.valence),
        ("arousal AUC", model.categories.arousal, scores.arousal),
    ):
        sign = np.array(signs)[truth]
        found[name] = auc((sign[sign != 0] > 0).astype(int), score[known][sign != 0]), speaker[sign != 0]
    return found


def recall_at(truth: npt.NDArray[np.int64], score: Doubles, precision: float) -> Callable[[Rows], float]:
    """The best recall at a precision of at least ``precision``, 0 where it is never reached."""

    def statistic(rows: Rows) -> float:
        reached, recall = precisions(truth[rows], score[rows])
        return float(recall[reached >= precision].max(initial=0.0))

    return statistic


def calibration(model: VocalBurstModel, scores: BurstScores) -> dict[str, float]:
    """Expected calibration error of the best category and the best delivery."""
    known = scores.category >= 0
    truth, p = scores.category[known], scores.categories[known]
    delivery = deliveries_of(model, truth)
    q = scores.deliveries[known][delivery >= 0]
    right = q.argmax(axis=1) == delivery[delivery >= 0]
    return {
        "30-way": calibration_error(p.max(axis=1), p.argmax(axis=1) == truth),
        "8-class": calibration_error(q.max(axis=1), right),
    }


def gate_uar(bursts: Doubles, speech: Doubles) -> float:
    """Mean of: bursts taken for bursts, speech not taken for bursts, at one half."""
    return float((np.mean(bursts > 0.5) + np.mean(speech <= 0.5)) / 2)
