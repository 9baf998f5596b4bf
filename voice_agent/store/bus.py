"""The live bus: events out of calls to whoever watches, in one process.

Publishing never waits and never fails: a subscriber that reads too slowly loses its oldest events and is told
how many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from voice_agent.call.events import CallEvent

QUEUE_SIZE = 2000
"""Events a subscriber may lag behind before it loses the oldest (about a minute of 8 busy calls)."""


@dataclass(eq=False)
class Subscription:
    """One reader of the bus: an async iterator of events.

    ``dropped`` counts events lost because the reader was too slow.
    """

    call_sid: str | None
    capacity: int = QUEUE_SIZE
    dropped: int = 0
    _queue: deque[CallEvent] = field(default_factory=deque)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _closed: bool = False

    def push(self, event: CallEvent) -> None:
        """Called by the bus."""
        if len(self._queue) >= self.capacity:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(event)
        self._ready.set()

    def close(self) -> None:
        """End the iteration once what is queued was read."""
        self._closed = True
        self._ready.set()

    @property
    def closed(self) -> bool:
        """True once nothing more will come; what is queued can still be read."""
        return self._closed

    @property
    def queued(self) -> int:
        """Events that wait to be read."""
        return len(self._queue)

    async def ready(self) -> None:
        """Wait until something is queued or the subscription is closed."""
        while not self._queue and not self._closed:
            self._ready.clear()
            await self._ready.wait()

    def take(self, limit: int | None = None) -> list[CallEvent]:
        """What is queued now, oldest first (at most ``limit``); for readers that work in batches."""
        count = len(self._queue) if limit is None else min(limit, len(self._queue))
        return [self._queue.popleft() for _ in range(count)]

    async def __aiter__(self) -> AsyncIterator[CallEvent]:
        """Events in the order of publication."""
        while True:
            while self._queue:
                yield self._queue.popleft()
            if self._closed:
                return
            await self.ready()


class EventBus:
    """Fan-out of call events inside one process.

    A process among others has two: one for what happens in its own calls, and a wider one for what happens
    anywhere.
    """

    def __init__(self, wider: EventBus | None = None) -> None:
        """Everything that is published here is published on ``wider`` too."""
        self._subscriptions: set[Subscription] = set()
        self._wider = wider

    def publish(self, event: CallEvent) -> None:
        """Hand ``event`` to every subscriber; returns at once."""
        if self._wider is not None:
            self._wider.publish(event)
        for subscription in self._subscriptions:
            if subscription.call_sid is None or subscription.call_sid == event.call_sid:
                subscription.push(event)

    def subscribe(self, call_sid: str | None = None, *, capacity: int = QUEUE_SIZE) -> Subscription:
        """A new reader of all calls, or of one. Give it back with :meth:`unsubscribe`."""
        subscription = Subscription(call_sid, capacity)
        self._subscriptions.add(subscription)
        return subscription

    @property
    def readers(self) -> int:
        """How many subscriptions there are."""
        return len(self._subscriptions)

    def close(self) -> None:
        """End every reader's iteration: the process shuts down."""
        for subscription in list(self._subscriptions):
            self.unsubscribe(subscription)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop delivering and end the reader's iteration. Idempotent."""
        self._subscriptions.discard(subscription)
        subscription.close()
