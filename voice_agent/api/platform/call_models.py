"""Calls, as published. What this installation does not know of a call is null or empty, never made up."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from voice_agent.api.platform.vocabulary import CallStatus, CompletionReason, Direction, Source
from voice_agent.call.timeline_model import PlaybackTimeline
from voice_agent.operators.ports import EscalationStatus


class CallSummary(BaseModel):
    """One line of the list of calls."""

    entity_id: UUID
    call_sid: str | None
    caller_id: str | None
    phone_number: str | None
    direction: Direction | None
    source: Source | None
    status: CallStatus | None
    completion_reason: CompletionReason | None
    service_id: UUID | None
    started_at: datetime | None
    duration_seconds: float | None
    turns: int | None
    final_state: str | None
    escalation_status: EscalationStatus | None
    has_recording: bool | None
    quality_score: float | None = None
    parent_session_id: str | None = None
    run_id: str | None = None
    fork_turn_index: int | None = None


class CallListResponse(BaseModel):
    """A page of calls. ``continuation_token`` is the offset of the next page."""

    items: list[CallSummary]
    total: int
    has_more: bool
    continuation_token: int | None


class Participant(BaseModel):
    """A leg of the conference."""

    participant_id: str
    role: Literal["caller", "agent", "operator"]
    display_name: str | None
    phone_number: str | None
    joined_at: datetime
    left_at: datetime | None


class BargeInEvent(BaseModel):
    """The caller interrupted."""

    type: Literal["barge_in"] = "barge_in"
    interrupted_text: str | None
    discarded_texts: list[str] | None
    interrupted_speaker_id: str | None
    interrupting_speaker_id: str | None
    total_barge_ins: int | None


class StateTransition(BaseModel):
    """The context graph moved."""

    from_state: str
    to_state: str
    previous_state: str
    next_state: str
    type: str | None
    annotation: str | None


class ToolCall(BaseModel):
    """A tool was called."""

    tool_name: str
    call_id: str | None
    input: dict[str, Any] | None
    output: str | None
    succeeded: bool
    duration_ms: float | None
    error_message: str | None
    integration_name: str | None = None
    endpoint_name: str | None = None
    protocol: str | None = None


class Turn(BaseModel):
    """What the caller said and what the agent answered."""

    id: UUID
    timestamp: datetime | None
    user_transcript: str | None
    agent_transcript: str | None
    user_speech_start_ms: float | None
    user_speech_end_ms: float | None
    agent_speech_start_ms: float | None
    agent_speech_end_ms: float | None
    audio_window_start_ms: float | None
    audio_window_end_ms: float | None
    audio_ttfb_ms: float | None
    engine_ms: float | None
    nav_ms: float | None
    render_ms: float | None
    stt_confidence: float | None
    eot_confidence: float | None
    emotion_label: str | None = None
    emotion_valence: float | None = None
    compound_emotions: list[dict[str, Any]] | None = None
    filler_type: str | None
    interrupted: bool
    state: str
    trigger: str
    agent_action: str | None
    inner_thoughts: list[str]
    state_transitions: list[StateTransition]
    tool_calls: list[ToolCall]
    speaker_id: str | None
    speaker_role: str | None


class EscalationState(BaseModel):
    """The newest escalation of the call."""

    status: EscalationStatus
    escalation_id: str | None
    trigger: str | None
    trigger_source: str | None
    concept: str | None
    similarity: float | None
    agent_confidence: float | None
    operator_type: str | None
    operator_entity_id: UUID | None
    regulatory_basis: str | None
    risk_score: float | None
    immediate: bool
    requested_at: datetime | None
    connected_at: datetime | None
    completed_at: datetime | None
    wait_seconds: float | None
    handle_time_seconds: float | None
    human_segment_turn_count: int | None


class ForwardingDetails(BaseModel):
    """Where the call was passed on to."""

    forward_to: str
    forwarded_at: datetime | None
    should_disconnect: bool
    warm_transfer: bool


class HumanSegment(BaseModel):
    """Something an operator said."""

    speaker_role: str
    transcript: str
    timestamp: datetime | None


class AuditSummary(BaseModel):
    """How much happened in the call."""

    event_count: int
    latest_event: dict[str, Any] | None


class ConceptMatch(BaseModel):
    """Something that was listened for and found in a turn."""

    concept: str
    similarity: float
    agent_action: str | None = None
    agent_confidence: float | None = None
    agent_reasoning: str | None = None
    at: datetime | None = None


class SafetyState(BaseModel):
    """What safety rules made of a call."""

    concept_matches: list[ConceptMatch] = []
    concern_turn_count: int = 0
    peak_concern_level: int = 0
    trajectory: str | None = None
    triage_history: list[dict[str, Any]] = []


class CallDetailResponse(BaseModel):
    """Everything that is known of a call."""

    id: UUID
    workspace_id: UUID | None
    call_sid: str | None
    caller_id: str | None
    phone_number: str | None
    direction: Direction | None
    source: str | None
    status: str
    completion_reason: CompletionReason | None
    service_id: UUID | None
    conference_sid: str | None
    call_start_time: datetime | None
    media_start_time: datetime | None
    call_end_time: datetime | None
    call_duration_seconds: float
    final_state: str | None
    states_visited: list[str]
    participants: list[Participant]
    barge_in_events: list[BargeInEvent]
    human_segments: list[HumanSegment]
    turns: list[Turn]
    timeline: PlaybackTimeline | None
    escalation: EscalationState | None
    forwarding: ForwardingDetails | None
    audit: AuditSummary | None
    has_recording: bool
    recording_path: str | None
    triggered_behaviors: list[str] = []
    config: None = None
    conversation_summary: dict[str, Any] | None = None
    emotional_summary: None = None
    safety: SafetyState | None = None
    safety_summary: dict[str, Any] | None = None
    call_analysis: None = None
    quality_score: float | None = None
    score: float | None = None
    score_rationale: str | None = None
    error: str | None = None
    verified_transcript: str | None = None
    verified_words: list[dict[str, Any]] | None = None
    transcript_accuracy: float | None = None
    per_turn_accuracy: list[float | None] | None = None
    run_id: str | None = None
    parent_session_id: str | None = None
    fork_turn_index: int | None = None
    twilio_recording_sid: str | None = None
    twilio_recording_duration: float | None = None
