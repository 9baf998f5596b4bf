"""The event log of one call: numbers events, stamps them with the call's clock, and hands them to the bus."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from voice_agent.call.events import CallEvent
from voice_agent.store.bus import EventBus


class CallLog:
    """Numbers and publishes the events of one call.

    The call's clock starts with the caller's first audio; before that, ``t`` is negative.
    """

    def __init__(self, call_sid: str, bus: EventBus) -> None:
        self.call_sid = call_sid
        self._bus = bus
        self._seq = 0
        self._followers: list[Callable[[CallEvent], None]] = []
        self._created = time.monotonic()
        self._origin: float | None = None

    def follow(self, follower: Callable[[CallEvent], None]) -> None:
        """Tell ``follower`` of every further event, at once and in order: it must be quick."""
        self._followers.append(follower)

    def start_clock(self, at: float | None = None) -> None:
        """The caller's audio begins (``at``: ``time.monotonic()``). Later calls change nothing."""
        if self._origin is None:
            self._origin = time.monotonic() if at is None else at

    @property
    def clock_started(self) -> bool:
        """True once the caller's audio began."""
        return self._origin is not None

    def now(self) -> float:
        """Seconds on the call's clock; negative and rising towards zero while nothing has been heard yet."""
        if self._origin is None:
            return min(-0.001, -60.0 + (time.monotonic() - self._created))
        return time.monotonic() - self._origin

    def at(self, monotonic: float) -> float:
        """A ``time.monotonic()`` instant on the call's clock."""
        return self.now() - (time.monotonic() - monotonic)

    def emit(self, event: CallEvent, *, t: float | None = None) -> CallEvent:
        """Number ``event``, stamp it and publish it. ``t`` overrides the call's clock. Returns the stamped
        event."""
        self._seq += 1
        changes: dict[str, Any] = {
            "call_sid": self.call_sid,
            "seq": self._seq,
            "t": self.now() if t is None else t,
        }
        stamped = event.model_copy(update=changes)
        self._bus.publish(stamped)
        for follower in self._followers:
            follower(stamped)
        return stamped
