"""From our records of a call to the published shapes. Pure, but for the length of a call that goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from voice_agent.api.platform.call_models import (
    AuditSummary,
    BargeInEvent,
    CallDetailResponse,
    CallSummary,
    ConceptMatch,
    EscalationState,
    ForwardingDetails,
    HumanSegment,
    Participant,
    SafetyState,
    StateTransition,
    ToolCall,
    Turn,
)
from voice_agent.api.platform.fields import service_uuid, uuid_or_none
from voice_agent.api.platform.vocabulary import (
    SOURCES,
    CallStatus,
    Source,
    completion_reason,
    direction,
)
from voice_agent.call.events import CallEvent, ForwardCallResolved, Safety, UserTranscript
from voice_agent.call.record_fold import CallRecord, TurnRecord
from voice_agent.call.timeline import timeline
from voice_agent.call.timeline_model import TimelineMood
from voice_agent.operators.escalation_records import EscalationRecord
from voice_agent.operators.ports import EscalationStatus

FORWARDED = "forwarded"
"""Result of a transfer that worked."""

GOING_ON = frozenset({"initiated", "ringing", "in-progress"})


def call_summary(call: CallRecord) -> CallSummary:
    """A call as a line of the list."""
    return CallSummary(
        entity_id=call.entity_id,
        call_sid=call.call_sid,
        caller_id=call.caller_id,
        phone_number=call.phone_number,
        direction=direction(call.direction),
        source=Source(call.source) if call.source in SOURCES else None,
        status=CallStatus(call.status),
        completion_reason=completion_reason(call.completion_reason),
        service_id=service_uuid(call.service_id) if call.service_id else None,
        started_at=call.started_at,
        duration_seconds=duration_s(call),
        turns=call.turn_count,
        final_state=call.final_state,
        escalation_status=EscalationStatus(call.escalation_status),
        has_recording=call.has_recording,
    )


def call_detail(
    call: CallRecord,
    turns: Sequence[TurnRecord],
    events: Sequence[CallEvent],
    escalation: EscalationRecord | None,
    *,
    workspace_id: UUID,
    recording_path: str | None,
) -> CallDetailResponse:
    """A call with everything in it."""
    segments = human_segments(call, events)
    line = timeline(events) if events else None
    felt = {mood.turn_index: mood for mood in line.moods} if line else {}
    safety = _safety(events)
    return CallDetailResponse(
        id=call.entity_id,
        workspace_id=workspace_id,
        call_sid=call.call_sid,
        caller_id=call.caller_id,
        phone_number=call.phone_number,
        direction=direction(call.direction),
        source=call.source,
        status=call.status,
        completion_reason=completion_reason(call.completion_reason),
        service_id=service_uuid(call.service_id) if call.service_id else None,
        conference_sid=call.conference_sid,
        call_start_time=call.started_at,
        media_start_time=call.media_start_time,
        call_end_time=call.ended_at,
        call_duration_seconds=duration_s(call),
        final_state=call.final_state,
        states_visited=call.states_visited,
        participants=[_participant(leg) for leg in call.participants],
        barge_in_events=[_barge_in(event) for event in call.barge_in_events],
        human_segments=segments,
        turns=[_turn(call.call_sid, turn, felt.get(turn.turn_index)) for turn in turns],
        timeline=line,
        escalation=escalation_state(escalation, len(segments)) if escalation else None,
        forwarding=_forwarding(events),
        safety=safety,
        safety_summary={"match_count": len(safety.concept_matches)} if safety is not None else None,
        audit=_audit(events),
        has_recording=call.has_recording,
        recording_path=recording_path,
    )


def duration_s(call: CallRecord) -> float:
    """Length of a call in seconds; of one that goes on, so far."""
    if call.ended_at is not None:
        return call.duration_seconds
    now = datetime.now(UTC) if call.status in GOING_ON else call.last_event_at
    return max(0.0, (now - (call.media_start_time or call.started_at)).total_seconds())


def human_segments(call: CallRecord, events: Sequence[CallEvent]) -> list[HumanSegment]:
    """What operators said."""
    return [
        HumanSegment(
            speaker_role=event.speaker_role,
            transcript=event.transcript,
            timestamp=said_at(call, event),
        )
        for event in events
        if isinstance(event, UserTranscript) and event.final and event.speaker_role == "operator"
    ]


def said_at(call: CallRecord, event: UserTranscript) -> datetime:
    """When an utterance began: the call's clock starts with the caller's audio."""
    if call.media_start_time is None:
        return event.at
    return call.media_start_time + timedelta(seconds=event.start)


def escalation_state(record: EscalationRecord, human_turns: int | None) -> EscalationState:
    """An escalation in the published shape."""
    escalation, context = record.escalation, record.context
    return EscalationState(
        status=escalation.status,
        escalation_id=escalation.escalation_id,
        trigger=escalation.trigger,
        trigger_source=context.trigger_source,
        concept=context.concept,
        similarity=context.similarity,
        agent_confidence=context.agent_confidence,
        operator_type=context.operator_type,
        operator_entity_id=uuid_or_none(escalation.operator_id),
        regulatory_basis=context.regulatory_basis,
        risk_score=context.risk_score,
        immediate=escalation.hard,
        requested_at=escalation.requested_at,
        connected_at=escalation.connected_at,
        completed_at=escalation.completed_at,
        wait_seconds=record.wait_s,
        handle_time_seconds=record.handle_s,
        human_segment_turn_count=human_turns,
    )


def _turn(call_sid: str, turn: TurnRecord, mood: TimelineMood | None) -> Turn:
    spoken = [
        at
        for at in (
            turn.user_speech_start_ms,
            turn.user_speech_end_ms,
            turn.agent_speech_start_ms,
            turn.agent_speech_end_ms,
        )
        if at is not None
    ]
    same = {name: getattr(turn, name) for name in Turn.model_fields if hasattr(turn, name)}
    return Turn(
        **same
        | {
            "id": uuid5(UUID(int=0), f"{call_sid}:{turn.turn_index}"),
            "audio_window_start_ms": min(spoken, default=None),
            "audio_window_end_ms": max(spoken, default=None),
            "state_transitions": [StateTransition(**move) for move in turn.state_transitions],
            "tool_calls": [_tool(tool) for tool in turn.tool_calls],
        }
        | (_mood(mood) if mood is not None and mood.turn_index else {})
    )


def _mood(mood: TimelineMood) -> dict[str, Any]:
    return {
        "emotion_label": mood.dominant,
        "emotion_valence": mood.valence,
        "compound_emotions": [{"name": name, "score": score} for name, score in mood.compounds.items()],
    }


def _tool(tool: dict[str, Any]) -> ToolCall:
    output = tool["output"]
    return ToolCall(
        tool_name=tool["tool_name"],
        call_id=tool["call_id"],
        input=tool["input"],
        output=output if output is None or isinstance(output, str) else json.dumps(output),
        succeeded=tool["succeeded"] is True,  # one that has not come back has not succeeded
        duration_ms=tool["duration_ms"],
        error_message=tool["error_message"],
    )


def _participant(leg: dict[str, Any]) -> Participant:
    return Participant.model_validate({name: leg.get(name) for name in Participant.model_fields})


def _barge_in(event: dict[str, Any]) -> BargeInEvent:
    return BargeInEvent.model_validate(
        {name: event.get(name) for name in BargeInEvent.model_fields} | {"type": "barge_in"}
    )


def _forwarding(events: Sequence[CallEvent]) -> ForwardingDetails | None:
    for event in reversed(events):
        if isinstance(event, ForwardCallResolved) and event.result == FORWARDED:
            return ForwardingDetails(
                forward_to=event.target_number,
                forwarded_at=event.at,
                should_disconnect=True,
                warm_transfer=False,
            )
    return None


def _safety(events: Sequence[CallEvent]) -> SafetyState | None:
    """What safety rules found, turn by turn; None when they found nothing."""
    found = [event for event in events if isinstance(event, Safety)]
    if not found:
        return None
    return SafetyState(
        concept_matches=[
            ConceptMatch.model_validate(match.model_dump())
            for event in found
            for match in event.concept_matches
        ],
        concern_turn_count=sum(1 for event in found if event.final and event.concern_level),
        peak_concern_level=max(event.concern_level for event in found),
        trajectory=found[-1].trajectory,
        triage_history=[
            {"level": event.concern_level, "at": event.at.isoformat()} for event in found if event.final
        ],
    )


def _audit(events: Sequence[CallEvent]) -> AuditSummary | None:
    if not events:
        return None
    last = events[-1]
    return AuditSummary(
        event_count=len(events),
        latest_event={"event_type": last.type, "at": last.at.isoformat(), "seq": last.seq},
    )
