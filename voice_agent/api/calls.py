"""Calls over HTTP: lists, details, events as they happen, timelines and recordings.

For the practice's own pages on this machine. Who may look is decided by one dependency, ``authorize``, which
lets everybody in until it is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from voice_agent.api.call_models import (
    CallDetail,
    CallList,
    RecordingUrls,
    Turn,
    call_detail,
    call_summary,
    recordings_path,
    shown_turn,
)
from voice_agent.api.recording_response import recording_response
from voice_agent.call.event_feed import BadToken, EventFeed
from voice_agent.call.events import CallEvent, call_event_adapter
from voice_agent.call.picture import Picture, Theme
from voice_agent.call.picture_png import png
from voice_agent.call.picture_svg import svg
from voice_agent.call.record_fold import CallRecord
from voice_agent.call.recording_files import INBOUND, METADATA, OUTBOUND, STEREO, StoredRecording, Wav
from voice_agent.call.records import MAX_PAGE, CallFilter, CallRecords
from voice_agent.call.timeline import timeline
from voice_agent.call.timeline_model import PlaybackTimeline
from voice_agent.call.timeline_picture import ENVELOPE_PER_SECOND, Loudness, draw_timeline
from voice_agent.store.bus import EventBus

KEEPALIVE_S = 15.0
"""A stream in which nothing happens says so this often, so that proxies keep it open."""

EVENT_STREAM = "text/event-stream"

CallSid = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=8000)]

_STREAM_DOC: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The events recorded so far, or (Accept: text/event-stream) all events as they happen",
        "content": {"application/json": {}, EVENT_STREAM: {}},
    },
    204: {"description": "A stream that is over: the browser need not connect again"},
    404: {"description": "No such call"},
}


async def everybody() -> None:
    """Lets everybody in: these pages are served on loopback only."""


class _Calls:
    """What the routes share."""

    def __init__(self, records: CallRecords, bus: EventBus, recordings_dir: Path) -> None:
        self.records = records
        self.bus = bus
        self._recordings_dir = recordings_dir

    async def call(self, call_sid: str) -> CallRecord:
        """The call, or 404."""
        call = await self.records.call(call_sid)
        if call is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"call {call_sid} is not known")
        return call

    def recording(self, call_sid: str) -> StoredRecording:
        """The recording of a call, whether there is one or not."""
        return StoredRecording(self._recordings_dir / call_sid)

    async def timeline(self, call_sid: str) -> PlaybackTimeline:
        """The timeline of a call's events."""
        return timeline(await self.records.events(call_sid))

    async def picture(
        self, call: CallRecord, theme: Theme, form: Callable[[Picture, Theme], str | bytes]
    ) -> Response:
        """The timeline as a picture; drawn in a thread."""
        line = await self.timeline(call.call_sid)
        content = await asyncio.to_thread(lambda: form(self._drawn(call, line), theme))
        media_type = "image/svg+xml" if isinstance(content, str) else "image/png"
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    def _drawn(self, call: CallRecord, line: PlaybackTimeline) -> Picture:
        recording = self.recording(call.call_sid)
        loudness = None
        if recording.exists:
            seconds = recording.stereo().frames / 8000
            loudness = Loudness(*recording.envelope(int(seconds * ENVELOPE_PER_SECOND) + 1), seconds)
        title = f"Call from {call.caller_id or 'a withheld number'}, {call.started_at:%d %b %Y %H:%M} UTC"
        return draw_timeline(line, title=title, loudness=loudness)


def calls_router(
    records: CallRecords,
    bus: EventBus,
    recordings_dir: Path,
    *,
    authorize: Callable[..., Any] = everybody,
) -> APIRouter:
    """Routes under ``/api/calls`` and ``/api/events``. ``authorize`` is a dependency of every one of them."""
    router = APIRouter(prefix="/api", tags=["calls"], dependencies=[Depends(authorize)])
    calls = _Calls(records, bus, recordings_dir)
    _add_calls(router, calls)
    _add_events(router, calls)
    _add_timeline(router, calls)
    _add_recordings(router, calls)
    return router


def _add_calls(router: APIRouter, calls: _Calls) -> None:
    @router.get("/calls")
    async def list_calls(
        status: str | None = None,
        direction: str | None = None,
        service_id: str | None = None,
        date_from: date | None = None,
        date_to: date | None = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
        continuation_token: Annotated[int | None, Query(ge=0)] = None,
    ) -> CallList:
        """Calls, newest first. ``date_to`` is the last day that counts (UTC)."""
        wanted = CallFilter(
            status,
            direction,
            service_id,
            datetime.combine(date_from, time(), UTC) if date_from else None,
            datetime.combine(date_to, time(), UTC) + timedelta(days=1) if date_to else None,
        )
        page = await calls.records.calls(wanted, limit=limit, continuation_token=continuation_token)
        return CallList(
            items=[call_summary(call) for call in page.items],
            total=page.total,
            has_more=page.has_more,
            continuation_token=page.continuation_token,
        )

    @router.get("/calls/{call_sid}")
    async def read_call(call_sid: CallSid) -> CallDetail:
        """One call with its turns and timeline."""
        call = await calls.call(call_sid)
        return call_detail(call, await calls.records.turns(call_sid), await calls.timeline(call_sid))

    @router.get("/calls/{call_sid}/turns")
    async def read_turns(call_sid: CallSid) -> list[Turn]:
        """The turns of a call."""
        await calls.call(call_sid)
        return [shown_turn(turn) for turn in await calls.records.turns(call_sid)]


def _add_events(router: APIRouter, calls: _Calls) -> None:
    @router.get("/calls/{call_sid}/events", response_model=None, responses=_STREAM_DOC)
    async def call_events(
        call_sid: CallSid,
        request: Request,
        last_event_id: LastEventId = None,
        after: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        """The events of a call after a sequence number: recorded ones as JSON, or a stream of all."""
        call = await calls.call(call_sid)
        if not _wants_stream(request):
            return _json(await calls.records.events(call_sid, after=after))
        token = last_event_id or str(after)
        feed = _feed(calls, call_sid, token)
        if call.completion_reason is not None and int(token) >= call.last_seq:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return _stream(feed)

    @router.get("/events", response_model=None, responses=_STREAM_DOC)
    async def all_events(
        request: Request,
        last_event_id: LastEventId = None,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    ) -> Response:
        """Events of all calls: recorded ones after a number as JSON, or a stream of what happens now."""
        if not _wants_stream(request):
            return _json([s.event for s in await calls.records.events_after(after, limit=limit)])
        return _stream(_feed(calls, None, last_event_id))


def _add_timeline(router: APIRouter, calls: _Calls) -> None:
    @router.get("/calls/{call_sid}/timeline")
    async def read_timeline(call_sid: CallSid) -> PlaybackTimeline:
        """The call as segments on lanes, with totals."""
        await calls.call(call_sid)
        return await calls.timeline(call_sid)

    @router.get("/calls/{call_sid}/timeline.svg", response_class=Response)
    async def timeline_svg(call_sid: CallSid, theme: Theme = Theme.AUTO) -> Response:
        """The timeline as a picture that follows the reader's colours."""
        return await calls.picture(await calls.call(call_sid), theme, svg)

    @router.get("/calls/{call_sid}/timeline.png", response_class=Response)
    async def timeline_png(call_sid: CallSid, theme: Theme = Theme.LIGHT) -> Response:
        """The timeline as a picture of pixels."""
        return await calls.picture(await calls.call(call_sid), theme, png)


def _add_recordings(router: APIRouter, calls: _Calls) -> None:
    @router.get("/calls/{call_sid}/recordings")
    async def recording_urls(call_sid: CallSid) -> RecordingUrls:
        """Where the files of a call's recording are."""
        if not await asyncio.to_thread(lambda: calls.recording(call_sid).exists):
            raise HTTPException(HTTPStatus.NOT_FOUND, f"call {call_sid} has no recording")
        folder = recordings_path(call_sid)
        return RecordingUrls(
            call_sid=call_sid,
            inbound_url=f"{folder}/{INBOUND}",
            outbound_url=f"{folder}/{OUTBOUND}",
            metadata_url=f"{folder}/{METADATA}",
            stereo_url=f"{folder}/{STEREO}",
        )

    @router.head("/calls/{call_sid}/recordings/{filename}", include_in_schema=False, response_class=Response)
    @router.get("/calls/{call_sid}/recordings/{filename}", response_class=Response)
    def recording_file(
        call_sid: CallSid,
        filename: str,
        request: Request,
        range_: Annotated[str | None, Header(alias="Range")] = None,
    ) -> Response:
        """``inbound.wav``, ``outbound.wav``, ``stereo.wav`` or ``metadata.json`` of a call, or part of it."""
        recording = calls.recording(call_sid)
        files: dict[str, Callable[[], Wav]] = {
            INBOUND: recording.inbound,
            OUTBOUND: recording.outbound,
            STEREO: recording.stereo,
        }
        if filename not in files and filename != METADATA:
            known = ", ".join([*files, METADATA])
            raise HTTPException(
                HTTPStatus.BAD_REQUEST, f"{filename!r} is not a file of a recording; there are {known}"
            )
        if not recording.exists:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"call {call_sid} has no recording")
        if filename == METADATA:
            return Response(json.dumps(recording.metadata()), media_type="application/json")
        return recording_response(files[filename](), range_, with_body=request.method == "GET")


def _wants_stream(request: Request) -> bool:
    return EVENT_STREAM in request.headers.get("accept", "")


def _feed(calls: _Calls, call_sid: str | None, token: str | None) -> EventFeed:
    try:
        return EventFeed(calls.records, calls.bus, call_sid=call_sid, token=token)
    except BadToken as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from error


def _stream(feed: EventFeed) -> Response:
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(feed), headers=headers, media_type=EVENT_STREAM)


async def _lines(feed: EventFeed) -> AsyncIterator[bytes]:
    """The feed as ``message`` events of an EventSource; the data is the call event, its kind in ``type``.
    What comes at the same time goes out as one piece."""
    loop = asyncio.get_running_loop()
    told_at = loop.time()
    lines: list[bytes] = []
    yield KEEPALIVE_COMMENT  # the headers go out now, not with the first event
    async with contextlib.aclosing(feed.items()) as items:
        async for item in items:
            if item is not None:
                data = call_event_adapter.dump_json(item.event).decode()
                lines.append(format_sse_event(data_str=data, id=item.token))
            elif not lines and loop.time() - told_at >= KEEPALIVE_S:
                lines.append(KEEPALIVE_COMMENT)
            if len(lines) >= MAX_PAGE or (item is None and lines):
                yield b"".join(lines)
                lines, told_at = [], loop.time()
    yield b"".join(lines)


def _json(events: Sequence[CallEvent]) -> Response:
    body = b"[" + b",".join(call_event_adapter.dump_json(event) for event in events) + b"]"
    return Response(body, media_type="application/json")
