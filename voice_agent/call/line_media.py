"""The media streams of one call on the line's side: which are let in, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from telephony.tokens import StreamGrant
from voice_agent.call.events import CallEvent
from voice_agent.call.leg_feed import LegFeed
from voice_agent.call.line_events import media_attached, media_detached
from voice_agent.call.ports import CallInfo, LegRole, LegSink, LegSocket, Session
from voice_agent.call.third_leg import ThirdLegs


class StreamOwner(Protocol):
    """The part of a line whose stream it is."""

    def accepts(self, generation: int) -> bool:
        """True for the stream that is waited for."""

    def attach(self, feed: LegFeed) -> None:
        """It is open."""


class LineMedia:
    """Lets streams in. ``on_attached(role)`` and ``on_closed(role, generation, reason)`` tell the line."""

    def __init__(
        self,
        info: CallInfo,
        owners: Mapping[LegRole, StreamOwner],
        operators: ThirdLegs,
        *,
        emit: Callable[[CallEvent], None],
        on_attached: Callable[[LegRole], None],
        on_closed: Callable[[LegRole, int, str], None],
    ) -> None:
        self.heard = asyncio.Event()
        """Set by the caller's first audio."""
        self._info = info
        self._owners = owners
        self._operators = operators
        self._emit = emit
        self._on_attached = on_attached
        self._on_closed = on_closed

    def attach(self, session: Session, grant: StreamGrant, socket: LegSocket) -> LegSink | None:
        """A verified stream began; None when it is not (or no longer) wanted."""
        role, generation = LegRole(grant.role), grant.generation
        owner = self._owners.get(role)
        feed: LegFeed | None
        if owner is None:
            feed = self._operators.attach(generation, socket, lambda why: self._closed(role, generation, why))
        elif owner.accepts(generation):
            feed = LegFeed(
                session.attach(role, generation, socket),
                socket,
                on_closed=lambda why: self._closed(role, generation, why),
                on_first_media=self.heard.set if role in (LegRole.TAP, LegRole.DUPLEX) else None,
            )
        else:
            feed = None
        if feed is None:
            return None
        for event in media_attached(self._info.call_sid, role, generation):
            self._emit(event)
        if owner is not None:
            owner.attach(feed)
        self._on_attached(role)
        return feed

    def _closed(self, role: LegRole, generation: int, reason: str) -> None:
        for event in media_detached(self._info.call_sid, role, generation, reason):
            self._emit(event)
        self._on_closed(role, generation, reason)
