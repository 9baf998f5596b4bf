"""Readings made by hand: what models would say of a voice or of words, without models."""

from __future__ import annotations

from types import MappingProxyType

from models.language.cues import Cues
from models.language.labels import GROUPS, SENTIMENTS, Emotion
from models.language.language import LanguageReading
from models.prosody import ProsodyReading, VoiceEmotion
from models.vocal_burst.categories import Delivery, Kind
from models.vocal_burst.vocal_burst import VocalBurstReading
from voice_agent.emotion.readings import CallContext, VoiceReading, WordsReading
from voice_agent.emotion.snapshot import TurnEmotionSnapshot
from voice_agent.emotion.tracker import EmotionTracker

CALM = CallContext(seconds=20.0)


def prosody(
    feeling: VoiceEmotion, valence: float, arousal: float, *, sure: float = 0.95, windows: int = 20
) -> ProsodyReading:
    """A voice that sounds like ``feeling`` with probability ``sure``, else neutral."""
    categories = dict.fromkeys(VoiceEmotion, 0.0)
    categories[VoiceEmotion.NEUTRAL] = 1.0 - sure
    categories[feeling] += sure
    return ProsodyReading(MappingProxyType(categories), valence, arousal, 0.5, windows)


ANGRY = prosody(VoiceEmotion.ANGRY, -0.6, 0.97)
SAD = prosody(VoiceEmotion.SAD, -0.9, 0.05)
HAPPY = prosody(VoiceEmotion.HAPPY, 0.8, 0.95)
NEUTRAL = prosody(VoiceEmotion.NEUTRAL, -0.4, 0.1)


def voice(reading: ProsodyReading | None, end: float, burst: VocalBurstReading | None = None) -> VoiceReading:
    """A window of two seconds that ends at ``end``."""
    return VoiceReading(end - 2.0, end, reading, burst, spoken=reading is not None)


def burst(
    delivery: Delivery, *, valence: float = -0.6, arousal: float = 0.8, named: bool = False
) -> VocalBurstReading:
    """A sound without words that is likely ``delivery``."""
    deliveries = dict.fromkeys(Delivery, 0.0) | {delivery: 1.0}
    kinds = {Kind.SPEECH: 0.02, Kind.BURST: 0.97, Kind.OTHER: 0.01}
    return VocalBurstReading(
        MappingProxyType(kinds),
        MappingProxyType(deliveries),
        MappingProxyType({}),
        valence,
        arousal,
        likely=delivery,
        named=delivery if named else None,
    )


def words(
    count: int = 12, *, confidence: float = 0.9, cues: Cues | None = None, **labels: float
) -> WordsReading:
    """Words in which the named labels have these probabilities, else nothing."""
    emotions = {label: labels.get(label.value, 0.0) for label in Emotion}

    def any_of(members: tuple[Emotion, ...]) -> float:
        return max(emotions[label] for label in members)

    groups = {group: any_of(members) for group, members in GROUPS.items()}
    sentiment = {kind: any_of(members) for kind, members in SENTIMENTS.items()}
    reading = LanguageReading(
        MappingProxyType(emotions),
        MappingProxyType(groups),
        MappingProxyType(sentiment),
        0.0,
        cues or Cues(),
        usable=True,
    )
    return WordsReading(reading, count, confidence)


def one_turn(
    *readings: VoiceReading, said: WordsReading | None = None, context: CallContext = CALM
) -> TurnEmotionSnapshot:
    """The snapshot of a caller's first turn."""
    tracker = EmotionTracker()
    for reading in readings:
        tracker.hear(reading)
    return tracker.end_turn(1, said, context)
