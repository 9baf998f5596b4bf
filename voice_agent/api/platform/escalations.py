"""Escalations: what is open, what happened, how many, how long."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from voice_agent.access.roles import Permission
from voice_agent.api.platform.fields import DEFAULT_LIMIT, Limit, Token, WorkspaceId, uuid_or_none
from voice_agent.api.platform.operators import active_calls
from voice_agent.api.platform.pagination import PaginatedResponse
from voice_agent.api.platform.platform import Platform
from voice_agent.api.platform.vocabulary import Direction, direction
from voice_agent.call.record_fold import entity_of
from voice_agent.operators.escalation_figures import (
    GroupBy,
    Period,
    counted,
    day_figures,
    since,
)
from voice_agent.operators.escalation_records import EscalationRecord, EscalationStep
from voice_agent.operators.ports import EscalationStatus
from voice_agent.operators.roster import OperatorStatus, OperatorType

DASHBOARD_ESCALATIONS = 10

TYPES = frozenset(OperatorType)


class EscalationEventResponse(BaseModel):
    """A step in the life of an escalation."""

    id: UUID
    workspace_id: UUID
    event_type: str
    source: str
    confidence: float
    data: dict[str, Any]
    created_at: datetime | None
    ingested_at: datetime | None


class ActiveEscalationItem(BaseModel):
    """A call on which a person is wanted, or is."""

    call_entity_id: UUID
    call_sid: str | None
    escalation_id: str | None
    status: EscalationStatus
    trigger: str | None
    trigger_source: str | None
    concept: str | None
    immediate: bool
    operator_type: OperatorType | None
    operator_entity_id: UUID | None
    regulatory_basis: str | None
    risk_score: float | None
    requested_at: str | None
    connected_at: str | None
    wait_seconds: float | None
    caller_id: str | None
    phone_number: str | None
    direction: Direction | None
    started_at: str | None


class EscalationStatsBucket(BaseModel):
    """How many of one kind."""

    key: str
    count: int


class EscalationStatsResponse(BaseModel):
    """Counts over a period."""

    workspace_id: UUID
    period: Period
    group_by: GroupBy
    total: int
    buckets: list[EscalationStatsBucket]


class EscalationDailyStats(BaseModel):
    """Today so far."""

    requested: int
    connected: int
    completed: int
    avg_wait_seconds: float | None
    avg_handle_time_seconds: float | None


class OperatorStatusCounts(BaseModel):
    """How many operators are where."""

    online: int
    busy: int
    offline: int
    total: int


class DashboardResponse(BaseModel):
    """Everything at a glance."""

    workspace_id: UUID
    operators: OperatorStatusCounts
    active_escalations: int
    escalations_today: EscalationDailyStats
    recent_escalations: list[ActiveEscalationItem]


def escalations_router(platform: Platform) -> APIRouter:
    """Operations of the tag Operators that concern escalations."""
    may_read = Depends(platform.guard.authorize(Permission.OPERATORS_READ))
    router = APIRouter(prefix="/v1/{workspace_id}/operators", tags=["Operators"], dependencies=[may_read])

    @router.get("/dashboard", operation_id="operator-dashboard")
    async def dashboard(workspace_id: WorkspaceId) -> DashboardResponse:
        """Who is there, what is open, how today goes."""
        return await _dashboard(platform)

    @router.get("/escalations", operation_id="list-escalations")
    async def escalations(
        workspace_id: WorkspaceId, limit: Limit = DEFAULT_LIMIT, continuation_token: Token = 0
    ) -> PaginatedResponse[EscalationEventResponse]:
        """Everything that happened to escalations, newest first."""
        page = await platform.escalations.steps(limit=limit, continuation_token=continuation_token)
        return PaginatedResponse(
            items=[_step(step, platform.workspace_id) for step in page.items],
            has_more=page.continuation_token is not None,
            continuation_token=page.continuation_token,
            total=page.total,
        )

    @router.get("/escalations/active", operation_id="list-active-escalations")
    async def active(
        workspace_id: WorkspaceId, limit: Limit = DEFAULT_LIMIT, continuation_token: Token = 0
    ) -> PaginatedResponse[ActiveEscalationItem]:
        """Escalations that wait for a person or have one, longest waiting first."""
        page = await platform.escalations.active(limit=limit, continuation_token=continuation_token)
        now = platform.clock()
        return PaginatedResponse(
            items=[_item(record, now) for record in page.items],
            has_more=page.continuation_token is not None,
            continuation_token=page.continuation_token,
            total=page.total,
        )

    @router.get("/escalations/stats", operation_id="escalation-stats")
    async def stats(
        workspace_id: WorkspaceId,
        period: Annotated[Period, Query()] = Period.DAY,
        group_by: Annotated[GroupBy, Query()] = GroupBy.STATUS,
    ) -> EscalationStatsResponse:
        """How many in the last day, week (7 days) or month (30 days)."""
        records = await platform.escalations.requested_since(since(period, platform.clock()))
        return EscalationStatsResponse(
            workspace_id=platform.workspace_id,
            period=period,
            group_by=group_by,
            total=len(records),
            buckets=[EscalationStatsBucket(key=key, count=n) for key, n in counted(records, group_by)],
        )

    return router


async def _dashboard(platform: Platform) -> DashboardResponse:
    now = platform.clock()
    midnight = now.astimezone(platform.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    today = day_figures(await platform.escalations.requested_since(midnight))
    active = await platform.escalations.active(limit=DASHBOARD_ESCALATIONS)
    on_calls = active_calls(platform)
    states = [
        OperatorStatus.BUSY if str(operator.id) in on_calls else operator.status
        for operator in await platform.roster.everybody()
    ]
    return DashboardResponse(
        workspace_id=platform.workspace_id,
        operators=OperatorStatusCounts(
            online=states.count(OperatorStatus.ONLINE),
            busy=states.count(OperatorStatus.BUSY),
            offline=states.count(OperatorStatus.OFFLINE),
            total=len(states),
        ),
        active_escalations=active.total,
        escalations_today=EscalationDailyStats(
            requested=today.requested,
            connected=today.connected,
            completed=today.completed,
            avg_wait_seconds=today.avg_wait_s,
            avg_handle_time_seconds=today.avg_handle_s,
        ),
        recent_escalations=[_item(record, now) for record in active.items],
    )


def _step(step: EscalationStep, workspace_id: UUID) -> EscalationEventResponse:
    return EscalationEventResponse(
        id=step.event_id,
        workspace_id=workspace_id,
        event_type=step.event_type,
        source=str(step.data.get("trigger_source") or "voice_agent"),
        confidence=1.0,  # the steps are our own deeds, not observations
        data=step.data,
        created_at=step.at,
        ingested_at=step.ingested_at,
    )


def _item(record: EscalationRecord, now: datetime) -> ActiveEscalationItem:
    escalation, context = record.escalation, record.context
    waited = record.wait_s
    if waited is None:
        waited = max(0.0, (now - escalation.requested_at).total_seconds())
    kind = context.operator_type
    return ActiveEscalationItem(
        call_entity_id=entity_of(record.call_sid),
        call_sid=record.call_sid,
        escalation_id=escalation.escalation_id,
        status=escalation.status,
        trigger=escalation.trigger,
        trigger_source=context.trigger_source,
        concept=context.concept,
        immediate=escalation.hard,
        operator_type=OperatorType(kind) if kind in TYPES else None,
        operator_entity_id=uuid_or_none(escalation.operator_id),
        regulatory_basis=context.regulatory_basis,
        risk_score=context.risk_score,
        requested_at=escalation.requested_at.isoformat(),
        connected_at=escalation.connected_at.isoformat() if escalation.connected_at else None,
        wait_seconds=waited,
        caller_id=context.caller_id,
        phone_number=context.phone_number,
        direction=direction(context.direction),
        started_at=context.started_at.isoformat() if context.started_at else None,
    )
