"""What comes out: the caller at the end of a turn, with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from models.vocal_burst.categories import Delivery
from voice_agent.emotion.feelings import Feeling
from voice_agent.emotion.measures import SpeakerView


class EvidenceKind(StrEnum):
    """Where a piece of evidence comes from."""

    ACOUSTIC = "acoustic"
    LINGUISTIC = "linguistic"
    BEHAVIOURAL = "behavioural"
    CONTEXTUAL = "contextual"
    TEMPORAL = "temporal"


class Trend(StrEnum):
    """Where valence goes over the last half minute of voice."""

    IMPROVING = "improving"
    STABLE = "stable"
    DETERIORATING = "deteriorating"


class EmpathyTier(IntEnum):
    """How much empathy the next words need (published tiers)."""

    FUNCTIONAL = 0
    LIGHT_TOUCH = 1
    FULL_EMPATHY = 2
    HOLD_SPACE = 3


class Compound(StrEnum):
    """What two emotions make together, or one with what happens on the call: Plutchik's primary dyads
    first."""

    LOVE = "love"
    SUBMISSION = "submission"
    ALARM = "alarm"
    DISAPPOINTMENT = "disappointment"
    REMORSE = "remorse"
    CONTEMPT = "contempt"
    AGGRESSIVENESS = "aggressiveness"
    OPTIMISM = "optimism"
    FRUSTRATED_RESIGNATION = "frustrated_resignation"
    RESIGNATION = "resignation"
    DISENGAGEMENT = "disengagement"
    HOSTILITY = "hostility"
    ANXIOUS_CONFUSION = "anxious_confusion"
    RELIEF = "relief"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a turn was read as it was. ``weight`` is 0..1, ``detail`` is in plain words without the caller's
    own."""

    kind: EvidenceKind
    detail: str
    weight: float


@dataclass(frozen=True, slots=True)
class Burst:
    """A sound without words. ``score`` is its probability; ``named`` when it is sure enough to be acted on
    noticeably. ``at`` is in seconds of the call."""

    delivery: Delivery
    score: float
    named: bool
    at: float


@dataclass(frozen=True, slots=True)
class CompoundScore:
    """A compound emotion with its score (0..1) and the layers that support it."""

    compound: Compound
    score: float
    layers: tuple[EvidenceKind, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """One window of voice as it enters the rolling view."""

    at: float
    feeling: Feeling
    scores: Mapping[Feeling, float]
    valence: float
    arousal: float
    dominance: float
    weight: float


@dataclass(frozen=True, slots=True)
class TurnEmotionSnapshot:
    """The caller at the end of one turn.

    Attributes:
        feeling: what they seem to feel; neutral where nothing is sure.
        confidence: 0..1 in that.
        valence: -1 (unpleasant) .. 1, of this turn, all sources fused.
        arousal: 0 (calm) .. 1 (agitated).
        dominance: 0..1, a proxy.
        scores: of all feelings, add up to one.
        rolling_valence, rolling_arousal: over the last 30 s of voice.
        coherence: 0..1, agreement of the sources; below 0.5 the state is complex.
        tier: how much empathy the next words need.
        earlier_valence: mean of the turns before, that this one is seen against.
        acknowledge: whether it is sound enough to be answered in words, and not only in tone.
        voice_over_words: the words said otherwise and were not believed.
        sustained: at least four of the last five turns were unpleasant.
        shifts: emotional shifts so far.
        baseline_windows: of the caller's voice, that it was held against.
        segment: the last window of voice, None when there was none.
    """

    turn_index: int
    at: float
    feeling: Feeling
    confidence: float
    valence: float
    arousal: float
    dominance: float
    scores: Mapping[Feeling, float]
    rolling_valence: float
    rolling_arousal: float
    trend: Trend
    coherence: float
    tier: EmpathyTier
    earlier_valence: float
    acknowledge: bool
    compounds: tuple[CompoundScore, ...]
    bursts: tuple[Burst, ...]
    evidence: tuple[Evidence, ...]
    speaker: SpeakerView
    voice_over_words: bool = False
    sustained: bool = False
    shifts: int = 0
    segments: int = 0
    baseline_windows: int = 0
    language_sentiment: str = "neutral"
    segment: Segment | None = None

    @property
    def burst(self) -> Burst | None:
        """The newest burst of the turn."""
        return self.bursts[-1] if self.bursts else None

    def heard(self, *deliveries: Delivery) -> bool:
        """Whether one of these bursts was heard in this turn."""
        return any(burst.delivery in deliveries for burst in self.bursts)
