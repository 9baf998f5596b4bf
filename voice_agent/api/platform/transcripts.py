"""What was said while an operator was on a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import APIRouter, Depends, Request

from voice_agent.access.audit import AuditAction
from voice_agent.access.principal import Principal
from voice_agent.access.roles import Permission
from voice_agent.api.platform.call_shapes import said_at
from voice_agent.api.platform.fields import CallSid, WorkspaceId
from voice_agent.api.platform.operator_models import CallTranscriptResponse, TranscriptSegment
from voice_agent.api.platform.platform import Platform
from voice_agent.call.events import CallEvent, ParticipantJoined, ParticipantLeft, UserTranscript


def transcripts_router(platform: Platform) -> APIRouter:
    """``GET /operators/calls/{call_sid}/transcript``."""
    router = APIRouter(prefix="/v1/{workspace_id}/operators/calls", tags=["Operators"])
    may_read = platform.guard.authorize(Permission.CALLS_READ)

    @router.get("/{call_sid}/transcript", operation_id="get-call-transcript")
    async def transcript(
        workspace_id: WorkspaceId,
        call_sid: CallSid,
        request: Request,
        principal: Principal = Depends(may_read),
    ) -> CallTranscriptResponse:
        """Caller and operators, in the order in which they spoke."""
        call = await platform.call(call_sid)
        escalation = await platform.escalations.of_call(call.call_sid)
        segments = [
            TranscriptSegment(
                speaker_role=said.speaker_role,
                transcript=said.transcript,
                timestamp=said_at(call, said).isoformat(),
                confidence=said.confidence,
                escalation_id=escalation.escalation.escalation_id if escalation else None,
            )
            for said in said_with_operator(await platform.records.events(call.call_sid))
        ]
        await platform.note(
            request,
            principal,
            AuditAction.OPERATOR_VIEWED_TRANSCRIPT,
            operator_id=principal.operator_id,
            call_sid=call.call_sid,
            segments=len(segments),
        )
        return CallTranscriptResponse(
            call_entity_id=call.entity_id,
            call_sid=call.call_sid,
            segments=segments,
            total_segments=len(segments),
        )

    return router


def said_with_operator(events: Sequence[CallEvent]) -> Iterator[UserTranscript]:
    """Final utterances of the caller while an operator was in the conference, and all of operators.

    An operator's last words may be recognized after the leg has gone.
    """
    present: set[str] = set()
    for event in events:
        if isinstance(event, ParticipantJoined) and event.participant_role == "operator":
            present.add(event.participant_id)
        elif isinstance(event, ParticipantLeft):
            present.discard(event.participant_id)
        elif (
            isinstance(event, UserTranscript)
            and event.final
            and event.accepted
            and (present or event.speaker_role == "operator")
        ):
            yield event
