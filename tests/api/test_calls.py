from __future__ import annotations

import asyncio
import contextlib
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from call_script import booking_call, numbered
from fastapi import FastAPI, HTTPException
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from voice_agent.api.calls import calls_router
from voice_agent.api.ranges import Unsatisfiable, byte_range
from voice_agent.call.event_feed import BadToken, EventFeed
from voice_agent.call.events import (
    CallEvent,
    Degraded,
    SessionEnd,
    SessionInfo,
    SessionStart,
    call_event_adapter,
)
from voice_agent.call.record_fold import RECORDING_AVAILABLE
from voice_agent.call.record_writer import RecordWriter
from voice_agent.call.recorder import CallRecorder, RecordingInfo, Track
from voice_agent.call.records import CallRecords
from voice_agent.call.timeline_model import PlaybackTimeline
from voice_agent.store.bus import QUEUE_SIZE, EventBus
from voice_agent.store.database import Database

SID = "CA" + "1" * 32
STREAM = {"Accept": "text/event-stream"}


@dataclass
class Office:
    """The interface over a database, a bus and a folder of recordings."""

    client: httpx.AsyncClient
    database: Database
    records: CallRecords
    bus: EventBus
    writer: RecordWriter
    recordings_dir: Path

    def publish(self, events: list[CallEvent]) -> None:
        for event in events:
            self.bus.publish(event)

    async def record(self, events: list[CallEvent]) -> None:
        self.publish(events)
        assert await self.writer.flush()


@pytest.fixture
async def office(database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    bus = EventBus()
    writer = RecordWriter(database, bus, tmp_path)
    records = CallRecords(database)
    app = FastAPI()
    app.include_router(calls_router(records, bus, tmp_path / "recordings"))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        yield Office(client, database, records, bus, writer, tmp_path / "recordings")
    bus.close()
    server.should_exit = True
    await serving
    await writer.close()


@asynccontextmanager
async def _watching(
    office: Office, path: str, last: str | None = None
) -> AsyncIterator[AsyncIterator[tuple[str, CallEvent]]]:
    """Id and event of a stream, as a browser's EventSource would give them."""
    headers = STREAM | ({"Last-Event-ID": last} if last else {})
    async with office.client.stream("GET", path, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream"), response.status_code

        async def messages() -> AsyncIterator[tuple[str, CallEvent]]:
            token, data = "", ""
            async for line in response.aiter_lines():
                if line.startswith("id:"):
                    token = line[3:].strip()
                elif line.startswith("data:"):
                    data += line[5:].strip()
                elif not line and data:
                    yield token, call_event_adapter.validate_json(data)
                    data = ""

        yield messages()


async def _take(messages: AsyncIterator[tuple[str, CallEvent]], count: int) -> list[tuple[str, CallEvent]]:
    async with asyncio.timeout(10):
        return [await anext(messages) for _ in range(count)]


async def test_calls_are_listed_with_the_published_fields(office: Office) -> None:
    await office.record(booking_call(SID))
    listed = (await office.client.get("/api/calls")).json()
    assert (listed["total"], listed["has_more"], listed["continuation_token"]) == (1, False, None)
    (call,) = listed["items"]
    assert call["call_sid"] == SID
    assert (call["status"], call["direction"], call["source"]) == ("completed", "inbound", "real")
    assert (call["caller_id"], call["phone_number"]) == ("+14155550101", "+14155550199")
    assert (call["duration_seconds"], call["turns"], call["final_state"]) == (30.0, 2, "offer_slots")
    assert call["started_at"] == "2026-11-20T15:00:00Z"


async def test_the_list_is_filtered_and_turned_page_by_page(office: Office) -> None:
    for name in ("CA1", "CA2", "CA3"):
        await office.record(numbered(name, [(0, SessionStart(direction="playground"))]))
    await office.record(booking_call(SID))
    first = (await office.client.get("/api/calls", params={"direction": "playground", "limit": 2})).json()
    assert [call["call_sid"] for call in first["items"]] == ["CA3", "CA2"]
    params = {"direction": "playground", "limit": 2, "continuation_token": first["continuation_token"]}
    second = (await office.client.get("/api/calls", params=params)).json()
    assert [call["call_sid"] for call in second["items"]] == ["CA1"]
    days = {"date_from": "2026-11-20", "date_to": "2026-11-20"}
    assert (await office.client.get("/api/calls", params=days)).json()["total"] == 4
    days = {"date_from": "2026-11-21"}
    assert (await office.client.get("/api/calls", params=days)).json()["total"] == 0


async def test_a_call_is_shown_with_turns_tools_and_timeline(office: Office) -> None:
    await office.record(booking_call(SID))
    call = (await office.client.get(f"/api/calls/{SID}")).json()
    assert (call["call_duration_seconds"], call["completion_reason"]) == (30.0, "terminal_state")
    assert call["states_visited"] == ["greeting", "offer_slots"]
    assert call["turns"][1]["tool_calls"][0]["output"] == '{"slots": 2}'
    assert call["turns"] == (await office.client.get(f"/api/calls/{SID}/turns")).json()
    assert call["timeline"] == (await office.client.get(f"/api/calls/{SID}/timeline")).json()
    assert PlaybackTimeline.model_validate(call["timeline"]).avg_perceived_latency_ms == 900


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/turns",
        "/events",
        "/timeline",
        "/timeline.svg",
        "/timeline.png",
        "/recordings",
        "/recordings/stereo.wav",
    ],
)
async def test_an_unknown_call_is_not_found(office: Office, path: str) -> None:
    response = await office.client.get(f"/api/calls/CAnobody{path}")
    assert response.status_code == 404
    assert "CAnobody" in response.json()["detail"]


async def test_a_path_in_place_of_a_call_is_refused(office: Office) -> None:
    for sid in ("..", "%2e%2e", "a%2Fb", "x" * 65):
        response = await office.client.get(f"/api/calls/{sid}/recordings/stereo.wav")
        assert response.status_code in (404, 422)


async def test_recorded_events_are_read_as_json(office: Office) -> None:
    await office.record(booking_call(SID))
    found = (await office.client.get(f"/api/calls/{SID}/events", params={"after": 24})).json()
    assert [event["seq"] for event in found] == list(range(25, len(booking_call(SID)) + 1))
    everything = (await office.client.get("/api/events", params={"limit": 3})).json()
    assert [event["seq"] for event in everything] == [1, 2, 3]


async def test_the_stream_of_a_call_goes_from_its_past_into_its_present_and_ends_with_it(
    office: Office,
) -> None:
    events = booking_call(SID)
    await office.record(events[:10])
    async with _watching(office, f"/api/calls/{SID}/events") as messages:
        assert [event for _, event in await _take(messages, 10)] == events[:10]
        office.publish(events[10:])  # not recorded yet
        assert [event for _, event in await _take(messages, len(events) - 10)] == events[10:]
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(messages), 5)


async def test_a_reader_who_comes_back_gets_what_was_missed_once(office: Office) -> None:
    events = booking_call(SID)
    await office.record(events[:10])
    async with _watching(office, f"/api/calls/{SID}/events") as messages:
        (*_, (token, _last)) = await _take(messages, 8)
    await office.record(events[10:15])
    office.publish(events[15:18])
    async with _watching(office, f"/api/calls/{SID}/events", token) as messages:
        assert [event for _, event in await _take(messages, 7)] == events[8:15]
        office.publish(events[18:])
        await office.writer.flush()
        assert [event for _, event in await _take(messages, len(events) - 15)] == events[15:]


async def test_a_stream_that_is_over_is_not_opened_again(office: Office) -> None:
    events = booking_call(SID)
    await office.record(events)
    headers = STREAM | {"Last-Event-ID": str(len(events))}
    assert (await office.client.get(f"/api/calls/{SID}/events", headers=headers)).status_code == 204


async def test_a_token_that_no_stream_gave_out_is_refused(office: Office) -> None:
    await office.record(booking_call(SID))
    for path in (f"/api/calls/{SID}/events", "/api/events"):
        response = await office.client.get(path, headers=STREAM | {"Last-Event-ID": "soon"})
        assert response.status_code == 400
        assert "begin again" in response.json()["detail"]


async def test_events_lost_by_a_slow_readers_queue_come_from_the_database(office: Office) -> None:
    many = numbered(SID, [(i, SessionInfo(name="tick")) for i in range(QUEUE_SIZE + 500)])
    feed = EventFeed(office.records, office.bus, call_sid=SID).items()
    await anext(feed)  # subscribed, and nothing there yet
    await office.record(many)
    found: list[CallEvent] = []
    async with asyncio.timeout(20):
        while len(found) < len(many):
            item = await anext(feed)
            if item is not None:
                found.append(item.event)
    assert found == many
    await feed.aclose()


async def test_the_stream_of_all_calls_tells_what_happens_from_now_on(office: Office) -> None:
    await office.record(booking_call("CAbefore"))
    async with _watching(office, "/api/events") as messages:
        one = numbered("CAone", [(0, SessionStart()), (1, SessionInfo(name="tick"))])
        two = numbered("CAtwo", [(0, SessionStart())])
        await _until_subscribed(office, messages, one[0])
        office.publish([two[0], one[1]])
        assert [event for _, event in await _take(messages, 2)] == [two[0], one[1]]


async def test_the_stream_of_all_calls_is_taken_up_without_loss_or_double(office: Office) -> None:
    one = numbered("CAone", [(i, SessionInfo(name="tick")) for i in range(9)])
    two = numbered("CAtwo", [(i, SessionInfo(name="tock")) for i in range(9)])
    await office.record(one[:2])
    async with _watching(office, "/api/events") as messages:
        await _until_subscribed(office, messages, two[0])
        await office.record([])
        office.publish([one[2], two[1], one[3]])  # passed on live, recorded later
        seen = await _take(messages, 3)
        token = seen[1][0]
    await office.record([two[2], one[4]])
    async with _watching(office, "/api/events", token) as messages:
        assert [event for _, event in await _take(messages, 3)] == [one[3], two[2], one[4]]
        office.publish([two[3], one[5]])
        assert [event for _, event in await _take(messages, 2)] == [two[3], one[5]]


async def test_news_of_the_process_itself_reach_those_who_watch_all_calls(office: Office) -> None:
    async with _watching(office, "/api/events") as messages:
        await _until_subscribed(office, messages, numbered("CA1", [(0, SessionStart())])[0])
        office.publish([Degraded(part="records", rung="spill file")])
        ((_, event),) = await _take(messages, 1)
        assert isinstance(event, Degraded)


async def _until_subscribed(
    office: Office, messages: AsyncIterator[tuple[str, CallEvent]], first: CallEvent
) -> None:
    """Publishes ``first`` once the stream has begun to listen, and takes it from there."""
    while not office.bus.readers > 1:  # the writer is one  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    office.publish([first])
    assert [event for _, event in await _take(messages, 1)] == [first]


@given(st.text(max_size=30))
def test_any_token_is_either_understood_or_refused_as_such(token: str) -> None:
    for sid in (None, SID):
        with contextlib.suppress(BadToken):
            EventFeed(CallRecords.__new__(CallRecords), EventBus(), call_sid=sid, token=token)


@pytest.fixture
async def recorded(office: Office) -> Office:
    """An office with one recorded call: a second of the caller, then a second of the agent."""
    recorder = CallRecorder(office.recordings_dir / SID, info=RecordingInfo(SID))
    recorder.write(Track.CALLER, 0, np.full(8000, 7932, np.int16))
    recorder.write(Track.AGENT, 8000, np.full(8000, 12000, np.int16))
    files = await recorder.close()
    assert files is not None
    announced = SessionInfo(name=RECORDING_AVAILABLE, detail=files.metadata)
    end = SessionEnd(completion_reason="completed", duration_seconds=2)
    await office.record(
        numbered(SID, [(0, SessionStart(caller_id="+14155550101")), (2, announced), (2, end)])
    )
    return office


async def test_a_recording_is_served_as_two_files_and_as_one(recorded: Office) -> None:
    urls = (await recorded.client.get(f"/api/calls/{SID}/recordings")).json()
    assert urls["status"] == "available"
    assert (await recorded.client.get("/api/calls")).json()["items"][0]["has_recording"]
    stereo = await recorded.client.get(urls["stereo_url"])
    assert (stereo.headers["content-type"], stereo.headers["accept-ranges"]) == ("audio/wav", "bytes")
    with wave.open(io.BytesIO(stereo.content)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    assert (frames[:8000] == (7932, 0)).all()
    assert (frames[8000:] == (0, 12000)).all()
    inbound = await recorded.client.get(urls["inbound_url"])
    assert (len(inbound.content), int.from_bytes(inbound.content[20:22], "little")) == (58 + 16000, 7)
    assert len((await recorded.client.get(urls["outbound_url"])).content) == 44 + 32000
    metadata = (await recorded.client.get(urls["metadata_url"])).json()
    assert metadata["duration_seconds"] == 2.0
    stored = await recorded.records.recording(SID)
    assert stored == metadata


async def test_a_part_of_a_recording_can_be_asked_for(recorded: Office) -> None:
    path = f"/api/calls/{SID}/recordings/stereo.wav"
    whole = (await recorded.client.get(path)).content
    for header, part in (
        ("bytes=0-0", whole[:1]),
        ("bytes=40-99", whole[40:100]),
        ("bytes=30001-", whole[30001:]),
        ("bytes=-7", whole[-7:]),
        ("bytes=64000-999999", whole[64000:]),
    ):
        response = await recorded.client.get(path, headers={"Range": header})
        assert response.status_code == 206
        assert response.content == part
        assert response.headers["content-range"].endswith(f"/{len(whole)}")
    refused = await recorded.client.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert (refused.status_code, refused.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    head = await recorded.client.head(path)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(whole)), b"")


async def test_a_file_that_no_recording_has_is_a_bad_request(recorded: Office) -> None:
    response = await recorded.client.get(f"/api/calls/{SID}/recordings/secret.txt")
    assert response.status_code == 400
    assert "inbound.wav" in response.json()["detail"]


async def test_a_recording_can_be_heard_while_it_is_made(office: Office) -> None:
    recorder = CallRecorder(office.recordings_dir / "CAlive")
    for second in range(6):
        recorder.write(Track.CALLER, second * 8000, np.full(8000, 7932, np.int16))
    while recorder.waiting_samples or not (office.recordings_dir / "CAlive" / "metadata.json").exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    response = await office.client.get("/api/calls/CAlive/recordings/stereo.wav")
    with wave.open(io.BytesIO(response.content)) as file:
        assert file.getnframes() >= 2 * 8000
    await recorder.close()


async def test_the_timeline_is_drawn_with_the_voices_of_the_recording(recorded: Office) -> None:
    drawn = await recorded.client.get(f"/api/calls/{SID}/timeline.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "Call from +14155550101, 20 Nov 2026 15:00 UTC" in drawn.text
    assert 'class="f-caller"' in drawn.text
    assert "<polygon" in drawn.text
    dark = await recorded.client.get(f"/api/calls/{SID}/timeline.svg", params={"theme": "dark"})
    assert "prefers-color-scheme" not in dark.text
    pixels = await recorded.client.get(f"/api/calls/{SID}/timeline.png", params={"theme": "dark"})
    with Image.open(io.BytesIO(pixels.content)) as image:
        assert image.format == "PNG"
    assert (
        await recorded.client.get(f"/api/calls/{SID}/timeline.svg", params={"theme": "pink"})
    ).status_code == 422


async def test_a_guard_closes_every_door(database: Database, tmp_path: Path) -> None:
    async def nobody() -> None:
        raise HTTPException(401, "who are you?")

    app = FastAPI()
    app.include_router(calls_router(CallRecords(database), EventBus(), tmp_path, authorize=nobody))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(base_url="http://local", transport=transport) as client:
        for path in app.openapi()["paths"]:
            answer = await client.get(path.format(call_sid=SID, filename="stereo.wav"))
            assert answer.status_code == 401, path


@given(
    st.one_of(st.none(), st.text(max_size=30), st.from_regex(r"bytes=\d{0,6}-\d{0,6}", fullmatch=True)),
    st.integers(0, 5000),
)
def test_any_range_is_ignored_refused_or_within_the_file(header: str | None, size: int) -> None:
    try:
        part = byte_range(header, size)
    except Unsatisfiable:
        return
    if part is not None:
        assert 0 <= part[0] < part[1] <= size
