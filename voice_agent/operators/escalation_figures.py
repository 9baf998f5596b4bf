"""Figures over the escalations of a time: by day, status, trigger, operator. Pure: computed from records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import fmean

from voice_agent.operators.escalation_records import EscalationRecord
from voice_agent.operators.ports import EscalationStatus


class Period(StrEnum):
    """How far back to look."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class GroupBy(StrEnum):
    """What to count by."""

    STATUS = "status"
    TRIGGER = "trigger"
    OPERATOR = "operator"


PERIODS = {Period.DAY: timedelta(days=1), Period.WEEK: timedelta(days=7), Period.MONTH: timedelta(days=30)}

NOBODY = "unassigned"
"""Key of escalations that no operator took."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """A day's escalations by how far they came; averages in seconds, None when there are none."""

    requested: int
    connected: int
    completed: int
    avg_wait_s: float | None
    avg_handle_s: float | None


def since(period: Period, now: datetime) -> datetime:
    """When a period that ends now began."""
    return now - PERIODS[period]


def counted(records: Iterable[EscalationRecord], by: GroupBy) -> list[tuple[str, int]]:
    """How many of each, the largest group first."""
    keys = {
        GroupBy.STATUS: lambda record: str(record.escalation.status),
        GroupBy.TRIGGER: lambda record: record.escalation.trigger,
        GroupBy.OPERATOR: lambda record: record.escalation.operator_id or NOBODY,
    }
    counts = Counter(keys[by](record) for record in records)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def day_figures(records: Sequence[EscalationRecord]) -> DayFigures:
    """The figures of the escalations requested on one day."""
    waits = [record.wait_s for record in records if record.wait_s is not None]
    handles = [record.handle_s for record in records if record.handle_s is not None]
    return DayFigures(
        requested=len(records),
        connected=sum(1 for record in records if record.escalation.connected_at is not None),
        completed=sum(1 for record in records if record.escalation.status is EscalationStatus.COMPLETED),
        avg_wait_s=fmean(waits) if waits else None,
        avg_handle_s=fmean(handles) if handles else None,
    )
