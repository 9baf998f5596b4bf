"""Time as the network sees it: the wall clock, or a virtual one that runs as fast as the machine allows."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from .errors import EmulatorError, ReplyTimeout

T = TypeVar("T")

# Turns of the event loop granted to in-process peers before virtual time moves on. A message between two
# tasks costs one or two turns; a webhook handler that awaits a few coroutines stays well below this.
SETTLE_TURNS = 12


class Clock(Protocol):
    """The only source of time for legs, mixer, playout, recordings and TwiML timers."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    def now(self) -> datetime:
        """The time of day, aware UTC."""
        ...

    async def sleep_until(self, deadline: float) -> None:
        """Return when `monotonic()` has reached `deadline`."""
        ...


class WallClock:
    """Real time."""

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    def now(self) -> datetime:
        """The machine's time of day."""
        return datetime.now(UTC)

    async def sleep_until(self, deadline: float) -> None:
        """Sleep until the deadline; a past deadline still yields to other tasks once."""
        await asyncio.sleep(max(0.0, deadline - time.monotonic()))


class VirtualDeadlock(EmulatorError):
    """Virtual time cannot move: nobody sleeps, yet the awaited thing has not happened."""


class VirtualClock:
    """Time that jumps to the next deadline as soon as all in-process work has settled.

    It needs peers in the same process (see `transport.InProcessTransport`): a real socket would still
    be travelling while hours go by here. Only `run` moves time.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self._now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        """Virtual seconds since the start."""
        return self._now

    def now(self) -> datetime:
        """The virtual time of day."""
        return self._start + timedelta(seconds=self._now)

    async def sleep_until(self, deadline: float) -> None:
        """Sleep until `run` has moved time to the deadline."""
        if deadline <= self._now:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (deadline, next(self._order), woken))
        await woken

    async def run(self, awaitable: Awaitable[T], limit_s: float = 3600.0) -> T:
        """Let virtual time pass until `awaitable` is done, and return its result.

        Args:
            awaitable: what the caller waits for.
            limit_s: virtual seconds after which waiting is given up.

        Raises:
            ReplyTimeout: the limit has passed.
            VirtualDeadlock: nobody sleeps and nothing happens.
        """
        task = asyncio.ensure_future(awaitable)
        give_up = self._now + limit_s
        while not await self._settled(task):
            if not self._sleepers:
                task.cancel()
                raise VirtualDeadlock("no task sleeps on the virtual clock and the awaited one is not done")
            if self._sleepers[0][0] > give_up:
                task.cancel()
                raise ReplyTimeout(f"not done after {limit_s} virtual seconds")
            self._advance()
        return task.result()

    async def _settled(self, task: asyncio.Future[T]) -> bool:
        for _ in range(SETTLE_TURNS):
            if task.done():
                return True
            await asyncio.sleep(0)
        return task.done()

    def _advance(self) -> None:
        self._now = self._sleepers[0][0]
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)


async def pause(clock: Clock, seconds: float) -> None:
    """Sleep for `seconds` of the given clock."""
    await clock.sleep_until(clock.monotonic() + seconds)


async def within(clock: Clock, seconds: float, awaitable: Awaitable[T]) -> T:
    """Await something for at most `seconds` of the given clock.

    The awaited task is cancelled when time is up or when the caller is cancelled.

    Raises:
        ReplyTimeout: time was up first.
    """
    task = asyncio.ensure_future(awaitable)
    timer = asyncio.ensure_future(pause(clock, seconds))
    try:
        await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ReplyTimeout(f"no answer within {seconds:g} s")
        return task.result()
    finally:
        timer.cancel()
        if not task.done():
            task.cancel()


async def first_of(*futures: asyncio.Future[Any]) -> None:
    """Return when one of the futures is done. None of them is cancelled, whatever happens to the caller."""
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
