"""Events of how a caller sounds, what that makes of the call, and how the agent speaks because of it.

Names and fields are the published ones; what is ours comes after them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from voice_agent.call.event_base import CallEventBase


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class NamedScore(_Part):
    """A feeling or a compound with its score, 0..1."""

    name: str
    score: float


class RecentBurst(_Part):
    """A sound without words. ``at`` in seconds of the call (ours)."""

    type: str
    score: float
    at: float = 0.0


class SpeakerDelta(_Part):
    """The newest window against the caller's own voice, in standard deviations."""

    energy_delta: float = 0.0
    energy_trend: Literal["rising", "falling", "stable"] = "stable"
    pitch_delta: float = 0.0
    zcr_delta: float = 0.0
    normalized: bool = False


class EmotionEvidence(_Part):
    """Why a turn was read as it was (ours)."""

    kind: str
    detail: str
    weight: float


class EmotionMeasured(CallEventBase):
    """How the caller sounds: at the end of every turn, and within one when it shifts.

    Plain fields are rolling over half a minute; ``segment_`` ones are of the last two seconds; ``turn_``
    ones are of the turn, words included. Valence is -1..1, arousal and dominance 0..1.
    """

    type: Literal["emotion"] = "emotion"
    dominant: str
    valence: float
    arousal: float
    dominance: float = 0.5
    coherence: float = 1.0
    trend: Literal["improving", "stable", "deteriorating"] = "stable"
    scores: list[NamedScore] = Field(default_factory=list)
    recent_bursts: list[RecentBurst] = Field(default_factory=list)
    language_sentiment: str = "neutral"
    language_toxicity: dict[str, float] = Field(default_factory=dict)
    segment_dominant: str = "neutral"
    segment_valence: float = 0.0
    segment_arousal: float = 0.5
    speaker: SpeakerDelta = SpeakerDelta()
    speaker_similarity: float | None = None
    verified_speaker_id: str | None = None
    emotional_shifts: int = 0
    barge_in_count: int = 0
    call_duration_s: float = 0.0
    total_segments: int = 0
    turn_count: int = 0
    provider: str = "embedded"
    turn_index: int = 0
    turn_valence: float = 0.0
    turn_arousal: float = 0.5
    confidence: float = 0.0
    voice_over_words: bool = False
    sustained_negative: bool = False
    baseline_windows: int = 0
    snapshot_ms: float = 0.0
    """From the end of the turn to this reading."""
    evidence: list[EmotionEvidence] = Field(default_factory=list)
    models: dict[str, str] = Field(default_factory=dict)
    """Version of every model that had a say."""


class CompoundEmotion(CallEventBase):
    """What feelings make together; once per turn of the caller, empty when nothing is certain."""

    type: Literal["compound_emotion"] = "compound_emotion"
    turn_index: int
    compounds: list[NamedScore] = Field(default_factory=list)


class EmpathyClassified(CallEventBase):
    """How much empathy the next words need. ``acknowledge``: in words too (ours)."""

    type: Literal["empathy_classified"] = "empathy_classified"
    tier: int
    tier_name: str
    empathy_baseline: float = 0.0
    """Mean valence of the earlier turns, that this one is seen against."""
    filler_type: str = "working"
    should_pause: bool = False
    suppress_filler: bool = False
    acknowledge: bool = False
    turn_index: int = 0


class VoiceContextApplied(CallEventBase):
    """How the agent speaks from now on, and why."""

    type: Literal["voice_context_applied"] = "voice_context_applied"
    tts_emotion: str
    tts_speed: float
    tts_volume: float
    filler_enabled: bool = True
    emotion_detection_enabled: bool = True
    reasoning: str = ""
    tts_pitch: float = 1.0
    pause_ms: int = 0
    turn_index: int = 0


class RiskSignalPart(_Part):
    """One part of the score: ``weighted`` is ``raw`` (0..100) times ``weight``."""

    name: str
    raw: float
    weight: float
    weighted: float
    detail: str


class RiskScored(CallEventBase):
    """The risk of the call after a turn (ours). ``risk_score`` is 0..1; ``level`` is the internal one."""

    type: Literal["risk"] = "risk"
    risk_score: float
    level: Literal["normal", "monitor", "alert", "escalate"]
    risk_level: Literal["low", "medium", "high", "critical"]
    signals: list[RiskSignalPart] = Field(default_factory=list)
    sustained_negative: bool = False
    turn_index: int = 0
