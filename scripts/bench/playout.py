"""The network's side of an agent's stream: audio that plays in real time, marks that come back, clears."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Playout:
    """When buffered audio will have been played. Times are ``loop.time()`` seconds."""

    def __init__(self, return_mark: Callable[[str], None]) -> None:
        self.ends_at = 0.0
        self._return_mark = return_mark
        self._marks: deque[tuple[float, str]] = deque()

    def audio(self, now: float, seconds: float) -> None:
        """Audio arrived."""
        self.ends_at = max(self.ends_at, now) + seconds

    def mark(self, now: float, name: str) -> None:
        """A mark arrived: it comes back when what is before it has been played."""
        self._marks.append((max(self.ends_at, now), name))
        self.tick(now)

    def clear(self, now: float) -> None:
        """What is buffered is dropped, and every mark comes back."""
        self.ends_at = now
        while self._marks:
            self._return_mark(self._marks.popleft()[1])

    def tick(self, now: float) -> None:
        """Return the marks that are due."""
        while self._marks and self._marks[0][0] <= now:
            self._return_mark(self._marks.popleft()[1])

    def quiet_for(self, now: float) -> float:
        """Seconds since the last audio was played; negative while some still plays."""
        return now - self.ends_at
