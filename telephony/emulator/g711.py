"""G.711 µ-law at 8 kHz: the only audio coding on the emulated network.

Tables follow ITU-T G.711 (bias 132 on a 16-bit scale, 8 segments of 16 steps, all bits inverted on
the line). One frame is 20 ms = 160 samples = 160 bytes.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 8000
FRAME_SECONDS = 0.020
FRAME_SAMPLES = 160
SILENCE_BYTE = b"\xff"
SILENCE_FRAME = SILENCE_BYTE * FRAME_SAMPLES

_BIAS = 132
_CLIP = 32635

Pcm = npt.NDArray[np.int16]


@cache
def decode_table() -> Pcm:
    """The 256 linear values, int16."""
    code = ~np.arange(256, dtype=np.uint8)
    mantissa = (code & 0x0F).astype(np.int32)
    segment = ((code >> 4) & 0x07).astype(np.int32)
    magnitude = (((mantissa << 3) + _BIAS) << segment) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@cache
def encode_table() -> npt.NDArray[np.uint8]:
    """The 65,536 codes, indexed by the sample seen as an unsigned 16-bit number."""
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(linear), _CLIP) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (segment + 3)) & 0x0F
    sign = np.where(linear < 0, 0x80, 0)
    return (~(sign | (segment << 4) | mantissa) & 0xFF).astype(np.uint8)


def decode(ulaw: bytes | bytearray) -> Pcm:
    """µ-law bytes to int16 samples."""
    return decode_table()[np.frombuffer(ulaw, dtype=np.uint8)]


def encode(samples: Pcm) -> bytes:
    """int16 samples to µ-law bytes.

    Raises:
        TypeError: if the samples are not int16; a silent cast would clip or wrap them.
    """
    if samples.dtype != np.int16:
        raise TypeError(f"audio must be int16 at 8 kHz, got {samples.dtype}; convert it first")
    return encode_table()[samples.view(np.uint16)].tobytes()
