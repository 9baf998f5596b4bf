"""Everything that can happen in a call, as one union of typed events.

Console, recordings, records, analytics and tests read this stream; nothing reaches into a call's insides.
Field names follow the published observer events where one exists. Every event carries the call, a sequence
number (gap-free per call), the wall clock and the call clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from voice_agent.call.emotion_events import (
    CompoundEmotion,
    EmotionMeasured,
    EmpathyClassified,
    RiskScored,
    VoiceContextApplied,
)
from voice_agent.call.event_base import CallEventBase
from voice_agent.call.operator_events import (
    EscalationCompleted,
    EscalationConnected,
    EscalationHandedBack,
    EscalationRequested,
    Guidance,
    OperatorInvited,
    OperatorJoined,
    OperatorLeft,
    OperatorModeSwitched,
)


class SessionStart(CallEventBase):
    """The phone rings: the call exists, nothing is answered yet."""

    type: Literal["session_start"] = "session_start"
    direction: Literal["inbound", "outbound", "playground", "simulated", "test"] = "inbound"
    caller_id: str | None = None
    called: str | None = None
    service_id: str = ""
    conference: str = ""
    process: str = ""
    """Which process carries the call, in an installation of several."""


class SessionInfo(CallEventBase):
    """A fact about the call worth seeing (prewarm finished, degraded mode, overload ...)."""

    type: Literal["session_info"] = "session_info"
    name: str
    detail: dict[str, Any] = Field(default_factory=dict)


class SessionEnd(CallEventBase):
    """The call is over."""

    type: Literal["session_end"] = "session_end"
    completion_reason: str
    duration_seconds: float


class ParticipantJoined(CallEventBase):
    """A leg came into the conference."""

    type: Literal["participant_joined"] = "participant_joined"
    conference_sid: str = ""
    participant_id: str
    participant_role: Literal["caller", "agent", "operator"]
    display_name: str = ""
    phone_number: str | None = None
    operator_entity_id: str | None = None


class ParticipantLeft(CallEventBase):
    """A leg left the conference."""

    type: Literal["participant_left"] = "participant_left"
    conference_sid: str = ""
    participant_id: str
    participant_role: Literal["caller", "agent", "operator"]
    reason: str = ""


class MediaAttached(CallEventBase):
    """Audio of a leg began to flow."""

    type: Literal["media_attached"] = "media_attached"
    leg: Literal["caller", "agent", "operator"]
    generation: int = 1


class MediaDetached(CallEventBase):
    """Audio of a leg stopped."""

    type: Literal["media_detached"] = "media_detached"
    leg: Literal["caller", "agent", "operator"]
    generation: int = 1
    reason: str = ""


class SpeakerMuted(CallEventBase):
    """The agent's voice was suppressed or freed."""

    type: Literal["speaker_muted"] = "speaker_muted"
    muted: bool


class SpeechStarted(CallEventBase):
    """Voice activity began on a leg."""

    type: Literal["speech_started"] = "speech_started"
    leg: Literal["caller", "operator"] = "caller"


class SpeechStopped(CallEventBase):
    """Voice activity ended on a leg. ``t`` is when it was noticed, ``speech_end`` when the voice stopped."""

    type: Literal["speech_stopped"] = "speech_stopped"
    leg: Literal["caller", "operator"] = "caller"
    speech_end: float = 0.0


class UserTranscript(CallEventBase):
    """What the caller (or an operator) said. Partials have ``final=False``."""

    type: Literal["user_transcript"] = "user_transcript"
    transcript: str
    final: bool = True
    confidence: float = 0.0
    accepted: bool = True
    speaker_role: Literal["caller", "operator"] = "caller"
    speaker_id: str = ""
    """Which operator, "" for the caller."""
    start: float = 0.0
    end: float = 0.0
    turn_index: int = 0
    is_barge_in: bool = False
    is_backchannel: bool = False
    via: Literal["speech", "keypad", "text"] = "speech"
    stt: str = ""
    stt_ms: float = 0.0


class AgentTranscriptDelta(CallEventBase):
    """A sentence is about to be spoken."""

    type: Literal["agent_transcript_delta"] = "agent_transcript_delta"
    utterance_id: str
    text: str
    kind: str = "reply"


class AgentTranscript(CallEventBase):
    """What became of a sentence: what the caller heard of it, and what not."""

    type: Literal["agent_transcript"] = "agent_transcript"
    utterance_id: str
    text: str
    heard: str
    unheard: str = ""
    kind: str = "reply"
    start: float = 0.0
    end: float = 0.0
    interrupted: bool = False
    turn_index: int = 0


class BargeIn(CallEventBase):
    """The caller interrupted the agent. ``stop_ms``: voice onset to the last frame sent."""

    type: Literal["barge_in"] = "barge_in"
    interrupted_text: str
    discarded_texts: list[str] = Field(default_factory=list)
    interrupted_speaker_id: str = "agent"
    interrupting_speaker_id: str = "caller"
    total_barge_ins: int = 1
    stop_ms: float = 0.0


class TurnCompleted(CallEventBase):
    """The caller's turn was taken as finished. ``reason``: complete_answer, smart_turn, timeout, keypad."""

    type: Literal["turn_completed"] = "turn_completed"
    turn_index: int
    reason: str
    eot_confidence: float | None = None
    speech_end: float = 0.0


class Latency(CallEventBase):
    """The published latencies of one agent turn, in ms; ``e2e_ttfb_ms`` is caller's last voice to first
    agent audio."""

    type: Literal["latency"] = "latency"
    turn_index: int = 0
    engine_ms: float = 0.0
    nav_ms: float = 0.0
    render_ms: float = 0.0
    audio_ttfb_ms: float = 0.0
    e2e_ttfb_ms: float = 0.0
    is_greeting: bool = False
    continuation: bool = False


class NavTiming(CallEventBase):
    """How the reasoner spent its time."""

    type: Literal["nav_timing"] = "nav_timing"
    nav_ms: float
    render_ms: float
    total_ms: float
    model: str
    state: str
    selected_action: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    retry_attempts: int = 0
    used_fallback: bool = False


class StateTransition(CallEventBase):
    """The context graph moved."""

    type: Literal["state_transition"] = "state_transition"
    from_state: str
    to_state: str
    transition_type: str = "exit_condition"
    annotation: str = ""


class InnerThought(CallEventBase):
    """A thought that is kept and never spoken."""

    type: Literal["inner_thought"] = "inner_thought"
    text: str


class ToolCallStarted(CallEventBase):
    """A tool was called."""

    type: Literal["tool_call_started"] = "tool_call_started"
    call_id: str
    tool_name: str
    input: dict[str, Any] = Field(default_factory=dict)


class ToolCallCompleted(CallEventBase):
    """A tool came back."""

    type: Literal["tool_call_completed"] = "tool_call_completed"
    call_id: str
    tool_name: str
    output: Any = None
    succeeded: bool
    duration_ms: float
    error_message: str = ""


class ConceptMatch(BaseModel):
    """Something that was listened for and found; ``similarity`` and ``agent_confidence`` are 0..1."""

    model_config = ConfigDict(frozen=True)

    concept: str
    similarity: float
    agent_action: str
    agent_confidence: float
    agent_reasoning: str
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class Safety(CallEventBase):
    """A turn of the caller gave cause for concern (published fields of ``SafetyState``).

    ``concern_level`` is this turn's, 0..3; ``triage_history`` the levels of the newest turns, oldest first;
    ``elapsed_ms`` what the judgement took; ``final`` False: found before the caller had finished.
    """

    type: Literal["safety"] = "safety"
    concept_matches: list[ConceptMatch]
    concern_level: int
    concern_turn_count: int = 0
    peak_concern_level: int = 0
    trajectory: str = "steady"
    triage_history: list[int] = Field(default_factory=list)
    elapsed_ms: float = 0.0
    final: bool = True


class SilenceCheck(CallEventBase):
    """Nobody spoke for too long."""

    type: Literal["silence_check"] = "silence_check"
    seconds: float
    count: int


class Degraded(CallEventBase):
    """A part failed and the call went down one rung (``part``: stt, tts, llm, agent_leg, tap, recorder,
    ...)."""

    type: Literal["degraded"] = "degraded"
    part: str
    rung: str
    reason: str = ""


class ForwardCallResolved(CallEventBase):
    """Where a transfer went. ``result``: ``forwarded``, ``failed`` (``error`` says why), ``withdrawn`` (the
    caller spoke before it happened)."""

    type: Literal["forward_call_resolved"] = "forward_call_resolved"
    location_name: str = ""
    target_number: str = ""
    result: str
    error: str = ""
    should_disconnect: bool = True
    warm_transfer: bool = False


CallEvent = Annotated[
    SessionStart
    | SessionInfo
    | SessionEnd
    | ParticipantJoined
    | ParticipantLeft
    | MediaAttached
    | MediaDetached
    | SpeakerMuted
    | SpeechStarted
    | SpeechStopped
    | UserTranscript
    | AgentTranscriptDelta
    | AgentTranscript
    | BargeIn
    | TurnCompleted
    | Latency
    | NavTiming
    | StateTransition
    | InnerThought
    | ToolCallStarted
    | ToolCallCompleted
    | Safety
    | SilenceCheck
    | Degraded
    | EscalationRequested
    | EscalationConnected
    | EscalationHandedBack
    | EscalationCompleted
    | OperatorInvited
    | OperatorJoined
    | OperatorLeft
    | OperatorModeSwitched
    | Guidance
    | EmotionMeasured
    | CompoundEmotion
    | EmpathyClassified
    | VoiceContextApplied
    | RiskScored
    | ForwardCallResolved,
    Field(discriminator="type"),
]

call_event_adapter: TypeAdapter[CallEvent] = TypeAdapter(CallEvent)
"""Parses and prints any event."""
