"""The pace at which an account's REST-created calls leave: a silent queue, never an error."""

from __future__ import annotations

from .clock import Clock


class CreationQueue:
    """Gives every created call its moment of departure, `rate` calls per second, in order."""

    def __init__(self, clock: Clock, rate: float) -> None:
        if rate <= 0:
            raise ValueError(f"calls per second must be above 0, got {rate}")
        self._clock = clock
        self._interval = 1.0 / rate
        self._next = clock.monotonic()

    def reserve(self) -> float:
        """The monotonic time at which the call just created may start."""
        departure = max(self._clock.monotonic(), self._next)
        self._next = departure + self._interval
        return departure
