"""The agent's mouth: paces audio into the agent leg, asks for marks, stops within a tick, survives a change
of socket.

Audio goes out at most ``LEAD_S`` ahead of its playing. That is enough to ride out a stalled event loop, and
enough to *hold* the outgoing stream silently while it is not yet clear whether the caller is interrupting
or only said "mm-hmm": the network plays what it has, and if the agent goes on in time nobody hears a gap.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from models.speech import SAMPLE_RATE
from voice_agent.call.ledger import AgentUtterance, PlaybackLedger, UtteranceStatus
from voice_agent.call.ports import LegSocket

LEAD_S = 1.2
"""Seconds of audio the network may hold ahead of its playing. Covers a hold while assent is told from
interruption, or a stalled loop."""

MARK_EVERY = SAMPLE_RATE // 5
"""One mark per 200 ms: how exactly we know what was heard."""

OVERDUE_S = 1.5
"""A mark this late is taken as returned: a lost mark must not keep the agent from hanging up or listening."""


class Mouth:
    """Sends one call's outgoing audio. Owned by the call's output; every method runs on the event loop.

    ``on_audio(utterance, ulaw, position_s)`` is told of every chunk with the monotonic time at which it
    plays, for the recording; ``on_discard(position_s)`` that everything from that time on was thrown away.
    """

    def __init__(
        self,
        ledger: PlaybackLedger,
        *,
        on_audio: Callable[[AgentUtterance, bytes, float], None],
        on_discard: Callable[[float], None],
    ) -> None:
        self.ledger = ledger
        self._socket: LegSocket | None = None
        self._on_audio = on_audio
        self._on_discard = on_discard
        self._playhead = 0.0
        """``time.monotonic()`` at which the newest sample sent will have been played."""
        self._held = False
        self._changed = asyncio.Event()
        self._since_mark = 0
        self._unplayed: deque[tuple[AgentUtterance, bytes, str]] = deque()
        """Chunks (with the mark behind them, or "") that no mark has acknowledged: sent again on a new
        socket."""
        self.last_sent = 0.0
        """``time.monotonic()`` of the newest frame handed to the socket."""

    @property
    def connected(self) -> bool:
        """True while there is a socket to speak into."""
        return self._socket is not None

    @property
    def speaking(self) -> bool:
        """True while sound of the agent is playing or on its way."""
        return any(u.sent for u in self.ledger.open)

    @property
    def remaining_s(self) -> float:
        """Seconds of sent audio that have not been played yet."""
        return max(0.0, self._playhead - time.monotonic())

    def bind(self, socket: LegSocket) -> None:
        """Speak into ``socket`` from now on; what no mark acknowledged on the old one is sent again."""
        self._socket = socket
        self._playhead = 0.0
        again, self._unplayed = list(self._unplayed), deque()
        for utterance, payload, mark in again:
            if not utterance.over:
                self._put(utterance, payload, mark)
        for utterance in self.ledger.open:
            if utterance.total is not None:
                socket.send_mark(self.ledger.mark_name(utterance))
        self._wake()

    def unbind(self, socket: LegSocket) -> None:
        """``socket`` is gone; audio waits for the next one. An older socket than the current one changes
        nothing."""
        if self._socket is socket:
            self._socket = None

    def hold(self) -> None:
        """Send nothing more for now; what the network has goes on playing."""
        self._held = True

    def release(self) -> None:
        """Go on after :meth:`hold`."""
        if self._held:
            self._held = False
            self._wake()

    async def write(self, utterance: AgentUtterance, payload: bytes) -> None:
        """Send one chunk (at most 200 ms of µ-law) of ``utterance`` when its time has come.

        Returns without sending when the sentence was stopped meanwhile.
        """
        while not utterance.over:
            if self._held or self._socket is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            ahead = self._playhead - time.monotonic() - LEAD_S
            if ahead > 0:
                await self._pause(ahead)
                continue
            self._since_mark += len(payload)
            utterance.sent += len(payload)
            due = self._since_mark >= MARK_EVERY
            self._put(utterance, payload, self.ledger.mark_name(utterance) if due else "")
            if due:
                self._since_mark = 0
            return

    def end(self, utterance: AgentUtterance) -> None:
        """All of ``utterance`` was written: its length is known, and a mark goes behind it."""
        if utterance.over:
            return
        utterance.total = utterance.sent
        if not utterance.sent:
            self.ledger.finish(utterance)
            return
        self._since_mark = 0
        if utterance.played >= utterance.total:
            self.ledger.finish(utterance)
        elif self._socket:
            self._socket.send_mark(self.ledger.mark_name(utterance))

    def on_mark(self, name: str) -> None:
        """A mark came back from the network."""
        utterance = self.ledger.acknowledge(name)
        if utterance is None:
            return
        while self._unplayed and (self._unplayed[0][0].over or self._covered(utterance)):
            self._unplayed.popleft()

    def stop(self, *, protected: bool = False) -> list[AgentUtterance]:
        """Stop now: the network throws away what it has, nothing of a stopped sentence is sent after this.

        Sentences that are not interruptible go on unless ``protected`` is True. Returns the stopped ones.
        """
        going_on = [] if protected else [u for u in self.ledger.open if not u.interruptible and u.sent]
        now = time.monotonic()
        stopped = self.ledger.stop(protected=protected)
        if stopped and not going_on:
            if self._socket and any(u.sent for u in stopped):
                self._socket.send_clear()
                self._on_discard(now)
            self._unplayed.clear()
            self._playhead = 0.0
            self._since_mark = 0
        self._held = False
        self._wake()
        return stopped

    def overdue(self) -> list[AgentUtterance]:
        """Close sentences whose last mark should long be back. Returns them."""
        now = time.monotonic()
        late = []
        for utterance in self.ledger.open:
            complete = utterance.total is not None and utterance.sent >= utterance.total
            if complete and self._socket and now > self._playhead + OVERDUE_S:
                late.append(utterance)
                self.ledger.finish(utterance)
        return late

    def _put(self, utterance: AgentUtterance, payload: bytes, mark: str) -> None:
        now = time.monotonic()
        starts = max(now, self._playhead)
        self._playhead = starts + len(payload) / SAMPLE_RATE
        if utterance.started is None:
            utterance.started = starts
            utterance.status = UtteranceStatus.PLAYING
        self._unplayed.append((utterance, payload, mark))
        if self._socket is None:
            return
        self._socket.send_audio(payload)
        self.last_sent = now
        if mark:
            self._socket.send_mark(mark)
        self._on_audio(utterance, payload, starts)

    def _covered(self, acknowledged: AgentUtterance) -> bool:
        """Whether the oldest unplayed chunk lies before what was acknowledged of this sentence."""
        utterance = self._unplayed[0][0]
        if utterance is not acknowledged:
            return False
        waiting = sum(len(payload) for u, payload, _ in self._unplayed if u is utterance)
        return utterance.sent - waiting + len(self._unplayed[0][1]) <= utterance.played

    def _wake(self) -> None:
        self._changed.set()

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not through a stop, a hold or a new socket."""
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
