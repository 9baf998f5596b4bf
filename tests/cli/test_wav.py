"""Sound files of all kinds become 8 kHz mono."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.g711 import encode_ulaw
from voice_agent.cli.command import CommandError
from voice_agent.cli.wav import read_wav, write_wav


def tone(rate: int, seconds: float = 0.5, amplitude: float = 0.5) -> npt.NDArray[np.float64]:
    return amplitude * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)


def riff(tag: int, channels: int, rate: int, bits: int, data: bytes, *, extra: bytes = b"") -> bytes:
    frame = channels * bits // 8
    header = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits) + extra
    chunks = b"fmt " + struct.pack("<I", len(header)) + header
    chunks += b"LIST" + struct.pack("<I", 3) + b"abc\0"  # an odd chunk in between, padded
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def encoded(signal: npt.NDArray[np.float64], tag: int, bits: int) -> bytes:
    match tag, bits:
        case 1, 8:
            return (signal * 127 + 128).astype(np.uint8).tobytes()
        case 1, 24:
            return b"".join(int(x * 2**23).to_bytes(3, "little", signed=True) for x in signal)
        case 1, _:
            return (signal * (2 ** (bits - 1) - 1)).astype(f"<i{bits // 8}").tobytes()
        case 3, _:
            return signal.astype(f"<f{bits // 8}").tobytes()
        case _:
            return encode_ulaw((signal * 32767).astype(np.int16))


@pytest.mark.parametrize(
    ("tag", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64), (7, 8)], ids=str
)
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_every_usual_format_is_heard_alike(tmp_path: Path, tag: int, bits: int, rate: int) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(riff(tag, 1, rate, bits, encoded(tone(rate), tag, bits)))
    heard = read_wav(path).astype(np.float64) / 32768
    expected = tone(8000)
    assert len(heard) == pytest.approx(4000, abs=2)
    middle = slice(400, 3600)
    assert np.sqrt(np.mean((heard[middle] - expected[middle]) ** 2)) < 0.02


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    both = np.column_stack([tone(8000), np.zeros(4000)]).ravel()
    path.write_bytes(riff(1, 2, 8000, 16, encoded(both, 1, 16)))
    assert np.abs(read_wav(path)).max() == pytest.approx(0.25 * 32767, rel=0.01)


def test_the_extensible_header_gives_the_real_format(tmp_path: Path) -> None:
    path = tmp_path / "extensible.wav"
    extra = struct.pack("<HHIH", 22, 16, 0, 1) + b"\0" * 14
    path.write_bytes(riff(0xFFFE, 1, 8000, 16, encoded(tone(8000), 1, 16), extra=extra))
    assert len(read_wav(path)) == 4000


def test_a_recording_that_was_cut_off_gives_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes(riff(1, 1, 8000, 16, encoded(tone(8000), 1, 16))[:-1001])
    assert len(read_wav(path)) == 4000 - 501


def test_written_sound_is_read_back_exactly(tmp_path: Path) -> None:
    pcm = (tone(8000) * 32767).astype(np.int16)
    write_wav(tmp_path / "x.wav", pcm)
    assert np.array_equal(read_wav(tmp_path / "x.wav"), pcm)


def test_channels_of_unequal_length_are_filled_with_silence(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", np.full(100, 1000, np.int16), np.full(40, 500, np.int16))
    heard = read_wav(tmp_path / "x.wav")
    assert len(heard) == 100
    assert heard[10] == 750
    assert heard[90] == 500


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a WAV"),
        (b"ID3\x04 an mp3", "not a WAV"),
        (riff(6, 1, 8000, 8, b"\x55" * 100), "format 6"),
        (riff(1, 0, 8000, 16, b""), "0 channels"),
        (riff(1, 1, 0, 16, b""), "0 Hz"),
    ],
)
def test_what_cannot_be_used_is_said_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=words):
        read_wav(path)


def test_a_file_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        read_wav(tmp_path / "nowhere.wav")


@given(st.binary(max_size=300), st.sampled_from([1, 3, 6, 7, 0xFFFE]), st.integers(0, 64))
def test_no_file_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, tag: int, bits: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.wav"
    path.write_bytes(riff(tag, 1, 8000, bits, data))
    try:
        heard = read_wav(path)
    except CommandError:
        return  # said in words, and nothing else was raised
    assert heard.dtype == np.int16
