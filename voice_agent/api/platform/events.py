"""The workspace's event stream over Server-Sent Events.

Every frame's ``event:`` is the kind and its data the published object; ``Last-Event-ID`` takes a reader up
where it was. A stream ends after a quarter of an hour: the browser comes back by itself and proves anew who
it is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from voice_agent.access.limits import Rate
from voice_agent.access.roles import Permission
from voice_agent.api.platform.fields import WorkspaceId
from voice_agent.api.platform.platform import Platform
from voice_agent.api.platform.workspace_feed import WorkspaceFeed

RETRY_MS = 3000
"""Published: what a client waits before it comes back."""
KEEPALIVE_S = 15.0
LIFETIME_S = 900.0
MAX_STREAMS = 100
"""Per process."""


def events_router(
    platform: Platform, *, lifetime_s: float = LIFETIME_S, max_streams: int = MAX_STREAMS
) -> APIRouter:
    """Operations of the tag Events. ``max_streams`` of this process may be open at a time."""
    router = APIRouter(prefix="/v1/{workspace_id}/events", tags=["Events"])
    may_read = platform.guard.authorize(Permission.EVENTS_READ, rate=Rate.STREAM)
    open_streams: set[WorkspaceFeed] = set()

    async def frames(feed: WorkspaceFeed) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        began = told = loop.time()
        sent: str | None = None
        open_streams.add(feed)
        try:
            yield format_sse_event(retry=RETRY_MS)
            async with contextlib.aclosing(feed.items()) as items:
                async for item in items:
                    now = loop.time()
                    if item.event is not None:
                        data = item.event.model_dump_json()
                        yield format_sse_event(data_str=data, event=item.event.event_type, id=item.token)
                        told, sent = now, item.token
                    elif sent is None or now - told >= KEEPALIVE_S:
                        # A frame without data shows nothing, but the browser keeps the id.
                        moved = item.token != sent
                        yield format_sse_event(id=item.token) if moved else KEEPALIVE_COMMENT
                        told, sent = now, item.token
                    if now - began >= lifetime_s:
                        return
        finally:
            open_streams.discard(feed)

    @router.get(
        "/stream",
        operation_id="get-event-stream",
        dependencies=[Depends(may_read)],
        response_class=StreamingResponse,
        responses={
            200: {"description": "The stream", "content": {"text/event-stream": {}}},
            429: {"description": "Too many requests, or too many streams"},
        },
    )
    async def stream(
        workspace_id: WorkspaceId,
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=8000)] = None,
    ) -> StreamingResponse:
        """What happens from now on, or since the event with this id."""
        if len(open_streams) >= max_streams:
            raise HTTPException(
                429,
                f"too_many_streams: {max_streams} are open; close some",
                headers={"Retry-After": str(round(KEEPALIVE_S))},
            )
        return StreamingResponse(
            frames(WorkspaceFeed(platform, last_event_id)),
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
            media_type="text/event-stream",
        )

    return router
