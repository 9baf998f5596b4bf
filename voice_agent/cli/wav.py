"""Sound files for calls: any usual WAV in, 8 kHz mono out, and back.

The standard library's reader refuses everything but integer PCM, and telephone recordings are often µ-law: so
the container (RIFF, Microsoft's multimedia programming interface 1.0; format tags of RFC 2361) is read here.
"""

from __future__ import annotations

import struct
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from telephony.g711 import decode_ulaw
from voice_agent.cli.command import CommandError

SAMPLE_RATE = 8000
EXTENSIBLE = 0xFFFE
"""Format tag of files that give the real tag further on."""

LARGEST_FILE = 200_000_000
"""Bytes; an hour of 16-bit stereo at 16 kHz is 230 MB, and no call lasts that long."""

Pcm = npt.NDArray[np.int16]


def read_wav(path: Path) -> Pcm:
    """The sound of a WAV file: int16, mono (channels averaged), 8 kHz.

    Integer PCM of 8 to 32 bits, floating point and µ-law of any rate and any number of channels.

    Raises:
        CommandError: when the file cannot be read, or is not such a file.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise CommandError(f"{path} is larger than {LARGEST_FILE // 1_000_000} MB: cut it")
        data = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    chunks = dict(_chunks(data))
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE" or "fmt " not in chunks or "data" not in chunks:
        raise CommandError(f"{path} is not a WAV file: convert it first, for example with ffmpeg or sox")
    header = chunks["fmt "]
    if len(header) < 16:
        raise CommandError(f"{path} has a damaged format header ({len(header)} bytes instead of 16)")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", header[:16])
    if tag == EXTENSIBLE and len(header) >= 26:
        (tag,) = struct.unpack("<H", header[24:26])
    if not 1 <= channels <= 32 or not 1000 <= rate <= 384_000:
        raise CommandError(f"{path} claims {channels} channels at {rate} Hz: not a sound file of this world")
    samples = _samples(chunks["data"], tag, bits)
    if samples is None:
        raise CommandError(
            f"{path} has format {tag} with {bits} bits: convert it to 16-bit PCM or µ-law first"
        )
    frames = len(samples) // channels
    mono = samples[: frames * channels].reshape(frames, channels).mean(axis=1, dtype=np.float32)
    return _at_8_khz(mono, rate)


def _chunks(data: bytes) -> Iterator[tuple[str, bytes]]:
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack("<4sI", data[position : position + 8])
        # A file that was cut off promises more than it holds, a stream 2**32 - 1 bytes: what is there counts.
        yield name.decode("latin-1"), data[position + 8 : position + 8 + size]
        position += 8 + size + size % 2


def _samples(data: bytes, tag: int, bits: int) -> npt.NDArray[np.floating] | None:
    """All channels interleaved, -1..1; None for a format that is not known."""
    whole = data[: len(data) - len(data) % max(1, bits // 8)]
    match tag, bits:
        case 1, 8:
            return (np.frombuffer(whole, np.uint8).astype(np.float32) - 128) / 128
        case 1, 16:
            return np.frombuffer(whole, "<i2").astype(np.float32) / 2**15
        case 1, 24:
            triples = np.frombuffer(whole, np.uint8).reshape(-1, 3).astype(np.int32)
            values = (triples[:, 0] << 8 | triples[:, 1] << 16 | triples[:, 2] << 24) >> 8
            return values.astype(np.float32) / 2**23
        case 1, 32:
            return (np.frombuffer(whole, "<i4") / 2**31).astype(np.float32)
        case 3, 32 | 64:
            values = np.frombuffer(whole, f"<f{bits // 8}").astype(np.float32)
            return np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=-1.0)
        case 7, 8:
            return decode_ulaw(whole).astype(np.float32) / 2**15
    return None


def _at_8_khz(mono: npt.NDArray[np.float32], rate: int) -> Pcm:
    if rate != SAMPLE_RATE and len(mono):
        import soxr

        mono = soxr.resample(mono, rate, SAMPLE_RATE)
    return np.round(np.clip(mono, -1, 1 - 2**-15) * 2**15).astype(np.int16)


def write_wav(path: Path, *channels: Pcm) -> None:
    """Write 16-bit PCM at 8 kHz; with several channels the shorter ones are filled with silence."""
    length = max((len(channel) for channel in channels), default=0)
    frames = np.zeros((length, len(channels)), np.int16)
    for index, channel in enumerate(channels):
        frames[: len(channel), index] = channel
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(frames.astype("<i2").tobytes())
