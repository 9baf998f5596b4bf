"""Things that can be played into a leg or a room, one 20 ms frame at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .g711 import FRAME_SAMPLES, FRAME_SECONDS, SILENCE_BYTE, SILENCE_FRAME
from .tones import BEEP_HZ, BEEP_SECONDS, MUSIC_SECONDS, tone_ulaw


class AudioSource(Protocol):
    """Anything with a next frame."""

    def next_frame(self) -> bytes | None:
        """The next 160 µ-law bytes, or None when there are no more."""
        ...


class Clip:
    """Audio of a fixed length; the last frame is filled up with silence."""

    def __init__(self, ulaw: bytes) -> None:
        self._ulaw = ulaw
        self._at = 0

    def next_frame(self) -> bytes | None:
        """The next 20 ms of the clip."""
        if self._at >= len(self._ulaw):
            return None
        frame = self._ulaw[self._at : self._at + FRAME_SAMPLES]
        self._at += FRAME_SAMPLES
        return frame if len(frame) == FRAME_SAMPLES else frame.ljust(FRAME_SAMPLES, SILENCE_BYTE)


class Quiet:
    """Silence of a fixed length."""

    def __init__(self, seconds: float) -> None:
        self._left = round(seconds / FRAME_SECONDS)

    def next_frame(self) -> bytes | None:
        """The next 20 ms of silence."""
        if self._left <= 0:
            return None
        self._left -= 1
        return SILENCE_FRAME


class Loop:
    """One clip over and over."""

    def __init__(self, ulaw: bytes) -> None:
        whole = len(ulaw) // FRAME_SAMPLES
        if whole == 0:
            raise ValueError(f"a loop needs at least one frame of {FRAME_SAMPLES} bytes, got {len(ulaw)}")
        self._frames = [ulaw[i * FRAME_SAMPLES : (i + 1) * FRAME_SAMPLES] for i in range(whole)]
        self._at = -1

    def next_frame(self) -> bytes | None:
        """The next 20 ms; never ends."""
        self._at = (self._at + 1) % len(self._frames)
        return self._frames[self._at]


class Announcement(Clip):
    """A clip that tells when it has been played."""

    def __init__(self, ulaw: bytes, ended: Callable[[], None]) -> None:
        super().__init__(ulaw)
        self._ended = ended

    def next_frame(self) -> bytes | None:
        """The next 20 ms; the first None means that the last frame has been heard."""
        frame = super().next_frame()
        if frame is None:
            self._ended()
        return frame


def music(frequency: float) -> Loop:
    """Endless music: a tone that pauses for a second in every ten, so that loops are audible."""
    return Loop(tone_ulaw(MUSIC_SECONDS - 1.0, frequency) + SILENCE_FRAME * round(1.0 / FRAME_SECONDS))


def beep() -> Clip:
    """The conference beep."""
    return Clip(tone_ulaw(BEEP_SECONDS, BEEP_HZ))
