"""Calls: what a live or an ended one can answer of itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from voice_agent.access.audit import AuditAction
from voice_agent.access.principal import Principal
from voice_agent.access.roles import Permission
from voice_agent.api.platform.call_models import CallDetailResponse, CallListResponse
from voice_agent.api.platform.call_shapes import call_detail, call_summary
from voice_agent.api.platform.fields import LARGEST_TOKEN, CallId, ShortText, WorkspaceId
from voice_agent.api.platform.outbound_models import CreateOutboundCallRequest, CreateOutboundCallResponse
from voice_agent.api.platform.platform import Platform
from voice_agent.api.platform.recordings import download_path
from voice_agent.call.overview import CallSearch
from voice_agent.call.recording_files import STEREO
from voice_agent.call.records import CallFilter
from voice_agent.call.timeline import timeline
from voice_agent.call.timeline_model import PlaybackTimeline

Seconds = Annotated[int | None, Query(ge=0, le=LARGEST_TOKEN)]


def calls_router(platform: Platform) -> APIRouter:
    """Operations of the tag Calls that are about single calls, and their list."""
    router = APIRouter(prefix="/v1/{workspace_id}/calls", tags=["Calls"])
    may_read = platform.guard.authorize(Permission.CALLS_READ)
    read_only = [Depends(may_read)]

    @router.get("", operation_id="list-calls", dependencies=read_only)
    async def list_calls(
        workspace_id: WorkspaceId,
        date_from: Annotated[date | None, Query()] = None,
        date_to: Annotated[date | None, Query()] = None,
        status: Annotated[ShortText | None, Query()] = None,
        direction: Annotated[ShortText | None, Query()] = None,
        min_duration: Seconds = None,
        max_duration: Seconds = None,
        service_id: Annotated[ShortText | None, Query()] = None,
        include_simulated: Annotated[bool, Query()] = False,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0, le=LARGEST_TOKEN)] = 0,
        continuation_token: Annotated[int | None, Query(ge=0, le=LARGEST_TOKEN)] = None,
    ) -> CallListResponse:
        """Calls, newest first. Dates are days of UTC, both included; the token is another word for offset."""
        search = CallSearch(
            CallFilter(
                status,
                direction,
                platform.service_named(service_id) if service_id else None,
                datetime.combine(date_from, time(), UTC) if date_from else None,
                _day_after(date_to) if date_to else None,
            ),
            min_duration,
            max_duration,
            include_simulated,
        )
        start = offset if continuation_token is None else continuation_token
        found = await platform.overview.search(search, offset=start, limit=limit)
        following = start + len(found.items)
        has_more = bool(found.items) and following < found.total
        return CallListResponse(
            items=[call_summary(call) for call in found.items],
            total=found.total,
            has_more=has_more,
            continuation_token=following if has_more else None,
        )

    @router.get("/{call_id}", operation_id="get-call-detail")
    async def detail(
        workspace_id: WorkspaceId,
        call_id: CallId,
        request: Request,
        principal: Principal = Depends(may_read),
    ) -> CallDetailResponse:
        """One call with its turns, timeline and escalation."""
        call = await platform.call(call_id)
        sid = call.call_sid
        await platform.note(request, principal, AuditAction.CALL_VIEWED, call_sid=sid)
        return call_detail(
            call,
            await platform.records.turns(sid),
            await platform.records.events(sid),
            await platform.escalations.of_call(sid),
            workspace_id=platform.workspace_id,
            recording_path=download_path(platform, sid, STEREO) if call.has_recording else None,
        )

    @router.get("/{call_id}/timeline", operation_id="get-call-timeline", dependencies=read_only)
    async def call_timeline(workspace_id: WorkspaceId, call_id: CallId) -> PlaybackTimeline:
        """The call as segments on lanes."""
        call = await platform.call(call_id)
        return timeline(await platform.records.events(call.call_sid))

    @router.post(
        "/outbound",
        operation_id="create-outbound-call",
        status_code=201,
        dependencies=[Depends(platform.guard.authorize(Permission.CALLS_PLACE))],
    )
    async def create_outbound_call(
        workspace_id: WorkspaceId, body: CreateOutboundCallRequest
    ) -> CreateOutboundCallResponse:
        """Not offered yet: there is no dispatcher that would place the call."""
        raise HTTPException(503, "outbound calls are not configured in this installation")

    return router


def _day_after(day: date) -> datetime | None:
    """Midnight after a day; None after the last day there is."""
    if day == date.max:
        return None
    return datetime.combine(day, time(), UTC) + timedelta(days=1)
