"""Whether one more call can be taken without the others suffering.

The one thing that ruins every call of a process at once is an event loop that does not come round in time:
audio then leaves late for everybody. So its lag is measured all the time, and new calls are refused before
the calls that are there degrade.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import psutil

TICK_S: Final = 0.01
"""Half a media frame; a lag shorter than this disturbs nobody."""
WINDOW_TICKS: Final = 500
"""Five seconds: long enough for a p99, short enough to forget the start-up."""
CPU_EVERY_TICKS: Final = 100
"""The kernel accounts in steps of 10 ms; over a second that is an error of 1 %."""
MIN_TICKS: Final = 50
"""Half a second of samples before the lag says anything."""


class RefusalReason(StrEnum):
    """Why a call is not taken."""

    DRAINING = "draining"
    TOO_MANY_CALLS = "too_many_calls"
    LOOP_LAG = "loop_lag"
    CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Admit:
    """The call can be taken."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call cannot be taken now; ``detail`` is for people."""

    reason: RefusalReason
    detail: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Above any of these, new calls are refused.

    Attributes:
        calls: at once.
        loop_lag_p99_ms: of the event loop, over five seconds.
        cpu_percent: of this process, of one core: its event loop can use no more than that.
    """

    calls: int
    loop_lag_p99_ms: float
    cpu_percent: float


class LoadProbe:
    """Measures how late the event loop comes round, and the process's CPU use.

    Costs 0.7 % of a core beside a loop that is idle, less beside calls.
    """

    def __init__(self, *, window_ticks: int = WINDOW_TICKS) -> None:
        self._lags_ms: deque[float] = deque(maxlen=window_ticks)
        self._timer: asyncio.TimerHandle | None = None
        self._process = psutil.Process()
        self.ticks = 0
        self.cpu_percent = 0.0
        """Over the last second."""

    def start(self) -> None:
        """Begin to measure, on the running loop. Idempotent."""
        if self._timer is None:
            self._process.cpu_percent()
            self._schedule(asyncio.get_running_loop())

    def stop(self) -> None:
        """Stop measuring. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def lag_ms(self, percentile: float) -> float:
        """Lag of the loop in ms at a percentile (0-100) of the window; 0 while there is too little to
        tell."""
        if len(self._lags_ms) < MIN_TICKS:
            return 0.0
        ordered = sorted(self._lags_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percentile / 100))]

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + TICK_S
        self._timer = loop.call_at(due, self._tick, loop, due)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._lags_ms.append(max(0.0, loop.time() - due) * 1000)
        self.ticks += 1
        if self.ticks % CPU_EVERY_TICKS == 0:
            self.cpu_percent = self._process.cpu_percent()
        self._schedule(loop)


class Admission:
    """Decides about new calls."""

    def __init__(self, limits: Limits, probe: LoadProbe, active_calls: Callable[[], int]) -> None:
        """``active_calls`` counts the calls of this process."""
        self._limits = limits
        self._probe = probe
        self._active_calls = active_calls
        self._draining = False

    def drain(self) -> None:
        """Refuse every new call from now on; the calls that are there go on."""
        self._draining = True

    @property
    def is_draining(self) -> bool:
        """True after :meth:`drain`."""
        return self._draining

    @property
    def room(self) -> int:
        """How many further calls would be taken if they all came now."""
        return 0 if isinstance(self.decide(), Refuse) else self._limits.calls - self._active_calls()

    def decide(self) -> Admit | Refuse:
        """May one more call come in now?"""
        if self._draining:
            return Refuse(RefusalReason.DRAINING, "this process is going down")
        limits = self._limits
        if (calls := self._active_calls()) >= limits.calls:
            return Refuse(RefusalReason.TOO_MANY_CALLS, f"{calls} calls, at most {limits.calls}")
        if not calls:
            # Nobody is here to suffer, and a call on a slow machine is better than none.
            return Admit()
        if (lag := self._probe.lag_ms(99)) > limits.loop_lag_p99_ms:
            return Refuse(RefusalReason.LOOP_LAG, f"p99 {lag:.0f} ms, at most {limits.loop_lag_p99_ms:g} ms")
        if (cpu := self._probe.cpu_percent) > limits.cpu_percent:
            return Refuse(RefusalReason.CPU, f"{cpu:.0f} %, at most {limits.cpu_percent:g} %")
        return Admit()
