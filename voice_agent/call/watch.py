"""The watchdogs of a call: never silence, never a call without an end.

A single ticker serves all calls of a process ten times a second. Per call it asks five questions: does the
agent owe the caller a sound; has nobody spoken for too long; must somebody who waits for a person hear that
the line is alive; is what was to be done after the last word now due; has the call lasted too long.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from voice_agent.reasoning.effects import SayKind

TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """Times of a service, by the published names where there is one. Seconds unless named ``_ms``."""

    filler_after_s: float = 1.1
    """Dead air after the caller's turn before a filler starts: heard within 1.5 s."""
    progress_interval_ms: int = 3300
    """Between fillers while work goes on: never more than 4 s without a sound."""
    silence_check_s: float = 8.0
    silence_checks: int = 2
    max_call_duration_s: float = 1800.0
    fillers: tuple[str, ...] = ("Let me check on that.", "One moment, please.")
    progress: tuple[str, ...] = (
        "I'm still working on it.",
        "Thanks for your patience, just a moment longer.",
    )
    waiting_after_s: float = 3.0
    """Silence after the agent has stopped its turns and a person is called, before the caller first hears
    that this goes on: never more than 4 s without a sound."""
    waiting_interval_s: float = 3.5
    """Silence between such sentences: the same promise holds for who is afraid."""
    waiting: tuple[str, ...] = (
        "I'm still here. Someone is being called.",
        "I'm here with you.",
        "Please stay on the line. Someone is being called for you.",
        "You're not alone on this call.",
    )
    """Said to who waits for a person, and to who asks meanwhile whether anybody is there."""


class Quiet(Protocol):
    """What a watchdog may know of the silence on a call."""

    @property
    def owes_reply_since(self) -> float | None:
        """``time.monotonic()`` since when the caller waits for a sound of the agent; None while nothing is
        owed."""

    @property
    def quiet_since(self) -> float | None:
        """``time.monotonic()`` since when both are silent and it is the caller's turn; None otherwise."""

    @property
    def awaits_person(self) -> bool:
        """True while the agent has stopped its turns and a person is called."""

    @property
    def waits_since(self) -> float | None:
        """``time.monotonic()`` since when both are silent while a person is called; None otherwise."""


class Watched(Protocol):
    """What else a watchdog may see of a call, and what it may ask for."""

    @property
    def call_sid(self) -> str:
        """Which call it is."""

    @property
    def started_at(self) -> float | None:
        """``time.monotonic()`` at which the caller's audio began; None while it rings."""

    def housekeeping(self) -> None:
        """Whatever else is due ten times a second."""

    def fill(self, text: str, kind: SayKind) -> None:
        """Say a filler now, or that something goes on."""

    def silence(self, seconds: float, count: int) -> None:
        """Nobody has spoken for ``seconds``; ``count`` is 1 for the first time in a row."""

    def too_long(self) -> None:
        """The call has reached its maximum duration. Called once."""


class CallWatch:
    """The watchdogs of one call."""

    def __init__(self, call: Watched, quiet: Quiet, policy: WatchPolicy) -> None:
        self._call = call
        self._quiet = quiet
        self.policy = policy
        self._fillers = 0
        self._last_filler = 0.0
        self._silences = 0
        self._waits = 0
        self._waited_at = 0.0
        self._spoken_at = 0.0
        self._quiet_mark: float | None = None
        self._over_time = False

    @property
    def call_sid(self) -> str:
        """Whose watchdogs these are."""
        return self._call.call_sid

    def caller_spoke(self) -> None:
        """The caller said something: silence is counted anew."""
        self._silences = 0
        self._fillers = 0
        self._spoken_at = time.monotonic()

    def tick(self, now: float) -> None:
        """Ask the questions."""
        self._call.housekeeping()
        self._dead_air(now)
        self._silence(now)
        self._wait(now)
        started = self._call.started_at
        if started is not None and not self._over_time and now - started > self.policy.max_call_duration_s:
            self._over_time = True
            self._call.too_long()

    def _dead_air(self, now: float) -> None:
        since = self._quiet.owes_reply_since
        if since is None:
            return
        progress = self._fillers > 0
        due = (
            self._last_filler + self.policy.progress_interval_ms / 1000
            if progress
            else since + self.policy.filler_after_s
        )
        if now < due:
            return
        phrases = self.policy.progress if progress else self.policy.fillers
        if phrases:
            kind = SayKind.PROGRESS if progress else SayKind.FILLER
            self._call.fill(phrases[self._fillers % len(phrases)], kind)
        self._fillers += 1
        self._last_filler = now

    def _silence(self, now: float) -> None:
        since = self._quiet.quiet_since
        if since is None:
            return
        if now - since >= self.policy.silence_check_s and since != self._quiet_mark:
            self._quiet_mark = since
            self._silences += 1
            self._call.silence(now - since, self._silences)

    def _wait(self, now: float) -> None:
        if not self._quiet.awaits_person:
            self._waits = 0
            return
        since = self._quiet.waits_since
        if since is None:
            return
        if since <= self._spoken_at and self._waited_at < self._spoken_at:
            due = since + self.policy.filler_after_s  # the caller spoke last: "Hello? Are you there?"
        elif self._waits:
            due = max(since, self._waited_at) + self.policy.waiting_interval_s
        else:
            due = since + self.policy.waiting_after_s
        if now >= due and self.policy.waiting:
            self._call.fill(self.policy.waiting[self._waits % len(self.policy.waiting)], SayKind.PROGRESS)
            self._waits += 1
            self._waited_at = now


class WatchTicker:
    """One timer for the watchdogs of all calls of a process."""

    def __init__(self, on_error: Callable[[Exception, str], None]) -> None:
        """``on_error`` is told what broke, and on which call (its SID)."""
        self._watches: dict[CallWatch, None] = {}
        self._on_error = on_error
        self._task: asyncio.Task[None] | None = None

    def add(self, watch: CallWatch) -> None:
        """Look after a call."""
        self._watches[watch] = None

    def remove(self, watch: CallWatch) -> None:
        """Stop looking after it. Idempotent."""
        self._watches.pop(watch, None)

    async def start(self) -> None:
        """Begin ticking."""
        self._task = asyncio.create_task(self._run(), name="call-watch")

    async def close(self) -> None:
        """Stop ticking. Idempotent."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for watch in list(self._watches):
                try:
                    watch.tick(now)
                except Exception as error:  # noqa: BLE001 - one call's fault must not blind the others
                    self._on_error(error, watch.call_sid)
