"""What words can express: GoEmotions' 28 labels and the groups that a call is steered by.

Demszky et al. 2020, "GoEmotions: A Dataset of Fine-Grained Emotions", names the labels, their order and the
groups by sentiment and by Ekman's basic emotions.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Emotion(StrEnum):
    """The labels, in the order of the weights."""

    ADMIRATION = "admiration"
    AMUSEMENT = "amusement"
    ANGER = "anger"
    ANNOYANCE = "annoyance"
    APPROVAL = "approval"
    CARING = "caring"
    CONFUSION = "confusion"
    CURIOSITY = "curiosity"
    DESIRE = "desire"
    DISAPPOINTMENT = "disappointment"
    DISAPPROVAL = "disapproval"
    DISGUST = "disgust"
    EMBARRASSMENT = "embarrassment"
    EXCITEMENT = "excitement"
    FEAR = "fear"
    GRATITUDE = "gratitude"
    GRIEF = "grief"
    JOY = "joy"
    LOVE = "love"
    NERVOUSNESS = "nervousness"
    OPTIMISM = "optimism"
    PRIDE = "pride"
    REALIZATION = "realization"
    RELIEF = "relief"
    REMORSE = "remorse"
    SADNESS = "sadness"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"


class Sentiment(StrEnum):
    """The direction of what was said."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    AMBIGUOUS = "ambiguous"
    NEUTRAL = "neutral"


class Group(StrEnum):
    """What a practice's line listens for."""

    FRUSTRATION = "frustration"
    ANXIETY = "anxiety"
    SADNESS = "sadness"
    CONFUSION = "confusion"
    GRATITUDE_JOY = "gratitude_joy"
    NEUTRAL = "neutral"


_E = Emotion

SENTIMENTS: Final[Mapping[Sentiment, tuple[Emotion, ...]]] = MappingProxyType(
    {
        Sentiment.POSITIVE: (
            *(_E.JOY, _E.AMUSEMENT, _E.APPROVAL, _E.EXCITEMENT, _E.GRATITUDE, _E.LOVE),
            *(_E.OPTIMISM, _E.RELIEF, _E.PRIDE, _E.ADMIRATION, _E.DESIRE, _E.CARING),
        ),
        Sentiment.NEGATIVE: (
            *(_E.ANGER, _E.ANNOYANCE, _E.DISAPPROVAL, _E.DISGUST, _E.FEAR, _E.NERVOUSNESS),
            *(_E.SADNESS, _E.DISAPPOINTMENT, _E.EMBARRASSMENT, _E.GRIEF, _E.REMORSE),
        ),
        Sentiment.AMBIGUOUS: (_E.SURPRISE, _E.REALIZATION, _E.CONFUSION, _E.CURIOSITY),
        Sentiment.NEUTRAL: (_E.NEUTRAL,),
    }
)

GROUPS: Final[Mapping[Group, tuple[Emotion, ...]]] = MappingProxyType(
    {
        Group.FRUSTRATION: (_E.ANGER, _E.ANNOYANCE, _E.DISAPPROVAL, _E.DISGUST),
        Group.ANXIETY: (_E.FEAR, _E.NERVOUSNESS),
        Group.SADNESS: (_E.SADNESS, _E.GRIEF, _E.DISAPPOINTMENT, _E.REMORSE, _E.EMBARRASSMENT),
        Group.CONFUSION: (_E.CONFUSION,),
        Group.GRATITUDE_JOY: (
            *(_E.GRATITUDE, _E.JOY, _E.LOVE, _E.ADMIRATION, _E.RELIEF),
            *(_E.PRIDE, _E.EXCITEMENT, _E.AMUSEMENT, _E.OPTIMISM),
        ),
        Group.NEUTRAL: (_E.NEUTRAL,),
    }
)
