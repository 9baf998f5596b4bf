"""The conference mix of one 20 ms tick, as a matrix of who hears whom. Pure: no clock, no calls.

Decoding, adding, clipping and encoding are done for all members at once; a tick in which nobody makes a
sound costs nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .g711 import FRAME_SAMPLES, FRAME_SECONDS, SILENCE_FRAME, Pcm, decode_table, encode_table

Hears = npt.NDArray[np.float32]


class DelayLine:
    """The average delay of a participant's jitter buffer, in whole frames."""

    def __init__(self, delay_ms: int) -> None:
        self._frames: deque[bytes] = deque([SILENCE_FRAME] * round(delay_ms / 1000 / FRAME_SECONDS))

    def push(self, frame: bytes) -> bytes:
        """Put one frame in and take the one that is due out."""
        if not self._frames:
            return frame
        self._frames.append(frame)
        return self._frames.popleft()


def decoded(frames: Sequence[bytes]) -> Pcm:
    """Frames of 160 µ-law bytes as rows of int16 samples."""
    codes = np.frombuffer(b"".join(frames), dtype=np.uint8)
    return decode_table()[codes].reshape(len(frames), FRAME_SAMPLES)


def mix(frames: Sequence[bytes], hears: Hears) -> list[bytes]:
    """What each listener hears.

    Args:
        frames: one frame of 160 µ-law bytes per speaker.
        hears: listeners x speakers; 1 where the listener (row) hears the speaker (column).

    Returns:
        One frame per listener; sums beyond 16 bits are clipped.
    """
    if all(frame == SILENCE_FRAME for frame in frames):
        return [SILENCE_FRAME] * len(hears)
    sums = hears @ decoded(frames).astype(np.float32)
    np.clip(sums, -32768, 32767, out=sums)
    codes = encode_table()[sums.astype(np.int16).view(np.uint16)].tobytes()
    return [codes[at : at + FRAME_SAMPLES] for at in range(0, len(codes), FRAME_SAMPLES)]
