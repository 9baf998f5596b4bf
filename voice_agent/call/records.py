"""What is known of calls, during and after them: lists, details, turns and events, read from the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Result, func, select

from voice_agent.call.events import CallEvent
from voice_agent.call.record_fold import CallRecord, TurnRecord
from voice_agent.call.record_tables import CallEventRow, CallRow, RecordingRow, TurnRow
from voice_agent.call.record_writer import parsed
from voice_agent.store.database import Database

MAX_PAGE = 200
"""Calls or events per page."""

SILENT_FOR = timedelta(hours=1)
"""A call that has not ended and whose last event is older is shown as ``unknown``: its process died."""


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls to list; None means any. Dates are of the start, ``date_to`` excluded."""

    status: str | None = None
    direction: str | None = None
    service_id: str | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallPage:
    """Newest calls first. ``continuation_token`` asks for the next page; None on the last one."""

    items: list[CallRecord]
    total: int
    continuation_token: int | None

    @property
    def has_more(self) -> bool:
        """Whether older calls follow."""
        return self.continuation_token is not None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its place in the order of all recorded events."""

    id: int
    event: CallEvent


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Which event was recorded under an ``id``, without its content."""

    id: int
    call_sid: str
    seq: int
    type: str


class CallRecords:
    """Reads the records of calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def calls(
        self, wanted: CallFilter | None = None, *, limit: int = 50, continuation_token: int | None = None
    ) -> CallPage:
        """One page of calls, newest first. Calls that begin while somebody turns pages do not shift them."""
        limit = max(1, min(limit, MAX_PAGE))
        conditions = conditions_of(wanted or CallFilter())
        page = select(CallRow).where(*conditions).order_by(CallRow.number.desc()).limit(limit + 1)
        if continuation_token is not None:
            page = page.where(CallRow.number < continuation_token)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(CallRow).where(*conditions))
            rows = list(await session.scalars(page))
        token = rows[limit - 1].number if len(rows) > limit else None
        return CallPage([record_of(row) for row in rows[:limit]], total or 0, token)

    async def unfinished(self) -> list[CallRecord]:
        """Calls that have not ended as far as is known, oldest first; those silent for :data:`SILENT_FOR`
        are left out."""
        query = (
            select(CallRow)
            .where(
                CallRow.completion_reason.is_(None), CallRow.last_event_at > datetime.now(UTC) - SILENT_FOR
            )
            .order_by(CallRow.number)
        )
        async with self._database.reading() as session:
            return [record_of(row) for row in await session.scalars(query)]

    async def call(self, call_sid: str) -> CallRecord | None:
        """One call, or None."""
        async with self._database.reading() as session:
            row = await session.scalar(select(CallRow).where(CallRow.call_sid == call_sid))
        return None if row is None else record_of(row)

    async def turns(self, call_sid: str) -> list[TurnRecord]:
        """The turns of a call, in order."""
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(TurnRow).where(TurnRow.call_sid == call_sid).order_by(TurnRow.turn_index)
            )
            names = [field.name for field in fields(TurnRecord)]
            return [TurnRecord(**{name: getattr(row, name) for name in names}) for row in rows]

    async def recording(self, call_sid: str) -> dict[str, Any] | None:
        """The published metadata of a call's recording, or None."""
        async with self._database.reading() as session:
            row = await session.scalar(select(RecordingRow).where(RecordingRow.call_sid == call_sid))
        if row is None:
            return None
        return {column.name: getattr(row, column.name) for column in RecordingRow.__table__.columns}

    async def events(self, call_sid: str, *, after: int = 0, limit: int | None = None) -> list[CallEvent]:
        """The recorded events of a call with ``seq`` > ``after``, in order."""
        query = (
            select(CallEventRow.id, CallEventRow.data)
            .where(CallEventRow.call_sid == call_sid, CallEventRow.seq > after)
            .order_by(CallEventRow.seq)
            .limit(limit)
        )
        async with self._database.reading() as session:
            return [stored.event for stored in _stored(await session.execute(query))]

    async def events_after(self, row_id: int, *, limit: int = MAX_PAGE) -> list[StoredEvent]:
        """The events of all calls recorded after the one with ``id`` ``row_id``, in that order."""
        query = (
            select(CallEventRow.id, CallEventRow.data)
            .where(CallEventRow.id > row_id)
            .order_by(CallEventRow.id)
            .limit(limit)
        )
        async with self._database.reading() as session:
            return _stored(await session.execute(query))

    async def places_after(self, row_id: int, *, limit: int = MAX_PAGE) -> list[EventPlace]:
        """As :meth:`events_after`, for readers who have most of them already."""
        query = (
            select(CallEventRow.id, CallEventRow.call_sid, CallEventRow.seq, CallEventRow.type)
            .where(CallEventRow.id > row_id)
            .order_by(CallEventRow.id)
            .limit(limit)
        )
        async with self._database.reading() as session:
            return [EventPlace(*row) for row in await session.execute(query)]

    async def events_at(self, row_ids: Sequence[int]) -> dict[int, CallEvent]:
        """The events recorded under these numbers (a page of them at most), by their numbers."""
        query = select(CallEventRow.id, CallEventRow.data).where(CallEventRow.id.in_(row_ids))
        async with self._database.reading() as session:
            return {stored.id: stored.event for stored in _stored(await session.execute(query))}

    async def last_event_id(self) -> int:
        """The ``id`` of the newest recorded event, 0 when there is none."""
        async with self._database.reading() as session:
            return await session.scalar(select(func.max(CallEventRow.id))) or 0


def conditions_of(wanted: CallFilter) -> list[ColumnElement[bool]]:
    """A filter in SQL."""
    conditions = []
    if wanted.status is not None:
        conditions.append(CallRow.status == wanted.status)
    if wanted.direction is not None:
        conditions.append(CallRow.direction == wanted.direction)
    if wanted.service_id is not None:
        conditions.append(CallRow.service_id == wanted.service_id)
    if wanted.date_from is not None:
        conditions.append(CallRow.started_at >= wanted.date_from)
    if wanted.date_to is not None:
        conditions.append(CallRow.started_at < wanted.date_to)
    return conditions


def record_of(row: CallRow) -> CallRecord:
    """A row as what is known of the call."""
    call = CallRecord(**{field.name: getattr(row, field.name) for field in fields(CallRecord)})
    if call.completion_reason is None and datetime.now(UTC) - call.last_event_at > SILENT_FOR:
        call.status = "unknown"
    return call


def _stored(rows: Result[tuple[int, dict[str, Any]]]) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    for row in rows:
        event = parsed(row.data)
        if event is not None:
            found.append(StoredEvent(row.id, event))
    return found
