"""One vocabulary for three models: what voice, bursts and words say, as the same few feelings.

The voice knows seven categories, bursts eight deliveries, words 28 labels. What a call can act on is fewer:
eight feelings outward, and Plutchik's eight basic emotions for what two of them make together.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from models.language.labels import Emotion
from models.prosody import VoiceEmotion
from models.vocal_burst.categories import Delivery


class Feeling(StrEnum):
    """What a caller may seem to feel."""

    ANGRY = "angry"
    FEARFUL = "fearful"
    SAD = "sad"
    DISGUSTED = "disgusted"
    CONFUSED = "confused"
    SURPRISED = "surprised"
    HAPPY = "happy"
    NEUTRAL = "neutral"


UNPLEASANT: Final = frozenset({Feeling.ANGRY, Feeling.FEARFUL, Feeling.SAD, Feeling.DISGUSTED})


class Basic(StrEnum):
    """Plutchik's basic emotions (Plutchik 1980, "A general psychoevolutionary theory of emotion")."""

    JOY = "joy"
    TRUST = "trust"
    FEAR = "fear"
    SURPRISE = "surprise"
    SADNESS = "sadness"
    DISGUST = "disgust"
    ANGER = "anger"
    ANTICIPATION = "anticipation"


Scores = Mapping[Feeling, float]

_V, _E, _F, _B, _D = VoiceEmotion, Emotion, Feeling, Basic, Delivery

_OF_VOICE: Final[Mapping[VoiceEmotion, Feeling]] = MappingProxyType(
    {
        _V.ANGRY: _F.ANGRY,
        # Boredom is a German actor's category: on a call it is a flat voice, and sadness is heard as it.
        _V.BORED: _F.NEUTRAL,
        _V.DISGUSTED: _F.DISGUSTED,
        _V.FEARFUL: _F.FEARFUL,
        _V.HAPPY: _F.HAPPY,
        _V.NEUTRAL: _F.NEUTRAL,
        _V.SAD: _F.SAD,
    }
)

_OF_WORDS: Final[Mapping[Feeling, tuple[Emotion, ...]]] = MappingProxyType(
    {
        _F.ANGRY: (_E.ANGER, _E.ANNOYANCE, _E.DISAPPROVAL),
        _F.FEARFUL: (_E.FEAR, _E.NERVOUSNESS),
        _F.SAD: (_E.SADNESS, _E.GRIEF, _E.DISAPPOINTMENT, _E.REMORSE, _E.EMBARRASSMENT),
        _F.DISGUSTED: (_E.DISGUST,),
        _F.CONFUSED: (_E.CONFUSION,),
        _F.SURPRISED: (_E.SURPRISE,),
        _F.HAPPY: (_E.JOY, _E.GRATITUDE, _E.LOVE, _E.RELIEF, _E.AMUSEMENT, _E.EXCITEMENT, _E.ADMIRATION),
    }
)

_OF_BURST: Final[Mapping[Delivery, Feeling]] = MappingProxyType(
    {
        _D.LAUGH: _F.HAPPY,
        _D.POSITIVE: _F.HAPPY,
        _D.SIGH: _F.SAD,
        _D.GROAN: _F.SAD,
        _D.CRY: _F.SAD,
        _D.GASP: _F.SURPRISED,
        _D.ANGER: _F.ANGRY,
        _D.NEUTRAL: _F.NEUTRAL,
    }
)

_BASIC_WORDS: Final[Mapping[Basic, tuple[Emotion, ...]]] = MappingProxyType(
    {
        _B.JOY: (_E.JOY, _E.GRATITUDE, _E.LOVE, _E.AMUSEMENT, _E.EXCITEMENT, _E.RELIEF),
        _B.TRUST: (_E.ADMIRATION, _E.CARING, _E.GRATITUDE),
        _B.FEAR: (_E.FEAR, _E.NERVOUSNESS),
        _B.SURPRISE: (_E.SURPRISE, _E.REALIZATION),
        _B.SADNESS: (_E.SADNESS, _E.GRIEF, _E.DISAPPOINTMENT, _E.REMORSE),
        _B.DISGUST: (_E.DISGUST, _E.DISAPPROVAL),
        _B.ANGER: (_E.ANGER, _E.ANNOYANCE),
        _B.ANTICIPATION: (_E.OPTIMISM, _E.EXCITEMENT),
    }
)

_BASIC_VOICE: Final[Mapping[Basic, VoiceEmotion]] = MappingProxyType(
    {
        _B.JOY: _V.HAPPY,
        _B.FEAR: _V.FEARFUL,
        _B.SADNESS: _V.SAD,
        _B.DISGUST: _V.DISGUSTED,
        _B.ANGER: _V.ANGRY,
    }
)


def of_voice(categories: Mapping[VoiceEmotion, float]) -> dict[Feeling, float]:
    """Probabilities of a voice as feelings; add up to one as those of the voice do."""
    scores = dict.fromkeys(Feeling, 0.0)
    for category, probability in categories.items():
        scores[_OF_VOICE[category]] += probability
    return scores


def of_burst(deliveries: Mapping[Delivery, float]) -> dict[Feeling, float]:
    """Probabilities of a burst's deliveries as feelings; add up to one."""
    scores = dict.fromkeys(Feeling, 0.0)
    for delivery, probability in deliveries.items():
        scores[_OF_BURST[delivery]] += probability
    return scores


def of_words(emotions: Mapping[Emotion, float]) -> dict[Feeling, float]:
    """Label probabilities as feelings, scaled to add up to one; what no label claims is neutral."""
    scores = {feeling: _strongest(emotions, labels) for feeling, labels in _OF_WORDS.items()}
    scores[Feeling.NEUTRAL] = max(emotions[Emotion.NEUTRAL], 1.0 - sum(scores.values()), 0.0)
    total = sum(scores.values())
    return {feeling: scores.get(feeling, 0.0) / total for feeling in Feeling}


def basic_of_voice(categories: Mapping[VoiceEmotion, float]) -> dict[Basic, float]:
    """Activation (0..1) of the basic emotions that a voice can show."""
    return {basic: categories[voice] for basic, voice in _BASIC_VOICE.items()}


def basic_of_words(emotions: Mapping[Emotion, float]) -> dict[Basic, float]:
    """Activation (0..1) of the basic emotions in words."""
    return {basic: _strongest(emotions, labels) for basic, labels in _BASIC_WORDS.items()}


def _strongest(emotions: Mapping[Emotion, float], labels: tuple[Emotion, ...]) -> float:
    return max(emotions[label] for label in labels)
