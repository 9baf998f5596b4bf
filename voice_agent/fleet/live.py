"""All live calls of an installation, as operators see and command them, whichever process carries them.

Calls of this process are asked of it directly. Those of others are known by their events, without a hole
(:class:`~voice_agent.call.event_feed.EventFeed`), and commanded over the link.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal

import structlog

from voice_agent.call.event_feed import EventFeed
from voice_agent.call.events import CallEvent, SessionEnd, SessionStart
from voice_agent.call.records import CallRecords
from voice_agent.fleet.commands import CommandPost
from voice_agent.fleet.messages import GuideAgent, Inject, JoinCall, LeaveCall, SwitchMode
from voice_agent.operators.live_view import LiveView
from voice_agent.operators.ports import (
    CallUnreachable,
    DeliveryStatus,
    Joined,
    LiveCall,
    LiveCalls,
    OperatorBusy,
    OperatorLeg,
    OperatorMode,
)
from voice_agent.store.bus import EventBus

KEPT_EVENTS: Final = 300
"""The newest events of each call that are kept: what its process may not have recorded before it died."""
RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)


@dataclass
class RemoteCall:
    """A call that another process carries, as its events tell."""

    process: str
    start: SessionStart
    view: LiveView = field(init=False)
    newest: deque[CallEvent] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))
    seq: int = 0

    def __post_init__(self) -> None:
        self.view = LiveView(self.start)

    def apply(self, event: CallEvent) -> None:
        """Take an event in, once."""
        if event.seq > self.seq:
            self.seq = event.seq
            self.newest.append(event)
            self.view.apply(event)


class FleetLiveCalls:
    """Implements :class:`voice_agent.operators.ports.LiveCalls` over all processes."""

    def __init__(
        self, process: str, local: LiveCalls, records: CallRecords, everywhere: EventBus, post: CommandPost
    ) -> None:
        self._process = process
        self._local = local
        self._records = records
        self._everywhere = everywhere
        self._post = post
        self._remote: dict[str, RemoteCall] = {}
        self._absent: set[str] = set()
        self._joining: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take in what goes on already, then follow."""
        begun = asyncio.Event()
        self._task = asyncio.create_task(self._run(begun), name="fleet-live-calls")
        await begun.wait()

    async def close(self) -> None:
        """Stop following. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # -- what operators see

    def active(self) -> list[LiveCall]:
        """See :class:`voice_agent.operators.ports.LiveCalls`."""
        calls = [*self._local.active(), *(remote.view.call for remote in self._remote.values())]
        return sorted(calls, key=lambda call: call.started_at)

    def get(self, call_sid: str) -> LiveCall:
        """See :class:`voice_agent.operators.ports.LiveCalls`."""
        remote = self._remote.get(call_sid)
        return remote.view.call if remote is not None else self._local.get(call_sid)

    def carried_by(self, process: str) -> dict[str, RemoteCall]:
        """The calls of another process, by call sid."""
        return {sid: call for sid, call in self._remote.items() if call.process == process}

    def process_of(self, call_sid: str) -> str:
        """Which other process carries a call; "" when none is known to."""
        remote = self._remote.get(call_sid)
        return remote.process if remote is not None else ""

    def compare(self, workers: Collection[str]) -> None:
        """Forget the calls of processes that are not among ``workers`` twice in a row: a picture of the
        register that was taken a moment ago may lack one that has just come."""
        absent = {call.process for call in self._remote.values()}.difference(workers)
        gone, self._absent = absent & self._absent, absent
        self._remote = {sid: call for sid, call in self._remote.items() if call.process not in gone}

    # -- what operators ask for

    async def join(self, call_sid: str, operator: OperatorLeg, mode: OperatorMode) -> Joined:
        """See :class:`voice_agent.operators.ports.LiveCalls`. An operator is on one call at a time, in the
        whole installation."""
        name = operator.operator_id
        other = next(
            (c.call_sid for c in self.active() if any(o.operator_id == name for o in c.operators)), ""
        )
        if name in self._joining or other not in ("", call_sid):
            raise OperatorBusy(f"the operator is on call {other or call_sid}; leave it first")
        self._joining.add(name)
        try:
            process = self._carrier(call_sid)
            if not process:
                return await self._local.join(call_sid, operator, mode)
            reply = await self._post.ask(
                process,
                call_sid,
                JoinCall(
                    operator_id=name,
                    name=operator.name,
                    address=operator.address,
                    method=operator.method,
                    mode=mode,
                ),
            )
            return Joined(reply.conference_sid, reply.participant_call_sid, reply.mode or mode)
        finally:
            self._joining.discard(name)

    async def switch(self, call_sid: str, operator_id: str, mode: OperatorMode) -> OperatorMode:
        """See :class:`voice_agent.operators.ports.LiveCalls`."""
        if not (process := self._carrier(call_sid)):
            return await self._local.switch(call_sid, operator_id, mode)
        reply = await self._post.ask(process, call_sid, SwitchMode(operator_id=operator_id, mode=mode))
        return reply.mode or mode

    async def leave(self, call_sid: str, operator_id: str) -> None:
        """See :class:`voice_agent.operators.ports.LiveCalls`."""
        if not (process := self._carrier(call_sid)):
            await self._local.leave(call_sid, operator_id)
        else:
            await self._post.ask(process, call_sid, LeaveCall(operator_id=operator_id))

    async def guide(self, call_sid: str, operator_id: str, message: str) -> DeliveryStatus:
        """See :class:`voice_agent.operators.ports.LiveCalls`. What nobody takes in time has failed."""
        if not (process := self._carrier(call_sid)):
            return await self._local.guide(call_sid, operator_id, message)
        order = GuideAgent(operator_id=operator_id, message=message)
        try:
            reply = await self._post.ask(process, call_sid, order)
        except CallUnreachable:
            return DeliveryStatus.FAILED
        return reply.status or DeliveryStatus.FAILED

    async def inject(
        self, call_sid: str, message: str, kind: Literal["external_event", "guidance"], sender: str
    ) -> DeliveryStatus:
        """See :class:`voice_agent.operators.ports.LiveCalls`. What nobody takes in time has failed."""
        if not (process := self._carrier(call_sid)):
            return await self._local.inject(call_sid, message, kind, sender)
        order = Inject(message=message, event_type=kind, sender=sender)
        try:
            reply = await self._post.ask(process, call_sid, order)
        except CallUnreachable:
            return DeliveryStatus.FAILED
        return reply.status or DeliveryStatus.FAILED

    def _carrier(self, call_sid: str) -> str:
        """The process to ask; "" for this one. Raises :class:`NoSuchCall`."""
        process = self.process_of(call_sid)
        if not process:
            self._local.get(call_sid)
        return process

    # -- what the others tell

    async def _run(self, begun: asyncio.Event) -> None:
        while True:
            try:
                await self._follow(begun)
            except Exception as error:  # noqa: BLE001 - whoever stops seeing calls must begin anew, whatever it was
                log.warning("calls_of_others_not_followed", error=type(error).__name__)
                begun.set()
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _follow(self, begun: asyncio.Event) -> None:
        position = await self._records.last_event_id()
        going_on = [call.call_sid for call in await self._records.unfinished()]
        # Of those that ended while nobody followed no end will be told: an operator would be held on them.
        self._remote = {sid: call for sid, call in self._remote.items() if sid in going_on}
        for call_sid in going_on:
            for event in await self._records.events(call_sid):
                self._take(event)
        feed = EventFeed(self._records, self._everywhere, token=str(position))
        async with contextlib.aclosing(feed.items()) as items:
            async for item in items:
                begun.set()
                if item is not None:
                    self._take(item.event)

    def _take(self, event: CallEvent) -> None:
        if isinstance(event, SessionEnd):  # whatever its number: of a dead process nobody knows the last one
            self._remote.pop(event.call_sid, None)
            return
        is_known = event.call_sid in self._remote
        if isinstance(event, SessionStart) and event.process != self._process and not is_known:
            self._remote[event.call_sid] = RemoteCall(event.process, event)
        remote = self._remote.get(event.call_sid)
        if remote is None:
            return
        remote.apply(event)
