"""The published interface over a database, with fake live calls, and a judge who knows what is published."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
from call_script import BEGIN
from fastapi import FastAPI
from jsonschema import Draft202012Validator, FormatChecker
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tests.api.live_calls import FakeLiveCalls
from voice_agent.access.entrance import Entrance, open_entrance
from voice_agent.access.limits import RateSettings
from voice_agent.access.roles import Role
from voice_agent.api.platform.app import platform_app
from voice_agent.api.platform.platform import BrowserPhones, Platform
from voice_agent.call.events import CallEvent
from voice_agent.call.overview import CallOverview
from voice_agent.call.record_writer import RecordWriter
from voice_agent.call.records import CallRecords
from voice_agent.operators.briefing_desk import BriefingDesk
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.ports import LiveCalls
from voice_agent.operators.roster import Operator, Profile
from voice_agent.safety.loader import load_rules
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database

SPEC = Path(__file__).parent / "platform_spec" / "platform_trimmed.json"
JSON = "application/json"
NOW = BEGIN + timedelta(hours=1)
UNJUDGED = frozenset({401, 403, 429})
"""Answers of the door, which the description leaves out of most operations."""


@cache
def published() -> OpenAPI:
    """The published description."""
    return OpenAPI.from_file_path(str(SPEC))


@dataclass
class Judge:
    """Compares every answer with what is published."""

    judged: list[str] = field(default_factory=list)

    async def __call__(self, response: httpx.Response) -> None:
        await response.aread()
        path = urlsplit(str(response.request.url)).path
        kind = response.headers.get("content-type", "").partition(";")[0]
        if response.status_code in UNJUDGED or kind.startswith("audio/"):
            return
        request = response.request
        query = {name: values[-1] for name, values in parse_qs(request.url.query.decode()).items()}
        asked = MockRequest(
            "http://practice",
            request.method.lower(),
            path.removeprefix("/platform"),
            args=query,
            headers={"Authorization": "Bearer key"},
            data=request.content or None,
            content_type=JSON if request.content else "",
        )
        if response.status_code < 400:
            published().validate_request(asked)
        published().validate_response(
            asked, MockResponse(response.content, response.status_code, content_type=kind or JSON)
        )
        self.judged.append(f"{request.method} {path}")


@dataclass
class Desk:
    """The interface and everything behind it."""

    platform: Platform
    entrance: Entrance
    database: Database
    writer: RecordWriter
    live: FakeLiveCalls
    app: FastAPI
    keys: dict[Role, str]
    judge: Judge = field(default_factory=Judge)

    @property
    def root(self) -> str:
        """Under which path everything is."""
        return f"/platform/v1/{self.platform.workspace_id}"

    def client(
        self, role: Role | None = Role.ADMIN, *, key: str = "", base_url: str = "http://127.0.0.1"
    ) -> httpx.AsyncClient:
        """A client with a key of ``role``, or with ``key``, or with none at all."""
        secret = key or (self.keys[role] if role else "")
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, client=("127.0.0.1", 5000)),
            base_url=base_url,
            headers={"Authorization": f"Bearer {secret}"} if secret else {},
            event_hooks={"response": [self.judge]},
        )

    async def record(self, events: list[CallEvent]) -> None:
        """Let a call be on record."""
        for event in events:
            self.platform.bus.publish(event)
        assert await self.writer.flush()

    async def operator(self, name: str = "Ana Duarte", **more: object) -> Operator:
        """An operator on the roster."""
        address = f"{name.lower().replace(' ', '.')}@practice.example"
        return await self.entrance.roster.create(Profile(name, address, **more))  # type: ignore[arg-type]


@asynccontextmanager
async def open_desk(
    database: Database,
    folder: Path,
    *,
    phones: BrowserPhones | None = None,
    rates: RateSettings | None = None,
    live: LiveCalls | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
) -> AsyncIterator[Desk]:
    """A desk with a key for every role, an hour after the scripted calls; recordings in ``recordings``."""
    bus = EventBus()
    writer = RecordWriter(database, bus, folder)
    await writer.start()
    entrance = await open_entrance(database, folder, rates=rates)
    fake = FakeLiveCalls()
    records, overview = CallRecords(database), CallOverview(database)
    escalations = EscalationRecords(database, entrance.workspace_id)
    platform = Platform(
        workspace_id=entrance.workspace_id,
        guard=entrance.guard,
        audit=entrance.audit,
        roster=entrance.roster,
        escalations=escalations,
        live=live or fake,
        records=records,
        overview=overview,
        briefings=BriefingDesk(live or fake, records, overview, escalations),
        bus=bus,
        links=entrance.links,
        recordings_dir=folder / "recordings",
        rules=load_rules(),
        services={"dr_chen": "Dr. Chen's office"},
        clock=clock,
        phones=phones or BrowserPhones(phone_url="ws://127.0.0.1:9/emulator/phone"),
    )
    app = FastAPI()
    app.mount("/platform", platform_app(platform))
    keys = {
        role: (await entrance.keys.create(entrance.workspace_id, name=role, role=role)).secret
        for role in Role
    }
    yield Desk(platform, entrance, database, writer, fake, app, keys)
    bus.close()
    await writer.close()


class _TellingServer(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serve ``app`` on a free port of this machine; gives the address."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1
    )
    server = _TellingServer(config)
    running = asyncio.create_task(server.serve())
    await asyncio.wait_for(server.listening.wait(), 20)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await running


@cache
def published_event() -> Any:
    """Judges one event of the stream."""
    description = json.loads(SPEC.read_text())
    return Draft202012Validator(
        {
            **description["components"]["schemas"]["WorkspaceSSEEvent"],
            "components": description["components"],
        },
        format_checker=FormatChecker(),
    )
