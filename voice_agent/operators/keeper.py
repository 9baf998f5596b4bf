"""Keeps what lives longer than a call: escalations go into the records, statuses to who is on duty, and
operators' lines that broke off into the audit log."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from voice_agent.access.audit import AuditAction, AuditEntry, AuditLog
from voice_agent.access.principal import Actor, ActorKind
from voice_agent.call import events
from voice_agent.call.operator_events import LEFT, EscalationEvent
from voice_agent.operators.duty import OnDuty
from voice_agent.operators.escalation_records import EscalationContext, EscalationRecords
from voice_agent.operators.live_view import LiveView
from voice_agent.operators.roster import Operator, OperatorStatus, Roster
from voice_agent.store.bus import EventBus

log = structlog.get_logger(__name__)


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
        self._views: dict[str, LiveView] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take in who is online now, then follow."""
        await self.refresh()
        self._roster.on_change = self._changed
        self._task = asyncio.create_task(self._follow(), name="operator-keeper")

    async def refresh(self) -> None:
        """Take in who is online now, whichever process was told."""
        for operator in await self._roster.everybody():
            self._changed(operator)

    async def close(self) -> None:
        """Stop following. Idempotent."""
        self._bus.unsubscribe(self._subscription)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def _changed(self, operator: Operator) -> None:
        if operator.status is OperatorStatus.ONLINE:
            self._duty.online(str(operator.id))
        else:  # whoever says that they are busy does not want to be promised to anybody
            self._duty.offline(str(operator.id))

    async def _follow(self) -> None:
        async for event in self._subscription:
            if isinstance(event, events.SessionStart):
                self._views[event.call_sid] = LiveView(event)
            view = self._views.get(event.call_sid)
            if view is None:
                continue
            view.apply(event)
            try:
                if isinstance(event, EscalationEvent) and view.call.escalation is not None:
                    await self._records.save(view.call.escalation, event.call_sid, _context(event))
                elif isinstance(event, events.OperatorLeft) and event.was_in and event.reason != LEFT:
                    await self._audit.record(_broken_off(event))
            except SQLAlchemyError as error:
                # The event itself is in the call's record; only the figures miss this step.
                log.warning(
                    "event_not_kept", type=event.type, call_sid=event.call_sid, error=type(error).__name__
                )
            if isinstance(event, events.SessionEnd):
                del self._views[event.call_sid]


def _broken_off(event: events.OperatorLeft) -> AuditEntry:
    """The entry of a line that ended without its operator having asked for it."""
    try:
        operator_id = UUID(event.operator_id)
    except ValueError:  # somebody who is not on the roster
        operator_id = None
    actor, details = Actor(ActorKind.NETWORK), {"reason": event.reason}
    return AuditEntry(AuditAction.OPERATOR_LEFT_CALL, actor, operator_id, event.call_sid, details=details)


def _context(event: EscalationEvent) -> EscalationContext:
    """What the event tells of why a person is wanted."""
    return EscalationContext(
        trigger_source="safety_monitor" if event.trigger == "safety" else None,
        concept=event.concept or None,
        similarity=event.similarity,
        operator_type=event.operator_type or None,
        regulatory_basis=event.regulatory_basis or None,
        risk_score=event.risk_score,
    )
