"""Operators, as published."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from voice_agent.access.audit import RecordedEntry
from voice_agent.access.principal import ActorKind
from voice_agent.api.platform.fields import CallSidBody, Email, Name, PhoneE164, Skill, Text
from voice_agent.operators.escalation_records import Handled
from voice_agent.operators.ports import ConnectionMethod, OperatorMode
from voice_agent.operators.roster import (
    Operator,
    OperatorRole,
    OperatorStatus,
    OperatorType,
    WrapUpOutcome,
)

Skills = Annotated[list[Skill], Field(max_length=50)]


class CreateOperatorRequest(BaseModel):
    """A new operator."""

    name: Name
    email: Email
    role: OperatorRole = OperatorRole.OPERATOR
    type: OperatorType = OperatorType.CLINICAL
    connection_method: ConnectionMethod = ConnectionMethod.BROWSER
    phone_number: PhoneE164 | None = None
    skills: Skills = []


class UpdateOperatorRequest(BaseModel):
    """What is to be changed; what is absent or null stays. Only ``phone_number`` may be emptied by null."""

    name: Name | None = None
    email: Email | None = None
    role: OperatorRole | None = None
    type: OperatorType | None = None
    connection_method: ConnectionMethod | None = None
    phone_number: PhoneE164 | None = None
    skills: Skills | None = None
    status: OperatorStatus | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that were given."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: value for name, value in given.items() if value is not None or name == "phone_number"}


class OperatorResponse(BaseModel):
    """An operator with what can be computed of them."""

    id: UUID
    workspace_id: UUID
    name: str | None
    email: str | None
    role: OperatorRole
    type: OperatorType | None
    connection_method: ConnectionMethod
    phone_number: str | None
    skills: list[str]
    status: OperatorStatus
    total_escalations_handled: int
    avg_handle_time_seconds: float
    active_call_sid: str | None
    last_call_at: str | None
    last_status_change: str | None
    created_at: datetime | None
    updated_at: datetime | None


class OperatorPerformanceItem(BaseModel):
    """One operator's figures."""

    operator_id: UUID
    name: str | None
    status: OperatorStatus
    total_escalations_handled: int
    avg_handle_time_seconds: float
    last_call_at: str | None


class PerformanceSummaryResponse(BaseModel):
    """The figures of all operators."""

    workspace_id: UUID
    total_operators: int
    online: int
    busy: int
    offline: int
    total_escalations_handled: int
    avg_handle_time_seconds: float
    operators: list[OperatorPerformanceItem]


class AuditEventResponse(BaseModel):
    """An entry of the audit log."""

    id: UUID
    workspace_id: UUID
    event_type: str
    source: str
    data: dict[str, Any]
    created_at: datetime | None
    ingested_at: datetime | None


class AccessTokenRequest(BaseModel):
    """Of which call."""

    call_sid: CallSidBody


class BriefingRequest(AccessTokenRequest):
    """Of which call."""


class LeaveCallRequest(AccessTokenRequest):
    """Which call."""


class JoinCallRequest(AccessTokenRequest):
    """Which call, and how."""

    mode: OperatorMode = OperatorMode.TAKEOVER


class SwitchModeRequest(AccessTokenRequest):
    """Which call, and what from now on. ``participant_call_sid`` is accepted and not needed."""

    mode: OperatorMode
    participant_call_sid: Annotated[Text, Field(max_length=64)] = ""


class SendGuidanceRequest(AccessTokenRequest):
    """What the agent is to do."""

    message: Annotated[Text, Field(min_length=1, max_length=5000)]


class WrapUpRequest(AccessTokenRequest):
    """How it ended."""

    outcome: WrapUpOutcome
    notes: Annotated[Text, Field(max_length=2000)] = ""


class AccessTokenResponse(BaseModel):
    """What makes a browser an operator's telephone. ``token`` is "" where ``connect_params`` suffice."""

    token: str
    identity: str
    conference_sid: str
    connect_params: dict[str, str]


class BriefingSection(BaseModel):
    """A heading and its text."""

    title: str
    content: str


class BriefingResponse(BaseModel):
    """What to read before joining."""

    call_sid: str
    operator_id: UUID
    sections: list[BriefingSection]
    generated_at: datetime


class JoinCallResponse(BaseModel):
    """The operator's leg in the conference."""

    conference_sid: str
    participant_call_sid: str
    mode: OperatorMode
    operator_entity_id: UUID


class SwitchModeResponse(BaseModel):
    """The mode from now on."""

    mode: OperatorMode


class SuccessResponse(BaseModel):
    """Done (published as ``LeaveCallResponse`` and ``WrapUpResponse``)."""

    success: bool


class SendGuidanceResponse(BaseModel):
    """What became of the guidance: ``delivered`` or ``failed``."""

    call_sid: str
    status: str


class TranscriptSegment(BaseModel):
    """Something said while an operator was on the call."""

    speaker_role: str
    transcript: str
    timestamp: str | None
    confidence: float
    escalation_id: str | None


class CallTranscriptResponse(BaseModel):
    """What was said while an operator was on the call."""

    call_entity_id: UUID
    call_sid: str | None
    segments: list[TranscriptSegment]
    total_segments: int


def shown_operator(
    operator: Operator, handled: Handled | None, active_call_sid: str | None
) -> OperatorResponse:
    """An operator in the published shape. Whoever is on a call is busy, whatever they chose."""
    handled = handled or Handled()
    return OperatorResponse(
        id=operator.id,
        workspace_id=operator.workspace_id,
        name=operator.name,
        email=operator.email,
        role=operator.role,
        type=operator.type,
        connection_method=operator.connection_method,
        phone_number=operator.phone_number,
        skills=list(operator.skills),
        status=OperatorStatus.BUSY if active_call_sid else operator.status,
        total_escalations_handled=handled.total,
        avg_handle_time_seconds=handled.avg_handle_s,
        active_call_sid=active_call_sid,
        last_call_at=_iso(operator.last_call_at),
        last_status_change=_iso(operator.last_status_change),
        created_at=operator.created_at,
        updated_at=operator.updated_at,
    )


def shown_entry(recorded: RecordedEntry, workspace_id: UUID) -> AuditEventResponse:
    """An audit entry in the published shape."""
    entry = recorded.entry
    who = {"kind": str(entry.actor.kind), "name": entry.actor.name} | (
        {"id": str(entry.actor.id)} if entry.actor.id else {}
    )
    data: dict[str, Any] = {"actor": who, "ip": entry.ip, **entry.details}
    if entry.operator_id is not None:
        data["operator_id"] = str(entry.operator_id)
    if entry.call_sid is not None:
        data["call_sid"] = entry.call_sid
    return AuditEventResponse(
        id=recorded.event_id,
        workspace_id=workspace_id,
        event_type=entry.action,
        source="console" if entry.actor.kind is ActorKind.OPERATOR else str(entry.actor.kind),
        data=data,
        created_at=recorded.at,
        ingested_at=recorded.at,
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
