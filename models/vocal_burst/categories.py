"""The sounds people make without words: 30 categories, and the eight deliveries a call answers to.

EmoGator (Buhl 2022, arXiv 2301.00508) names the categories: the emotion somebody was asked to utter, not the
kind of sound. Which of them count as a laugh or a sigh is our reading, kept as data in ``categories.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.model_file import ModelError

FILE = "categories.json"


class Delivery(StrEnum):
    """What a burst asks of the next sentence, in the order of the weights."""

    LAUGH = "laugh"
    SIGH = "sigh"
    GROAN = "groan"
    CRY = "cry"
    GASP = "gasp"
    ANGER = "anger"
    POSITIVE = "positive"
    NEUTRAL = "neutral"


class Kind(StrEnum):
    """What a window is at all, in the order of the weights."""

    SPEECH = "speech"
    BURST = "burst"
    OTHER = "other"
    """Noise, breath, cough, digits, tones, music, handling."""


@dataclass(frozen=True, slots=True)
class Categories:
    """The categories in the order of the weights, and what they count as.

    Attributes:
        names: all 30.
        delivery: of a category; those not in here belong to none.
        valence: +1 pleasant, -1 unpleasant, 0 neither.
        arousal: +1 high, -1 low, 0 neither.
    """

    names: tuple[str, ...]
    delivery: Mapping[str, Delivery]
    valence: tuple[int, ...]
    arousal: tuple[int, ...]


def load_categories(folder: Path) -> Categories:
    """Read ``categories.json`` in ``folder``. Raises :class:`~models.model_file.ModelError`."""
    path = folder / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        names = tuple(data["categories"])
        delivery = {name: Delivery(kind) for kind, of in data["deliveries"].items() for name in of}
        valence = _signs(names, data["valence"])
        arousal = _signs(names, data["arousal"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} cannot be read ({error!r}): restore it from the release") from error
    if unknown := delivery.keys() - set(names):
        raise ModelError(f"{path} names categories that do not exist: {', '.join(sorted(unknown))}")
    return Categories(names, delivery, valence, arousal)


def _signs(names: tuple[str, ...], sides: Mapping[str, list[str]]) -> tuple[int, ...]:
    return tuple((name in sides["high"]) - (name in sides["low"]) for name in names)
