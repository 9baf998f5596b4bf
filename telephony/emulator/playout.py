"""The playout queue of a bidirectional stream: audio and marks in the order in which they came.

Sans-IO: the stream pushes what it receives, the 20 ms tick takes frames, and both hand back the marks
that are due to be returned to the application.
"""

from __future__ import annotations

from collections import deque

from .g711 import FRAME_SAMPLES, SAMPLE_RATE, SILENCE_BYTE, SILENCE_FRAME


class PlayoutQueue:
    """Audio waiting to be played, with marks between it.

    A mark is due when the last sample queued before it has been *played*, that is one tick after the
    frame that holds it was handed out; at once if nothing is queued or playing; and on `clear`.
    """

    def __init__(self) -> None:
        self._items: deque[bytes | str] = deque()  # bytes is audio, str is a mark
        self._offset = 0  # samples of the first item already played
        self._buffered = 0
        self._crossed: list[str] = []  # marks whose audio is in the frame being played now
        self._playing = False

    @property
    def buffered_s(self) -> float:
        """Seconds of audio not yet handed out."""
        return self._buffered / SAMPLE_RATE

    def push(self, ulaw: bytes) -> None:
        """Queue audio of any length."""
        if ulaw:
            self._items.append(ulaw)
            self._buffered += len(ulaw)

    def mark(self, name: str) -> list[str]:
        """Queue a mark; returns it when it is due at once."""
        if self._buffered:
            self._items.append(name)
            return []
        if self._playing:
            self._crossed.append(name)
            return []
        return [name]

    def clear(self) -> list[str]:
        """Forget all audio; returns every outstanding mark, first in first out."""
        marks = self._crossed + [item for item in self._items if isinstance(item, str)]
        self._items.clear()
        self._crossed = []
        self._offset = self._buffered = 0
        return marks

    def next_frame(self) -> tuple[bytes, list[str]]:
        """Take 160 bytes, silence where there is no audio, and the marks played out until now."""
        due, self._crossed = self._crossed, []
        if not self._buffered:
            self._playing = False
            return SILENCE_FRAME, due
        parts: list[bytes] = []
        missing = FRAME_SAMPLES
        while self._items and missing:
            item = self._items[0]
            if isinstance(item, str):
                self._crossed.append(item)
                self._items.popleft()
                continue
            part = item[self._offset : self._offset + missing]
            parts.append(part)
            missing -= len(part)
            self._offset += len(part)
            self._buffered -= len(part)
            if self._offset == len(item):
                self._items.popleft()
                self._offset = 0
        while self._items and isinstance(mark := self._items[0], str):
            self._crossed.append(mark)
            self._items.popleft()
        self._playing = True
        return b"".join(parts).ljust(FRAME_SAMPLES, SILENCE_BYTE), due
