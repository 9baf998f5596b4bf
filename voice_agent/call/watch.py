"""The watchdogs of a call: never silence, never a call without an end.

A single ticker serves all calls of a process ten times a second. Per call it asks four questions: does the
agent owe the caller a sound; has nobody spoken for too long; is what was to be done after the last word now
due; has the call lasted too long.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

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


class Watched(Protocol):
    """What a watchdog may see of a call, and what it may ask for."""

    @property
    def owes_reply_since(self) -> float | None:
        """``time.monotonic()`` since when the caller waits for a sound of the agent; None while nothing is
        owed."""

    @property
    def quiet_since(self) -> float | None:
        """``time.monotonic()`` since when both are silent and it is the caller's turn; None otherwise."""

    @property
    def started_at(self) -> float | None:
        """``time.monotonic()`` at which the caller's audio began; None while it rings."""

    def housekeeping(self) -> None:
        """Whatever else is due ten times a second."""

    def fill(self, text: str, *, progress: bool) -> None:
        """Say a filler now."""

    def silence(self, seconds: float, count: int) -> None:
        """Nobody has spoken for ``seconds``; ``count`` is 1 for the first time in a row."""

    def too_long(self) -> None:
        """The call has reached its maximum duration. Called once."""


class CallWatch:
    """The watchdogs of one call."""

    def __init__(self, call: Watched, policy: WatchPolicy) -> None:
        self._call = call
        self.policy = policy
        self._fillers = 0
        self._last_filler = 0.0
        self._silences = 0
        self._quiet_mark: float | None = None
        self._over_time = False

    def caller_spoke(self) -> None:
        """The caller said something: silence is counted anew."""
        self._silences = 0
        self._fillers = 0

    def tick(self, now: float) -> None:
        """Ask the questions."""
        self._call.housekeeping()
        self._dead_air(now)
        self._silence(now)
        started = self._call.started_at
        if started is not None and not self._over_time and now - started > self.policy.max_call_duration_s:
            self._over_time = True
            self._call.too_long()

    def _dead_air(self, now: float) -> None:
        since = self._call.owes_reply_since
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
            self._call.fill(phrases[self._fillers % len(phrases)], progress=progress)
        self._fillers += 1
        self._last_filler = now

    def _silence(self, now: float) -> None:
        since = self._call.quiet_since
        if since is None:
            return
        if now - since >= self.policy.silence_check_s and since != self._quiet_mark:
            self._quiet_mark = since
            self._silences += 1
            self._call.silence(now - since, self._silences)


class WatchTicker:
    """One timer for the watchdogs of all calls of a process."""

    def __init__(self, on_error: Callable[[Exception], None]) -> None:
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
                    self._on_error(error)
