"""The sessions of a process: makes one per call, and brings events from outside into its numbered log."""

from __future__ import annotations

from voice_agent.call import events
from voice_agent.call.events import CallEvent
from voice_agent.call.log import CallLog
from voice_agent.call.parts import CallParts
from voice_agent.call.ports import CallInfo, Line
from voice_agent.call.service import call_service
from voice_agent.call.session import CallSession
from voice_agent.practice.service import Services
from voice_agent.store.bus import EventBus


class Sessions:
    """Implements :class:`voice_agent.call.ports.SessionFactory`."""

    def __init__(
        self, bus: EventBus, parts: CallParts, services: Services, max_call_duration_s: float
    ) -> None:
        self._bus = bus
        self._parts = parts
        self._services = services
        self._max_call_duration_s = max_call_duration_s
        self._live: dict[str, CallSession] = {}

    def __call__(self, info: CallInfo, line: Line) -> CallSession:
        """The session of a new call."""
        service = self._services.for_number(info.called)
        session = CallSession(
            info,
            line,
            self._parts,
            call_service(service, info, max_call_duration_s=self._max_call_duration_s),
        )
        self._live[info.call_sid] = session
        session.on_ended = lambda: self._live.pop(info.call_sid, None)
        return session

    @property
    def live(self) -> tuple[CallSession, ...]:
        """All live calls' sessions, oldest first."""
        return tuple(self._live.values())

    def get(self, call_sid: str) -> CallSession | None:
        """A live call's session."""
        return self._live.get(call_sid)

    def emit(self, event: CallEvent) -> None:
        """What happened on a call's line. A call that was refused has a log of its own; one that has ended
        has none."""
        session = self._live.get(event.call_sid)
        if session is not None:
            session.log.emit(event)
        elif isinstance(event, events.SessionInfo) and event.name == "call_refused":
            CallLog(event.call_sid, self._bus).emit(event)
