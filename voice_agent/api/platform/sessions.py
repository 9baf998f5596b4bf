"""Live sessions: which there are, and facts or instructions for them from outside."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, Field

from voice_agent.access.audit import AuditAction
from voice_agent.access.limits import Rate
from voice_agent.access.principal import Principal
from voice_agent.access.roles import Permission
from voice_agent.api.platform.fields import CallSid, PhoneE164, Text, WorkspaceId, service_uuid
from voice_agent.api.platform.outbound_models import CanonicalId
from voice_agent.api.platform.platform import Platform
from voice_agent.operators.ports import DeliveryStatus

Channel = Literal["sms", "whatsapp", "web"]


class ActiveSession(BaseModel):
    """A live call."""

    call_sid: str
    caller_id: str
    direction: str
    service_id: UUID | None
    workspace_id: UUID | None
    current_state: str
    duration_seconds: float
    scenario: str = ""


class InjectRequest(BaseModel):
    """Something the agent is to know, or to do."""

    message: Annotated[Text, Field(min_length=1, max_length=5000)]
    event_type: Literal["external_event", "guidance"] = "external_event"
    sender: Annotated[Text, Field(max_length=200)] = "System"


class InjectResponse(BaseModel):
    """What became of it."""

    call_sid: str
    status: Literal["delivered", "queued_no_subscriber"]


class StartSessionRequest(BaseModel):
    """A text session with somebody."""

    service_id: UUID
    channel_kind: Channel
    entity_id: UUID | None = None
    canonical_id: CanonicalId | None = None
    phone_to: PhoneE164 | None = None
    greeting: Annotated[Text, Field(max_length=2000)] | None = None
    surface_id: UUID | None = None
    idempotency_key: Annotated[Text, Field(max_length=128)] | None = None


class StartSessionResponse(BaseModel):
    """A text session."""

    conversation_id: UUID
    entity_id: UUID
    service_id: UUID
    channel_kind: Channel
    session_status: Literal["created", "resumed", "already_active"]
    phone_from: str | None
    phone_to: str | None
    created_at: str


def sessions_router(platform: Platform) -> APIRouter:
    """Operations of the tag Sessions."""
    router = APIRouter(prefix="/v1/{workspace_id}/sessions", tags=["Sessions"])
    may_read = Depends(platform.guard.authorize(Permission.CALLS_READ))
    may_inject = platform.guard.authorize(Permission.SESSIONS_INJECT, rate=Rate.COMMAND)

    @router.get(
        "/active",
        operation_id="list_active_sessions_v1__workspace_id__sessions_active_get",
        dependencies=[may_read],
    )
    async def active(workspace_id: WorkspaceId) -> list[ActiveSession]:
        """Live calls, oldest first."""
        now = platform.clock()
        return [
            ActiveSession(
                call_sid=call.call_sid,
                caller_id=call.caller_phone or "",
                direction=call.direction,
                service_id=service_uuid(call.service_id) if call.service_id else None,
                workspace_id=platform.workspace_id,
                current_state=call.state,
                duration_seconds=max(0.0, (now - call.started_at).total_seconds()),
            )
            for call in platform.live.active()
        ]

    @router.post(
        "/start",
        status_code=201,
        operation_id="start_text_session_v1__workspace_id__sessions_start_post",
        dependencies=[Depends(may_inject)],
    )
    async def start(workspace_id: WorkspaceId, body: StartSessionRequest) -> StartSessionResponse:
        """Not offered yet: there is no text channel."""
        raise HTTPException(503, "text sessions are not configured in this installation")

    @router.post(
        "/{call_sid}/inject",
        operation_id="inject_session_event_v1__workspace_id__sessions__call_sid__inject_post",
    )
    async def inject(
        workspace_id: WorkspaceId,
        call_sid: CallSid,
        body: InjectRequest,
        request: Request,
        principal: Principal = Depends(may_inject),
    ) -> InjectResponse:
        """Tell the agent of a live call something; it is used in its next reply."""
        status = await platform.live.inject(call_sid, body.message, body.event_type, body.sender)
        await platform.note(
            request,
            principal,
            AuditAction.SESSION_INJECTED,
            call_sid=call_sid,
            event_type=body.event_type,
            characters=len(body.message),
            status=str(status),
        )
        if status is DeliveryStatus.FAILED:
            raise HTTPException(503, f"call {call_sid} could not take the message")
        return InjectResponse(
            call_sid=call_sid,
            status="delivered" if status is DeliveryStatus.DELIVERED else "queued_no_subscriber",
        )

    return router
