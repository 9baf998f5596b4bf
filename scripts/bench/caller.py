"""One simulated caller: asks a question whenever the agent is quiet, and interrupts some of the answers.

The same caller drives our server, with a stream for the ear and one for the mouth, and the peer, which has
one stream for both.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from bench.playout import Playout
from bench.streams import NetworkStream

SILENCE = b"\xff" * 160
FRAME_S = 0.02

THINKS_S = 1.0
"""Quiet after the agent's last sound before the caller speaks."""

GIVES_UP_S = 8.0
"""Without an answer for this long the question is asked again, and counted as unanswered."""

INTERRUPTS_AFTER_S = 0.6
"""Seconds of a reply that an interrupting caller hears first."""


class Doing(Enum):
    """What the caller is at."""

    LISTENING = auto()
    ASKING = auto()
    WAITING = auto()
    HEARING = auto()
    INTERRUPTING = auto()


@dataclass
class Seen:
    """What callers measured, shared by all calls of a run; seconds (``..._at``: ``loop.time()``)."""

    greetings: list[float] = field(default_factory=list)
    replies: list[float] = field(default_factory=list)
    last_frames: list[float] = field(default_factory=list)
    """From an interrupting voice to the last audio that was still sent."""
    stops: list[float] = field(default_factory=list)
    """And until nothing of it was to be heard any more."""
    asked_at: list[float] = field(default_factory=list)
    """By the caller's own sound: on a busy machine frames leave late, and catch up."""
    answered_at: list[float] = field(default_factory=list)
    unanswered: int = 0
    unstopped: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def greeted(self, seconds: float) -> None:
        """Somebody heard the agent's first sound."""
        self.greetings.append(seconds)
        self._news.set()

    def answered(self, seconds: float, now: float) -> None:
        """Somebody heard an answer begin."""
        self.replies.append(seconds)
        self.answered_at.append(now)
        self._news.set()

    async def until_greeted(self) -> None:
        """Return once there was a greeting."""
        while not self.greetings:
            self._news.clear()
            await self._news.wait()

    async def until_answered(self) -> None:
        """Return once there was an answer."""
        while not self.answered_at:
            self._news.clear()
            await self._news.wait()

    def reset(self) -> None:
        """Forget what was measured so far."""
        for values in (
            *(self.greetings, self.replies, self.last_frames, self.stops),
            *(self.asked_at, self.answered_at),
        ):
            values.clear()
        self.unanswered = self.unstopped = 0


class Caller:
    """The behaviour of one caller, stepped every 20 ms. Times are ``loop.time()``."""

    def __init__(
        self, question: Sequence[bytes], seen: Seen, *, index: int = 0, interrupts_every: int = 2
    ) -> None:
        """``interrupts_every``: every n-th reply is interrupted, 0 for none."""
        self.ear: NetworkStream | None = None
        self.mouth: NetworkStream | None = None
        self._question = question
        self.seen = seen
        self._interrupts_every = interrupts_every
        self._turn = index
        self._doing = Doing.LISTENING
        self._at = 0
        self._since = 0.0
        self._answered_at: float | None = None
        self._cleared_at: float | None = None
        self._last_sound = 0.0
        self._pause = THINKS_S + 0.13 * (index % 10)  # callers do not breathe in step
        self._playout = Playout(self._return_mark)

    def answered(self, now: float) -> None:
        """The caller's leg was answered: from now on the caller waits for a voice."""
        self._answered_at = now

    def goes_first(self, now: float) -> None:
        """Nobody will greet this caller."""
        self._playout.ends_at = now

    def step(self, now: float) -> None:
        """Say the next 20 ms, and let marks come back."""
        self._playout.tick(now)
        if self.ear is not None:
            self.ear.media(self._next_chunk(now))
        if self.mouth is not None and self.mouth is not self.ear:
            self.mouth.media(SILENCE)

    def on_mouth(self, payload: bytes, now: float) -> None:
        """A message of the agent's stream."""
        if b'"media"' in payload[:100]:
            self._on_sound(base64.b64decode(json.loads(payload)["media"]["payload"]), now)
        elif b'"mark"' in payload:
            self._playout.mark(now, json.loads(payload)["mark"]["name"])
        elif b'"clear"' in payload:
            self._playout.clear(now)
            self._cleared_at = now

    def _next_chunk(self, now: float) -> bytes:
        if self._doing in (Doing.ASKING, Doing.INTERRUPTING):
            chunk = self._question[self._at]
            self._at += 1
            if self._at == len(self._question):
                self._said(now)
            return chunk
        if self._doing is Doing.WAITING:
            if now - self._since > GIVES_UP_S:
                self.seen.unanswered += 1
                self._speak(Doing.ASKING, now)
        elif self._interrupts_now(now):
            self._cleared_at = None
            self._speak(Doing.INTERRUPTING, now)
        elif self._playout.ends_at and self._playout.quiet_for(now) >= self._pause:
            self._speak(Doing.ASKING, now)
        return SILENCE

    def _on_sound(self, ulaw: bytes, now: float) -> None:
        if ulaw.count(b"\xff") == len(ulaw):
            return  # comfort silence is no answer
        self._playout.audio(now, len(ulaw) / 8000)
        self._last_sound = now
        if self._answered_at is not None:
            self.seen.greeted(now - self._answered_at)
            self._answered_at = None
        if self._doing is Doing.WAITING:
            self.seen.answered(now - self._since, now)
            self._doing, self._since = Doing.HEARING, now

    def _interrupts_now(self, now: float) -> bool:
        return (
            self._doing is Doing.HEARING
            and self._interrupts_every > 0
            and self._turn % self._interrupts_every == 0
            and now - self._since >= INTERRUPTS_AFTER_S
            and self._playout.quiet_for(now) < -INTERRUPTS_AFTER_S
        )

    def _speak(self, doing: Doing, now: float) -> None:
        self._turn += 1
        self._doing, self._at, self._since = doing, 0, now + FRAME_S  # silence fills this frame
        if self.ear is not None:
            self.seen.asked_at.append(self.ear.began_at + self.ear.seconds + FRAME_S)

    def _said(self, now: float) -> None:
        if self._doing is Doing.INTERRUPTING:
            if self._cleared_at is None:
                self.seen.unstopped += 1
            else:
                self.seen.last_frames.append(max(0.0, self._last_sound - self._since))
                self.seen.stops.append(max(self._cleared_at, self._last_sound) - self._since)
        self._doing, self._since = Doing.WAITING, now

    def _return_mark(self, name: str) -> None:
        if self.mouth is not None:
            self.mouth.mark(name)
