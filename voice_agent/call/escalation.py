"""One call's escalation: a person is wanted, comes, hands back, and it is completed.

    none -> requested -> connected <-> handback -> completed

A *soft* request only notifies: the agent goes on. After a *hard* one the agent stops its turns. Either may be
*promised*: the caller was told that somebody comes. Nobody is left waiting: when no operator is free at all,
or none has come in time, the agent is told and speaks again, honestly. The request stays open, since somebody
may still come, and whoever asks once more is waited for once more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from voice_agent.call import events
from voice_agent.call.log import CallLog
from voice_agent.call.tasks import CallTasks
from voice_agent.operators.ports import Escalation, EscalationStatus

OPEN = (EscalationStatus.REQUESTED, EscalationStatus.CONNECTED, EscalationStatus.HANDBACK)


@dataclass(frozen=True, slots=True)
class EscalationGrounds:
    """What a safety rule found: the concept, how alike (0..1), who should come, and which regulation asks."""

    concept: str = ""
    similarity: float | None = None
    operator_type: str = ""
    regulatory_basis: str = ""


NO_GROUNDS = EscalationGrounds()
"""No safety rule has asked."""


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """How long a caller waits for a person, in seconds, before the agent says that nobody came."""

    patience_s: float = 30.0


class Escalations:
    """The escalations of one call, one after the other; at most one is open.

    Args:
        anyone_free: whether an operator could take a call now.
        on_hard: the agent has said its words and stops its turns.
        risk_score: 0..1 of the call now, None while nobody scores.
        on_nobody: nobody comes (soon); told whether the caller was promised somebody.
    """

    def __init__(
        self,
        log: CallLog,
        tasks: CallTasks,
        policy: EscalationPolicy,
        *,
        anyone_free: Callable[[], Awaitable[bool]],
        on_hard: Callable[[], None],
        on_nobody: Callable[[bool], None],
        risk_score: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._log = log
        self._tasks = tasks
        self._policy = policy
        self._anyone_free = anyone_free
        self._on_hard = on_hard
        self._on_nobody = on_nobody
        self._current_risk = risk_score
        self._waiting: asyncio.Task[None] | None = None
        self._promised = False
        """The caller was told that somebody comes, and has not heard yet that nobody does."""
        self._waits_hard = False
        """The agent's turns are over while somebody is waited for."""
        self._risk_score: float | None = None
        self._grounds = NO_GROUNDS
        self._asked_at = 0.0
        self._connected_at: float | None = None
        self._handled_s = 0.0
        self._segments = 0
        self.current: Escalation | None = None
        """The newest escalation, None before the first."""

    @property
    def status(self) -> EscalationStatus:
        """Where the newest escalation is."""
        return self.current.status if self.current is not None else EscalationStatus.NONE

    def request(
        self,
        trigger: str,
        reason: str,
        *,
        hard: bool = False,
        promised: bool = False,
        grounds: EscalationGrounds = NO_GROUNDS,
    ) -> Escalation:
        """A person is wanted.

        While an operator is there, it changes nothing. While somebody is waited for, it only matters when it
        is hard and that wait is not, or promises what was not promised; the first finding of a safety rule is
        told to operators all the same. After nobody came somebody is waited for anew; operators are told
        again unless it is soft, promises nothing and has found nothing.
        """
        waiting = self._waiting is not None and not self._waiting.done()
        hardens = hard and not self._waits_hard
        promises = promised and not self._promised
        finds = bool(grounds.concept) and not self._grounds.concept
        current, news = self.current, hard or promised or finds
        if current is None or self.status not in (EscalationStatus.REQUESTED, EscalationStatus.CONNECTED):
            self._end_open()
            current, news = self._open(trigger, reason, hard), True
        elif self.status is EscalationStatus.CONNECTED:
            return current
        elif waiting and not hardens and not promises:
            return self._announce(current, trigger, reason, hard, grounds) if finds else current
        self._promised = self._promised or promised
        self._waits_hard = hard or (waiting and self._waits_hard)
        if news:
            current = self._announce(current, trigger, reason, hard, grounds)
        if hard:
            self._on_hard()
        self._stop_waiting()
        self._waiting = self._tasks.start(self._wait(), "wait for a person")
        return current

    def connected(self, operator_id: str) -> None:
        """An operator speaks with the caller. One who was not asked for opens an escalation by doing so."""
        self._stop_waiting()
        if self.current is None or self.status not in OPEN:
            self._open("operator", "an operator took over", False)
            self._log.emit(events.EscalationRequested(**self._fields()))
        if self.current is None or (
            self.status is EscalationStatus.CONNECTED and self.current.operator_id == operator_id
        ):
            return
        self._count_handling()
        self._connected_at = time.monotonic()
        self.current = replace(
            self.current,
            status=EscalationStatus.CONNECTED,
            connected_at=self.current.connected_at or datetime.now(UTC),
            operator_id=operator_id,
        )
        waited = round(self._connected_at - self._asked_at, 3)
        self._log.emit(events.EscalationConnected(**self._fields(), wait_seconds=waited))

    def said(self) -> None:
        """The operator said something to the caller."""
        self._segments += 1

    def handed_back(self) -> None:
        """The agent speaks again."""
        if self.current is None or self.status is not EscalationStatus.CONNECTED:
            return
        self._count_handling()
        self.current = replace(self.current, status=EscalationStatus.HANDBACK)
        self._log.emit(events.EscalationHandedBack(**self._fields()))

    def operator_left(self, operator_id: str) -> None:
        """The operator who handed back is gone: that was it."""
        theirs = self.current is not None and self.current.operator_id == operator_id
        if theirs and self.status is EscalationStatus.HANDBACK:
            self._end_open()

    def call_ended(self) -> None:
        """Whoever was connected has done the work; a request that nobody answered stays one."""
        self._stop_waiting()
        if self.status in (EscalationStatus.CONNECTED, EscalationStatus.HANDBACK):
            self._end_open()

    def _open(self, trigger: str, reason: str, hard: bool) -> Escalation:
        self._asked_at = time.monotonic()
        self._connected_at = None
        self._handled_s = 0.0
        self._segments = 0
        self._risk_score = None
        self._grounds = NO_GROUNDS
        self._promised = False
        self.current = Escalation(
            escalation_id=str(uuid4()),
            status=EscalationStatus.REQUESTED,
            trigger=trigger,
            reason=reason,
            hard=hard,
            requested_at=datetime.now(UTC),
        )
        return self.current

    def _announce(
        self,
        current: Escalation,
        trigger: str,
        reason: str,
        hard: bool,
        grounds: EscalationGrounds,
    ) -> Escalation:
        """Tell operators. A milder request does not take the place of what they know already."""
        known = self._grounds.concept
        if hard or (grounds.concept and not known) or not (current.hard or known):
            hard = hard or current.hard
            current = self.current = replace(current, hard=hard, trigger=trigger, reason=reason)
            self._grounds = grounds
        self._risk_score = self._current_risk()
        self._log.emit(events.EscalationRequested(**self._fields()))
        return current

    def _end_open(self) -> None:
        if self.current is None or self.status not in (EscalationStatus.CONNECTED, EscalationStatus.HANDBACK):
            return
        self._count_handling()
        self.current = replace(
            self.current, status=EscalationStatus.COMPLETED, completed_at=datetime.now(UTC)
        )
        self._log.emit(
            events.EscalationCompleted(
                **self._fields(),
                handle_time_seconds=round(self._handled_s, 3),
                human_segment_turn_count=self._segments,
            )
        )

    def _count_handling(self) -> None:
        if self._connected_at is not None:
            self._handled_s += time.monotonic() - self._connected_at
            self._connected_at = None

    async def _wait(self) -> None:
        in_vain = (self._promised or self._waits_hard) and not await self._anyone_free()
        if not in_vain:
            await asyncio.sleep(self._policy.patience_s)
        if self.status is EscalationStatus.REQUESTED:
            promised, self._promised = self._promised, False
            self._on_nobody(promised)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _fields(self) -> dict[str, object]:
        current = self.current
        if current is None:
            return {}
        return {
            "escalation_id": current.escalation_id,
            "trigger": current.trigger,
            "reason": current.reason,
            "hard": current.hard,
            "risk_score": self._risk_score,
            "operator_id": current.operator_id or "",
            **asdict(self._grounds),
        }
