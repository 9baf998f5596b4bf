"""A system that carries no calls itself: nothing is live, and every command says so."""

from __future__ import annotations

from typing import Literal, NoReturn

from voice_agent.operators.ports import LiveCall, NoSuchCall, OperatorLeg, OperatorMode


class NoLiveCalls:
    """A :class:`~voice_agent.operators.ports.LiveCalls` without calls."""

    def active(self) -> list[LiveCall]:
        """None."""
        return []

    def get(self, call_sid: str) -> NoReturn:
        """Raises :class:`NoSuchCall`."""
        raise NoSuchCall(f"call {call_sid} is not live")

    async def join(self, call_sid: str, operator: OperatorLeg, mode: OperatorMode) -> NoReturn:
        """Raises :class:`NoSuchCall`."""
        self.get(call_sid)

    async def switch(self, call_sid: str, operator_id: str, mode: OperatorMode) -> NoReturn:
        """Raises :class:`NoSuchCall`."""
        self.get(call_sid)

    async def leave(self, call_sid: str, operator_id: str) -> NoReturn:
        """Raises :class:`NoSuchCall`."""
        self.get(call_sid)

    async def guide(self, call_sid: str, operator_id: str, message: str) -> NoReturn:
        """Raises :class:`NoSuchCall`."""
        self.get(call_sid)

    async def inject(
        self, call_sid: str, message: str, kind: Literal["external_event", "guidance"], sender: str
    ) -> NoReturn:
        """Raises :class:`NoSuchCall`."""
        self.get(call_sid)
