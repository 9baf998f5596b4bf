"""Many calls at once: searches by offset, what an earlier caller said before, and figures over weeks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select

from voice_agent.call.record_fold import CallRecord
from voice_agent.call.record_tables import CallRow
from voice_agent.call.records import CallFilter, conditions_of, record_of
from voice_agent.store.database import Database

SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class CallSearch:
    """Which calls to find. Durations are seconds, both ends included; None means any."""

    among: CallFilter = field(default_factory=CallFilter)
    min_duration: float | None = None
    max_duration: float | None = None
    include_simulated: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Newest calls first, from an offset; ``total`` counts all that match."""

    items: list[CallRecord]
    total: int


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """Averages over a period. ``escalation_rate`` is 0..1; durations are of ended calls, in seconds."""

    total_calls: int
    avg_duration_s: float | None
    escalation_rate: float


@dataclass(slots=True)
class NumberVolume:
    """How often one of the practice's numbers was used. ``by_date`` counts calls per local ISO date."""

    phone_number: str
    total: int = 0
    inbound: int = 0
    outbound: int = 0
    ended: int = 0
    seconds: float = 0.0
    by_date: Counter[str] = field(default_factory=Counter)

    @property
    def avg_duration_s(self) -> float | None:
        """Of ended calls, in seconds."""
        return self.seconds / self.ended if self.ended else None


class CallOverview:
    """Reads across calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, search: CallSearch, *, offset: int = 0, limit: int = 20) -> Found:
        """Calls that match, newest first."""
        wanted = _conditions(search)
        page = select(CallRow).where(*wanted).order_by(CallRow.number.desc()).offset(offset).limit(limit)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(CallRow).where(*wanted))
            rows = list(await session.scalars(page))
        return Found([record_of(row) for row in rows], total or 0)

    async def with_entity(self, entity_id: UUID) -> CallRecord | None:
        """The call with this entity id."""
        async with self._database.reading() as session:
            row = await session.scalar(select(CallRow).where(CallRow.entity_id == entity_id))
        return record_of(row) if row is not None else None

    async def earlier_calls_from(
        self, caller_id: str, *, before: datetime, limit: int = 5
    ) -> list[CallRecord]:
        """The last calls from a number that began before an instant, newest first."""
        query = (
            select(CallRow)
            .where(CallRow.caller_id == caller_id, CallRow.started_at < before)
            .order_by(CallRow.number.desc())
            .limit(limit)
        )
        async with self._database.reading() as session:
            return [record_of(row) for row in await session.scalars(query)]

    async def benchmarks(self, since: datetime) -> Benchmarks:
        """Averages over the real calls that began since then."""
        ended = CallRow.completion_reason.is_not(None)
        query = select(
            func.count(),
            func.avg(case((ended, CallRow.duration_seconds))),
            func.sum(case((CallRow.escalation_status != "none", 1), else_=0)),
        ).where(CallRow.started_at >= since, CallRow.source != SIMULATED)
        async with self._database.reading() as session:
            total, average, escalated = (await session.execute(query)).one()
        return Benchmarks(
            total, float(average) if average is not None else None, (escalated or 0) / total if total else 0.0
        )

    async def volume(self, since: datetime, zone: tzinfo) -> list[NumberVolume]:
        """Calls per practice number since then, the busiest first; days are those of ``zone``."""
        query = select(
            CallRow.phone_number,
            CallRow.direction,
            CallRow.started_at,
            CallRow.duration_seconds,
            CallRow.completion_reason,
        ).where(CallRow.started_at >= since, CallRow.source != SIMULATED, CallRow.phone_number.is_not(None))
        numbers: dict[str, NumberVolume] = {}
        async with self._database.reading() as session:
            for number, direction, started_at, seconds, reason in await session.execute(query):
                assert number is not None  # so says the query
                volume = numbers.setdefault(number, NumberVolume(number))
                volume.total += 1
                volume.inbound += direction == "inbound"
                volume.outbound += direction == "outbound"
                volume.by_date[started_at.astimezone(zone).date().isoformat()] += 1
                if reason is not None:
                    volume.ended += 1
                    volume.seconds += seconds
        return sorted(numbers.values(), key=lambda volume: (-volume.total, volume.phone_number))


def _conditions(search: CallSearch) -> list[ColumnElement[bool]]:
    wanted = conditions_of(search.among)
    if search.min_duration is not None:
        wanted.append(CallRow.duration_seconds >= search.min_duration)
    if search.max_duration is not None:
        wanted.append(CallRow.duration_seconds <= search.max_duration)
    if not search.include_simulated:
        wanted.append(CallRow.source != SIMULATED)
    return wanted
