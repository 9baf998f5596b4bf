"""Live calls as a test wants them, behind the seam that the real ones stand behind."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from voice_agent.operators.ports import (
    DeliveryStatus,
    Joined,
    LiveCall,
    NoSuchCall,
    OperatorError,
    OperatorLeg,
    OperatorMode,
    OperatorOnCall,
)


def live_call(call_sid: str, **known: Any) -> LiveCall:
    """A call that began a minute ago."""
    return LiveCall(
        **{
            "call_sid": call_sid,
            "service_id": "dr_chen",
            "direction": "inbound",
            "started_at": datetime(2026, 11, 20, 15, 0, tzinfo=UTC),
            "caller_phone": "+14155550134",
            "caller_name": "Maria Rivera",
            "state": "collect_reason",
            "turn_count": 3,
            "conference_sid": "CF" + "1" * 32,
            **known,
        }
    )


@dataclass
class FakeLiveCalls:
    """Does what it is asked and remembers it; ``refusal`` is raised instead when set."""

    calls: dict[str, LiveCall] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refusal: OperatorError | None = None
    delivery: DeliveryStatus = DeliveryStatus.DELIVERED

    def add(self, call: LiveCall) -> LiveCall:
        self.calls[call.call_sid] = call
        return call

    def active(self) -> list[LiveCall]:
        return sorted(self.calls.values(), key=lambda call: call.started_at)

    def get(self, call_sid: str) -> LiveCall:
        if call_sid not in self.calls:
            raise NoSuchCall(f"call {call_sid} is not live")
        return self.calls[call_sid]

    async def join(self, call_sid: str, operator: OperatorLeg, mode: OperatorMode) -> Joined:
        call = self._ask(call_sid, "join", operator, mode)
        on_call = OperatorOnCall(operator.operator_id, operator.name, mode, "CAoperator", call.started_at)
        self.calls[call_sid] = replace(call, operators=(*call.operators, on_call))
        return Joined(call.conference_sid, "CAoperator", mode)

    async def switch(self, call_sid: str, operator_id: str, mode: OperatorMode) -> OperatorMode:
        self._ask(call_sid, "switch", operator_id, mode)
        return mode

    async def leave(self, call_sid: str, operator_id: str) -> None:
        call = self._ask(call_sid, "leave", operator_id)
        left = tuple(o for o in call.operators if o.operator_id != operator_id)
        self.calls[call_sid] = replace(call, operators=left)

    async def guide(self, call_sid: str, operator_id: str, message: str) -> DeliveryStatus:
        self._ask(call_sid, "guide", operator_id, message)
        return self.delivery

    async def inject(
        self, call_sid: str, message: str, kind: Literal["external_event", "guidance"], sender: str
    ) -> DeliveryStatus:
        self._ask(call_sid, "inject", message, kind, sender)
        return self.delivery

    def _ask(self, call_sid: str, *what: Any) -> LiveCall:
        call = self.get(call_sid)
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(what)
        return call
