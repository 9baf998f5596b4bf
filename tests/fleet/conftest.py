from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
import pytest_asyncio

from models.speech import Delivery, Pcm
from models.tts.espeak import EspeakVoice
from telephony.emulator import Emulator, EmulatorConfig, Limits, NumberConfig, PhoneCall
from tests.conftest import _empty, _execute, _url_of
from tests.fleet.wire import Wire
from tests.system.conftest import MARIA, NUMBER, free_port
from voice_agent.access.entrance import open_entrance
from voice_agent.access.roles import Role as AccessRole
from voice_agent.call.events import CallEvent, call_event_adapter
from voice_agent.operators.roster import OperatorStatus, Profile
from voice_agent.store.database import Database

START_S = 90.0


@dataclass
class Process:
    """A ``voice-agent serve`` of its own."""

    url: str
    child: asyncio.subprocess.Process
    log: Path

    async def kill(self) -> None:
        """As the kernel does: no warning, no goodbye."""
        self.child.kill()
        await self.child.wait()


@dataclass
class Watcher:
    """A console's event stream: what came, and how long after it happened (s)."""

    seen: list[CallEvent] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def follow(self, url: str, key: str) -> None:
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {key}"}
        timeout = httpx.Timeout(10, read=None)
        async with (
            httpx.AsyncClient(timeout=timeout, trust_env=False) as client,
            client.stream("GET", f"{url}/api/events", headers=headers) as stream,
        ):
            async for line in stream.aiter_lines():
                self.connected.set()
                if line.startswith("data:"):
                    event = call_event_adapter.validate_json(line.removeprefix("data:"))
                    await self.take(event)

    async def take(self, event: CallEvent) -> None:
        self.late_s.append((datetime.now(UTC) - event.at).total_seconds())
        async with self._changed:
            self.seen.append(event)
            self._changed.notify_all()

    async def wait_for(self, test: Callable[[Any], bool], within: float = 20.0) -> Any:
        """The first event, past or coming, that satisfies ``test``."""
        n = 0
        try:
            async with asyncio.timeout(within), self._changed:
                while True:
                    while n < len(self.seen):
                        if test(self.seen[n]):
                            return self.seen[n]
                        n += 1
                    await self._changed.wait()
        except TimeoutError:
            story = "\n".join(f"{e.call_sid[-4:]} {e.seq} {e.type}" for e in self.seen)
            raise AssertionError(f"never happened; what did:\n{story}") from None

    def of(self, call_sid: str) -> list[CallEvent]:
        return [event for event in self.seen if event.call_sid == call_sid]


@dataclass
class Fleet:
    """Two call workers and a console on a local phone network, over one PostgreSQL."""

    emulator: Emulator
    database: Database
    database_wire: Wire
    bus_wire: Wire
    console: Process
    workspace_id: UUID
    key: str
    browser: httpx.AsyncClient
    """Ada's, logged in."""
    question: Pcm
    """A spoken sentence; whatever is said is understood as the question for the opening hours."""
    workers: list[Process] = field(default_factory=list)
    operators: dict[str, UUID] = field(default_factory=dict)

    @property
    def api(self) -> str:
        return f"{self.console.url}/platform/v1/{self.workspace_id}"

    async def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx.AsyncClient(timeout=30, trust_env=False, headers=headers) as client:
            return await client.request(method, f"{self.api}/{path}", json=body or None)

    async def act(self, operator: str, action: str, **body: Any) -> httpx.Response:
        """An operator presses a button."""
        return await self.ask("POST", f"operators/{self.operators[operator]}/{action}", **body)

    async def queue(self) -> list[dict[str, Any]]:
        answer = await self.ask("GET", "operators/queue")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["queue"]
        return found

    async def problems(self) -> list[str]:
        """What the console's page says to Ada about the installation."""
        answer = await self.browser.get("/console/state")
        assert answer.status_code == 200, answer.text
        shown: list[str] = answer.json()["problems"]
        return shown

    async def all_well(self) -> None:
        """Wait until nobody has anything to complain about: the workers find back by themselves."""
        async with asyncio.timeout(20):
            for _ in itertools.count():
                if not await self.problems():
                    return
                await asyncio.sleep(0.2)

    async def ring(self, from_: str = MARIA) -> PhoneCall:
        call = await self.emulator.place_call(to=NUMBER, from_=from_)
        await call.answered()
        return call

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Watcher]:
        """What the console's browsers are told from now on."""
        watcher = Watcher()
        following = asyncio.create_task(watcher.follow(self.console.url, self.key))
        try:
            yield watcher
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def _environment(config: EmulatorConfig, emulator_url: str, public: str, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "TWILIO_ACCOUNT_SID": config.account_sid,
        "TWILIO_AUTH_TOKEN": config.auth_token,
        "TWILIO_APP_SID": config.application_sid,
        "TWILIO_API_BASE_URL": emulator_url,
        "PUBLIC_BASE_URL": public,
        "VOICE_AGENT_STT": "stub",
        "VOICE_AGENT_TTS": "stub",
        "VOICE_AGENT_MAX_LOOP_LAG_MS": "5000",
        "VOICE_AGENT_MAX_CPU_PERCENT": "1000",
        "VOICE_AGENT_LOG_LEVEL": "INFO",
        **more,
    }


async def _serve(name: str, port: int, folder: Path, environment: dict[str, str]) -> Process:
    log = folder / f"{name}.log"
    with log.open("wb") as errors:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "voice_agent.cli", "serve"),
            *("--port", str(port), "--json", "--stop-with-stdin"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=folder,
        )
    assert child.stdout is not None
    async with asyncio.timeout(START_S):
        line = await child.stdout.readline()
    assert line, log.read_text()[-3000:]
    return Process(str(json.loads(line)["base_url"]), child, log)


@asynccontextmanager
async def _logged_in(console: Process, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with a session of the key's owner."""
    async with httpx.AsyncClient(base_url=console.url, timeout=30, trust_env=False) as browser:
        page = await browser.get("/login")
        found = re.search(r'name="form_token" value="([^"]+)"', page.text)
        assert found is not None
        entered = await browser.post("/login", data={"api_key": key, "form_token": found.group(1)})
        assert entered.status_code == 303
        yield browser


async def _spoken(text: str) -> Pcm:
    voice = EspeakVoice()
    await voice.start()
    chunks = [chunk async for chunk in voice.synthesize(text, Delivery(pitch=0.8))]
    await voice.close()
    return np.concatenate(chunks)


async def sees_workers(console: Process, count: int) -> None:
    """Wait until the console could place calls on so many workers."""
    async with asyncio.timeout(20), httpx.AsyncClient(trust_env=False) as client:
        for _ in itertools.count():
            if f"voice_call_workers {count:.1f}" in (await client.get(f"{console.url}/metrics")).text:
                return
            await asyncio.sleep(0.2)


async def _stop(process: Process) -> None:
    if process.child.returncode is None:
        process.child.terminate()
        try:
            await asyncio.wait_for(process.child.wait(), 20)
        except TimeoutError:
            await process.kill()


@asynccontextmanager
async def running_fleet(postgres_url: str, folder: Path) -> AsyncIterator[Fleet]:
    name = f"fleet{uuid4().hex}"
    _execute(postgres_url, f'CREATE DATABASE "{name}"')
    url = _url_of(postgres_url, name)
    async with AsyncExitStack() as stack:
        database = Database(url)
        stack.push_async_callback(database.close)
        await database.migrate()
        wires = Wire(url), Wire(url)
        for wire in wires:
            await wire.mend()
            stack.push_async_callback(wire.close)
        ports = [free_port() for _ in range(3)]
        public = f"http://127.0.0.1:{ports[0]}"
        config = EmulatorConfig(
            voice_url=f"{public}/twilio/voice",
            app_voice_url=f"{public}/twilio/agent",
            numbers=(NumberConfig(NUMBER, voice_fallback_url=f"{public}/twilio/fallback"),),
            limits=Limits(calls_per_second=50),
        )
        emulator = await stack.enter_async_context(Emulator(config))
        entrance = await open_entrance(database, folder)
        key = await entrance.keys.create(entrance.workspace_id, name="test", role=AccessRole.ADMIN)

        async def start(n: int) -> Process:
            role, address = ("console" if n == 0 else "calls"), f"http://127.0.0.1:{ports[n]}"
            process = await _serve(
                f"{role}-{n}",
                ports[n],
                folder,
                _environment(
                    config,
                    emulator.base_url,
                    public,
                    VOICE_AGENT_ROLE=role,
                    VOICE_AGENT_WORKER_URL=address,
                    VOICE_AGENT_DATABASE_URL=wires[0].url,
                    VOICE_AGENT_BUS_URL=wires[1].url,
                    VOICE_AGENT_DATA_DIR=str(folder),
                ),
            )
            stack.push_async_callback(_stop, process)
            return process

        console, *workers = await asyncio.gather(*(start(n) for n in range(3)))
        await sees_workers(console, len(workers))
        operators = {}
        for person in ("ada", "ben"):
            made = await entrance.roster.create(Profile(person.title(), f"{person}@example.org"))
            await entrance.roster.update(made.id, {"status": OperatorStatus.ONLINE})
            operators[person] = made.id
        own = await entrance.keys.create(
            entrance.workspace_id, name="Ada", role=AccessRole.OPERATOR, operator_id=operators["ada"]
        )
        browser = await stack.enter_async_context(_logged_in(console, own.secret))
        yield Fleet(
            emulator,
            database,
            *wires,
            console,
            entrance.workspace_id,
            key.secret,
            browser,
            await _spoken("What are your opening hours?"),
            workers,
            operators,
        )
    _execute(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def postgres(migrated_postgres: str) -> AsyncIterator[Database]:
    """A database of the kind that several processes share, emptied afterwards."""
    database = Database(migrated_postgres)
    yield database
    await database.close()
    _empty(migrated_postgres)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    """Started once: three processes take a while."""
    async with running_fleet(postgres_url, tmp_path_factory.mktemp("fleet")) as fleet:
        yield fleet
