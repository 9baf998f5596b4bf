"""The link between processes: short messages to everybody who listens, with no promise that they arrive.

What must not be lost lies in the database; the link only brings it sooner.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

EVENTS = "voice_agent_events"
"""Channel of what happens in calls."""


def channel_of(process: str) -> str:
    """The channel on which one process is spoken to."""
    return f"voice_agent_to_{process}"


class Link(Protocol):
    """How the parts of a fleet see the link. All methods are called on the event loop."""

    @property
    def connected(self) -> bool:
        """Whether messages go out and come in now."""

    def listen(self, channel: str, on_message: Callable[[bytes], None]) -> None:
        """Hear a channel from the next connection on."""

    def send(self, channel: str, message: bytes) -> bool:
        """Send soon, in order; False when the link is down or stuck and the message was dropped."""

    def watch(self, on_change: Callable[[bool], None]) -> None:
        """Be told when the link goes down (False) and when it is up again (True)."""
