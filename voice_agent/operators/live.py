"""The live calls of this process, as operators see and command them.

The picture comes from the event stream alone. Commands go to the session that carries the call, in the same
tick; whoever asks right after a command sees what it has changed.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from voice_agent.call import events
from voice_agent.call.session import CallSession
from voice_agent.call.sessions import Sessions
from voice_agent.operators.duty import OnDuty
from voice_agent.operators.live_view import LiveView
from voice_agent.operators.ports import (
    DeliveryStatus,
    Joined,
    LiveCall,
    NoSuchCall,
    OperatorBusy,
    OperatorLeg,
    OperatorMode,
)
from voice_agent.store.bus import EventBus


class LocalLiveCalls:
    """Implements :class:`voice_agent.operators.ports.LiveCalls` over the sessions of this process."""

    def __init__(self, bus: EventBus, sessions: Sessions, duty: OnDuty) -> None:
        """Watches from now on; :meth:`start` keeps the picture up to date while nobody looks."""
        self._bus = bus
        self._sessions = sessions
        self._duty = duty
        self._events = bus.subscribe()
        self._views: dict[str, LiveView] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Follow the events."""
        self._task = asyncio.create_task(self._follow(), name="live-calls")

    async def close(self) -> None:
        """Stop following. Idempotent."""
        self._bus.unsubscribe(self._events)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def active(self) -> list[LiveCall]:
        """See :class:`voice_agent.operators.ports.LiveCalls`."""
        self._take_in()
        return [view.call for view in self._views.values()]

    def get(self, call_sid: str) -> LiveCall:
        """See :class:`voice_agent.operators.ports.LiveCalls`."""
        self._take_in()
        view = self._views.get(call_sid)
        if view is None:
            raise NoSuchCall(f"call {call_sid} is not live; it has ended or is carried elsewhere")
        return view.call

    async def join(self, call_sid: str, operator: OperatorLeg, mode: OperatorMode) -> Joined:
        """See :class:`voice_agent.operators.ports.LiveCalls`. An operator is on one call at a time."""
        session = self._session(call_sid)
        for other in self._sessions.live:
            if other is not session and other.operators.has(operator.operator_id):
                raise OperatorBusy(f"the operator is on call {other.info.call_sid}; leave it first")
        return await session.operators.join(operator, mode)

    async def switch(self, call_sid: str, operator_id: str, mode: OperatorMode) -> OperatorMode:
        """See :class:`voice_agent.operators.ports.LiveCalls`."""
        return await self._session(call_sid).operators.switch(operator_id, mode)

    async def leave(self, call_sid: str, operator_id: str) -> None:
        """See :class:`voice_agent.operators.ports.LiveCalls`."""
        await self._session(call_sid).operators.leave(operator_id)

    async def guide(self, call_sid: str, operator_id: str, message: str) -> DeliveryStatus:
        """See :class:`voice_agent.operators.ports.LiveCalls`."""
        return self._session(call_sid).operators.guide(operator_id, message)

    async def inject(
        self, call_sid: str, message: str, kind: Literal["external_event", "guidance"], sender: str
    ) -> DeliveryStatus:
        """See :class:`voice_agent.operators.ports.LiveCalls`."""
        return self._session(call_sid).operators.inject(message, kind, sender)

    def _session(self, call_sid: str) -> CallSession:
        session = self._sessions.get(call_sid)
        if session is None:
            raise NoSuchCall(f"call {call_sid} is not live; it has ended or is carried elsewhere")
        return session

    async def _follow(self) -> None:
        while not self._events.closed:
            await self._events.ready()
            self._take_in()

    def _take_in(self) -> None:
        for event in self._events.take():
            if isinstance(event, events.SessionStart):
                self._views[event.call_sid] = LiveView(event)
            elif isinstance(event, events.SessionEnd):
                self._views.pop(event.call_sid, None)
            elif (view := self._views.get(event.call_sid)) is not None:
                view.apply(event)
            if isinstance(event, events.OperatorInvited):
                self._duty.engaged(event.operator_id)
            elif isinstance(event, events.OperatorLeft):
                self._duty.released(event.operator_id)
