"""Faults on one stream's inbound media: jitter, bursts, loss, a reader that stalls, a socket that drops."""

from __future__ import annotations

import random

from .clock import Clock
from .faults import FaultKind, Faults


class MediaFaults:
    """Decides for each frame whether it is lost, and for each tick whether anything is delivered."""

    def __init__(self, clock: Clock, faults: Faults, seed: str) -> None:
        self._clock = clock
        self._faults = faults
        self._random = random.Random(seed)
        self._hold_until = 0.0
        self._jitter_s = 0.0
        self._loss = 0.0
        self._drop_at: float | None = None

    def look(self, *subjects: str, call_sid: str) -> None:
        """Take up the faults that were ordered for this stream."""
        if not self._faults.waiting:
            return
        now = self._clock.monotonic()
        if drop := self._faults.take(FaultKind.DROP_STREAM, *subjects, call_sid=call_sid):
            self._drop_at = now + drop.value
        for kind in (FaultKind.SLOW_READER, FaultKind.BURST_MEDIA):
            if hold := self._faults.take(kind, *subjects, call_sid=call_sid):
                self._hold_until = now + hold.value
        if jitter := self._faults.take(FaultKind.JITTER_MEDIA, *subjects, call_sid=call_sid):
            self._jitter_s = jitter.value
        if loss := self._faults.take(FaultKind.LOSE_MEDIA, *subjects, call_sid=call_sid):
            self._loss = loss.value

    @property
    def drops_now(self) -> bool:
        """Whether the socket is to be lost in this tick."""
        return self._drop_at is not None and self._clock.monotonic() >= self._drop_at

    @property
    def holding(self) -> bool:
        """Whether nothing is delivered at the moment."""
        return self._clock.monotonic() < self._hold_until

    def loses(self) -> bool:
        """Whether this frame is lost."""
        return self._loss > 0 and self._random.random() < self._loss

    def delivered(self) -> None:
        """Something was delivered: with jitter the next delivery waits a random time."""
        if self._jitter_s:
            self._hold_until = self._clock.monotonic() + self._random.uniform(0, self._jitter_s)

    def release(self) -> None:
        """Hold nothing back any more."""
        self._hold_until = 0.0
