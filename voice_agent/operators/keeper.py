"""Keeps what lives longer than a call: escalations go into the records, statuses to who is on duty, and what
happened to operators without their having asked for it into the audit log.

One task reads the events and never waits, so that none is lost; another writes what came of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from voice_agent.access.audit import AuditAction, AuditEntry, AuditLog
from voice_agent.access.principal import Actor, ActorKind
from voice_agent.call import events
from voice_agent.call.events import CallEvent
from voice_agent.call.operator_events import LEFT, EscalationEvent
from voice_agent.operators.duty import OnDuty
from voice_agent.operators.escalation_records import EscalationContext, EscalationRecords
from voice_agent.operators.live_view import LiveView
from voice_agent.operators.roster import Operator, OperatorStatus, Roster
from voice_agent.store.bus import EventBus

MAX_WAITING: Final = 500
"""What may wait to be written; what comes on top is not kept, though the events are in the calls' records."""
CLOSE_S: Final = 5.0
"""How long a process that goes down waits for that."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Step:
    """Something to be written, and the event that it comes from."""

    event: CallEvent
    write: Callable[[], Awaitable[None]]


class _Followed:
    """What the keeper knows of a live call: its view gets escalations only, not every word."""

    def __init__(self, start: events.SessionStart) -> None:
        self.start = start
        self.view = LiveView(start)
        self.confidence: dict[str, float] = {}
        """How sure the safety rules were, by concept."""

    def context(self, event: EscalationEvent) -> EscalationContext:
        """Who calls, and what the event tells of why a person is wanted."""
        call = self.view.call
        return EscalationContext(
            caller_id=call.caller_phone,
            phone_number=self.start.called,
            direction=call.direction,
            started_at=call.started_at,
            trigger_source="safety_monitor" if event.trigger == "safety" else None,
            concept=event.concept or None,
            similarity=event.similarity,
            agent_confidence=self.confidence.get(event.concept),
            operator_type=event.operator_type or None,
            regulatory_basis=event.regulatory_basis or None,
            risk_score=event.risk_score,
        )


class OperatorKeeper:
    """Follows the event stream and the roster of one process."""

    def __init__(
        self, bus: EventBus, records: EscalationRecords, roster: Roster, duty: OnDuty, audit: AuditLog
    ) -> None:
        self._subscription = bus.subscribe()
        self._bus = bus
        self._records = records
        self._roster = roster
        self._duty = duty
        self._audit = audit
        self._calls: dict[str, _Followed] = {}
        self._waiting: asyncio.Queue[_Step] = asyncio.Queue(MAX_WAITING)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take in who is online now, then follow."""
        await self.refresh()
        self._roster.on_change = self._changed
        self._tasks = [
            asyncio.create_task(self._follow(), name="operator-keeper"),
            asyncio.create_task(self._write(), name="operator-keeper-writer"),
        ]

    async def refresh(self) -> None:
        """Take in who is online now, whichever process was told."""
        for operator in await self._roster.everybody():
            self._changed(operator)

    async def close(self) -> None:
        """Write what waits, and stop following. Idempotent."""
        self._bus.unsubscribe(self._subscription)
        if not self._tasks:
            return
        tasks, self._tasks = self._tasks, []
        try:
            async with asyncio.timeout(CLOSE_S):
                await tasks[0]  # it ends with what has happened so far
                await self._waiting.join()
        except TimeoutError:
            log.warning("events_not_kept", left=self._waiting.qsize())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _changed(self, operator: Operator) -> None:
        if operator.status is OperatorStatus.ONLINE:
            self._duty.online(str(operator.id))
        else:  # whoever says that they are busy does not want to be promised to anybody
            self._duty.offline(str(operator.id))

    async def _follow(self) -> None:
        async for event in self._subscription:
            try:
                self._take(event)
            except Exception:  # one that nobody foresaw: the others' escalations go on being kept
                log.exception("event_not_followed", type=event.type, call_sid=event.call_sid)

    def _take(self, event: CallEvent) -> None:
        sid = event.call_sid
        if isinstance(event, events.SessionStart):
            self._calls[sid] = _Followed(event)
        elif isinstance(event, events.SessionEnd):
            self._calls.pop(sid, None)
        elif (followed := self._calls.get(sid)) is None:
            return
        elif isinstance(event, events.Safety):
            followed.confidence |= {match.concept: match.agent_confidence for match in event.concept_matches}
        elif isinstance(event, EscalationEvent):
            followed.view.apply(event)
            if (escalation := followed.view.call.escalation) is not None:
                context = followed.context(event)
                self._keep(_Step(event, partial(self._records.save, escalation, sid, context)))
        elif isinstance(event, events.OperatorLeft) and event.was_in and event.reason != LEFT:
            entry = _by_itself(AuditAction.OPERATOR_LEFT_CALL, event, reason=event.reason)
            self._keep(_Step(event, partial(self._audit.record, entry)))
        elif isinstance(event, events.OperatorModeSwitched) and not event.asked:
            entry = _by_itself(AuditAction.OPERATOR_MODE_CHANGED, event, mode=str(event.mode))
            self._keep(_Step(event, partial(self._audit.record, entry)))

    def _keep(self, step: _Step) -> None:
        try:
            self._waiting.put_nowait(step)
        except asyncio.QueueFull:
            _not_kept(step, "too many wait")

    async def _write(self) -> None:
        while True:
            step = await self._waiting.get()
            try:
                await step.write()
            except SQLAlchemyError as error:
                # The event itself is in the call's record; only the figures miss this step.
                _not_kept(step, type(error).__name__)
            except Exception:
                log.exception("event_not_kept", type=step.event.type, call_sid=step.event.call_sid)
            finally:
                self._waiting.task_done()


def _not_kept(step: _Step, reason: str) -> None:
    log.warning("event_not_kept", type=step.event.type, call_sid=step.event.call_sid, reason=reason)


def _by_itself(
    action: AuditAction, event: events.OperatorLeft | events.OperatorModeSwitched, **details: str
) -> AuditEntry:
    """The entry of something that happened to an operator who had not asked for it."""
    try:
        operator_id = UUID(event.operator_id)
    except ValueError:  # somebody who is not on the roster
        operator_id = None
    return AuditEntry(action, Actor(ActorKind.NETWORK), operator_id, event.call_sid, details=details)
