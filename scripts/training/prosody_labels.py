"""Which labels of speech corpora mean what for the prosody model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from models.prosody import Dimension, VoiceEmotion

SYNONYMS: Mapping[str, str] = {
    "angry": "anger",
    "bored": "boredom",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "calm": "neutral",
}
"""Adjectives that some corpora use, and calm, which counts as neutral."""

CATEGORY_OF: Mapping[str, VoiceEmotion] = {
    "anger": VoiceEmotion.ANGRY,
    "boredom": VoiceEmotion.BORED,
    "disgust": VoiceEmotion.DISGUSTED,
    "fear": VoiceEmotion.FEARFUL,
    "happiness": VoiceEmotion.HAPPY,
    "neutral": VoiceEmotion.NEUTRAL,
    "sadness": VoiceEmotion.SAD,
}

Sides = tuple[frozenset[str], frozenset[str]]
"""Labels that count as high and as low; others are left out."""

DIMENSIONS: Mapping[Dimension, Sides] = {
    Dimension.AROUSAL: (
        frozenset({"anger", "fear", "happiness", "surprise"}),
        frozenset({"boredom", "sadness", "neutral"}),
    ),
    Dimension.VALENCE: (
        frozenset({"happiness"}),
        frozenset({"anger", "fear", "sadness", "disgust", "boredom"}),
    ),
    Dimension.DOMINANCE: (
        frozenset({"anger", "happiness", "disgust"}),
        frozenset({"fear", "sadness", "boredom"}),
    ),
}

ANGER: Sides = (frozenset({"anger"}), frozenset({"neutral", "happiness", "sadness"}))

FOUR: Mapping[str, VoiceEmotion] = {
    name: CATEGORY_OF[name] for name in ("anger", "happiness", "neutral", "sadness")
}

AROUSAL_OF_BURSTS: Sides = (
    frozenset(
        {
            *("Anger", "Fear", "Ecstasy", "Elation", "Triumph", "Surprise (Negative)"),
            *("Surprise (Positive)", "Distress", "Amusement"),
        }
    ),
    frozenset(
        {
            *("Serenity", "Contentment", "Neutral", "Sadness", "Disappointment", "Guilt", "Shame"),
            *("Relief", "Sympathy"),
        }
    ),
)


def sides(labels: npt.NDArray[np.str_], of: Sides) -> npt.NDArray[np.int64]:
    """1 for high, 0 for low, -1 for labels that are neither."""
    high, low = of
    common = [SYNONYMS.get(str(label), str(label)) for label in labels]
    return np.array([1 if label in high else 0 if label in low else -1 for label in common])
