"""Calls as the interface shows them: the published field names; what is ours beyond them says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from voice_agent.call.record_fold import CallRecord, TurnRecord
from voice_agent.call.recording_files import STEREO
from voice_agent.call.timeline_model import PlaybackTimeline


class CallSummary(BaseModel):
    """One line of the list of calls (published ``CallSummary``)."""

    entity_id: UUID
    call_sid: str
    caller_id: str | None
    phone_number: str | None
    direction: str
    source: str
    status: str
    completion_reason: str | None
    service_id: str | None
    started_at: datetime
    duration_seconds: float
    """Of a call that has not ended: so far."""
    turns: int
    final_state: str | None
    escalation_status: str
    has_recording: bool


class CallList(BaseModel):
    """A page of calls (published ``CallListResponse``)."""

    items: list[CallSummary]
    total: int
    has_more: bool
    continuation_token: int | None


class ToolCall(BaseModel):
    """A tool that was called in a turn."""

    tool_name: str
    call_id: str | None
    input: dict[str, Any] | None
    output: str | None
    succeeded: bool | None
    duration_ms: float | None
    error_message: str | None


class Turn(BaseModel):
    """What the caller said and what the agent answered (published ``Turn``)."""

    turn_index: int
    timestamp: datetime | None
    user_transcript: str | None
    agent_transcript: str | None
    agent_unheard: str | None
    """Ours: what the caller was not to hear any more."""
    user_speech_start_ms: float | None
    user_speech_end_ms: float | None
    agent_speech_start_ms: float | None
    agent_speech_end_ms: float | None
    audio_ttfb_ms: float | None
    engine_ms: float | None
    nav_ms: float | None
    render_ms: float | None
    e2e_ttfb_ms: float | None
    stt_confidence: float | None
    eot_confidence: float | None
    filler_type: str | None
    interrupted: bool
    state: str
    trigger: str
    agent_action: str | None
    inner_thoughts: list[str]
    state_transitions: list[dict[str, Any]]
    tool_calls: list[ToolCall]
    speaker_id: str | None
    speaker_role: str | None


class CallDetail(BaseModel):
    """Everything that is known of a call (published ``CallDetailResponse``)."""

    id: UUID
    call_sid: str
    caller_id: str | None
    phone_number: str | None
    direction: str
    source: str
    status: str
    completion_reason: str | None
    service_id: str | None
    conference_sid: str | None
    call_start_time: datetime
    media_start_time: datetime | None
    call_end_time: datetime | None
    call_duration_seconds: float
    final_state: str | None
    states_visited: list[str]
    participants: list[dict[str, Any]]
    barge_in_events: list[dict[str, Any]]
    escalation_status: str
    degraded: list[dict[str, Any]]
    """Ours: every rung the call went down."""
    avg_perceived_latency_ms: float | None
    has_recording: bool
    recording_path: str | None
    turns: list[Turn]
    timeline: PlaybackTimeline


class RecordingUrls(BaseModel):
    """Where a recording can be had (published ``RecordingUrlsResponse``, and both tracks in one file)."""

    call_sid: str
    inbound_url: str
    outbound_url: str
    metadata_url: str
    stereo_url: str
    status: str = "available"


def recordings_path(call_sid: str) -> str:
    """Under which path the files of a call's recording are."""
    return f"/api/calls/{call_sid}/recordings"


def call_summary(call: CallRecord) -> CallSummary:
    """A call as a line of the list."""
    values = {name: getattr(call, name) for name in CallSummary.model_fields if hasattr(call, name)}
    return CallSummary(**values | {"turns": call.turn_count, "duration_seconds": _duration(call)})


def call_detail(call: CallRecord, turns: list[TurnRecord], timeline: PlaybackTimeline) -> CallDetail:
    """A call with its turns and timeline."""
    values = {name: getattr(call, name) for name in CallDetail.model_fields if hasattr(call, name)}
    return CallDetail(
        **values
        | {
            "id": call.entity_id,
            "call_start_time": call.started_at,
            "call_end_time": call.ended_at,
            "call_duration_seconds": _duration(call),
            "recording_path": f"{recordings_path(call.call_sid)}/{STEREO}" if call.has_recording else None,
            "turns": [shown_turn(turn) for turn in turns],
            "timeline": timeline,
        }
    )


def shown_turn(turn: TurnRecord) -> Turn:
    """A turn in the published shape."""
    values = {name: getattr(turn, name) for name in Turn.model_fields}
    return Turn(**values | {"tool_calls": [_tool(tool) for tool in turn.tool_calls]})


def _tool(tool: dict[str, Any]) -> ToolCall:
    output = tool["output"]
    if output is not None and not isinstance(output, str):
        output = json.dumps(output)
    return ToolCall(**tool | {"output": output})


def _duration(call: CallRecord) -> float:
    if call.ended_at is not None:
        return call.duration_seconds
    now = datetime.now(UTC) if call.status in ("ringing", "in-progress") else call.last_event_at
    return max(0.0, (now - (call.media_start_time or call.started_at)).total_seconds())
