"""Folds the events of one call, in order, into what is shown of it afterwards: the call and its turns.

Pure: no clock, no database. The same events always give the same rows, so that a row can be made again after
a crash, and an event that arrives twice changes nothing.

A turn's number comes with the events that have one. Tools, thoughts and moves of the graph carry none: they
belong to the turn that was completed last (0, the greeting, before the first).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from voice_agent.call.events import (
    AgentTranscript,
    BargeIn,
    CallEvent,
    Degraded,
    ForwardCallResolved,
    InnerThought,
    Latency,
    MediaAttached,
    NavTiming,
    ParticipantJoined,
    ParticipantLeft,
    SessionEnd,
    SessionInfo,
    SessionStart,
    StateTransition,
    ToolCallCompleted,
    ToolCallStarted,
    TurnCompleted,
    UserTranscript,
)
from voice_agent.call.operator_events import EscalationEvent

RECORDING_AVAILABLE = "recording_available"
"""Name of the ``session_info`` event that announces a recording; its detail is the recording's metadata."""

STATUS_AT_END = {"no_answer": "no-answer", "cancelled": "canceled", "error": "failed"}
"""Completion reasons of calls whose status is not ``completed``."""

SOURCES = {"playground": "playground", "simulated": "simulated", "test": "simulated"}
"""Sources of directions that are not real calls."""


@dataclass
class TurnRecord:
    """One exchange, in the published fields of ``Turn``. Times in ms count from the caller's first audio."""

    turn_index: int
    timestamp: datetime | None = None
    user_transcript: str | None = None
    agent_transcript: str | None = None
    agent_unheard: str | None = None
    user_speech_start_ms: float | None = None
    user_speech_end_ms: float | None = None
    agent_speech_start_ms: float | None = None
    agent_speech_end_ms: float | None = None
    audio_ttfb_ms: float | None = None
    engine_ms: float | None = None
    nav_ms: float | None = None
    render_ms: float | None = None
    e2e_ttfb_ms: float | None = None
    stt_confidence: float | None = None
    eot_confidence: float | None = None
    filler_type: str | None = None
    interrupted: bool = False
    state: str = ""
    trigger: str = ""
    agent_action: str | None = None
    inner_thoughts: list[str] = field(default_factory=list)
    state_transitions: list[dict[str, Any]] = field(default_factory=list)
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    speaker_id: str | None = None
    speaker_role: str | None = None


@dataclass
class CallRecord:
    """One call, in the published fields of ``CallSummary`` and ``CallDetailResponse``."""

    call_sid: str
    entity_id: UUID
    started_at: datetime
    last_event_at: datetime
    status: str = "initiated"
    direction: str = "inbound"
    source: str = "real"
    caller_id: str | None = None
    phone_number: str | None = None
    service_id: str | None = None
    conference_sid: str | None = None
    media_start_time: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float = 0.0
    completion_reason: str | None = None
    escalation_status: str = "none"
    final_state: str | None = None
    states_visited: list[str] = field(default_factory=list)
    participants: list[dict[str, Any]] = field(default_factory=list)
    barge_in_events: list[dict[str, Any]] = field(default_factory=list)
    degraded: list[dict[str, Any]] = field(default_factory=list)
    turn_count: int = 0
    avg_perceived_latency_ms: float | None = None
    has_recording: bool = False
    last_seq: int = 0


class CallFold:
    """The call and its turns, as of the last event applied."""

    def __init__(self, first: CallEvent) -> None:
        """``first``: the earliest event at hand; it is not applied yet."""
        self.call = CallRecord(
            call_sid=first.call_sid,
            entity_id=uuid5(NAMESPACE_OID, first.call_sid),
            started_at=first.at,
            last_event_at=first.at,
        )
        self.turns: dict[int, TurnRecord] = {}
        self.recording: dict[str, Any] | None = None
        self._turn = 0
        self._latencies: list[float] = []

    @property
    def ended(self) -> bool:
        """True once the call's end was folded in."""
        return self.call.completion_reason is not None

    def apply(self, events: Iterable[CallEvent]) -> set[int]:
        """Fold ``events`` in and return the turns that changed. Events seen before are passed over."""
        changed: set[int] = set()
        for event in events:
            if event.seq > self.call.last_seq:
                self.call.last_seq = event.seq
                self.call.last_event_at = max(self.call.last_event_at, event.at)
                self._fold_call(event)
                changed.update(self._fold_turn(event))
        self.call.turn_count = sum(1 for turn in self.turns.values() if turn.user_transcript is not None)
        return changed

    def _fold_call(self, event: CallEvent) -> None:
        call = self.call
        match event:
            case SessionStart():
                call.status = "ringing"
                call.started_at = event.at
                call.direction = event.direction
                call.source = SOURCES.get(event.direction, "real")
                call.caller_id, call.phone_number = event.caller_id, event.called
                call.service_id = event.service_id or None
                call.conference_sid = event.conference or None
            case MediaAttached(leg="caller"):
                call.status = "in-progress" if not self.ended else call.status
                # The clock of a call starts with the caller's audio: t = 0 is that instant.
                call.media_start_time = call.media_start_time or event.at - timedelta(seconds=event.t)
            case ParticipantJoined():
                if event.participant_role == "caller" and not self.ended:
                    call.status = "in-progress"
                call.conference_sid = event.conference_sid or call.conference_sid
                call.participants.append(
                    {
                        "participant_id": event.participant_id,
                        "role": event.participant_role,
                        "display_name": event.display_name or None,
                        "phone_number": event.phone_number,
                        "joined_at": event.at.isoformat(),
                        "left_at": None,
                    }
                )
            case ParticipantLeft():
                for participant in call.participants:
                    if participant["participant_id"] == event.participant_id and not participant["left_at"]:
                        participant["left_at"] = event.at.isoformat()
            case StateTransition():
                call.final_state = event.to_state
                call.states_visited.append(event.to_state)
            case BargeIn():
                call.barge_in_events.append(
                    event.model_dump(mode="json", exclude={"call_sid", "seq", "at"}) | {"t": event.t}
                )
            case Degraded():
                call.degraded.append(event.model_dump(mode="json", include={"part", "rung", "reason", "t"}))
            case EscalationEvent():
                call.escalation_status = event.status
            case Latency(is_greeting=False, continuation=False) if event.e2e_ttfb_ms > 0:
                self._latencies.append(event.e2e_ttfb_ms)
                call.avg_perceived_latency_ms = sum(self._latencies) / len(self._latencies)
            case SessionInfo(name=name) if name == RECORDING_AVAILABLE:
                call.has_recording = True
                self.recording = event.detail
            case SessionEnd():
                call.ended_at = event.at
                call.duration_seconds = event.duration_seconds
                call.completion_reason = event.completion_reason
                call.status = STATUS_AT_END.get(event.completion_reason, "completed")
            case _:
                pass

    def _fold_turn(self, event: CallEvent) -> set[int]:
        match event:
            case UserTranscript(final=True, accepted=True):
                turn = self._at(event.turn_index, event)
                if event.speaker_role == "operator":
                    _answer_as_operator(turn, event)
                else:
                    _say(turn, event)
            case TurnCompleted():
                self._turn = event.turn_index
                turn = self._at(event.turn_index, event)
                turn.trigger = event.reason
                turn.eot_confidence = event.eot_confidence
            case AgentTranscript():
                turn = self._at(event.turn_index, event)
                _answer(turn, event)
            case Latency():
                turn = self._at(event.turn_index, event)
                if turn.audio_ttfb_ms is None or not event.continuation:
                    turn.audio_ttfb_ms, turn.engine_ms = event.audio_ttfb_ms, event.engine_ms
                    turn.nav_ms, turn.render_ms = event.nav_ms, event.render_ms
                    turn.e2e_ttfb_ms = event.e2e_ttfb_ms
            case NavTiming():
                turn = self._at(self._turn, event)
                turn.agent_action = event.selected_action or turn.agent_action
            case StateTransition():
                turn = self._at(self._turn, event)
                turn.state = event.to_state
                turn.state_transitions.append(
                    {
                        "from_state": event.from_state,
                        "to_state": event.to_state,
                        "previous_state": event.from_state,
                        "next_state": event.to_state,
                        "type": event.transition_type,
                        "annotation": event.annotation or None,
                    }
                )
            case InnerThought():
                turn = self._at(self._turn, event)
                turn.inner_thoughts.append(event.text)
            case ToolCallStarted():
                turn = self._at(self._turn, event)
                turn.tool_calls.append(_tool(event.call_id, event.tool_name) | {"input": event.input})
            case ToolCallCompleted():
                turn = self._complete_tool(event)
            case ForwardCallResolved():
                turn = self._at(self._turn, event)
                turn.agent_action = f"forward_call: {event.result}"
            case _:
                return set()
        return {turn.turn_index}

    def _at(self, index: int, event: CallEvent) -> TurnRecord:
        turn = self.turns.get(index)
        if turn is None:
            turn = self.turns[index] = TurnRecord(
                turn_index=index,
                timestamp=event.at,
                state=self.call.final_state or "",
                trigger="greeting" if index == 0 else "",
            )
        return turn

    def _complete_tool(self, event: ToolCallCompleted) -> TurnRecord:
        result = {
            "output": event.output,
            "succeeded": event.succeeded,
            "duration_ms": event.duration_ms,
            "error_message": event.error_message or None,
        }
        for turn in reversed(self.turns.values()):
            for tool in turn.tool_calls:
                if tool["call_id"] == event.call_id:
                    tool.update(result)
                    return turn
        turn = self._at(self._turn, event)
        turn.tool_calls.append(_tool(event.call_id, event.tool_name) | result)
        return turn


def _say(turn: TurnRecord, event: UserTranscript) -> None:
    turn.user_transcript = _joined(turn.user_transcript, event.transcript)
    if event.via == "speech":
        start, end = event.start * 1000, event.end * 1000
        turn.user_speech_start_ms = (
            start if turn.user_speech_start_ms is None else min(start, turn.user_speech_start_ms)
        )
        turn.user_speech_end_ms = max(end, turn.user_speech_end_ms or end)
        turn.stt_confidence = (
            event.confidence if turn.stt_confidence is None else min(event.confidence, turn.stt_confidence)
        )
    turn.speaker_role = turn.speaker_id = event.speaker_role


def _answer_as_operator(turn: TurnRecord, event: UserTranscript) -> None:
    """A person spoke for the practice in this turn: the agent's side is theirs, and says so."""
    turn.agent_transcript = _joined(turn.agent_transcript, event.transcript)
    turn.agent_action = "operator"
    turn.speaker_role, turn.speaker_id = "operator", event.speaker_id or "operator"
    start, end = event.start * 1000, event.end * 1000
    turn.agent_speech_start_ms = (
        start if turn.agent_speech_start_ms is None else min(start, turn.agent_speech_start_ms)
    )
    turn.agent_speech_end_ms = max(end, turn.agent_speech_end_ms or end)


def _answer(turn: TurnRecord, event: AgentTranscript) -> None:
    turn.agent_transcript = _joined(turn.agent_transcript, event.heard)
    turn.agent_unheard = _joined(turn.agent_unheard, event.unheard)
    turn.interrupted = turn.interrupted or event.interrupted
    if event.kind in ("filler", "progress"):
        turn.filler_type = turn.filler_type or event.kind
    if event.heard:
        start, end = event.start * 1000, event.end * 1000
        turn.agent_speech_start_ms = (
            start if turn.agent_speech_start_ms is None else min(start, turn.agent_speech_start_ms)
        )
        turn.agent_speech_end_ms = max(end, turn.agent_speech_end_ms or end)


def _joined(before: str | None, more: str) -> str | None:
    return " ".join(part for part in (before, more) if part) or before


def _tool(call_id: str, name: str) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "tool_name": name,
        "input": None,
        "output": None,
        "succeeded": None,
        "duration_ms": None,
        "error_message": None,
    }


def row_of(record: CallRecord | TurnRecord) -> dict[str, Any]:
    """A record as the values of its table's row. Lists are shared, not copied: for use at once."""
    return dict(vars(record))
