"""What a caller's words say of how they feel.

Two kinds of classifier read the same words, one the words and pairs that occur, one their order; their
log-odds are averaged and calibrated label by label. Neither has seen a patient's call: the card says what
that means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import cast

import numpy as np
import numpy.typing as npt

from models.language.cues import Cues, cues
from models.language.labels import GROUPS, SENTIMENTS, Emotion, Group, Sentiment
from models.language.vectorizer import Vectorizer, spoken
from models.language.word_network import UNKNOWN, WordNetwork
from models.model_file import ModelError, verified_arrays

FOLDER = Path(__file__).parent

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LanguageReading:
    """What one text expresses.

    Attributes:
        emotions: calibrated probability of each label; they are independent and do not add up to one.
        groups: probability that any label of a group is expressed.
        sentiment: the same by direction.
        valence: positive minus negative sentiment, -1..1.
        cues: what lexicons and rules find: tiredness, disapproval, enthusiasm, sarcasm (experimental), 0..1.
        usable: False when there were no words to judge; everything is neutral then.
    """

    emotions: Mapping[Emotion, float]
    groups: Mapping[Group, float]
    sentiment: Mapping[Sentiment, float]
    valence: float
    cues: Cues
    usable: bool


NEUTRAL = LanguageReading(
    emotions=MappingProxyType({label: float(label is Emotion.NEUTRAL) for label in Emotion}),
    groups=MappingProxyType({group: float(group is Group.NEUTRAL) for group in Group}),
    sentiment=MappingProxyType({kind: float(kind is Sentiment.NEUTRAL) for kind in Sentiment}),
    valence=0.0,
    cues=Cues(),
    usable=False,
)
"""The reading of no words; also what a caller of a missing model goes on with."""


class LanguageModel:
    """Text to emotions in about a millisecond. Thread-safe."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Raises :class:`~models.model_file.ModelError` when the weights in ``folder`` are not the published
        ones."""
        self.identity, arrays = verified_arrays(folder)
        try:
            self._read(arrays)
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"weights of {self.identity.name} lack a part ({error}): restore the file"
            ) from error

    def _read(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        def floats(name: str) -> Floats:
            values = arrays[name].astype(np.float32)
            return (
                values * arrays[f"{name}_scale"].astype(np.float32) if f"{name}_scale" in arrays else values
            )

        self._vectorizer = Vectorizer(_lines(arrays["terms"]), floats("rarity"))
        self._weights, self._bias = arrays["bag"], floats("bag_bias")
        self._weights_scale = floats("bag_step")
        self._words = {word: row for row, word in enumerate(_lines(arrays["words"]), UNKNOWN + 1)}
        self._networks = tuple(
            WordNetwork(
                floats(f"net{n}_embedding"),
                (floats(f"net{n}_filter3"), floats(f"net{n}_filter2")),
                (floats(f"net{n}_filter3_bias"), floats(f"net{n}_filter2_bias")),
                floats(f"net{n}_output"),
                floats(f"net{n}_output_bias"),
            )
            for n in range(int(arrays["networks"]))
        )
        self._share = float(arrays["network_share"])
        self._slope, self._offset = floats("slope"), floats("offset")

    def log_odds(self, text: str) -> Floats:
        """float32 [28] before calibration, in the order of :class:`~models.language.labels.Emotion`."""
        columns, values = self._vectorizer(text)
        bag = values @ (self._weights[columns].astype(np.float32) * self._weights_scale) + self._bias
        known = [self._words.get(word, UNKNOWN) for word in spoken(text).split()]
        networks = np.mean([network.logits(known) for network in self._networks], axis=0)
        return np.asarray((1 - self._share) * bag + self._share * networks, np.float32)

    def probabilities(self, text: str) -> Floats:
        """float32 [28], calibrated."""
        return cast(Floats, 1 / (1 + np.exp(-(self._slope * self.log_odds(text) + self._offset))))

    def run(self, texts: Sequence[str]) -> list[LanguageReading]:
        """One reading per text; a text without words gives :data:`NEUTRAL`."""
        return [self._reading(text) if spoken(text) else NEUTRAL for text in texts]

    def _reading(self, text: str) -> LanguageReading:
        p = self.probabilities(text)
        emotions = dict(zip(Emotion, map(float, p), strict=True))
        groups = {group: _any_of(emotions, labels) for group, labels in GROUPS.items()}
        sentiment = {kind: _any_of(emotions, labels) for kind, labels in SENTIMENTS.items()}
        return LanguageReading(
            emotions=MappingProxyType(emotions),
            groups=MappingProxyType(groups),
            sentiment=MappingProxyType(sentiment),
            valence=sentiment[Sentiment.POSITIVE] - sentiment[Sentiment.NEGATIVE],
            cues=cues(text, emotions),
            usable=True,
        )


def _any_of(emotions: Mapping[Emotion, float], labels: Sequence[Emotion]) -> float:
    """Probability that at least one of ``labels`` is there, taken as independent."""
    return 1 - float(np.prod([1 - emotions[label] for label in labels]))


def _lines(column: npt.NDArray[np.generic]) -> list[str]:
    return bytes(column.astype(np.uint8)).decode("utf-8").split("\n")
