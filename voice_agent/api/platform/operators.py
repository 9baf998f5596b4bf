"""Operators: the roster, what each has done, and the log of what everybody did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from voice_agent.access.audit import PUBLISHED, AuditAction
from voice_agent.access.principal import Principal
from voice_agent.access.roles import Permission, Role, outranks
from voice_agent.api.platform.fields import DEFAULT_LIMIT, Limit, OperatorId, Token, WorkspaceId
from voice_agent.api.platform.operator_models import (
    AuditEventResponse,
    CreateOperatorRequest,
    OperatorPerformanceItem,
    OperatorResponse,
    PerformanceSummaryResponse,
    UpdateOperatorRequest,
    shown_entry,
    shown_operator,
)
from voice_agent.api.platform.pagination import PaginatedResponse
from voice_agent.api.platform.platform import Platform
from voice_agent.api.platform.problems import Unusable
from voice_agent.operators.roster import Operator, OperatorRole, OperatorStatus, Profile

OWN_FIELDS = frozenset({"status", "connection_method", "phone_number"})
"""What operators may change about themselves."""

PUBLISHED_ACTION = Annotated[
    AuditAction | None,
    Query(json_schema_extra={"enum": [str(action) for action in PUBLISHED]}),
]


def operators_router(platform: Platform) -> APIRouter:
    """Operations of the tag Operators that concern operators themselves."""
    router = APIRouter(prefix="/v1/{workspace_id}/operators", tags=["Operators"])
    may_read = Depends(platform.guard.authorize(Permission.OPERATORS_READ))
    may_manage = platform.guard.authorize(Permission.OPERATORS_MANAGE)
    may_change = platform.guard.authorize(Permission.OPERATORS_ACT)
    may_audit = Depends(platform.guard.authorize(Permission.AUDIT_READ))

    @router.get("", operation_id="list-operators", dependencies=[may_read])
    async def list_operators(
        workspace_id: WorkspaceId, limit: Limit = DEFAULT_LIMIT, continuation_token: Token = 0
    ) -> PaginatedResponse[OperatorResponse]:
        """All operators, in the order in which they came."""
        page = await platform.roster.page(limit=limit, continuation_token=continuation_token)
        return PaginatedResponse(
            items=await _shown(platform, page.items),
            has_more=page.continuation_token is not None,
            continuation_token=page.continuation_token,
            total=page.total,
        )

    @router.post("", status_code=201, operation_id="create-operator")
    async def create_operator(
        workspace_id: WorkspaceId,
        body: CreateOperatorRequest,
        request: Request,
        principal: Principal = Depends(may_manage),
    ) -> OperatorResponse:
        """A new operator, who is offline."""
        _may_give(principal, body.role)
        operator = await platform.roster.create(
            Profile(**{name: getattr(body, name) for name in CreateOperatorRequest.model_fields})
        )
        await platform.note(
            request,
            principal,
            AuditAction.OPERATOR_REGISTERED,
            operator_id=operator.id,
            role=str(operator.role),
        )
        return (await _shown(platform, [operator]))[0]

    @router.get("/audit-log", operation_id="list-audit-log", dependencies=[may_audit])
    async def list_audit_log(
        workspace_id: WorkspaceId,
        operator_id: Annotated[UUID | None, Query()] = None,
        action: PUBLISHED_ACTION = None,
        limit: Limit = DEFAULT_LIMIT,
        continuation_token: Token = 0,
    ) -> PaginatedResponse[AuditEventResponse]:
        """What operators did, newest first."""
        if action is not None and action not in PUBLISHED:
            raise Unusable(f"{action} is not an action of operators", "query", "action")
        page = await platform.audit.page(
            actions=[action] if action else PUBLISHED,
            operator_id=operator_id,
            limit=limit,
            continuation_token=continuation_token,
        )
        return PaginatedResponse(
            items=[shown_entry(item, platform.workspace_id) for item in page.items],
            has_more=page.continuation_token is not None,
            continuation_token=page.continuation_token,
            total=page.total,
        )

    @router.get("/performance", operation_id="operator-performance-summary", dependencies=[may_read])
    async def performance(workspace_id: WorkspaceId) -> PerformanceSummaryResponse:
        """How much each operator handled, and all together."""
        return await _performance(platform)

    @router.get("/{operator_id}", operation_id="get-operator", dependencies=[may_read])
    async def get_operator(workspace_id: WorkspaceId, operator_id: OperatorId) -> OperatorResponse:
        """One operator."""
        return (await _shown(platform, [await platform.roster.get(operator_id)]))[0]

    @router.patch("/{operator_id}", operation_id="update-operator")
    async def update_operator(
        workspace_id: WorkspaceId,
        operator_id: OperatorId,
        body: UpdateOperatorRequest,
        request: Request,
        principal: Principal = Depends(may_change),
    ) -> OperatorResponse:
        """Change a profile or a status: one's own status and telephone, or anything for a supervisor."""
        changes = body.changes()
        current = await platform.roster.get(operator_id)
        _may_update(principal, current, frozenset(changes), body.role)
        before, after = await platform.roster.update(operator_id, changes)
        changed = [name for name in changes if getattr(before, name) != getattr(after, name)]
        if "status" in changed:
            await platform.note(
                request,
                principal,
                AuditAction.OPERATOR_STATUS_CHANGED,
                operator_id=operator_id,
                status=str(after.status),
                previous_status=str(before.status),
            )
        profile = [name for name in changed if name != "status"]
        if profile:
            await platform.note(
                request,
                principal,
                AuditAction.OPERATOR_PROFILE_UPDATED,
                operator_id=operator_id,
                changed=sorted(profile),
            )
        return (await _shown(platform, [after]))[0]

    return router


def active_calls(platform: Platform) -> dict[str, str]:
    """On which call each operator is right now, by the operator's id."""
    return {
        operator.operator_id: call.call_sid for call in platform.live.active() for operator in call.operators
    }


async def _shown(platform: Platform, operators: Sequence[Operator]) -> list[OperatorResponse]:
    figures = await platform.escalations.handled_by([str(operator.id) for operator in operators])
    calls = active_calls(platform)
    return [
        shown_operator(operator, figures.get(str(operator.id)), calls.get(str(operator.id)))
        for operator in operators
    ]


async def _performance(platform: Platform) -> PerformanceSummaryResponse:
    shown = await _shown(platform, await platform.roster.everybody())
    handled = sum(operator.total_escalations_handled for operator in shown)
    seconds = sum(o.avg_handle_time_seconds * o.total_escalations_handled for o in shown)
    counts = {status: sum(1 for o in shown if o.status is status) for status in OperatorStatus}
    return PerformanceSummaryResponse(
        workspace_id=platform.workspace_id,
        total_operators=len(shown),
        online=counts[OperatorStatus.ONLINE],
        busy=counts[OperatorStatus.BUSY],
        offline=counts[OperatorStatus.OFFLINE],
        total_escalations_handled=handled,
        avg_handle_time_seconds=seconds / handled if handled else 0.0,
        operators=[
            OperatorPerformanceItem(
                operator_id=operator.id,
                name=operator.name,
                status=operator.status,
                total_escalations_handled=operator.total_escalations_handled,
                avg_handle_time_seconds=operator.avg_handle_time_seconds,
                last_call_at=operator.last_call_at,
            )
            for operator in shown
        ],
    )


def _may_give(principal: Principal, role: OperatorRole) -> None:
    if not outranks(principal.role, Role(role)):
        raise HTTPException(403, f"somebody with role {principal.role} cannot make an operator {role}")


def _may_update(
    principal: Principal, operator: Operator, changed: frozenset[str], role: OperatorRole | None
) -> None:
    if not principal.may(Permission.OPERATORS_MANAGE):
        if not principal.may_act_as(operator.id) or not changed <= OWN_FIELDS:
            raise HTTPException(403, f"operators may change {', '.join(sorted(OWN_FIELDS))} of their own")
        return
    # Whoever changes somebody's address or role could become them: nobody reaches above their own role.
    _may_give(principal, operator.role)
    if role is not None:
        _may_give(principal, role)
