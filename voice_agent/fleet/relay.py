"""Brings what happens in the calls of one process to the consoles of all others, within milliseconds.

Nothing depends on it: every event is in the database a moment later, and readers fetch from there what did
not come this way (:mod:`voice_agent.call.event_feed`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from pydantic import ValidationError

from voice_agent.call.events import CallEvent, Degraded, SessionInfo
from voice_agent.fleet.link import EVENTS, Link
from voice_agent.fleet.messages import Happened, message_adapter
from voice_agent.store.bus import EventBus

BATCH = 100
"""Events in one message."""

log = structlog.get_logger(__name__)


class EventTransmitter:
    """Sends what happens in this process's own calls."""

    def __init__(self, process: str, own: EventBus, link: Link) -> None:
        self._process = process
        self._own = own
        self._link = link
        self._subscription = own.subscribe()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run(), name="event-transmitter")

    async def close(self) -> None:
        """Stop. Idempotent."""
        self._own.unsubscribe(self._subscription)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._subscription.closed:
            await self._subscription.ready()
            self.flush()

    def flush(self) -> None:
        """Hand everything that has happened to the link, so that an answer sent now comes after it."""
        while batch := self._subscription.take(BATCH):
            self._link.send(EVENTS, _dumped(self._process, batch))


class EventReceiver:
    """Publishes what happens in other processes on this process's wide bus, and says when it cannot."""

    def __init__(self, process: str, everywhere: EventBus, link: Link) -> None:
        self._process = process
        self._everywhere = everywhere
        link.listen(EVENTS, self._take)
        link.watch(self._on_link)

    def _take(self, content: bytes) -> None:
        try:
            message = message_adapter.validate_json(content)
        except ValidationError as error:
            log.warning("link_message_not_understood", errors=error.error_count())
            return
        if isinstance(message, Happened) and message.process != self._process:
            for event in message.events:
                self._everywhere.publish(event)

    def _on_link(self, connected: bool) -> None:
        if connected:
            self._everywhere.publish(SessionInfo(name="bus_restored"))
        else:
            self._everywhere.publish(
                Degraded(
                    part="bus",
                    rung="database",
                    reason="calls of other processes are seen late and cannot be joined",
                )
            )


def _dumped(process: str, events: Sequence[CallEvent]) -> bytes:
    # What was validated when it was made is not validated again: this runs beside audio.
    return Happened.model_construct(process=process, events=list(events)).model_dump_json().encode()
