import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.g711 import SILENCE, decode_ulaw, encode_ulaw


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        (0, 0xFF),
        (-1, 0x7F),
        (32767, 0x80),
        (-32768, 0x00),
        (132, 0xEF),
        (-132, 0x6F),
        (1000, 0xCE),
        (-1000, 0x4E),
    ],
)
def test_known_samples_have_their_codes(sample: int, code: int) -> None:
    assert encode_ulaw(np.array([sample], np.int16)) == bytes([code])


def test_every_code_but_negative_zero_survives_decoding_and_encoding() -> None:
    codes = bytes(c for c in range(256) if c != 0x7F)
    assert encode_ulaw(decode_ulaw(codes)) == codes


def test_silence_decodes_to_zero() -> None:
    assert decode_ulaw(bytes([SILENCE] * 160)).tolist() == [0] * 160


@given(st.lists(st.integers(-32768, 32767), max_size=400))
def test_round_trip_error_stays_within_half_a_step(samples: list[int]) -> None:
    pcm = np.array(samples, np.int16)
    heard = decode_ulaw(encode_ulaw(pcm)).astype(int)
    clipped = np.clip(pcm.astype(int), -32124, 32124)
    assert np.all(np.abs(heard - clipped) <= np.abs(clipped) / 32 + 132 / 32)


def test_samples_of_another_type_are_refused() -> None:
    with pytest.raises(TypeError, match="float32"):
        encode_ulaw(np.zeros(160, np.float32))  # type: ignore[arg-type]


def test_decoded_audio_can_be_written_to() -> None:
    pcm = decode_ulaw(b"\xff\xff")
    pcm[0] = 5
    assert decode_ulaw(b"\xff\xff").tolist() == [0, 0]
