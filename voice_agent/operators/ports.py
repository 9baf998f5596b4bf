"""The seam between operators and live calls: what may be asked of a call, and what one sees of all of them.

The console and the API talk to :class:`LiveCalls` alone. A call in this process answers directly, one in
another process over the bus; nobody above knows the difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol


class OperatorMode(StrEnum):
    """What an operator does on a call."""

    LISTEN = "listen"
    """Muted; the agent goes on and the caller notices nothing."""
    TAKEOVER = "takeover"
    """Speaks with the caller; the agent is silent and observes."""


class ConnectionMethod(StrEnum):
    """How an operator's voice reaches the conference."""

    BROWSER = "browser"
    PHONE = "phone"


class EscalationStatus(StrEnum):
    """The life of an escalation."""

    NONE = "none"
    REQUESTED = "requested"
    CONNECTED = "connected"
    HANDBACK = "handback"
    COMPLETED = "completed"


ACTIVE = (EscalationStatus.REQUESTED, EscalationStatus.CONNECTED)
"""A person is wanted, or is on the call."""


class DeliveryStatus(StrEnum):
    """What became of a message to a live call."""

    DELIVERED = "delivered"
    QUEUED = "queued_no_subscriber"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OperatorLeg:
    """Who joins, and how. ``address`` is ``client:<identity>`` for a browser, E.164 for a phone."""

    operator_id: str
    name: str
    address: str
    method: ConnectionMethod = ConnectionMethod.BROWSER


@dataclass(frozen=True, slots=True)
class Joined:
    """An operator's leg in a conference."""

    conference_sid: str
    participant_call_sid: str
    mode: OperatorMode


@dataclass(frozen=True, slots=True)
class Escalation:
    """Why a person is wanted on a call. Times are aware UTC."""

    escalation_id: str
    status: EscalationStatus
    trigger: str
    reason: str
    hard: bool
    requested_at: datetime
    connected_at: datetime | None = None
    completed_at: datetime | None = None
    operator_id: str | None = None


@dataclass(frozen=True, slots=True)
class OperatorOnCall:
    """An operator who is on a call."""

    operator_id: str
    name: str
    mode: OperatorMode
    participant_call_sid: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class LiveCall:
    """What is known of an active call without joining it. Scores are 0..1, valence -1..1, None when
    unknown."""

    call_sid: str
    service_id: str
    direction: str
    started_at: datetime
    caller_phone: str | None
    caller_name: str
    state: str
    turn_count: int
    loops: int = 0
    valence: float | None = None
    emotion: str = ""
    risk_score: float | None = None
    risk_level: str = ""
    concepts: tuple[str, ...] = ()
    brief_context: str = ""
    escalation: Escalation | None = None
    operators: tuple[OperatorOnCall, ...] = ()
    conference_sid: str = ""
    data_quality_flags: tuple[str, ...] = field(default_factory=tuple)


class OperatorError(Exception):
    """Something an operator asked for cannot be done; the message says why and what to do instead."""


class NoSuchCall(OperatorError):
    """The call is not live (any more)."""


class OperatorBusy(OperatorError):
    """The operator is on another call, or another one is in charge of this call."""


class CallUnreachable(OperatorError):
    """The process that carries the call, or the phone network, did not answer."""


class LiveCalls(Protocol):
    """Commands to live calls. Every method raises :class:`NoSuchCall` for a call that is not live."""

    def active(self) -> list[LiveCall]:
        """All live calls, of this process and of the others, oldest first."""

    def get(self, call_sid: str) -> LiveCall:
        """One live call."""

    async def join(self, call_sid: str, operator: OperatorLeg, mode: OperatorMode) -> Joined:
        """Add the operator to the call's conference, muted; unmuted once the signed callback says that the
        leg is in, if ``mode`` asks for it.

        Raises:
            OperatorBusy: somebody else has taken over this call. CallUnreachable: the network refused.
        """

    async def switch(self, call_sid: str, operator_id: str, mode: OperatorMode) -> OperatorMode:
        """Change an operator's mode at once. Raises :class:`OperatorBusy` when another one is in charge."""

    async def leave(self, call_sid: str, operator_id: str) -> None:
        """Take the operator's leg out; if he was in charge, the agent takes the call back. Idempotent."""

    async def guide(self, call_sid: str, operator_id: str, message: str) -> DeliveryStatus:
        """An instruction for the agent's next reply; the caller does not learn of it."""

    async def inject(
        self, call_sid: str, message: str, kind: Literal["external_event", "guidance"], sender: str
    ) -> DeliveryStatus:
        """A fact or an instruction from outside."""
