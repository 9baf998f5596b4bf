"""What the workspace's event stream tells, as published: calls that begin, escalate and end, and operators.

Made from two sources: events of calls, and the audit log of what operators did.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from pydantic import BaseModel

from voice_agent.access.audit import AuditAction, RecordedEntry
from voice_agent.api.platform.fields import service_uuid
from voice_agent.api.platform.vocabulary import CompletionReason, Direction
from voice_agent.call.events import EscalationRequested, SessionStart
from voice_agent.operators.ports import OperatorMode
from voice_agent.operators.roster import OperatorStatus


class CallStarted(BaseModel):
    """The phone rings."""

    event_type: Literal["call.started"] = "call.started"
    call_sid: str
    direction: Direction
    service_id: UUID
    caller_id: str | None


class CallEnded(BaseModel):
    """A call is over."""

    event_type: Literal["call.ended"] = "call.ended"
    call_sid: str
    direction: Direction
    duration_seconds: float
    completion_reason: CompletionReason
    escalated: bool


class CallEscalated(BaseModel):
    """A person is wanted."""

    event_type: Literal["call.escalated"] = "call.escalated"
    call_sid: str
    escalation_id: str
    trigger: Literal["caller", "ai", "operator"]
    reason: str


class OperatorRegistered(BaseModel):
    """A new operator."""

    event_type: Literal["operator.registered"] = "operator.registered"
    operator_id: UUID
    timestamp: str | None


class OperatorStatusChanged(BaseModel):
    """Somebody came or went."""

    event_type: Literal["operator.status_changed"] = "operator.status_changed"
    operator_id: UUID
    status: OperatorStatus


class OperatorProfileUpdated(BaseModel):
    """Fields of a profile changed; ``changes`` names them and keeps their values to itself."""

    event_type: Literal["operator.profile_updated"] = "operator.profile_updated"
    operator_id: UUID
    changes: dict[str, str | None] | None


class OperatorJoinedCall(BaseModel):
    """An operator is on a call."""

    event_type: Literal["operator.joined_call"] = "operator.joined_call"
    operator_id: UUID
    call_sid: str
    mode: OperatorMode


class OperatorModeChanged(BaseModel):
    """An operator listens or speaks from now on."""

    event_type: Literal["operator.mode_changed"] = "operator.mode_changed"
    operator_id: UUID
    call_sid: str
    mode: OperatorMode


class OperatorLeftCall(BaseModel):
    """An operator left a call."""

    event_type: Literal["operator.left_call"] = "operator.left_call"
    operator_id: UUID
    call_sid: str
    human_segment_turn_count: int | None = None


class OperatorWrapUp(BaseModel):
    """An operator noted how it ended."""

    event_type: Literal["operator.wrap_up"] = "operator.wrap_up"
    call_sid: str
    wrap_up_reason: str | None


WorkspaceEvent = (
    CallStarted
    | CallEnded
    | CallEscalated
    | OperatorRegistered
    | OperatorStatusChanged
    | OperatorProfileUpdated
    | OperatorJoinedCall
    | OperatorModeChanged
    | OperatorLeftCall
    | OperatorWrapUp
)
"""Everything the stream tells."""

SHOWN_ACTIONS = (
    AuditAction.OPERATOR_REGISTERED,
    AuditAction.OPERATOR_STATUS_CHANGED,
    AuditAction.OPERATOR_PROFILE_UPDATED,
    AuditAction.OPERATOR_JOINED_CALL,
    AuditAction.OPERATOR_MODE_CHANGED,
    AuditAction.OPERATOR_MODE_SWITCHED,
    AuditAction.OPERATOR_LEFT_CALL,
    AuditAction.OPERATOR_WRAP_UP,
)

_CALLER_TRIGGERS = ("caller", "patient", "person", "user", "callback")
"""How triggers begin that the caller set off; operators' begin with theirs, all others are the agent's."""


def call_started(event: SessionStart) -> CallStarted:
    """From the call's first event."""
    return CallStarted(
        call_sid=event.call_sid,
        direction=Direction(event.direction),
        service_id=service_uuid(event.service_id),
        caller_id=event.caller_id,
    )


def call_escalated(event: EscalationRequested, escalation_id: str | None) -> CallEscalated:
    """From the call's wish for a person. Without a record its id follows from the event."""
    trigger: Literal["caller", "ai", "operator"] = "ai"
    if event.trigger.startswith("operator"):
        trigger = "operator"
    elif event.trigger.startswith(_CALLER_TRIGGERS):
        trigger = "caller"
    return CallEscalated(
        call_sid=event.call_sid,
        escalation_id=escalation_id or str(uuid5(UUID(int=0), f"{event.call_sid}:{event.seq}")),
        trigger=trigger,
        reason=event.reason,
    )


def operator_event(recorded: RecordedEntry) -> WorkspaceEvent | None:
    """What an audit entry means to the watchers; None for one that says nothing to them."""
    entry, details = recorded.entry, recorded.entry.details
    if entry.action is AuditAction.OPERATOR_WRAP_UP and entry.call_sid:
        return OperatorWrapUp(call_sid=entry.call_sid, wrap_up_reason=_text(details.get("outcome")))
    if entry.operator_id is None:
        return None
    match entry.action:
        case AuditAction.OPERATOR_REGISTERED:
            return OperatorRegistered(operator_id=entry.operator_id, timestamp=_iso(recorded.at))
        case AuditAction.OPERATOR_STATUS_CHANGED:
            status = OperatorStatus(str(details.get("status")))
            return OperatorStatusChanged(operator_id=entry.operator_id, status=status)
        case AuditAction.OPERATOR_PROFILE_UPDATED:
            names = details.get("changed")
            changes = {str(name): None for name in names} if isinstance(names, list) else None
            return OperatorProfileUpdated(operator_id=entry.operator_id, changes=changes)
        case _:
            return _on_call(entry.action, entry.operator_id, entry.call_sid, _text(details.get("mode")))


def _on_call(
    action: AuditAction, operator_id: UUID, call_sid: str | None, mode: str | None
) -> WorkspaceEvent | None:
    if call_sid is None:
        return None
    match action:
        case AuditAction.OPERATOR_JOINED_CALL if mode:
            return OperatorJoinedCall(operator_id=operator_id, call_sid=call_sid, mode=OperatorMode(mode))
        case AuditAction.OPERATOR_MODE_CHANGED | AuditAction.OPERATOR_MODE_SWITCHED if mode:
            return OperatorModeChanged(operator_id=operator_id, call_sid=call_sid, mode=OperatorMode(mode))
        case AuditAction.OPERATOR_LEFT_CALL:
            return OperatorLeftCall(operator_id=operator_id, call_sid=call_sid)
        case _:
            return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _iso(moment: datetime) -> str:
    return moment.isoformat()
