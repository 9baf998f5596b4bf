"""Writes the events of all calls of this process into the database, in batches; no call ever waits for it.

Events come from the bus. Five times a second what has come is appended to ``call_events`` and folded into the
rows of its calls, in one transaction. While the database is away, batches go to a spill file instead, in
order, and from there to the database as soon as it is back; what a process that died left in its spill file
is taken over by the next one. Only a disk *and* a database that refuse at the same time lose events, and they
are counted.

A batch that the database itself refuses (as opposed to: cannot be reached) is tried event by event, so that
one event that cannot be stored does not hold up the others.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError
from sqlalchemy import Table, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncSession

from voice_agent.call.events import CallEvent, Degraded, SessionInfo, call_event_adapter
from voice_agent.call.record_fold import CallFold, row_of
from voice_agent.call.record_spill import EventSpill
from voice_agent.call.record_tables import CallEventRow, CallRow, RecordingRow, TurnRow
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database, StoreError

BATCH_S = 0.2
"""How long the first event of a batch waits for others."""

MAX_BATCH = 100
"""Events in one transaction: what 60 busy calls make in :data:`BATCH_S`, 5 ms of the event loop."""

WRITE_TIMEOUT_S = 5.0
"""A transaction that takes longer counts as a database that is away."""

MAX_WAITING = 20_000
"""Events that may wait in memory: at 500 a second, database and disk may both stand still for 40 s."""

RETRY_S = (0.25, 5.0)
"""First and longest wait between two attempts at a database that is away; doubles in between, with jitter."""

KEPT_FOLDS = 500
"""Calls whose folded state stays in memory; that of others is made again from their events."""

APPEND_LOCK = 7_106_220_252
"""Key of the PostgreSQL advisory lock under which processes append in turn: ids rise as commits do."""

_log = structlog.get_logger(__name__)


class _Away(StoreError):
    """The database cannot be reached, or cannot work."""


class _Refused(StoreError):
    """The database will never take these events."""


@dataclass(frozen=True, slots=True)
class WriterStats:
    """Where the writer stands. Numbers are events since the process started.

    Attributes:
        recorded: are in the database.
        spilled: went through a spill file.
        refused: the database would not take them; they are in ``spill/refused.ndjson``.
        lost: neither database nor disk took them, or they came faster than could be handled.
        away: the database cannot be reached now.
    """

    recorded: int = 0
    spilled: int = 0
    refused: int = 0
    lost: int = 0
    away: bool = False


class RecordWriter:
    """The writer of call records of one process."""

    def __init__(self, database: Database, bus: EventBus, data_dir: Path) -> None:
        """Listen to ``bus`` from now on; write from :meth:`start` on. Spill: ``data_dir / "spill"``."""
        self._database = database
        self._bus = bus
        self._spill = EventSpill(data_dir / "spill")
        self._refused = data_dir / "spill" / "refused.ndjson"
        self._subscription = bus.subscribe(capacity=MAX_WAITING)
        self._writing = asyncio.Lock()  # guards the order of events from the bus to the database
        self._pending: list[CallEvent] = []
        self._folds: OrderedDict[str, CallFold] = OrderedDict()
        self._stats = WriterStats()
        self._retry_at = 0.0
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def stats(self) -> WriterStats:
        """Counters for metrics and health."""
        return replace(self._stats, lost=self._stats.lost + self._subscription.dropped)

    async def start(self) -> None:
        """Take over what dead processes left, and begin to write."""
        if self._task is None:
            await asyncio.to_thread(self._spill.adopt)
            self._task = asyncio.create_task(self._run(), name="record-writer")

    async def flush(self, timeout_s: float = 10.0) -> bool:
        """Write what was published so far. True when all of it is in the database, False when some waits."""
        try:
            async with asyncio.timeout(timeout_s), self._writing:
                self._retry_at = 0.0
                await self._write_everything()
        except TimeoutError:
            return False
        return self._spill.empty

    async def close(self, timeout_s: float = 10.0) -> bool:
        """Write everything and stop. True when all is in the database; the rest waits in the spill file."""
        self._bus.unsubscribe(self._subscription)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        complete = await self.flush(timeout_s)
        async with self._writing:
            waiting = self._pending + [
                storable(event) for event in self._subscription.take() if event.seq > 0
            ]
            if waiting:
                await self._put_aside(waiting)
                self._pending = []
            await asyncio.to_thread(self._spill.close)
        return complete

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            wait_s = None if self._spill.empty else max(0.0, self._retry_at - loop.time())
            try:
                await asyncio.wait_for(self._subscription.ready(), wait_s)
            except TimeoutError:
                _log.debug("trying the database again")
            else:
                await asyncio.sleep(BATCH_S)
            async with self._writing:
                await self._write_everything()

    async def _write_everything(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # What was taken stays in _pending until it is safe: a cancelled attempt is made again from there.
            self._pending = self._pending or [
                storable(event) for event in self._subscription.take(MAX_BATCH) if event.seq > 0
            ]
            if self._pending:
                await self._keep(self._pending)
                self._pending = []
            elif not self._spill.empty and loop.time() >= self._retry_at:
                await self._drain_one_block()
            elif not self._subscription.queued:
                return

    async def _keep(self, events: list[CallEvent]) -> None:
        if self._spill.empty and asyncio.get_running_loop().time() >= self._retry_at:
            try:
                await self._record(events)
            except _Away as error:
                self._went_away(error)
            else:
                self._came_back()
                return
        await self._put_aside(events)

    async def _put_aside(self, events: list[CallEvent]) -> None:
        try:
            await asyncio.to_thread(self._spill.append, events)
        except OSError as error:
            self._count(lost=len(events))
            _log.error("call events are lost: database and disk refuse", events=len(events), error=str(error))
        else:
            self._count(spilled=len(events))

    async def _drain_one_block(self) -> None:
        try:
            events, mark = await asyncio.to_thread(self._spill.peek)
            for start in range(0, len(events), MAX_BATCH):
                await self._record(events[start : start + MAX_BATCH])
            await asyncio.to_thread(self._spill.discard, mark)
        except (_Away, OSError) as error:
            self._went_away(error)
        else:
            if self._spill.empty:
                self._came_back()

    async def _record(self, events: Sequence[CallEvent]) -> None:
        try:
            await self._transact(events)
        except _Refused as error:
            if len(events) > 1:
                for event in events:
                    await self._record([event])
                return
            self._count(refused=1)
            _log.error("the database refuses a call event", type=events[0].type, error=str(error))
            await asyncio.to_thread(_append_line, self._refused, call_event_adapter.dump_json(events[0]))
        else:
            self._count(recorded=len(events))

    async def _transact(self, events: Sequence[CallEvent]) -> None:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S), self._database.session() as session:
                await self._append_and_fold(session, events)
        except BaseException as error:
            # The folded state is ahead of what is stored: make it again from the stored events.
            for call_sid in {event.call_sid for event in events}:
                self._folds.pop(call_sid, None)
            if _is_away(error):
                raise _Away(_reason(error)) from error
            if isinstance(error, Exception):
                raise _Refused(_reason(error)) from error
            raise

    async def _append_and_fold(self, session: AsyncSession, events: Sequence[CallEvent]) -> None:
        if not self._database.is_sqlite:
            await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": APPEND_LOCK})
        by_call: dict[str, list[CallEvent]] = {}
        for event in events:
            by_call.setdefault(event.call_sid, []).append(event)
        folds = {sid: await self._fold_of(session, sid, its[0]) for sid, its in by_call.items()}
        await self._insert(
            session,
            CallEventRow,
            [
                {
                    "call_sid": event.call_sid,
                    "seq": event.seq,
                    "type": event.type,
                    "at": event.at,
                    "t": event.t,
                    "data": event.model_dump(mode="json"),
                }
                for event in events
            ],
        )
        calls: list[dict[str, Any]] = []
        turns: list[dict[str, Any]] = []
        recordings: list[dict[str, Any]] = []
        for sid, fold in folds.items():
            changed = fold.apply(by_call[sid])
            calls.append(row_of(fold.call))
            turns += [row_of(fold.turns[index]) | {"call_sid": sid} for index in sorted(changed)]
            if fold.recording is not None:
                recordings.append(_recording_row(sid, fold.recording))
        await self._insert(session, CallRow, calls, key=["call_sid"])
        await self._insert(session, TurnRow, turns, key=["call_sid", "turn_index"])
        await self._insert(session, RecordingRow, recordings, key=["call_sid"])

    async def _fold_of(self, session: AsyncSession, call_sid: str, first: CallEvent) -> CallFold:
        fold = self._folds.get(call_sid)
        if fold is None:
            stored = await session.scalars(
                select(CallEventRow.data).where(CallEventRow.call_sid == call_sid).order_by(CallEventRow.seq)
            )
            earlier = [event for data in stored if (event := parsed(data)) is not None]
            fold = self._folds[call_sid] = CallFold(earlier[0] if earlier else first)
            fold.apply(earlier)
        self._folds.move_to_end(call_sid)
        while len(self._folds) > KEPT_FOLDS:
            self._folds.popitem(last=False)
        return fold

    async def _insert(
        self,
        session: AsyncSession,
        table: type[CallEventRow | CallRow | TurnRow | RecordingRow],
        rows: list[dict[str, Any]],
        key: list[str] | None = None,
    ) -> None:
        """Insert ``rows``. A row that is already there is replaced if ``key`` is given, else left alone."""
        if not rows:
            return
        target = table.__table__
        assert isinstance(target, Table)
        statement = (sqlite.insert if self._database.is_sqlite else postgresql.insert)(target)
        if key is None:
            statement = statement.on_conflict_do_nothing()
        else:
            statement = statement.on_conflict_do_update(
                index_elements=key,
                set_={name: statement.excluded[name] for name in rows[0] if name not in key},
            )
        await session.execute(statement, rows)

    def _went_away(self, error: _Away | OSError) -> None:
        if not self._stats.away:
            _log.warning("the database is away; call events go to the spill file", error=str(error))
            self._bus.publish(Degraded(part="records", rung="spill file", reason=str(error)))
        self._stats = replace(self._stats, away=True)
        wait_s = min(RETRY_S[1], RETRY_S[0] * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        self._retry_at = asyncio.get_running_loop().time() + wait_s * random.uniform(0.5, 1.0)

    def _came_back(self) -> None:
        if self._stats.away:
            _log.info("the database is back; everything that waited is recorded")
            self._bus.publish(SessionInfo(name="records_restored", detail={"spilled": self._stats.spilled}))
        self._stats = replace(self._stats, away=False)
        self._failures = 0
        self._retry_at = 0.0

    def _count(self, *, recorded: int = 0, spilled: int = 0, refused: int = 0, lost: int = 0) -> None:
        stats = self._stats
        self._stats = replace(
            stats,
            recorded=stats.recorded + recorded,
            spilled=stats.spilled + spilled,
            refused=stats.refused + refused,
            lost=stats.lost + lost,
        )


def parsed(data: dict[str, Any]) -> CallEvent | None:
    """A stored event, or None for one that this version of the program does not know."""
    try:
        return call_event_adapter.validate_python(data)
    except ValidationError:
        _log.warning("a stored call event is not of a known kind", type=data.get("type"), seq=data.get("seq"))
        return None


def storable(event: CallEvent) -> CallEvent:
    """``event`` itself, or a copy of it without what no database or JSON text can hold.

    NUL characters and half surrogates become U+FFFD; values that JSON does not know become their text.
    """
    try:
        text_of_it = call_event_adapter.dump_json(event)
    except PydanticSerializationError:
        text_of_it = None
    if text_of_it is not None and b"\\u0000" not in text_of_it:
        return event
    return call_event_adapter.validate_python(_cleaned(event.model_dump()))


def _is_away(error: BaseException) -> bool:
    if isinstance(error, (DataError, IntegrityError)):
        return False
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        return False  # a value that cannot be bound
    return isinstance(error, (SQLAlchemyError, OSError, TimeoutError))


def _reason(error: BaseException) -> str:
    """What failed, without any value of an event: those are the patients'."""
    if isinstance(error, OperationalError):
        return f"{type(error.orig).__name__}: {str(error.orig).strip().splitlines()[0]}"
    return type(error).__name__


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_cleaned(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_cleaned(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _cleaned(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _recording_row(call_sid: str, detail: dict[str, Any]) -> dict[str, Any]:
    names = [column.name for column in RecordingRow.__table__.columns]
    return {name: detail.get(name) for name in names} | {"call_sid": call_sid}


def _append_line(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(line + b"\n")
