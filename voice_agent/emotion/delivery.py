"""How the agent speaks next: rate, pitch, volume, tone, filler and pause, with the reason for each.

The table is the product's: a row per situation, the strongest row wins. It changes the voice's own settings
by a few percent: a caller should feel met, not notice a machine at work. The service's slowest speed always
holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from models.speech import Delivery as Speech
from models.vocal_burst.categories import Delivery as BurstKind
from voice_agent.emotion.feelings import Feeling
from voice_agent.emotion.snapshot import EmpathyTier, Trend, TurnEmotionSnapshot

DIRECT_AFTER = 300.0
"""Seconds from which a call that gets worse needs pace more than softness."""


class Tone(StrEnum):
    """Published tones of a voice."""

    CALM = "calm"
    SYMPATHETIC = "sympathetic"
    ENTHUSIASTIC = "enthusiastic"
    CONTENT = "content"
    CURIOUS = "curious"
    CHEERFUL = "cheerful"
    SERIOUS = "serious"
    FRIENDLY = "friendly"


class FillerKind(StrEnum):
    """Published kinds of filler; ``silent`` is none at all."""

    EMPATHY = "empathy"
    RECEIPT = "receipt"
    WORKING = "working"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class SpeakingStyle:
    """How to speak, as factors on the voice's own settings.

    Attributes:
        tone: for voices that know tones.
        speed, volume, pitch, pitch_range: 1.0 leaves the voice as it is.
        pause_ms: silence in front of the first sentence.
        filler: what kind of filler fits.
        reasons: what the style follows, in plain words.
    """

    tone: Tone = Tone.FRIENDLY
    speed: float = 1.0
    volume: float = 1.0
    pitch: float = 1.0
    pitch_range: float = 1.0
    pause_ms: int = 0
    filler: FillerKind = FillerKind.WORKING
    reasons: tuple[str, ...] = ()

    def applied_to(self, base: Speech, *, slowest: float, pace: float = 1.0) -> Speech:
        """The voice's own delivery in this style; ``pace`` is what the caller asked for, ``slowest`` the
        rate that is never undercut."""
        return Speech(
            rate=min(2.0, max(slowest, base.rate * self.speed * pace)),
            pitch=base.pitch * self.pitch,
            pitch_range=min(2.0, base.pitch_range * self.pitch_range),
            volume=min(1.5, base.volume * self.volume),
            emotion=self.tone.value,
        )


CALMING = SpeakingStyle(Tone.CALM, 0.92, 0.95, pitch=0.97, pitch_range=0.85)
CARING = SpeakingStyle(Tone.SYMPATHETIC, 0.92, 0.95, pitch=0.97, pitch_range=0.9)
PLAIN = SpeakingStyle(Tone.SERIOUS, 0.92, 1.0, pitch_range=0.9)
LIGHT = SpeakingStyle(Tone.CHEERFUL, 1.03, 1.0, pitch=1.02, pitch_range=1.1)
SPACE = SpeakingStyle(Tone.SYMPATHETIC, 0.85, 0.90, pitch=0.95, pitch_range=0.8)
DIRECT = SpeakingStyle(Tone.SERIOUS, 1.08, 1.0)

_BY_FEELING = {
    Feeling.ANGRY: CALMING,
    Feeling.DISGUSTED: CALMING,
    Feeling.FEARFUL: CALMING,
    Feeling.SAD: CARING,
    Feeling.CONFUSED: PLAIN,
    Feeling.HAPPY: LIGHT,
}

FILLER_WORDS = {
    FillerKind.EMPATHY: ("I hear you. One moment.", "I understand. Let me see."),
    FillerKind.RECEIPT: ("Okay, one moment.", "All right, let me see."),
}
"""Sounds of life that fit; for ``working`` the service has its own."""

_FILLERS = {
    EmpathyTier.FUNCTIONAL: FillerKind.WORKING,
    EmpathyTier.LIGHT_TOUCH: FillerKind.RECEIPT,
    EmpathyTier.FULL_EMPATHY: FillerKind.EMPATHY,
    EmpathyTier.HOLD_SPACE: FillerKind.SILENT,
}


def style_for(
    snapshot: TurnEmotionSnapshot, *, seconds: float, tone: str = Tone.FRIENDLY, hold_ms: int = 1200
) -> SpeakingStyle:
    """The style of the words after this turn. ``seconds``: how long the call has lasted; ``tone``: the
    voice's baseline; ``hold_ms``: the pause that gives space."""
    filler = _FILLERS[snapshot.tier]
    if filler is FillerKind.EMPATHY and not snapshot.acknowledge:
        filler = FillerKind.RECEIPT
    # Who is angry wants an answer, not room.
    if snapshot.feeling in (Feeling.ANGRY, Feeling.DISGUSTED):
        filler = FillerKind.RECEIPT if filler is FillerKind.SILENT else filler
    elif snapshot.tier is EmpathyTier.HOLD_SPACE:
        sure = snapshot.acknowledge or snapshot.heard(BurstKind.CRY)
        return replace(
            SPACE, pause_ms=hold_ms if sure else 0, filler=filler, reasons=("the caller needs space",)
        )
    if seconds >= DIRECT_AFTER and snapshot.trend is Trend.DETERIORATING:
        why = f"{seconds / 60:.0f} minutes and getting worse: more pace, more direct"
        return replace(DIRECT, filler=filler, reasons=(why,))
    if (heard := _after_burst(snapshot)) is not None:
        return replace(heard, filler=filler)
    if snapshot.feeling is Feeling.SURPRISED or snapshot.feeling not in _BY_FEELING:
        if snapshot.tier >= EmpathyTier.FULL_EMPATHY:
            return replace(CARING, filler=filler, reasons=("the caller sounds unhappy",))
        return SpeakingStyle(Tone(tone), filler=filler, reasons=("no strong signal: the baseline holds",))
    style = _BY_FEELING[snapshot.feeling]
    why = f"the caller sounds {snapshot.feeling.value} ({snapshot.confidence:.0%})"
    return replace(style, filler=filler, reasons=(why,))


def _after_burst(snapshot: TurnEmotionSnapshot) -> SpeakingStyle | None:
    """What a sound without words asks for; a laugh only when it is sure, since that is noticed."""
    burst = snapshot.burst
    if burst is None:
        return None
    match burst.delivery:
        case BurstKind.LAUGH if burst.named and snapshot.valence > -0.2:
            return replace(LIGHT, reasons=("the caller laughed",))
        case BurstKind.SIGH:
            return replace(CARING, reasons=("the caller sighed",))
        case BurstKind.GROAN:
            return replace(CARING, speed=0.9, reasons=("the caller groaned",))
        case BurstKind.GASP:
            return replace(CALMING, speed=0.9, pause_ms=300, reasons=("the caller gasped",))
        case BurstKind.ANGER if burst.named:
            return replace(CALMING, reasons=("the caller let off steam",))
        case _:
            return None


def with_care(style: SpeakingStyle, topic: str) -> SpeakingStyle:
    """The style for a sentence on a sensitive topic, before the caller reacts to it. What is slower or
    softer already stays so."""
    return replace(
        style,
        tone=Tone.SYMPATHETIC,
        speed=min(style.speed, CARING.speed),
        volume=min(style.volume, CARING.volume),
        pitch_range=min(style.pitch_range, CARING.pitch_range),
        reasons=(*style.reasons, f"sensitive topic ahead: {topic}"),
    )


def sensitive_topic(text: str, topics: tuple[str, ...]) -> str | None:
    """The first of ``topics`` that a sentence speaks of: all its words, in order, endings aside."""
    words = [_stem(word) for word in "".join(c if c.isalnum() else " " for c in text.lower()).split()]
    for topic in topics:
        wanted = [_stem(word) for word in topic.lower().split()]
        if any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1)):
            return topic
    return None


def _stem(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
