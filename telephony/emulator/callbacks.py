"""Status callbacks: fired in order, delivered one after the other per subject, answers ignored.

The real network promises neither order nor exactly-once; here both hold unless a fault is ordered, so that
a test decides when they do not. `SequenceNumber` always tells the order of firing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from .clock import Clock, pause
from .errors import WebhookFailed
from .events import EventKind, EventLog
from .faults import FaultKind, Faults
from .webhook import Fields, WebhookClient

QUEUE_LIMIT = 10_000
HOLD_SECONDS = 2.0


@dataclass(frozen=True)
class Callback:
    """One callback to be delivered; `subject` is the call, conference, stream or recording it is about."""

    subject: str
    url: str
    method: str
    fields: Fields
    name: str
    call_sid: str = ""


class CallbackDispatcher:
    """One delivery task per subject, so that a slow handler holds up its own callbacks only."""

    def __init__(self, clock: Clock, webhooks: WebhookClient, log: EventLog, faults: Faults) -> None:
        self._clock = clock
        self._webhooks = webhooks
        self._log = log
        self._faults = faults
        self._queues: dict[str, asyncio.Queue[Callback]] = {}
        self._held: dict[str, Callback] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def fire(self, callback: Callback) -> None:
        """Queue a callback; nothing happens without a URL. Faults are applied here."""
        if not callback.url:
            return
        subjects = (f"{callback.url} {callback.name}",)
        if self._faults.take(FaultKind.LOSE_CALLBACK, *subjects, call_sid=callback.call_sid):
            return
        if late := self._faults.take(FaultKind.DELAY_CALLBACK, *subjects, call_sid=callback.call_sid):
            self._start(self._later(late.value, callback))
            return
        if self._faults.take(FaultKind.REORDER_CALLBACK, *subjects, call_sid=callback.call_sid):
            self._held[callback.subject] = callback
            self._start(self._release(callback))
            return
        self._enqueue(callback)
        if self._faults.take(FaultKind.DUPLICATE_CALLBACK, *subjects, call_sid=callback.call_sid):
            self._enqueue(callback)
        if overtaken := self._held.pop(callback.subject, None):
            self._enqueue(overtaken)

    def _enqueue(self, callback: Callback) -> None:
        queue = self._queues.get(callback.subject)
        if queue is None:
            queue = self._queues[callback.subject] = asyncio.Queue(maxsize=QUEUE_LIMIT)
            self._start(self._deliver_all(callback.subject, queue))
        queue.put_nowait(callback)

    async def _later(self, seconds: float, callback: Callback) -> None:
        await pause(self._clock, seconds)
        await self._deliver(callback)

    async def _release(self, callback: Callback) -> None:
        # Nothing may follow the held one (it may be the last of its subject): then it is only late.
        await pause(self._clock, HOLD_SECONDS)
        if self._held.get(callback.subject) is callback:
            del self._held[callback.subject]
            self._enqueue(callback)

    async def _deliver_all(self, subject: str, queue: asyncio.Queue[Callback]) -> None:
        # Ends when its queue is empty: nothing awaits between that check and the removal.
        while not queue.empty():
            await self._deliver(queue.get_nowait())
        del self._queues[subject]

    async def _deliver(self, callback: Callback) -> None:
        self._log.record(EventKind.CALLBACK_SENT, callback.call_sid, name=callback.name, url=callback.url)
        try:
            reply = await self._webhooks.send(
                callback.url, callback.method, callback.fields, callback.call_sid
            )
        except WebhookFailed as failure:
            self._failed(callback, failure.code, failure.reason)
            return
        if not 200 <= reply.status < 300:
            self._failed(callback, 11200, f"answered with HTTP status {reply.status}")

    def _failed(self, callback: Callback, code: int, reason: str) -> None:
        self._log.record(EventKind.CALLBACK_FAILED, callback.call_sid, name=callback.name, reason=reason)
        self._log.notify(code, f"callback {callback.name} to {callback.url}: {reason}", callback.call_sid)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drained(self) -> None:
        """Return when all callbacks fired so far are delivered or given up."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Drop what is left."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
