"""G.711 mu-law: the encoding of every media frame on the phone network.

ITU-T G.711 (11/88), table 2: 8 bits a sample, sign, 3-bit segment, 4-bit step, all bits inverted on the wire.
Both directions are one table lookup; the tables are built once, on first use.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]

SILENCE = 0xFF
"""The code of a zero sample; a leg with nothing to say carries this byte."""

_BIAS = 132
"""Added to the magnitude so that every segment starts at a power of two (14-bit scale, times 4)."""
_CLIP = 32635
"""Largest magnitude that has a code."""


@cache
def _decoding_table() -> Pcm:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + _BIAS) << ((code >> 4) & 7)) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@cache
def _encoding_table() -> npt.NDArray[np.uint8]:
    """Indexed by the sample's bit pattern read as unsigned."""
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    biased = np.minimum(np.abs(sample), _CLIP) + _BIAS
    segment = np.floor(np.log2(biased)).astype(np.int32) - 7
    step = (biased >> (segment + 3)) & 0x0F
    sign = np.where(sample < 0, 0x80, 0)
    return (~(sign | (segment << 4) | step) & 0xFF).astype(np.uint8)


def encode_ulaw(pcm: Pcm) -> bytes:
    """Linear int16 samples to mu-law, one byte a sample. Raises :class:`TypeError` for another sample
    type."""
    if pcm.dtype != np.int16:
        raise TypeError(f"mu-law encodes int16 samples, got {pcm.dtype}: convert and scale first")
    return _encoding_table()[np.ascontiguousarray(pcm).view(np.uint16)].tobytes()


def decode_ulaw(data: bytes | bytearray | memoryview) -> Pcm:
    """Mu-law bytes to a new, writable int16 array of the same length."""
    return _decoding_table()[np.frombuffer(data, np.uint8)]
