"""What can be said about calls by counting: live ones, ended ones, and all of a period.

Nothing here guesses. Judgements of quality, emotion and risk are null until something measures them, and
analyses of recordings are answered with 503: there is no such pipeline in this installation.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query

from voice_agent.access.roles import Permission
from voice_agent.api.platform.call_facts import (
    CallIntelligenceDetail,
    MetricListResponse,
    call_metrics,
    intelligence,
)
from voice_agent.api.platform.fields import CallId, WorkspaceId, service_uuid
from voice_agent.api.platform.platform import Platform
from voice_agent.api.platform.report_models import (
    DailyCallVolume,
    Outcome,
    PhoneNumberCallVolume,
    TraceAnalysisListResponse,
    TraceAnalysisResponse,
    WorkspaceBenchmarks,
)
from voice_agent.api.platform.vocabulary import risk_level
from voice_agent.call.timeline import timeline
from voice_agent.operators.ports import LiveCall
from voice_agent.operators.queue import rated

NO_ANALYSES = "recordings are not analysed in this installation"

Days = Annotated[int, Query(ge=1, le=90)]


def call_reports_router(platform: Platform) -> APIRouter:
    """Operations of the tag Calls that count. To be included before the routes of single calls."""
    router = APIRouter(
        prefix="/v1/{workspace_id}/calls",
        tags=["Calls"],
        dependencies=[Depends(platform.guard.authorize(Permission.CALLS_READ))],
    )

    @router.get("/active/intelligence", operation_id="list-active-calls-intelligence")
    async def active_intelligence(workspace_id: WorkspaceId) -> list[dict[str, Any]]:
        """What is known of every live call right now."""
        now = platform.clock()
        return [_live(call, now) for call in platform.live.active()]

    @router.get("/benchmarks", operation_id="get-call-benchmarks")
    async def benchmarks(workspace_id: WorkspaceId, days: Days = 30) -> WorkspaceBenchmarks:
        """Averages of the last days."""
        found = await platform.overview.benchmarks(platform.clock() - timedelta(days=days))
        return WorkspaceBenchmarks(
            total_calls=found.total_calls,
            avg_duration_seconds=found.avg_duration_s,
            escalation_rate=found.escalation_rate,
        )

    @router.get("/phone-volume", operation_id="get-phone-call-volume")
    async def phone_volume(workspace_id: WorkspaceId, days: Days = 30) -> list[PhoneNumberCallVolume]:
        """Calls per number of the practice; days are those of its time zone."""
        since = platform.clock() - timedelta(days=days)
        return [
            PhoneNumberCallVolume(
                phone_number=volume.phone_number,
                total_calls=volume.total,
                inbound=volume.inbound,
                outbound=volume.outbound,
                avg_duration_seconds=volume.avg_duration_s,
                by_date=[DailyCallVolume(date=day, count=n) for day, n in sorted(volume.by_date.items())],
            )
            for volume in await platform.overview.volume(since, platform.zone)
        ]

    @router.get("/traces", operation_id="list-call-traces")
    async def traces(
        workspace_id: WorkspaceId,
        outcome: Annotated[Outcome | None, Query()] = None,
        min_computed_at: Annotated[datetime | None, Query()] = None,
        max_computed_at: Annotated[datetime | None, Query()] = None,
        limit: Annotated[int, Query(gt=0, le=100)] = 20,
        continuation_token: Annotated[int, Query(ge=0)] = 0,
    ) -> TraceAnalysisListResponse:
        """Not offered: 503."""
        raise HTTPException(503, NO_ANALYSES)

    @router.get("/{call_id}/intelligence", operation_id="get-call-intelligence")
    async def call_intelligence(workspace_id: WorkspaceId, call_id: CallId) -> CallIntelligenceDetail:
        """What an ended call adds up to."""
        call = await platform.call(call_id)
        if call.completion_reason is None:
            raise HTTPException(404, f"call {call_id} has not ended; its intelligence comes afterwards")
        sid = call.call_sid
        return intelligence(
            call,
            await platform.records.turns(sid),
            timeline(await platform.records.events(sid)),
            await platform.escalations.of_call(sid),
        )

    @router.get("/{call_id}/metrics", operation_id="list-call-metric-values")
    async def metrics(
        workspace_id: WorkspaceId, call_id: CallId, limit: Annotated[int, Query(ge=1, le=100)] = 100
    ) -> MetricListResponse:
        """Values measured in a call; none for one that is not known."""
        try:
            call = await platform.call(call_id)
        except HTTPException:
            return MetricListResponse(metrics=[])
        turns = await platform.records.turns(call.call_sid)
        return MetricListResponse(metrics=call_metrics(call, turns, platform.clock())[:limit])

    @router.get("/{call_id}/trace-analysis", operation_id="get-call-trace-analysis")
    async def trace_analysis(workspace_id: WorkspaceId, call_id: CallId) -> TraceAnalysisResponse:
        """Not offered: 503, or 404 for a call that is not known."""
        await platform.call(call_id)
        raise HTTPException(503, NO_ANALYSES)

    return router


def _live(call: LiveCall, now: datetime) -> dict[str, Any]:
    item = rated(call, now)
    return {
        "call_sid": call.call_sid,
        "service_id": str(service_uuid(call.service_id)) if call.service_id else None,
        "direction": call.direction,
        "caller_id": call.caller_phone,
        "current_state": call.state,
        "turn_count": call.turn_count,
        "loop_count": call.loops,
        "started_at": call.started_at.isoformat(),
        "duration_seconds": max(0.0, (now - call.started_at).total_seconds()),
        "current_emotion": call.emotion or None,
        "current_valence": call.valence,
        "risk_score": call.risk_score,
        "risk_level": risk_level(call.risk_level, call.risk_score),
        "concepts": list(call.concepts),
        "brief_context": call.brief_context or None,
        "escalation_status": str(call.escalation.status) if call.escalation else "none",
        "operators": [
            {"operator_id": o.operator_id, "name": o.name, "mode": str(o.mode)} for o in call.operators
        ],
        "priority_score": item.priority,
        "priority_reasons": [str(reason) for reason in item.reasons],
        "data_quality_flags": list(call.data_quality_flags),
    }
