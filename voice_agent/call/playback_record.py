"""Where on the call's clock the agent's audio was played, for the recording.

Audio is sent ahead of its playing and may still be thrown away. So chunks wait here until their time has
come and only then count as played; a clear drops what lies after it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class PlaybackRecord:
    """Delays sent audio until it was played. ``write(monotonic_s, ulaw)`` receives it, in order."""

    def __init__(self, write: Callable[[float, bytes], None]) -> None:
        self._write = write
        self._due: deque[tuple[float, bytes]] = deque()

    def sent(self, payload: bytes, plays_at: float) -> None:
        """``payload`` (µ-law) was sent and plays at ``plays_at`` (``time.monotonic()``)."""
        self._due.append((plays_at, payload))
        self.settle()

    def discarded(self, since: float) -> None:
        """Everything from ``since`` on was thrown away; a chunk cut in the middle keeps its beginning."""
        self.settle(since)
        if self._due:
            plays_at, payload = self._due[0]
            keep = int((since - plays_at) * 8000)
            if keep > 0:
                self._write(plays_at, payload[:keep])
        self._due.clear()

    def settle(self, now: float | None = None) -> None:
        """Write what has been played to its end by ``now``."""
        now = time.monotonic() if now is None else now
        while self._due and self._due[0][0] + len(self._due[0][1]) / 8000 <= now:
            self._write(*self._due.popleft())
