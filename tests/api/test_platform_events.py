"""The workspace's event stream, read over a real connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.api.live_calls import live_call
from tests.api.platform_kit import Desk, open_desk, published_event, serving
from voice_agent.access.roles import Role
from voice_agent.api.platform.events import events_router
from voice_agent.api.platform.fields import service_uuid
from voice_agent.call.events import (
    CallEvent,
    EscalationRequested,
    MediaAttached,
    SessionEnd,
    SessionStart,
)
from voice_agent.store.database import Database

SID = "CA" + "1" * 32


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Frame:
    """One event of the stream."""

    id: str
    event: str
    data: dict[str, Any]


class Reader:
    """Reads frames, one at a time."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.seen: list[str] = []
        self.last_id = ""

    async def next(self) -> Frame:
        """The next event that carries data."""
        frame = Frame("", "", {})
        async with asyncio.timeout(10):
            async for line in self._lines:
                self.seen.append(line)
                name, _, value = line.partition(": ")
                if name == "id":
                    frame.id = self.last_id = value
                elif name == "event":
                    frame.event = value
                elif name == "data":
                    frame.data = json.loads(value)
                elif not line and frame.data:
                    published_event().validate(frame.data)
                    return frame
        raise AssertionError("the stream ended")

    async def until_known(self) -> None:
        """Wait for the first id, from which one can go on."""
        async with asyncio.timeout(10):
            while not self.last_id:
                line = await anext(self._lines)
                if line.startswith("id: "):
                    self.last_id = line[4:]


@dataclass
class Watched:
    """A desk that is served, and how to watch it."""

    desk: Desk
    client: httpx.AsyncClient
    seq: int = 0

    @asynccontextmanager
    async def stream(self, last_id: str = "") -> AsyncIterator[Reader]:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        path = f"{self.desk.root}/events/stream"
        async with self.client.stream("GET", path, headers=headers) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            yield Reader(response)

    def happen(self, *events: CallEvent) -> None:
        for event in events:
            self.seq += 1
            self.desk.platform.bus.publish(event.model_copy(update={"call_sid": SID, "seq": self.seq}))


@pytest.fixture
async def watched(database: Database, tmp_path: Path) -> AsyncIterator[Watched]:
    async with open_desk(database, tmp_path, clock=utc_now) as desk, serving(desk.app) as address:
        headers = {"Authorization": f"Bearer {desk.keys[Role.ADMIN]}"}
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=10) as client:
            yield Watched(desk, client)


START = SessionStart(caller_id="+14155550134", service_id="dr_chen")
END = SessionEnd(completion_reason="caller_hangup", duration_seconds=12.5)


async def test_a_call_is_told_from_ringing_to_its_end(watched: Watched) -> None:
    async with watched.stream() as reader:
        await reader.until_known()
        watched.happen(START, MediaAttached(leg="caller"))
        started = await reader.next()
        watched.happen(EscalationRequested(trigger="caller_request", reason="asked for a person"), END)
        escalated, ended = await reader.next(), await reader.next()
    assert started.event == "call.started"
    assert started.data == {
        "event_type": "call.started",
        "call_sid": SID,
        "direction": "inbound",
        "service_id": str(service_uuid("dr_chen")),
        "caller_id": "+14155550134",
    }
    assert (escalated.event, escalated.data["trigger"]) == ("call.escalated", "caller")
    assert ended.event == "call.ended"
    assert (ended.data["duration_seconds"], ended.data["escalated"]) == (12.5, True)
    assert ended.data["completion_reason"] == "caller_hangup"


async def test_a_reader_who_comes_back_misses_nothing_and_hears_nothing_twice(watched: Watched) -> None:
    async with watched.stream() as reader:
        await reader.until_known()
        watched.happen(START)
        started = await reader.next()
    watched.happen(MediaAttached(leg="caller"), END)
    ana = await watched.desk.operator()
    await watched.client.patch(f"{watched.desk.root}/operators/{ana.id}", json={"status": "online"})
    assert await watched.desk.writer.flush()
    async with watched.stream(started.id) as reader:
        again = [await reader.next(), await reader.next()]
    assert {frame.event for frame in again} == {"call.ended", "operator.status_changed"}
    async with watched.stream(again[-1].id) as reader:
        await reader.until_known()
        watched.desk.live.add(live_call(SID))
        await watched.client.post(f"{watched.desk.root}/operators/{ana.id}/join-call", json={"call_sid": SID})
        assert (await reader.next()).event == "operator.joined_call"


async def test_what_operators_do_is_told(watched: Watched) -> None:
    watched.desk.live.add(live_call(SID))
    root = f"{watched.desk.root}/operators"
    async with watched.stream() as reader:
        await reader.until_known()
        ana = (await watched.client.post(root, json={"name": "Ana", "email": "ana@practice.example"})).json()
        path = f"{root}/{ana['id']}"
        await watched.client.patch(path, json={"status": "online", "skills": ["spanish"]})
        await watched.client.post(f"{path}/join-call", json={"call_sid": SID, "mode": "listen"})
        await watched.client.post(f"{path}/switch-mode", json={"call_sid": SID, "mode": "takeover"})
        await watched.client.post(f"{path}/leave-call", json={"call_sid": SID})
        await watched.client.post(f"{path}/wrap-up", json={"call_sid": SID, "outcome": "resolved"})
        told = [await reader.next() for _ in range(7)]
    assert [frame.event for frame in told] == [
        "operator.registered",
        "operator.status_changed",
        "operator.profile_updated",
        "operator.joined_call",
        "operator.mode_changed",
        "operator.left_call",
        "operator.wrap_up",
    ]
    assert told[2].data["changes"] == {"skills": None}
    assert told[4].data["mode"] == "takeover"


async def test_the_stream_begins_with_how_to_come_back(watched: Watched) -> None:
    async with watched.stream() as reader:
        await reader.until_known()
        watched.happen(START)
        await reader.next()
    async with watched.client.stream("GET", f"{watched.desk.root}/events/stream") as response:
        async with asyncio.timeout(10):
            assert await anext(response.aiter_lines()) == "retry: 3000"


@pytest.mark.parametrize("token", ["nonsense", "~", "12~x", "1;CA=x~3", "9" * 400, "~" * 50])
async def test_an_id_that_nobody_gave_out_means_from_now_on(watched: Watched, token: str) -> None:
    async with watched.stream(token) as reader:
        await reader.until_known()
        watched.happen(START)
        assert (await reader.next()).event == "call.started"


async def test_nobody_watches_without_a_key(watched: Watched) -> None:
    refused = await watched.client.get(
        f"{watched.desk.root}/events/stream", headers={"Authorization": "Bearer vak_wrong"}
    )
    assert refused.status_code == 401


async def test_a_stream_ends_after_a_while_so_that_its_reader_proves_anew_who_it_is(desk: Desk) -> None:
    app = FastAPI()
    app.include_router(events_router(desk.platform, lifetime_s=0.0), prefix="/platform")
    headers = {"Authorization": f"Bearer {desk.keys[Role.VIEWER]}"}
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=address, headers=headers, timeout=10) as client,
    ):
        whole = await client.get(f"{desk.root}/events/stream")
    assert whole.text.startswith("retry: 3000\n\nid: ")


async def test_more_streams_than_a_process_bears_are_refused(desk: Desk) -> None:
    app = FastAPI()
    app.include_router(events_router(desk.platform, max_streams=1), prefix="/platform")
    headers = {"Authorization": f"Bearer {desk.keys[Role.VIEWER]}"}
    path = f"{desk.root}/events/stream"
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=address, headers=headers, timeout=10) as client,
        client.stream("GET", path) as first,
    ):
        reader = Reader(first)  # the stream is open for as long as somebody reads it
        await reader.until_known()
        refused = await client.get(path)
        assert reader.last_id
    assert refused.status_code == 429
    assert "too_many_streams" in refused.json()["detail"]
