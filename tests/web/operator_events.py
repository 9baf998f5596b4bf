"""What a live call tells of its operators, as far as the console reads it."""

from __future__ import annotations

from typing import Literal

from voice_agent.call.events import CallEventBase


class OperatorJoined(CallEventBase):
    type: Literal["operator_joined"] = "operator_joined"
    operator_id: str
    name: str


class OperatorModeSwitched(CallEventBase):
    type: Literal["operator_mode_switched"] = "operator_mode_switched"
    operator_id: str
    mode: Literal["listen", "takeover"]


class EscalationCompleted(CallEventBase):
    type: Literal["escalation_completed"] = "escalation_completed"


class Guidance(CallEventBase):
    type: Literal["guidance"] = "guidance"
    kind: Literal["guidance", "external_event"] = "guidance"
    message: str
    status: str = "delivered"
