"""Sighs, laughs, groans, gasps, cries: what a caller utters without words.

Three questions are asked of a window. Is it a burst at all, or speech, or a sound of the line (the gate)?
Which of 30 emotions was uttered, which of eight deliveries does that ask for? And is the evidence good
enough to *name* it: a caller notices a wrong "that sounded like a laugh", so naming needs a precision that
few windows reach. The pull of all bursts on valence and arousal is graded evidence and needs no name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from models.emotion_encoder import Defect, EmotionEncoder, Encoding
from models.emotion_encoder.encoder import Windows
from models.model_file import ModelError, verified_arrays
from models.vocal_burst.categories import Delivery, Kind, load_categories
from models.vocal_burst.network import BurstNetwork

FOLDER = Path(__file__).parent

GATE = 0.9
"""Probability of a burst from which one is believed at all."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class VocalBurstReading:
    """What one window holds beside words.

    Attributes:
        kinds: probability of speech, burst and other sound; add up to one.
        deliveries: of a burst, if it is one; add up to one.
        categories: the 30 emotions, of a burst, if it is one; add up to one.
        valence: -1 .. 1, pull of the categories times the probability of a burst.
        arousal: 0 .. 1 about 0.5, the same.
        likely: the delivery that reached a precision of 0.6 on held-out speakers: for soft effects on tone.
        named: the delivery that reached 0.8: for effects that a caller notices.
        defect: why the window could not be judged and the reading is neutral, None when it could.
    """

    kinds: Mapping[Kind, float]
    deliveries: Mapping[Delivery, float]
    categories: Mapping[str, float]
    valence: float
    arousal: float
    likely: Delivery | None = None
    named: Delivery | None = None
    defect: Defect | None = None

    @property
    def burst(self) -> float:
        """Probability that the window is a vocal burst."""
        return self.kinds[Kind.BURST]

    @property
    def usable(self) -> bool:
        """False when the reading is neutral for want of a sound to judge."""
        return self.defect is None


def neutral(defect: Defect | None = None) -> VocalBurstReading:
    """The reading of a window that cannot be judged; also what a caller of a missing model goes on with."""
    return VocalBurstReading(
        kinds=MappingProxyType({kind: float(kind is Kind.OTHER) for kind in Kind}),
        deliveries=MappingProxyType({delivery: float(delivery is Delivery.NEUTRAL) for delivery in Delivery}),
        categories=MappingProxyType({}),
        valence=0.0,
        arousal=0.5,
        defect=defect,
    )


class VocalBurstModel:
    """Gate, categories and deliveries. Thread-safe; a fraction of a millisecond a window on top of the
    encoder."""

    def __init__(self, encoder: EmotionEncoder, folder: Path = FOLDER) -> None:
        """Raises :class:`~models.model_file.ModelError` when the weights are not the published ones, or
        belong to another encoder than ``encoder``."""
        self.identity, arrays = verified_arrays(folder)
        self.categories = load_categories(folder)
        self._encoder = encoder
        try:
            self._read(arrays)
            trained_on = bytes(arrays["encoder_sha256"].astype(np.uint8)).decode("ascii")
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"weights of {self.identity.name} lack a part ({error}): restore the file"
            ) from error
        if trained_on != encoder.identity.sha256:
            raise ModelError(f"{self.identity.name} was trained on encoder {trained_on}: train it again")

    def _read(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self._network = BurstNetwork.of(arrays)
        self._gate, self._gate_bias = (arrays[name].astype(np.float32) for name in ("gate", "gate_bias"))
        # Of categories and deliveries; logits are multiplied by them.
        self._temperatures = arrays["temperatures"].astype(np.float32)
        self._likely, self._named = (arrays[name].astype(np.float32) for name in ("likely", "named"))
        if self._network.categories.shape[1] != len(self.categories.names):
            raise ValueError(
                f"{self._network.categories.shape[1]} categories, {len(self.categories.names)} names"
            )
        self._valence = np.array(self.categories.valence, np.float32)
        self._arousal = np.array(self.categories.arousal, np.float32)

    def run(self, windows: Windows) -> list[VocalBurstReading]:
        """int16 [n, 16000] at 8 kHz -> one reading each."""
        return self.read(self._encoder.encode(windows))

    def read(self, encoding: Encoding) -> list[VocalBurstReading]:
        """Readings of windows that have been encoded already."""
        readings = []
        for vector, frames, sound in zip(encoding.vectors, encoding.frames, encoding.sounds, strict=True):
            if sound.defect is not None:
                readings.append(neutral(sound.defect))
                continue
            categories, deliveries = self._network.logits(vector, sound.seconds, frames)
            kinds = self.kinds(np.append(vector, np.float32(np.log(sound.seconds))))
            thirty, eight = self._temperatures
            readings.append(self._reading(kinds, _softmax(categories * thirty), _softmax(deliveries * eight)))
        return readings

    def kinds(self, x: Floats) -> Floats:
        """The gate alone: [..., 1537], a vector and the log of its seconds -> [..., 3], in the order of
        Kind."""
        return _softmax(x @ self._gate + self._gate_bias)

    def _reading(self, kinds: Floats, categories: Floats, deliveries: Floats) -> VocalBurstReading:
        burst = float(kinds[list(Kind).index(Kind.BURST)])
        best = int(deliveries.argmax())
        delivery, p = list(Delivery)[best], float(deliveries[best])
        believed = burst > GATE and delivery is not Delivery.NEUTRAL
        return VocalBurstReading(
            kinds=MappingProxyType(dict(zip(Kind, map(float, kinds), strict=True))),
            deliveries=MappingProxyType(dict(zip(Delivery, map(float, deliveries), strict=True))),
            categories=MappingProxyType(
                dict(zip(self.categories.names, map(float, categories), strict=True))
            ),
            valence=burst * float(categories @ self._valence),
            arousal=0.5 + 0.5 * burst * float(categories @ self._arousal),
            likely=delivery if believed and p >= self._likely[best] else None,
            named=delivery if believed and p >= self._named[best] else None,
        )


def _softmax(x: Floats) -> Floats:
    odds = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True), np.float32)
