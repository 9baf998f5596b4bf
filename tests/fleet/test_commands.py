"""Orders to calls of another process, over a link that never fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from tests.api.live_calls import FakeLiveCalls, live_call
from voice_agent.fleet.commands import CommandPost
from voice_agent.fleet.messages import GuideAgent, LeaveCall
from voice_agent.operators.ports import CallUnreachable, DeliveryStatus

SID = "CA" + "1" * 32


@dataclass
class Room:
    """Everybody hears everybody at once."""

    listeners: dict[str, Callable[[bytes], None]] = field(default_factory=dict)

    @property
    def connected(self) -> bool:
        return True

    def listen(self, channel: str, on_message: Callable[[bytes], None]) -> None:
        self.listeners[channel] = on_message

    def send(self, channel: str, message: bytes) -> bool:
        asyncio.get_running_loop().call_soon(self.listeners[channel], message)
        return True

    def watch(self, on_change: Callable[[bool], None]) -> None:
        """It never goes down."""


class Stuck(FakeLiveCalls):
    """A call in which a command breaks, or never comes to its end."""

    def __init__(self) -> None:
        super().__init__({SID: live_call(SID)})
        self.begun, self.cancelled = asyncio.Event(), asyncio.Event()

    async def leave(self, call_sid: str, operator_id: str) -> None:
        raise LookupError("no such leg: +14155550134")

    async def guide(self, call_sid: str, operator_id: str, message: str) -> DeliveryStatus:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        return DeliveryStatus.DELIVERED


async def test_a_command_that_breaks_is_answered_at_once_and_logged() -> None:
    room = Room()
    asking, post = CommandPost("left", room, FakeLiveCalls()), CommandPost("right", room, Stuck())
    with capture_logs() as logs, pytest.raises(CallUnreachable, match="failed there; look at the call"):
        async with asyncio.timeout(2):
            await asking.ask("right", SID, LeaveCall(operator_id="op1"))
    [entry] = logs
    assert (entry["event"], entry["call_sid"], entry["command"]) == ("command_failed", SID, "leave")
    await post.close()


async def test_what_is_being_worked_on_is_given_up_when_the_process_goes() -> None:
    room, calls = Room(), Stuck()
    asking, post = CommandPost("left", room, FakeLiveCalls()), CommandPost("right", room, calls)
    order = GuideAgent(operator_id="op1", message="be kind")
    waiting = asyncio.create_task(asking.ask("right", SID, order))
    async with asyncio.timeout(2):
        await calls.begun.wait()
        await post.close()
        await calls.cancelled.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
