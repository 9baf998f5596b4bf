"""Ear and mouth on the caller's own leg: what is left when there is no conference."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from telephony import twiml
from telephony.errors import CallGone, RestError
from telephony.tokens import StreamGrant
from telephony.twiml import StreamTarget
from voice_agent.call import network as addresses
from voice_agent.call.audit import CallAudit
from voice_agent.call.leg_feed import LegFeed
from voice_agent.call.network import Network
from voice_agent.call.ports import CallInfo, LegRole
from voice_agent.call.tasks import CallTasks

log = structlog.get_logger(__name__)


class DirectStream:
    """All generations of the stream on one caller's leg.

    Attributes:
        document: TwiML that opens the newest generation; "" before the first.
    """

    def __init__(
        self,
        info: CallInfo,
        network: Network,
        tasks: CallTasks,
        audit: CallAudit,
        *,
        is_wanted: Callable[[], bool],
        on_call_over: Callable[[], None],
        on_given_up: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        """``on_call_over``: the network says that the call has ended. ``on_given_up``: no stream can be
        had."""
        self._info = info
        self._network = network
        self._tasks = tasks
        self._audit = audit
        self._is_wanted = is_wanted
        self._on_call_over = on_call_over
        self._on_given_up = on_given_up
        self._tries_left = 0
        self._generation = 0
        self._feed: LegFeed | None = None
        self.document = ""

    def begin(self) -> None:
        """The caller comes to the own leg (again): a first document, and a new budget of tries."""
        self._tries_left = self._network.timings.stream_tries
        self.renew()

    def renew(self) -> bool:
        """A document for the next generation; False when that was tried often enough."""
        if self._tries_left == 0:
            return False
        self._tries_left -= 1
        self.cut()
        self._generation += 1
        token = self._network.tokens.issue(
            StreamGrant(self._info.call_sid, self._info.call_sid, LegRole.DUPLEX, self._generation)
        )
        target = StreamTarget(
            url=self._network.media_url(addresses.MEDIA_CALLER),
            name=f"line-{self._generation}",
            token=token,
            status_callback=self._network.url(addresses.STREAM),
        )
        self.document = twiml.bidirectional_stream(target, action=self._network.url(addresses.AFTER_STREAM))
        return True

    async def send(self) -> None:
        """Bring the caller to the newest document, wherever the call is."""
        try:
            await self._network.rest.update_call_twiml(self._info.call_sid, self.document)
        except CallGone:
            self._on_call_over()
        except RestError as error:
            log.error("caller_not_reached", call_sid=self._info.call_sid, error=str(error))
            await self._on_given_up()

    def accepts(self, generation: int) -> bool:
        """True for the stream that is waited for."""
        return generation == self._generation and self._feed is None

    def attach(self, feed: LegFeed) -> None:
        """The stream is open."""
        self._feed = feed

    def on_closed(self, generation: int) -> None:
        """The stream is over."""
        if self._is_wanted() and generation == self._generation:
            self._tasks.start(self._open_again(generation), "open stream again")

    def recheck(self) -> None:
        """Look whether the stream was lost while nobody minded."""
        if self._feed is not None and self._feed.is_closed:
            self.on_closed(self._generation)

    def cut(self) -> None:
        """Close the stream, if there is one."""
        if self._feed is not None:
            self._feed.cut()
            self._feed = None

    async def _open_again(self, generation: int) -> None:
        """Either the caller hung up, or the document's action will ask for another stream: both within
        moments."""
        await asyncio.sleep(self._network.timings.join_grace)
        if not self._is_wanted() or generation != self._generation:
            return
        if await self._audit.is_over():
            self._on_call_over()
        elif self.renew():
            await self.send()
        else:
            await self._on_given_up()
