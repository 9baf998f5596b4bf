"""One reader's way through what happens in a workspace, across reconnections.

Two streams are merged: events of calls, which have a feed with tokens of its own, and the audit log, whose
entries are numbered. The token of an item is both positions, ``<calls>~<number>``; it also moves on while
nothing is shown, so that a reader who comes back does not start from long ago.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from voice_agent.access.audit import RecordedEntry
from voice_agent.api.platform.platform import Platform
from voice_agent.api.platform.vocabulary import CompletionReason, Direction, completion_reason
from voice_agent.api.platform.workspace_events import (
    SHOWN_ACTIONS,
    CallEnded,
    WorkspaceEvent,
    call_escalated,
    call_started,
    operator_event,
)
from voice_agent.call.event_feed import BadToken, EventFeed, FeedItem
from voice_agent.call.events import (
    CallEvent,
    EscalationRequested,
    ParticipantJoined,
    SessionEnd,
    SessionStart,
)

POLL_S = 2.0
"""How often the audit log is asked for what other processes wrote; what this one writes wakes it at once."""

REPLAYED = timedelta(minutes=5)
"""How far back a reader who comes back is told what happened (published)."""

KEPT_CALLS = 1000
"""Running calls whose beginning a feed remembers."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkspaceItem:
    """An event and the token behind it. ``event`` None: nothing to show, but the token moved on."""

    token: str
    event: WorkspaceEvent | None


@dataclass(slots=True)
class _Known:
    """What a feed remembers of a running call."""

    direction: str = "inbound"
    escalated: bool = False


class WorkspaceFeed:
    """Events of calls and operators in one sequence."""

    def __init__(self, platform: Platform, token: str | None = None) -> None:
        """Goes on after ``token``; without one, or with one that no feed gave out, from now on."""
        self._platform = platform
        self._since = platform.clock() - REPLAYED
        self._calls_token, self._entry = _position(platform, token)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._audit_woke = asyncio.Event()

    async def items(self) -> AsyncGenerator[WorkspaceItem]:
        """Items until the process shuts down: the first at once, then at least one per :data:`POLL_S`."""
        if self._calls_token is None or self._entry is None:
            self._calls_token = str(await self._platform.records.last_event_id())
            self._entry = await self._platform.audit.last_id()
        yield WorkspaceItem(self._token(None), None)
        stop_waking = self._platform.audit.wake(self._audit_woke)
        feed = EventFeed(self._platform.records, self._platform.bus, token=self._calls_token)
        calls, entries = feed.items(), self._entries(self._entry)
        next_call = asyncio.ensure_future(anext(calls, _END))
        next_entry = asyncio.ensure_future(anext(entries))
        try:
            while True:
                await asyncio.wait({next_call, next_entry}, return_when=asyncio.FIRST_COMPLETED)
                if next_call.done():
                    item = next_call.result()
                    if isinstance(item, _End):
                        return
                    next_call = asyncio.ensure_future(anext(calls, _END))
                    yield WorkspaceItem(self._token(item), await self._of_call(item))
                if next_entry.done():
                    recorded = next_entry.result()
                    next_entry = asyncio.ensure_future(anext(entries))
                    if recorded is not None:
                        self._entry = recorded.id
                        yield WorkspaceItem(self._token(None), self._of_operator(recorded))
        finally:
            stop_waking()
            for waiting in (next_call, next_entry):
                waiting.cancel()
            await asyncio.gather(next_call, next_entry, return_exceptions=True)
            await calls.aclose()
            await entries.aclose()

    def _token(self, item: FeedItem | None) -> str:
        if item is not None and item.token is not None:
            self._calls_token = item.token
        return f"{self._calls_token}~{self._entry}"

    async def _entries(self, last: int) -> AsyncGenerator[RecordedEntry | None]:
        while True:
            self._audit_woke.clear()
            try:
                page = await self._platform.audit.after(last, actions=SHOWN_ACTIONS)
            except (SQLAlchemyError, OSError) as error:
                _log.warning("the audit log cannot be read", error=type(error).__name__)
                page = []
            for recorded in page:
                last = recorded.id
                yield recorded
            yield None
            if not page:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._audit_woke.wait(), POLL_S)

    def _of_operator(self, recorded: RecordedEntry) -> WorkspaceEvent | None:
        return operator_event(recorded) if recorded.at >= self._since else None

    async def _of_call(self, item: FeedItem | None) -> WorkspaceEvent | None:
        if item is None:
            return None
        event = item.event
        self._remember(event)
        if event.at < self._since:
            return None
        match event:
            case SessionStart():
                return call_started(event)
            case EscalationRequested():
                record = await self._platform.escalations.of_call(event.call_sid)
                return call_escalated(event, record.escalation.escalation_id if record else None)
            case SessionEnd():
                return await self._ended(event)
            case _:
                return None

    def _remember(self, event: CallEvent) -> None:
        match event:
            case SessionStart():
                self._known[event.call_sid] = _Known(event.direction)
                while len(self._known) > KEPT_CALLS:
                    self._known.popitem(last=False)
            case EscalationRequested() | ParticipantJoined(participant_role="operator"):
                if event.call_sid in self._known:
                    self._known[event.call_sid].escalated = True
            case _:
                pass

    async def _ended(self, event: SessionEnd) -> CallEnded:
        known = self._known.pop(event.call_sid, None)
        if known is None:  # it began before this feed did
            call = await self._platform.records.call(event.call_sid)
            known = _Known(call.direction, call.escalation_status != "none") if call else _Known()
        return CallEnded(
            call_sid=event.call_sid,
            direction=Direction(known.direction),
            duration_seconds=event.duration_seconds,
            completion_reason=completion_reason(event.completion_reason) or CompletionReason.COMPLETED,
            escalated=known.escalated,
        )


class _End:
    """The feed of calls is over: the process shuts down."""


_END = _End()


def _position(platform: Platform, token: str | None) -> tuple[str | None, int | None]:
    """Where a token left off in both streams; twice None for one that no feed gave out."""
    calls_token, _, number = (token or "").partition("~")
    if calls_token and number.isascii() and number.isdigit() and len(number) <= 18:
        with contextlib.suppress(BadToken):
            EventFeed(platform.records, platform.bus, token=calls_token)
            return calls_token, int(number)
    return None, None
