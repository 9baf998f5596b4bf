"""Escalations on record: saved as they change, with every step kept, and read as lists.

Whoever runs the live side calls :meth:`EscalationRecords.save` at every change with the whole escalation; the
order in which copies arrive does not matter, an older one never undoes a newer one. Figures over many are in
:mod:`voice_agent.operators.escalation_figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, case, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from voice_agent.call.record_tables import CallRow
from voice_agent.operators.ports import ACTIVE, Escalation, EscalationStatus
from voice_agent.operators.tables import EscalationEventRow, EscalationRow
from voice_agent.store.database import Database
from voice_agent.store.moments import SecondsBetween, utc_now

SAVE_LOCK = 7_106_220_254
"""Key of the PostgreSQL advisory lock under which processes save in turn: steps are numbered as committed."""

_ORDER = list(EscalationStatus)


@dataclass(frozen=True, slots=True)
class EscalationContext:
    """What else is known when a person is wanted. Numbers are E.164, scores 0..1, None when unknown.

    ``trigger_source`` says which part asked (``context_graph``, ``risk_scorer``, ``safety_monitor`` ...);
    ``operator_type`` is one of the published kinds of operator.
    """

    caller_id: str | None = None
    phone_number: str | None = None
    direction: str | None = None
    started_at: datetime | None = None
    trigger_source: str | None = None
    concept: str | None = None
    similarity: float | None = None
    agent_confidence: float | None = None
    operator_type: str | None = None
    regulatory_basis: str | None = None
    risk_score: float | None = None


@dataclass(frozen=True, slots=True)
class EscalationRecord:
    """An escalation as it stands, with its call. ``wait_s`` and ``handle_s``: None until known."""

    number: int
    call_sid: str
    escalation: Escalation
    context: EscalationContext

    @property
    def wait_s(self) -> float | None:
        """How long the caller waited for a person."""
        return _seconds(self.escalation.requested_at, self.escalation.connected_at)

    @property
    def handle_s(self) -> float | None:
        """How long the person was on the call."""
        return _seconds(self.escalation.connected_at, self.escalation.completed_at)


@dataclass(frozen=True, slots=True)
class Handled:
    """What one operator did: an escalation counts once they were connected. ``avg_handle_s`` is the mean
    from then to its end, in seconds, over those that have ended; 0 when none has."""

    total: int = 0
    avg_handle_s: float = 0.0


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """One step in the life of an escalation: requested, connected, handback, completed."""

    id: int
    event_id: UUID
    escalation_id: str
    event_type: str
    at: datetime
    ingested_at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepPage:
    """Newest first; ``continuation_token`` None: this was the last page."""

    items: list[EscalationStep]
    total: int
    continuation_token: int | None


@dataclass(frozen=True, slots=True)
class EscalationPage:
    """Longest waiting first; ``continuation_token`` None: this was the last page."""

    items: list[EscalationRecord]
    total: int
    continuation_token: int | None


class EscalationRecords:
    """The escalations of one workspace."""

    def __init__(
        self, database: Database, workspace_id: UUID, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._clock = clock

    async def save(
        self, escalation: Escalation, call_sid: str, context: EscalationContext | None = None
    ) -> None:
        """Record an escalation as it is now; call it at every change, as often as you like.

        What an earlier call told and this one leaves out (None) stays. A step backwards, as when two
        processes report in the wrong order, changes nothing but what was unknown.
        """
        async with self._database.session() as session:
            if not self._database.is_sqlite:
                await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SAVE_LOCK})
            row = await session.scalar(
                select(EscalationRow).where(EscalationRow.escalation_id == escalation.escalation_id)
            )
            if row is None:
                row = self._new_row(escalation, call_sid)
                session.add(row)
                is_step = True
            else:
                is_step = _ORDER.index(escalation.status) > _ORDER.index(EscalationStatus(row.status))
                if is_step:
                    row.status = escalation.status
            row.connected_at = row.connected_at or escalation.connected_at
            row.completed_at = row.completed_at or escalation.completed_at
            if row.status == escalation.status:
                row.operator_id = escalation.operator_id or row.operator_id
            else:
                row.operator_id = row.operator_id or escalation.operator_id
            for field in fields(EscalationContext):
                value = getattr(context, field.name, None)
                if value is not None:
                    setattr(row, field.name, value)
            if is_step:
                self._add_step(session, escalation, call_sid, row)

    def _new_row(self, escalation: Escalation, call_sid: str) -> EscalationRow:
        return EscalationRow(
            escalation_id=escalation.escalation_id,
            workspace_id=self._workspace_id,
            call_sid=call_sid,
            status=escalation.status,
            trigger=escalation.trigger,
            reason=escalation.reason,
            immediate=escalation.hard,
            requested_at=escalation.requested_at,
        )

    def _add_step(
        self, session: AsyncSession, escalation: Escalation, call_sid: str, row: EscalationRow
    ) -> None:
        now = self._clock()
        times = {
            EscalationStatus.REQUESTED: escalation.requested_at,
            EscalationStatus.CONNECTED: escalation.connected_at,
            EscalationStatus.COMPLETED: escalation.completed_at,
        }
        session.add(
            EscalationEventRow(
                event_id=uuid4(),
                workspace_id=self._workspace_id,
                escalation_id=escalation.escalation_id,
                event_type=f"escalation.{escalation.status}",
                at=times.get(escalation.status) or now,
                ingested_at=now,
                data={
                    "escalation_id": escalation.escalation_id,
                    "call_sid": call_sid,
                    "status": str(escalation.status),
                    "trigger": escalation.trigger,
                    "trigger_source": row.trigger_source,
                    "reason": escalation.reason,
                    "immediate": escalation.hard,
                    "operator_entity_id": row.operator_id,
                    "risk_score": row.risk_score,
                },
            )
        )

    async def steps(self, *, limit: int = 10, continuation_token: int = 0) -> StepPage:
        """Everything that happened to escalations, newest first. Token 0 is the first page."""
        mine = EscalationEventRow.workspace_id == self._workspace_id
        query = select(EscalationEventRow).where(mine).order_by(EscalationEventRow.id.desc())
        if continuation_token:
            query = query.where(EscalationEventRow.id < continuation_token)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(EscalationEventRow).where(mine))
            rows = list(await session.scalars(query.limit(limit + 1)))
        names = [field.name for field in fields(EscalationStep)]
        items = [EscalationStep(**{name: getattr(row, name) for name in names}) for row in rows[:limit]]
        return StepPage(items, total or 0, items[-1].id if len(rows) > limit else None)

    async def active(self, *, limit: int = 10, continuation_token: int = 0) -> EscalationPage:
        """Escalations that wait for a person or have one, of calls that have not ended. Token 0 comes first.

        A process that died cannot complete its escalations; they are over with their calls.
        """
        wanted = self._active()
        query = select(EscalationRow).where(*wanted).order_by(EscalationRow.number)
        page = query.where(EscalationRow.number > continuation_token).limit(limit + 1)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(EscalationRow).where(*wanted))
            rows = list(await session.scalars(page))
        items = [_record(row) for row in rows[:limit]]
        return EscalationPage(items, total or 0, items[-1].number if len(rows) > limit else None)

    async def of_call(self, call_sid: str) -> EscalationRecord | None:
        """The newest escalation of a call."""
        query = (
            select(EscalationRow)
            .where(EscalationRow.workspace_id == self._workspace_id, EscalationRow.call_sid == call_sid)
            .order_by(EscalationRow.requested_at.desc(), EscalationRow.number.desc())
            .limit(1)
        )
        async with self._database.reading() as session:
            row = await session.scalar(query)
        return _record(row) if row is not None else None

    async def requested_since(self, since: datetime) -> list[EscalationRecord]:
        """Escalations requested at or after ``since``, oldest first: the material of figures."""
        query = (
            select(EscalationRow)
            .where(EscalationRow.workspace_id == self._workspace_id, EscalationRow.requested_at >= since)
            .order_by(EscalationRow.requested_at, EscalationRow.number)
        )
        async with self._database.reading() as session:
            return [_record(row) for row in await session.scalars(query)]

    async def handled_by(self, operator_ids: Collection[str]) -> dict[str, Handled]:
        """What each of these operators did; those who did nothing are left out."""
        seconds = SecondsBetween(EscalationRow.connected_at, EscalationRow.completed_at)
        query = (
            select(
                EscalationRow.operator_id, func.count(), func.avg(case((seconds < 0.0, 0.0), else_=seconds))
            )
            .where(
                EscalationRow.workspace_id == self._workspace_id,
                EscalationRow.operator_id.in_(operator_ids),
                EscalationRow.connected_at.is_not(None),
            )
            .group_by(EscalationRow.operator_id)
        )
        async with self._database.reading() as session:
            rows = await session.execute(query)
            return {
                str(name): Handled(total, round(float(average or 0.0), 3)) for name, total, average in rows
            }

    def _active(self) -> list[ColumnElement[bool]]:
        ended = (
            select(CallRow.number)
            .where(CallRow.call_sid == EscalationRow.call_sid, CallRow.completion_reason.is_not(None))
            .exists()
        )
        return [
            EscalationRow.workspace_id == self._workspace_id,
            EscalationRow.status.in_(ACTIVE),
            ~ended,
        ]


def _record(row: EscalationRow) -> EscalationRecord:
    escalation = Escalation(
        escalation_id=row.escalation_id,
        status=EscalationStatus(row.status),
        trigger=row.trigger,
        reason=row.reason,
        hard=row.immediate,
        requested_at=row.requested_at,
        connected_at=row.connected_at,
        completed_at=row.completed_at,
        operator_id=row.operator_id,
    )
    context = EscalationContext(
        **{field.name: getattr(row, field.name) for field in fields(EscalationContext)}
    )
    return EscalationRecord(row.number, row.call_sid, escalation, context)


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return max(0.0, (end - start).total_seconds())
