"""The sound of one leg on one sample clock: a ring of µ-law bytes placed by the network's timestamps.

Media frames come late, in bursts, twice, or not at all. Their timestamps say where they belong, so every
reader (voice activity, recognizer, recorder) sees one gap-free stream in which sample ``n`` was spoken ``n
/ 8000`` seconds after the leg's audio began. What never came is silence.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.speech import SAMPLE_RATE, Pcm
from telephony.g711 import decode_ulaw

RING_SECONDS = 30
"""How far back a reader may look (a long turn is decoded again as a whole)."""

_CAPACITY = RING_SECONDS * SAMPLE_RATE
_SILENCE = 0xFF
_SLACK = 80
"""Samples (10 ms) by which a timestamp may differ from the expected one and still count as contiguous:
timestamps are whole milliseconds and some carriers round them to frames."""

MAX_GAP_S = 10.0
"""A longer jump is a new clock (a re-attached stream), not a gap to be filled."""


class LegAudio:
    """Ring buffer of one leg. Positions are absolute sample numbers since the leg's first frame."""

    def __init__(self) -> None:
        self._ring: npt.NDArray[np.uint8] = np.full(_CAPACITY, _SILENCE, np.uint8)
        self.end = 0
        """Position after the newest sample."""
        self._base_ms: int | None = None
        self.filled = 0
        """Samples of silence written where frames were missing."""

    def rebase(self, position: int) -> None:
        """A new stream continues this leg: its first frame belongs at ``position`` (never before what is
        written)."""
        target = max(position, self.end)
        self._fill_to(target)
        self._base_ms = None

    def write(self, timestamp_ms: int, payload: bytes) -> tuple[int, int]:
        """Place one frame of µ-law bytes. Returns the positions (start, stop) that became readable or
        changed.

        A frame older than the ring, or empty, changes nothing and returns ``(end, end)``.
        """
        size = len(payload)
        if size == 0 or size > _CAPACITY:
            return self.end, self.end
        if self._base_ms is None:
            self._base_ms = timestamp_ms - self.end * 1000 // SAMPLE_RATE
        start = (timestamp_ms - self._base_ms) * SAMPLE_RATE // 1000
        if abs(start - self.end) <= _SLACK:
            start = self.end
        elif abs(start - self.end) > MAX_GAP_S * SAMPLE_RATE:
            self._base_ms = timestamp_ms - self.end * 1000 // SAMPLE_RATE
            start = self.end
        if start > self.end:
            self.filled += start - self.end
            self._fill_to(start)
        stop = start + size
        oldest = max(0, self.end - _CAPACITY + size)
        if start < oldest:
            return self.end, self.end
        self._put(start, np.frombuffer(payload, np.uint8))
        self.end = max(self.end, stop)
        return start, stop

    def read(self, start: int, stop: int) -> Pcm:
        """Samples ``start`` to ``stop`` as int16; positions outside of the ring read as silence."""
        return decode_ulaw(self.read_ulaw(start, stop))

    def read_ulaw(self, start: int, stop: int) -> bytes:
        """The same as µ-law bytes."""
        if stop <= start:
            return b""
        out = np.full(stop - start, _SILENCE, np.uint8)
        first = max(start, self.end - _CAPACITY, 0)
        last = min(stop, self.end)
        if last > first:
            at = first % _CAPACITY
            head = min(last - first, _CAPACITY - at)
            out[first - start : first - start + head] = self._ring[at : at + head]
            rest = last - first - head
            if rest:
                out[first - start + head : last - start] = self._ring[:rest]
        return out.tobytes()

    def _fill_to(self, position: int) -> None:
        missing = position - self.end
        if missing <= 0:
            return
        if missing >= _CAPACITY:
            self._ring[:] = _SILENCE
        else:
            self._put(self.end, np.full(missing, _SILENCE, np.uint8))
        self.end = position

    def _put(self, start: int, data: npt.NDArray[np.uint8]) -> None:
        at = start % _CAPACITY
        head = min(len(data), _CAPACITY - at)
        self._ring[at : at + head] = data[:head]
        if head < len(data):
            self._ring[: len(data) - head] = data[head:]
