"""The link over PostgreSQL's NOTIFY: no further server, and a message takes about a millisecond.

Two connections: one listens, one sends. Both are given up and made anew when either fails, or when a message
to ourselves does not come back: a connection through a dead network otherwise looks alive for minutes. A
pooler in transaction mode does not carry LISTEN; give such an installation a direct URL.
Source: https://www.postgresql.org/docs/current/sql-notify.html
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import psycopg
import structlog
from psycopg import sql
from sqlalchemy.engine import make_url

from voice_agent.fleet.link import channel_of
from voice_agent.fleet.packets import Assembly, MessageTooLong, Packets

CONNECT_TIMEOUT_S: Final = 5
PING_S: Final = 1.0
"""How often the process speaks to itself."""
SILENCE_S: Final = 4.0
"""Nothing heard for so long, not even that, and the connection counts as lost."""
RETRY_S: Final = (0.1, 3.0)
"""First and longest wait between attempts to connect; doubles in between, with jitter."""
MAX_QUEUED: Final = 4_000
"""Packets that wait to be sent; what comes on top is dropped and counted."""
BATCH: Final = 64
"""Packets in one statement."""

_SEND = "SELECT pg_notify(channel, payload) FROM unnest(%s::text[], %s::text[]) AS t(channel, payload)"
_PING = b"ping"

log = structlog.get_logger(__name__)


class LinkLost(Exception):
    """The connection is of no use any more; the message says why."""


class PostgresLink:
    """Implements :class:`voice_agent.fleet.link.Link`."""

    def __init__(self, url: str, process: str) -> None:
        """``url`` as SQLAlchemy writes it (``postgresql+psycopg://``); ``process`` names this end."""
        self._dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._process = process
        self._handlers: dict[str, Callable[[bytes], None]] = {channel_of(process): lambda _: None}
        self._assemblies: dict[str, Assembly] = {}
        self._packets: dict[str, Packets] = {}
        self._outgoing: deque[tuple[str, str]] = deque()
        self._woken = asyncio.Event()
        self._watchers: list[Callable[[bool], None]] = []
        self._connected = False
        self._heard_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._lost = 0
        self.dropped = 0
        """Messages that could not be sent."""

    async def start(self) -> None:
        """Connect, and keep the connection from then on. Returns after the first attempt."""
        tried = asyncio.Event()
        self._task = asyncio.create_task(self._keep(tried), name="postgres-link")
        await tried.wait()

    async def close(self) -> None:
        """Let go of the connections. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._connected = False

    @property
    def connected(self) -> bool:
        """See :class:`~voice_agent.fleet.link.Link`."""
        return self._connected

    @property
    def lost(self) -> int:
        """Times that something did not arrive whole."""
        return self._lost + sum(assembly.lost for assembly in self._assemblies.values())

    def listen(self, channel: str, on_message: Callable[[bytes], None]) -> None:
        """See :class:`~voice_agent.fleet.link.Link`."""
        self._handlers[channel] = on_message

    def watch(self, on_change: Callable[[bool], None]) -> None:
        """See :class:`~voice_agent.fleet.link.Link`."""
        self._watchers.append(on_change)

    def send(self, channel: str, message: bytes) -> bool:
        """See :class:`~voice_agent.fleet.link.Link`."""
        if not self._connected or len(self._outgoing) >= MAX_QUEUED:
            self.dropped += 1
            return False
        try:
            packets = self._packets.setdefault(channel, Packets(self._process)).of(message)
        except MessageTooLong as error:
            self.dropped += 1
            log.error("link_message_dropped", channel=channel, error=str(error))
            return False
        self._outgoing.extend((channel, packet) for packet in packets)
        self._woken.set()
        return True

    async def _keep(self, tried: asyncio.Event) -> None:
        wait_s = RETRY_S[0]
        is_known = False  # that it is down: said once, not with every attempt
        while True:
            try:
                await self._connect_and_run(tried)
            except LinkLost as error:
                if self._connected:
                    log.warning("link_lost", reason=str(error))
                elif not is_known:
                    log.warning("link_not_made", reason=str(error))
            except Exception:
                # Whatever it was: without a further attempt this process would be deaf until it ends.
                log.exception("link_failed")
            if self._connected:
                wait_s = RETRY_S[0]
            is_known = True
            self._set(False)
            self._outgoing.clear()  # by the next connection they would be stale; the database has the events
            tried.set()
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, RETRY_S[1])

    async def _connect_and_run(self, tried: asyncio.Event) -> None:
        open_now: list[psycopg.AsyncConnection[tuple[object, ...]]] = []
        try:
            open_now.append(listening := await self._connection())
            open_now.append(sending := await self._connection())
            # A message is not worth a disk flush: it is gone after a crash in any case.
            await sending.execute("SET synchronous_commit = off")
            for channel in self._handlers:
                await listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self._heard_at = time.monotonic()
            self._lost = self.lost
            self._assemblies.clear()
            self._set(True)
            tried.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(listening))
                group.create_task(self._speak(sending))
                group.create_task(self._ping())
        except* (psycopg.Error, OSError, TimeoutError, LinkLost) as failures:
            raise LinkLost(_reason(failures)) from failures
        finally:
            for connection in open_now:
                await connection.close()

    async def _connection(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        async with asyncio.timeout(2 * CONNECT_TIMEOUT_S):
            return await psycopg.AsyncConnection.connect(
                self._dsn,
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_S,
                application_name=f"voice-agent link {self._process}",
            )

    async def _hear(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        async for notify in connection.notifies():
            self._heard_at = time.monotonic()
            handler = self._handlers.get(notify.channel)
            if handler is None:
                continue
            assembly = self._assemblies.setdefault(notify.channel, Assembly())
            message = assembly.take(notify.payload)
            if message is not None and message != _PING:
                handler(message)
        raise LinkLost("the server closed the connection")

    async def _speak(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._outgoing:
                batch = [self._outgoing.popleft() for _ in range(min(BATCH, len(self._outgoing)))]
                channels, payloads = zip(*batch, strict=True)
                async with asyncio.timeout(SILENCE_S):
                    await connection.execute(_SEND, (list(channels), list(payloads)))

    async def _ping(self) -> None:
        while True:
            self.send(channel_of(self._process), _PING)
            await asyncio.sleep(PING_S)
            if time.monotonic() - self._heard_at > SILENCE_S:
                raise LinkLost("nothing is heard any more")

    def _set(self, connected: bool) -> None:
        if connected is self._connected:
            return
        self._connected = connected
        for tell in self._watchers:
            tell(connected)


def _reason(failures: BaseException) -> str:
    """What failed first: its kind, where PostgreSQL gave one its SQLSTATE, and what a connection says of
    itself. Other messages may hold what was sent."""
    error = failures
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, LinkLost):
        return str(error)
    told = [type(error).__name__]
    if isinstance(error, psycopg.Error) and error.sqlstate:
        told.append(error.sqlstate)
    if isinstance(error, psycopg.OperationalError):
        told += str(error).strip().splitlines()[:1]
    return " ".join(told)
