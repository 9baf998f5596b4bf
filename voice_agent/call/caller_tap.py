"""The caller's ear: the tap's socket, and a new tap when it is lost while the call goes on.

A tap that ends does not say why. If the caller hung up, a callback follows at once and everything ends;
otherwise the call is looked at, and if it lives a new tap is started by REST, which touches neither the call
nor its conference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from telephony.errors import CallGone, RestError
from telephony.tokens import StreamGrant
from telephony.twiml import StreamTarget
from voice_agent.call import network as addresses
from voice_agent.call.audit import CallAudit
from voice_agent.call.events import CallEvent, Degraded, SessionInfo
from voice_agent.call.leg_feed import LegFeed
from voice_agent.call.network import Network
from voice_agent.call.ports import CallInfo, LegRole
from voice_agent.call.tasks import CallTasks


class CallerTap:
    """All generations of one call's tap."""

    def __init__(
        self,
        info: CallInfo,
        network: Network,
        tasks: CallTasks,
        audit: CallAudit,
        *,
        emit: Callable[[CallEvent], None],
        on_call_over: Callable[[], None],
        on_given_up: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        """``on_call_over``: the network says that the call has ended. ``on_given_up``: no tap can be had."""
        self._info = info
        self._network = network
        self._tasks = tasks
        self._audit = audit
        self._emit = emit
        self._on_call_over = on_call_over
        self._on_given_up = on_given_up
        self._attached = asyncio.Event()
        self._recovery: asyncio.Task[None] | None = None
        self._wanted = True
        self._generation = 1
        self._feed: LegFeed | None = None

    def target(self) -> StreamTarget:
        """Where the current generation's stream has to go, with a new token."""
        token = self._network.tokens.issue(
            StreamGrant(self._info.call_sid, self._info.call_sid, LegRole.TAP, self._generation)
        )
        return StreamTarget(
            url=self._network.media_url(addresses.MEDIA_TAP),
            name=self._name,
            token=token,
            status_callback=self._network.url(addresses.STREAM),
        )

    def accepts(self, generation: int) -> bool:
        """True for the stream that is waited for."""
        return self._wanted and generation == self._generation and not self._attached.is_set()

    def attach(self, feed: LegFeed) -> None:
        """The tap's socket is open."""
        self._feed = feed
        self._attached.set()

    def expect(self) -> None:
        """The caller is in: the tap has to be there soon."""
        if not self._attached.is_set():
            asyncio.get_running_loop().call_later(self._network.timings.tap_attach, self._check_attached)

    def on_closed(self, generation: int, reason: str) -> None:
        """The tap's socket is gone."""
        if generation == self._generation:
            self._recover(f"stream {reason}")

    def on_stream_event(self, name: str, event: str) -> None:
        """The network's own word about a stream, which may come when the socket shows nothing."""
        if name == self._name and event in ("stream-stopped", "stream-error"):
            self._recover(event)

    def recheck(self) -> None:
        """Look whether the tap was lost while nobody minded."""
        if self._feed is not None and self._feed.is_closed:
            self._recover("lost during a transfer")

    def stop(self) -> None:
        """No tap is wanted any more. What it still hears reaches nobody. Idempotent."""
        self._wanted = False
        if self._feed is not None:
            self._feed.cut()

    @property
    def _name(self) -> str:
        return f"ear-{self._generation}"

    def _check_attached(self) -> None:
        if self._generation == 1 and not self._attached.is_set():
            self._recover("never opened")

    def _recover(self, reason: str) -> None:
        if self._wanted and (self._recovery is None or self._recovery.done()):
            self._recovery = self._tasks.start(self._attach_again(reason), "attach tap again")

    async def _attach_again(self, reason: str) -> None:
        timings = self._network.timings
        # The end of the call cancels this: a hang-up's own callback usually comes first.
        await asyncio.sleep(timings.hangup_grace)
        reported = False
        for _ in range(timings.tap_tries):
            if not self._wanted:
                return
            if await self._audit.is_over():
                self._on_call_over()
                return
            if not reported:
                reported = True
                self._emit(Degraded(call_sid=self._info.call_sid, part="tap", rung="new tap", reason=reason))
            if await self._start_next():
                return
        if self._wanted:
            await self._on_given_up(f"no tap after {timings.tap_tries} tries, first {reason}")

    async def _start_next(self) -> bool:
        """True when the next generation's socket opened in time, or the call turned out to be over."""
        if self._feed is not None:
            self._feed.cut()
        self._generation += 1
        self._attached = asyncio.Event()
        try:
            await self._network.rest.start_tap(self._info.call_sid, self.target())
            async with asyncio.timeout(self._network.timings.tap_attach):
                await self._attached.wait()
        except CallGone:
            self._on_call_over()
            return True
        except (RestError, TimeoutError):
            return False
        self._emit(
            SessionInfo(
                call_sid=self._info.call_sid, name="tap_reattached", detail={"generation": self._generation}
            )
        )
        return True
