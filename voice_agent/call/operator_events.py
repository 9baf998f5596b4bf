"""Events of people on calls: they are wanted, come, listen, guide, speak and hand back."""

from __future__ import annotations

from typing import Final, Literal

from voice_agent.call.event_base import CallEventBase
from voice_agent.operators.ports import ConnectionMethod, DeliveryStatus, OperatorMode

LEFT: Final = "left"
"""Reason of an :class:`OperatorLeft` that the operator asked for."""


class EscalationEvent(CallEventBase):
    """What every step of an escalation carries: who wants a person on the call, why, and who came.

    Attributes:
        escalation_id: the same through all steps.
        status: the step that was reached.
        trigger: ``caller``, ``graph`` (a rule of it), ``safety``, ``risk``, ``agent``, ``operator``.
        hard: the agent stops its own turns until somebody comes.
        risk_score: 0..1 when the request was made, None when nobody scores.
        operator_id: who is in charge, or was.
        concept, similarity: what a safety rule found, "" and None without one.
        operator_type: kind of operator that should come, "" for any.
        regulatory_basis: why a person must be asked, "" where nothing demands it.
    """

    escalation_id: str = ""
    status: Literal["requested", "connected", "handback", "completed"]
    trigger: str
    reason: str
    hard: bool = False
    risk_score: float | None = None
    operator_id: str = ""
    concept: str = ""
    similarity: float | None = None
    operator_type: str = ""
    regulatory_basis: str = ""


class EscalationRequested(EscalationEvent):
    """A person is wanted. Comes again with the same id when a soft request turns into a hard one."""

    type: Literal["escalation_requested"] = "escalation_requested"
    status: Literal["requested"] = "requested"


class EscalationConnected(EscalationEvent):
    """An operator speaks with the caller. ``wait_seconds`` counts from the request."""

    type: Literal["escalation_connected"] = "escalation_connected"
    status: Literal["connected"] = "connected"
    wait_seconds: float = 0.0


class EscalationHandedBack(EscalationEvent):
    """The agent speaks with the caller again; the operator may still listen."""

    type: Literal["escalation_handback"] = "escalation_handback"
    status: Literal["handback"] = "handback"


class EscalationCompleted(EscalationEvent):
    """It is over: the operator has left, or the call has ended. ``handle_time_seconds``: in charge, in
    all; ``human_segment_turn_count``: what the operator said, in turns."""

    type: Literal["escalation_completed"] = "escalation_completed"
    status: Literal["completed"] = "completed"
    handle_time_seconds: float = 0.0
    human_segment_turn_count: int = 0


class OperatorInvited(CallEventBase):
    """An operator's leg was asked for; it rings."""

    type: Literal["operator_invited"] = "operator_invited"
    operator_id: str
    name: str = ""
    method: ConnectionMethod = ConnectionMethod.BROWSER
    mode: OperatorMode = OperatorMode.LISTEN
    """What the operator wants to do once in."""


class OperatorJoined(CallEventBase):
    """The operator's leg is in the conference, muted."""

    type: Literal["operator_joined"] = "operator_joined"
    operator_id: str
    name: str = ""
    method: ConnectionMethod = ConnectionMethod.BROWSER
    participant_call_sid: str = ""
    conference_sid: str = ""


class OperatorLeft(CallEventBase):
    """An operator is not on the call any more, or never came (``reason``: ``left``, ``no-answer``,
    ``busy``, Twilio's word ...)."""

    type: Literal["operator_left"] = "operator_left"
    operator_id: str
    reason: str = ""
    was_in: bool = True


class OperatorModeSwitched(CallEventBase):
    """An operator is heard by the caller from now on (``takeover``) or not (``listen``). ``asked`` False: the
    network would not have it otherwise."""

    type: Literal["operator_mode_switched"] = "operator_mode_switched"
    operator_id: str
    mode: OperatorMode
    asked: bool = True


class Guidance(CallEventBase):
    """Something was whispered to the agent: an instruction, or a fact (``kind``). The caller does not hear
    it."""

    type: Literal["guidance"] = "guidance"
    kind: Literal["external_event", "guidance"] = "guidance"
    message: str
    sender: str = ""
    operator_id: str = ""
    status: DeliveryStatus
