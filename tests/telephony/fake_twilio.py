"""A REST server that answers like Twilio's, or as badly as a test wants."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.telephony.recorder import Recorder

ACCOUNT = "AC" + "a" * 32
TOKEN = "12345"
APP = "AP" + "b" * 32


def sid(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True)
class Asked:
    """One request. ``form`` keeps the last value of a repeated key, ``pairs`` all of them."""

    operation: str
    path: str
    form: dict[str, str]
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def target(self) -> str:
        """The last SID or name in the path."""
        return self.path.removesuffix(".json").split("/")[-1]


def asked(operation: str, **form: str) -> Callable[[Asked], bool]:
    """Matches requests of an operation whose form contains these values."""
    return lambda each: each.operation == operation and form.items() <= each.form.items()


@dataclass
class FakeTwilio:
    """Calls and conferences by SID, as simple as can be. ``fail`` and ``hold`` script the trouble."""

    url: str = ""
    requests: Recorder[Asked] = field(default_factory=Recorder)
    calls: dict[str, str] = field(default_factory=lambda: defaultdict(lambda: "in-progress"))
    created: Recorder[str] = field(default_factory=Recorder)
    """Calls that were created, in order."""
    conferences: dict[str, str] = field(default_factory=dict)
    """Name to SID."""
    present: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    """Conference SID to (call SID, label)."""
    statuses: dict[str, str] = field(default_factory=dict)
    """Call SID to its status as a participant, where that is not ``connected``."""
    failures: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    held: dict[str, asyncio.Event] = field(default_factory=dict)

    def fail(self, operation: str, status: int, code: int = 0, times: int = 1) -> None:
        """The next ``times`` requests of this operation fail; status 0 closes the connection instead."""
        self.failures[operation] += [(status, code)] * times

    def hold(self, operation: str) -> asyncio.Event:
        """Requests of this operation are not answered before the event is set."""
        self.held[operation] = asyncio.Event()
        return self.held[operation]

    async def until(self, operation: str, *, count: int = 1, **form: str) -> Asked:
        return await self.requests.until(asked(operation, **form), count=count)

    def count(self, operation: str) -> int:
        return len(self.requests.all(asked(operation)))

    async def _handle(self, operation: str, request: web.Request) -> Any:
        pairs = tuple(parse_qsl(await request.text(), keep_blank_values=True))
        one = Asked(operation, request.path, dict(pairs), pairs)
        self.requests.add(one)
        if operation in self.held:
            await self.held[operation].wait()
        if self.failures[operation]:
            status, code = self.failures[operation].pop(0)
            if status == 0:
                assert request.transport is not None
                request.transport.abort()
            return _error(status or 500, code)
        return getattr(self, "_" + operation.replace(" ", "_"))(one, request.match_info)

    def _add_participant(self, one: Asked, match: Any) -> web.Response:
        room = match["conference"]
        conference = room if room.startswith("CF") else self.conferences.setdefault(room, sid("CF"))
        leg = sid("CA")
        self.calls[leg] = "queued"
        self.created.add(leg)
        return web.json_response(_participant(leg, conference, one.form.get("Label", "")), status=201)

    def _list_participants(self, one: Asked, match: Any) -> web.Response:
        conference = match["conference"]
        listed = [
            {**_participant(leg, conference, label), "status": self.statuses.get(leg, "connected")}
            for leg, label in self.present[conference]
        ]
        body = {"participants": listed, "page": 0, "page_size": 250, "uri": "/", "next_page_uri": None}
        return web.json_response({**body, "first_page_uri": "/", "previous_page_uri": None})

    def _update_participant(self, one: Asked, match: Any) -> web.Response:
        return web.json_response(_participant(match["who"], match["conference"], ""))

    def _remove_participant(self, one: Asked, match: Any) -> web.Response:
        return web.Response(status=204)

    def _update_call(self, one: Asked, match: Any) -> web.Response:
        leg = match["call"]
        if self.calls[leg] == "completed":
            return _error(400, 21220)
        if one.form.get("Status") == "completed":
            self.calls[leg] = "completed"
        return web.json_response({"sid": leg, "status": self.calls[leg]})

    def _fetch_call(self, one: Asked, match: Any) -> web.Response:
        return web.json_response({"sid": match["call"], "status": self.calls[match["call"]]})

    def _start_stream(self, one: Asked, match: Any) -> web.Response:
        if self.calls[match["call"]] == "completed":
            return _error(400, 21220)
        return web.json_response({"sid": sid("MZ"), "call_sid": match["call"]}, status=201)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FakeTwilio]:
        app = web.Application()
        base = f"/2010-04-01/Accounts/{ACCOUNT}"
        for method, path, operation in (
            ("POST", "/Conferences/{conference}/Participants.json", "add participant"),
            ("GET", "/Conferences/{conference}/Participants.json", "list participants"),
            ("POST", "/Conferences/{conference}/Participants/{who}.json", "update participant"),
            ("DELETE", "/Conferences/{conference}/Participants/{who}.json", "remove participant"),
            ("POST", "/Calls/{call}.json", "update call"),
            ("GET", "/Calls/{call}.json", "fetch call"),
            ("POST", "/Calls/{call}/Streams.json", "start stream"),
        ):
            app.router.add_route(method, base + path, self._handler(operation))
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = site.name if ":0" not in site.name else f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            for event in self.held.values():
                event.set()
            await runner.cleanup()

    def _handler(self, operation: str) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            response: web.Response = await self._handle(operation, request)
            return response

        return handle


def _participant(leg: str, conference: str, label: str) -> dict[str, str]:
    return {"call_sid": leg, "conference_sid": conference, "label": label, "status": "connected"}


def _error(status: int, code: int) -> web.Response:
    return web.json_response(
        {"code": code or status, "message": "scripted", "status": status, "more_info": ""}, status=status
    )
