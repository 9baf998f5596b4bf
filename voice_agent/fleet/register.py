"""Which call workers there are: each says every second that it lives, and everybody reads what all have said.

Ages are measured on the database's clock, so that the clocks of the machines do not matter. While the
database is away the last picture holds: nobody is declared dead by somebody who cannot see.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from voice_agent.fleet.tables import CallWorkerRow
from voice_agent.store.database import Database

BEAT_S: Final = 1.0
DEAD_AFTER_S: Final = 5.0
"""A worker that has said nothing for so long is dead, or cut off, or stuck: it gets no further call."""
RECLAIM_S: Final = 60.0
"""Whoever took a dead worker's calls upon itself and has not finished by then is dead too."""
FORGET_S: Final = 86_400.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a worker says of itself: see :class:`~voice_agent.fleet.tables.CallWorkerRow`."""

    calls: int
    room: int
    hears: bool
    operators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as others know it. ``age_s``: since it last said that it lives."""

    id: str
    url: str
    standing: Standing
    age_s: float

    @property
    def alive(self) -> bool:
        """Whether it can be given a call."""
        return self.age_s < DEAD_AFTER_S


class Register:
    """One process's part in the register, and its picture of the others."""

    def __init__(
        self,
        database: Database,
        process: str,
        url: str,
        standing: Callable[[], Standing] | None,
        *,
        beat_s: float = BEAT_S,
    ) -> None:
        """``standing`` tells how this process stands; None for one that carries no calls."""
        self._database = database
        self._process = process
        self._url = url
        self._standing = standing
        self._beat_s = beat_s
        self._started_at = datetime.now(UTC)
        self._workers: tuple[Worker, ...] = ()
        self._seeing_since: float | None = None
        self._task: asyncio.Task[None] | None = None
        self.beats = 0
        """Beats that reached the database."""
        self.on_beat: Callable[[], object] = lambda: None
        """Told after every beat that reached the database."""

    async def start(self) -> None:
        """Sign in and read, then go on doing so."""
        await self.beat()
        self._task = asyncio.create_task(self._run(), name="register")

    async def close(self) -> None:
        """Sign out: the calls of this process are over. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if self._standing is not None:
            gone = {"gone_at": func.now(), "settled_at": func.now()}
            try:
                async with self._database.session() as session:
                    await session.execute(
                        update(CallWorkerRow).where(CallWorkerRow.id == self._process).values(**gone)
                    )
            except (SQLAlchemyError, OSError) as error:
                log.warning("worker_not_signed_out", error=type(error).__name__)

    @property
    def workers(self) -> tuple[Worker, ...]:
        """All workers that have not signed out, as of the last beat."""
        return self._workers

    @property
    def seeing_s(self) -> float:
        """For how many seconds the database has answered without a break."""
        return 0.0 if self._seeing_since is None else time.monotonic() - self._seeing_since

    def worker(self, process: str) -> Worker | None:
        """One worker that has not signed out."""
        return next((worker for worker in self._workers if worker.id == process), None)

    async def claim(self, worker_id: str) -> bool:
        """Take the calls of a dead worker upon oneself; True for exactly one of all who try."""
        silent = CallWorkerRow.seen_at < func.now() - _seconds(DEAD_AFTER_S)
        abandoned = CallWorkerRow.gone_at < func.now() - _seconds(RECLAIM_S)
        claim = (
            update(CallWorkerRow)
            .where(
                CallWorkerRow.id == worker_id,
                CallWorkerRow.settled_at.is_(None),
                or_(CallWorkerRow.gone_at.is_(None) & silent, abandoned),
            )
            .values(gone_at=func.now())
            .returning(CallWorkerRow.id)
        )
        async with self._database.session() as session:
            return (await session.execute(claim)).first() is not None

    async def settle(self, worker_id: str) -> None:
        """Nothing of the worker's calls is left to be done."""
        async with self._database.session() as session:
            await session.execute(
                update(CallWorkerRow).where(CallWorkerRow.id == worker_id).values(settled_at=func.now())
            )
            await session.execute(
                delete(CallWorkerRow).where(CallWorkerRow.settled_at < func.now() - _seconds(FORGET_S))
            )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            await self.beat()

    async def beat(self) -> None:
        """Say that this process lives, and see who else does. What fails is tried again with the next
        beat."""
        try:
            async with asyncio.timeout(DEAD_AFTER_S), self._database.session() as session:
                if self._standing is not None:
                    await session.execute(self._sign_in(self._standing()))
                age = func.extract("epoch", func.now() - CallWorkerRow.seen_at)
                rows = await session.execute(
                    select(CallWorkerRow, age).where(CallWorkerRow.settled_at.is_(None))
                )
                self._workers = tuple(_worker(row, float(seconds)) for row, seconds in rows)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            if self._seeing_since is not None:
                log.warning("register_not_reached", error=type(error).__name__)
            self._seeing_since = None
            return
        if self._seeing_since is None:
            self._seeing_since = time.monotonic()
        self.beats += 1
        self.on_beat()

    def _sign_in(self, standing: Standing) -> Any:
        said = {
            "url": self._url,
            "seen_at": func.now(),
            "calls": standing.calls,
            "room": standing.room,
            "hears": standing.hears,
            "operators": list(standing.operators),
            "gone_at": None,
            "settled_at": None,
        }
        row = insert(CallWorkerRow).values(id=self._process, started_at=self._started_at, **said)
        return row.on_conflict_do_update(index_elements=["id"], set_=said)


def _worker(row: CallWorkerRow, age_s: float) -> Worker:
    standing = Standing(row.calls, row.room, row.hears, tuple(row.operators))
    return Worker(row.id, row.url, standing, age_s)


def _seconds(seconds: float) -> Any:
    return func.make_interval(0, 0, 0, 0, 0, 0, seconds)
