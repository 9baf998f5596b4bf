"""µ-law against facts of ITU-T G.711."""

from __future__ import annotations

import numpy as np
import pytest

from telephony.emulator.g711 import SILENCE_BYTE, decode, encode


def test_silence_is_all_ones() -> None:
    assert encode(np.zeros(3, dtype=np.int16)) == SILENCE_BYTE * 3
    assert decode(b"\xff\x7f").tolist() == [0, 0]


def test_the_ends_of_the_scale() -> None:
    assert decode(b"\x80\x00").tolist() == [32124, -32124]
    assert encode(np.array([32767, -32768], dtype=np.int16)) == b"\x80\x00"


def test_every_code_survives_a_round_trip() -> None:
    codes = bytes(range(256))
    again = encode(decode(codes))
    assert bytes(c for c in again if c != 0xFF) == bytes(c for c in codes if c not in (0x7F, 0xFF))


def test_the_error_stays_within_half_a_step_of_the_segment() -> None:
    samples = np.arange(-32000, 32000, 7, dtype=np.int16)
    error = np.abs(decode(encode(samples)).astype(np.int32) - samples)
    step = np.maximum(8, (np.abs(samples.astype(np.int32)) + 132) >> 4)
    assert (error <= step).all()


def test_audio_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="int16"):
        encode(np.zeros(3, dtype=np.float32))  # type: ignore[arg-type]
