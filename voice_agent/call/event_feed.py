"""Events as they happen and as they were, each once and in order, across reconnections.

Two sources: the bus tells at once what happens in this process; the database has everything, a moment later,
also from other processes. A live event is passed on when it follows the last one of its call without a hole.
Everything else comes from the database: what was before, what a slow reader's queue lost, what another
process recorded.

The token of an event of one call is its ``seq``. The token in the feed of all calls is the number of the last
recorded event before which nothing is missing, followed by the calls that are ahead of it (``"120;CA1=17"``):
the events of the last moment, or of an outage of the database.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from voice_agent.call.events import CallEvent
from voice_agent.call.feed_positions import Positions
from voice_agent.call.records import MAX_PAGE, CallRecords, EventPlace
from voice_agent.store.bus import EventBus

HOLE_POLL_S = 0.1
"""How soon the database is asked for what is known to be missing; doubles up to :data:`IDLE_POLL_S`."""

IDLE_POLL_S = 2.0
"""How often it is asked otherwise, for what other processes record."""

_log = structlog.get_logger(__name__)


class BadToken(ValueError):
    """A resume token that no feed has given out."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An event, and the token by which a reader goes on after it (None for an event that is not kept)."""

    token: str | None
    event: CallEvent


class EventFeed:
    """One reader's way through the events of one call, or of all."""

    def __init__(
        self, records: CallRecords, bus: EventBus, *, call_sid: str | None = None, token: str | None = None
    ) -> None:
        """Goes on after ``token``; without one, from the call's first event, or in all calls from now on.

        Raises:
            BadToken: for a token that this feed cannot have given out.
        """
        self._records = records
        self._bus = bus
        self._call_sid = call_sid
        self._row: int | None = None
        if call_sid is not None:
            self._positions = Positions({call_sid: _number(token or "0")}, joins_anywhere=False)
        elif token is None:
            self._positions = Positions({}, joins_anywhere=True)
        else:
            row, *ahead = token.split(";")
            self._row = _number(row)
            pairs = [part.partition("=") for part in ahead]
            self._positions = Positions({sid: _number(seq) for sid, _, seq in pairs}, joins_anywhere=False)

    async def items(self) -> AsyncGenerator[FeedItem | None]:
        """Events, and None when there is nothing more for now, at least every :data:`IDLE_POLL_S` seconds.
        The feed of a call ends with the call."""
        subscription = self._bus.subscribe(self._call_sid)
        loop = asyncio.get_running_loop()
        poll_at, pause = 0.0, HOLE_POLL_S
        try:
            while True:
                closed = subscription.closed
                for event in subscription.take():
                    if event.seq < 1:
                        yield FeedItem(None, event)
                    elif self._positions.takes_live(event):
                        yield FeedItem(self._token(), event)
                        if self._is_last(event):
                            return
                if loop.time() >= poll_at or self._positions.hole:
                    for place, recorded in await self._read():
                        self._row = place.id
                        if recorded is None:
                            self._positions.passes_recorded(place.call_sid, place.seq)
                        elif self._positions.takes_recorded(recorded):
                            yield FeedItem(self._token(), recorded)
                            pause = HOLE_POLL_S
                            if self._is_last(recorded):
                                return
                    poll_at = loop.time() + IDLE_POLL_S
                if closed:
                    return
                yield None
                if self._positions.hole:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, IDLE_POLL_S)
                else:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(subscription.ready(), max(0.0, poll_at - loop.time()))
        finally:
            self._bus.unsubscribe(subscription)

    async def _read(self) -> list[tuple[EventPlace, CallEvent | None]]:
        """What the database has beyond what was read; nothing while it is away. Of all calls' events, those
        that came by the bus already (nearly all) are not read again, only where they lie."""
        try:
            if self._call_sid is not None:
                after = self._positions.last[self._call_sid]
                events = await self._records.events(self._call_sid, after=after)
                return [(EventPlace(0, event.call_sid, event.seq, event.type), event) for event in events]
            if self._row is None:
                self._row = await self._records.last_event_id()
                return []
            found: list[tuple[EventPlace, CallEvent | None]] = []
            while page := await self._records.places_after(found[-1][0].id if found else self._row):
                new = [p.id for p in page if not self._positions.has_recorded(p.call_sid, p.seq, p.type)]
                contents = await self._records.events_at(new) if new else {}
                found += [(place, contents.get(place.id)) for place in page]
                if len(page) < MAX_PAGE:
                    break
            return found
        except (SQLAlchemyError, OSError) as error:
            _log.warning("events cannot be read from the database", error=type(error).__name__)
            return []

    def _is_last(self, event: CallEvent) -> bool:
        return self._call_sid is not None and event.type == "session_end"

    def _token(self) -> str | None:
        if self._call_sid is not None:
            return str(self._positions.last[self._call_sid])
        if self._row is None:
            return None
        ahead = [f"{sid}={seq}" for sid, seq in self._positions.ahead.items()]
        return ";".join([str(self._row), *ahead])


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadToken(f"{text!r} is not a position in the stream; begin again without Last-Event-ID")
    return int(text)
