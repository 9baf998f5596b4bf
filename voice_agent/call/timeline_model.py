"""The published shape of a call's timeline: segments on lanes, turns, totals."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SegmentType(StrEnum):
    """The published kinds of segment."""

    AGENT_SPEECH = "agent_speech"
    BARGE_IN = "barge_in"
    CALLER_SPEECH = "caller_speech"
    FILLER_HESITATION = "filler_hesitation"
    FILLER_NAV = "filler_nav"
    GREETING = "greeting"
    INTERRUPTED_SPEECH = "interrupted_speech"
    PROCESSING_GAP = "processing_gap"
    SILENCE = "silence"
    SILENCE_CHECK = "silence_check"
    STATE_TRANSITION = "state_transition"
    TOOL_CALL = "tool_call"


class Lane(StrEnum):
    """The published lanes."""

    AGENT = "agent"
    CALLER = "caller"
    EVENTS = "events"
    OPERATOR = "operator"
    SYSTEM = "system"
    TOOL = "tool"


class TimelineActor(BaseModel):
    """Who is behind a lane."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["agent", "human", "operator", "system", "tool"]
    role: Literal["agent", "caller", "operator", "runtime", "state", "tool"]
    label: str


class TimelineLane(BaseModel):
    """A row of the picture."""

    model_config = ConfigDict(frozen=True)

    id: str
    track: Literal["agent", "caller", "operator", "system", "tool"]
    label: str
    order: int
    actor: TimelineActor | None = None


class TimelineSegment(BaseModel):
    """Something that happened, from ``start`` to ``end`` seconds. Fields that do not apply are None."""

    model_config = ConfigDict(frozen=True)

    type: SegmentType
    lane: Lane
    start: float
    end: float
    label: str
    turn_index: int
    lane_id: str = ""
    track: Literal["agent", "caller", "operator", "system", "tool"] = "system"
    order: int = 0
    duration_ms: float = 0.0
    unheard: str | None = None
    """What the caller was not to hear any more (ours)."""
    audio_ttfb_ms: float | None = None
    e2e_ttfb_ms: float | None = None
    engine_ms: float | None = None
    nav_ms: float | None = None
    render_ms: float | None = None
    stt_confidence: float | None = None
    eot_confidence: float | None = None
    state: str | None = None
    from_state: str | None = None
    to_state: str | None = None
    call_id: str | None = None
    tool_name: str | None = None
    succeeded: bool | None = None


class TurnTimeline(BaseModel):
    """Where a turn is: ``seek_to`` is where to begin listening."""

    model_config = ConfigDict(frozen=True)

    turn_index: int
    seek_to: float
    active_start: float
    active_end: float


class TimelineMood(BaseModel):
    """How the caller felt at a point of the call, and what followed (ours). Turn 0 stands for a shift within
    a turn.

    ``delivery`` says why the agent spoke otherwise from then on, "" when it did not; ``tone`` how.
    """

    model_config = ConfigDict(frozen=True)

    at: float
    turn_index: int
    dominant: str
    valence: float
    arousal: float
    bursts: list[str] = Field(default_factory=list)
    compounds: dict[str, float] = Field(default_factory=dict)
    risk_score: float | None = None
    risk_level: str = ""
    delivery: str = ""
    tone: str = ""


class TimelineTimebase(BaseModel):
    """The range of all segments."""

    model_config = ConfigDict(frozen=True)

    origin: Literal["media_start", "call_start", "synthetic"] = "media_start"
    start: float = 0.0
    end: float = 0.0
    unit: Literal["seconds"] = "seconds"


class PlaybackTimeline(BaseModel):
    """The published timeline of a call."""

    model_config = ConfigDict(frozen=True)

    duration_seconds: float
    segments: list[TimelineSegment]
    turns: list[TurnTimeline]
    lanes: list[TimelineLane]
    timebase: TimelineTimebase
    total_agent_speech_seconds: float = 0.0
    total_user_speech_seconds: float = 0.0
    total_silence_seconds: float = 0.0
    avg_perceived_latency_ms: float | None = None
    avg_processing_gap_ms: float | None = None
    max_processing_gap_ms: float | None = None
    moods: list[TimelineMood] = Field(default_factory=list)


LANES: Mapping[Lane, TimelineLane] = {
    Lane.CALLER: TimelineLane(
        id="caller",
        track="caller",
        label="Caller",
        order=0,
        actor=TimelineActor(kind="human", role="caller", label="Caller"),
    ),
    Lane.AGENT: TimelineLane(
        id="agent",
        track="agent",
        label="Agent",
        order=1,
        actor=TimelineActor(kind="agent", role="agent", label="Agent"),
    ),
    Lane.OPERATOR: TimelineLane(
        id="operator",
        track="operator",
        label="Operator",
        order=2,
        actor=TimelineActor(kind="operator", role="operator", label="Operator"),
    ),
    Lane.TOOL: TimelineLane(
        id="tool",
        track="tool",
        label="Tools",
        order=3,
        actor=TimelineActor(kind="tool", role="tool", label="Tools"),
    ),
    Lane.EVENTS: TimelineLane(id="events", track="system", label="Events", order=4),
    Lane.SYSTEM: TimelineLane(
        id="system",
        track="system",
        label="Pauses",
        order=5,
        actor=TimelineActor(kind="system", role="runtime", label="Runtime"),
    ),
}
"""Every lane there is, from top to bottom."""

AGENT_SOUNDS = frozenset(
    {
        SegmentType.AGENT_SPEECH,
        SegmentType.INTERRUPTED_SPEECH,
        SegmentType.GREETING,
        SegmentType.FILLER_HESITATION,
        SegmentType.FILLER_NAV,
    }
)
"""Segments in which the agent is heard."""
