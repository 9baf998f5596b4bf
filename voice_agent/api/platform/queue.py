"""The queue of live calls, most urgent first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from voice_agent.access.roles import Permission
from voice_agent.api.platform.fields import WorkspaceId, service_uuid
from voice_agent.api.platform.platform import Platform
from voice_agent.api.platform.vocabulary import DIRECTIONS, Direction, RiskLevel, e164, risk_level
from voice_agent.operators.queue import PriorityReason, QueuedCall, ranked


class PriorityQueueItem(BaseModel):
    """A live call with its place."""

    call_sid: str
    caller_id: str
    caller_phone: str | None
    entity_name: str | None
    service_id: str
    service_name: Annotated[str, Field(min_length=1, max_length=256)] | None
    direction: Direction
    current_state: str
    turn_count: int
    wait_seconds: float
    started_at: datetime | None
    current_emotion: str | None
    current_valence: float | None
    risk_score: float | None
    risk_level: RiskLevel | None
    escalation_active: bool
    brief_context: str | None
    data_quality_flags: list[Literal["invalid_direction"]]
    priority_score: Annotated[float, Field(ge=0.0, le=1.0)]
    priority_reasons: list[PriorityReason]


class PriorityQueueResponse(BaseModel):
    """All live calls."""

    workspace_id: UUID
    queue: list[PriorityQueueItem]
    total_active: int


def queue_router(platform: Platform) -> APIRouter:
    """``GET /operators/queue``."""
    router = APIRouter(prefix="/v1/{workspace_id}/operators", tags=["Operators"])
    may_read = Depends(platform.guard.authorize(Permission.OPERATORS_READ))

    @router.get("/queue", operation_id="get-operator-queue", dependencies=[may_read])
    async def queue(workspace_id: WorkspaceId) -> PriorityQueueResponse:
        """Live calls by urgency."""
        items = [_shown(item, platform) for item in ranked(platform.live.active(), platform.clock())]
        return PriorityQueueResponse(workspace_id=platform.workspace_id, queue=items, total_active=len(items))

    return router


def _shown(item: QueuedCall, platform: Platform) -> PriorityQueueItem:
    call = item.call
    return PriorityQueueItem(
        call_sid=call.call_sid,
        caller_id=call.caller_phone or "",
        caller_phone=e164(call.caller_phone),
        entity_name=call.caller_name or None,
        service_id=str(service_uuid(call.service_id)) if call.service_id else "",
        service_name=platform.services.get(call.service_id) or None,
        direction=Direction(call.direction) if call.direction in DIRECTIONS else Direction.INBOUND,
        current_state=call.state,
        turn_count=call.turn_count,
        wait_seconds=item.wait_s,
        started_at=call.started_at,
        current_emotion=call.emotion or None,
        current_valence=call.valence,
        risk_score=call.risk_score,
        risk_level=risk_level(call.risk_level, call.risk_score),
        escalation_active=item.escalation_active,
        brief_context=call.brief_context or None,
        data_quality_flags=[] if call.direction in DIRECTIONS else ["invalid_direction"],
        priority_score=item.priority,
        priority_reasons=list(item.reasons),
    )
