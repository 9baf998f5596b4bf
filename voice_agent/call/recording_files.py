"""The files of a recording: two mono tracks on one sample clock, and everything that is read from them.

``inbound.wav`` is the caller: G.711 mu-law at 8 kHz, WAV format 7, as the phone network sent it.
``outbound.wav`` is the agent with any operator mixed in: 16-bit PCM at 8 kHz (mixed sound would not fit
mu-law without loss). Sample ``n`` of both is the same instant. ``metadata.json`` has the published fields.

A process may die while it records. The lengths in the headers are therefore never believed: they are taken
from the size of the file, and every file is given out with a header made anew.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from telephony.g711 import SILENCE, decode_ulaw

Pcm = npt.NDArray[np.int16]

SAMPLE_RATE = 8000
INBOUND, OUTBOUND, STEREO, METADATA = "inbound.wav", "outbound.wav", "stereo.wav", "metadata.json"

_PCM, _ULAW = 1, 7
"""Format tags of RFC 2361."""

_POINTS_AT_A_TIME = 1000
"""Of an envelope; keeps an hour's recording out of memory."""

_STEP_FRAMES = 32_000
"""Frames read at a time: 4 s."""


def ulaw_header(samples: int) -> bytes:
    """Header of a mono mu-law file. Formats other than PCM carry a ``fact`` chunk and an extension size."""
    fmt = struct.pack("<4sIHHIIHHH", b"fmt ", 18, _ULAW, 1, SAMPLE_RATE, SAMPLE_RATE, 1, 8, 0)
    body = fmt + struct.pack("<4sII", b"fact", 4, samples) + struct.pack("<4sI", b"data", samples)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body) + samples, b"WAVE") + body


def pcm_header(samples: int, channels: int = 1) -> bytes:
    """Header of a 16-bit PCM file; ``samples`` per channel."""
    width = 2 * channels
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, _PCM, channels, SAMPLE_RATE, SAMPLE_RATE * width, width, 16)
    body = fmt + struct.pack("<4sI", b"data", samples * width)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body) + samples * width, b"WAVE") + body


ULAW_HEADER_BYTES = len(ulaw_header(0))
PCM_HEADER_BYTES = len(pcm_header(0))


@dataclass(frozen=True)
class Wav:
    """A WAV file that need not exist: a header, and frames that are read when asked for.

    ``read(start, stop)`` gives the bytes of those frames.
    """

    header: bytes
    frames: int
    frame_bytes: int
    read: Callable[[int, int], bytes]

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return len(self.header) + self.frames * self.frame_bytes

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` up to ``stop``, a few seconds at a time. Reads the disk: for a thread."""
        stop = self.size if stop is None else min(stop, self.size)
        if start < len(self.header) and start < stop:
            yield self.header[start:stop]
            start = len(self.header)
        while start < stop:
            offset = start - len(self.header)
            frame, skip = divmod(offset, self.frame_bytes)
            last = min(frame + _STEP_FRAMES, -(-(stop - len(self.header)) // self.frame_bytes))
            chunk = self.read(frame, last)[skip : skip + stop - start]
            if not chunk:  # the file became shorter under our hands
                return
            yield chunk
            start += len(chunk)


class StoredRecording:
    """The recording of one call, complete or not. Everything here reads the disk: for a thread."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is that of the call."""
        self._folder = folder

    @property
    def exists(self) -> bool:
        """Whether anything was recorded."""
        return (self._folder / METADATA).is_file()

    @property
    def inbound_samples(self) -> int:
        """Length of the caller's track as it is on disk now."""
        return max(0, _size(self._folder / INBOUND) - ULAW_HEADER_BYTES)

    @property
    def outbound_samples(self) -> int:
        """Length of the agent's track as it is on disk now."""
        return max(0, _size(self._folder / OUTBOUND) - PCM_HEADER_BYTES) // 2

    def inbound(self) -> Wav:
        """``inbound.wav`` with a true header."""
        samples = self.inbound_samples
        return Wav(ulaw_header(samples), samples, 1, self._inbound_bytes)

    def outbound(self) -> Wav:
        """``outbound.wav`` with a true header."""
        samples = self.outbound_samples
        return Wav(pcm_header(samples), samples, 2, self._outbound_bytes)

    def stereo(self) -> Wav:
        """Both tracks in one file: left the caller, right the agent and operator, 16-bit PCM at 8 kHz."""
        frames = max(self.inbound_samples, self.outbound_samples)
        return Wav(pcm_header(frames, 2), frames, 4, self._stereo_bytes)

    def metadata(self) -> dict[str, Any]:
        """The published metadata; lengths are those on disk when the recorder could not finish."""
        found: dict[str, Any] = json.loads((self._folder / METADATA).read_bytes())
        if not found["complete"]:
            found |= sizes(self.inbound_samples, self.outbound_samples)
            start = found["media_start_epoch_ms"] / 1000
            found["call_end_iso"] = datetime.fromtimestamp(start + found["duration_seconds"], UTC).isoformat()
        return found

    def envelope(self, points: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The loudest sample (0..1) in each of ``points`` equal parts of the call: caller, agent.

        A recording of fewer samples than ``points`` has as many points as samples.
        """
        frames = max(self.inbound_samples, self.outbound_samples)
        points = min(points, frames)
        edges = np.linspace(0, frames, points + 1).astype(np.int64)
        loudest = np.zeros((points, 2), np.float32)
        for first in range(0, points, _POINTS_AT_A_TIME):
            part = edges[first : first + _POINTS_AT_A_TIME + 1]
            stereo = np.frombuffer(self._stereo_bytes(int(part[0]), int(part[-1])), np.int16).reshape(-1, 2)
            peaks = np.maximum.reduceat(np.abs(stereo.astype(np.int32)), part[:-1] - part[0], axis=0)
            loudest[first : first + len(peaks)] = peaks / 32768
        return loudest[:, 0], loudest[:, 1]

    def _inbound_bytes(self, start: int, stop: int) -> bytes:
        return _slice(self._folder / INBOUND, ULAW_HEADER_BYTES + start, stop - start)

    def _outbound_bytes(self, start: int, stop: int) -> bytes:
        return _slice(self._folder / OUTBOUND, PCM_HEADER_BYTES + 2 * start, 2 * (stop - start))

    def _stereo_bytes(self, start: int, stop: int) -> bytes:
        frames = np.zeros((stop - start, 2), np.int16)
        caller = decode_ulaw(self._inbound_bytes(start, stop))
        agent = np.frombuffer(self._outbound_bytes(start, stop), np.int16)
        frames[: len(caller), 0] = caller
        frames[: len(agent), 1] = agent
        return frames.tobytes()


def sizes(inbound_samples: int, outbound_samples: int) -> dict[str, Any]:
    """The published fields that follow from the lengths of the tracks."""
    return {
        "duration_seconds": max(inbound_samples, outbound_samples) / SAMPLE_RATE,
        "inbound_size_bytes": ULAW_HEADER_BYTES + inbound_samples,
        "outbound_size_bytes": PCM_HEADER_BYTES + 2 * outbound_samples,
    }


def silent_ulaw(samples: int) -> bytes:
    """``samples`` of silence."""
    return bytes([SILENCE]) * samples


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _slice(path: Path, start: int, length: int) -> bytes:
    """Up to ``length`` bytes; fewer where the file is shorter."""
    if length <= 0:
        return b""
    with path.open("rb") as file:
        return os.pread(file.fileno(), length, start)
