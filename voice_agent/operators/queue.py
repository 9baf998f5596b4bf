"""Which call an operator should look at first: a score from 0 to 1, and the reasons in words.

Pure: the same calls at the same moment always give the same order. A call with an active escalation (a person
is wanted, or is on it) stands before all others, whatever its score.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voice_agent.operators.ports import ACTIVE, EscalationStatus, LiveCall

RISK_WEIGHT = 0.4
WAIT_WEIGHT = 0.2
VALENCE_WEIGHT = 0.15
SAFETY_WEIGHT = 0.15
LOOP_WEIGHT = 0.1
"""Together 1, so that the score stays within 0..1."""

FULL_WAIT_S = 300.0
"""Waiting longer counts no more."""

HIGH_RISK = 0.5
LONG_WAIT_S = 120.0
NEGATIVE_VALENCE = -0.3
MAX_LOOPS = 3
"""Published default of ``max_loop_count``."""


class PriorityReason(StrEnum):
    """Why a call stands where it stands."""

    HIGH_RISK = "high_risk"
    LONG_WAIT = "long_wait"
    NEGATIVE_EMOTION = "negative_emotion"
    SAFETY_CONCERN = "safety_concern"
    LOOPING = "looping"


@dataclass(frozen=True, slots=True)
class QueuedCall:
    """A live call with its place. ``priority`` is 0..1, ``wait_s`` how long the caller has waited for a
    person."""

    call: LiveCall
    priority: float
    wait_s: float
    reasons: tuple[PriorityReason, ...]

    @property
    def escalation_active(self) -> bool:
        """Whether a person is wanted, or on the call."""
        return self.call.escalation is not None and self.call.escalation.status in ACTIVE


def ranked(calls: Iterable[LiveCall], now: datetime, *, max_loops: int = MAX_LOOPS) -> list[QueuedCall]:
    """The calls, most urgent first; of two equally urgent ones the older."""
    queue = [rated(call, now, max_loops=max_loops) for call in calls]
    return sorted(queue, key=lambda item: (not item.escalation_active, -item.priority, item.call.started_at))


def rated(call: LiveCall, now: datetime, *, max_loops: int = MAX_LOOPS) -> QueuedCall:
    """One call's score and reasons. What is not known of a call counts as harmless."""
    wait_s = waited_s(call, now)
    risk = call.risk_score or 0.0
    valence = call.valence or 0.0
    safety = bool(call.concepts)
    priority = (
        RISK_WEIGHT * _within_0_1(risk)
        + WAIT_WEIGHT * _within_0_1(wait_s / FULL_WAIT_S)
        + VALENCE_WEIGHT * _within_0_1(-valence)
        + SAFETY_WEIGHT * safety
        + LOOP_WEIGHT * _within_0_1(call.loops / max_loops)
    )
    applies = {
        PriorityReason.HIGH_RISK: risk >= HIGH_RISK,
        PriorityReason.LONG_WAIT: wait_s >= LONG_WAIT_S,
        PriorityReason.NEGATIVE_EMOTION: valence <= NEGATIVE_VALENCE,
        PriorityReason.SAFETY_CONCERN: safety,
        PriorityReason.LOOPING: call.loops >= max_loops,
    }
    return QueuedCall(call, _within_0_1(priority), wait_s, tuple(r for r, true in applies.items() if true))


def waited_s(call: LiveCall, now: datetime) -> float:
    """Seconds for which the caller has waited for a person; 0 when none is wanted, or one has come."""
    wanted = call.escalation
    if wanted is None or wanted.status is not EscalationStatus.REQUESTED:
        return 0.0
    return max(0.0, (now - wanted.requested_at).total_seconds())


def _within_0_1(value: float) -> float:
    return min(1.0, max(0.0, value))
