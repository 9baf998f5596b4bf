"""Records a call to disk while it runs: two tracks on one sample clock, without the call ever waiting.

Positions are absolute samples of the call's clock. Where a party sends nothing there is silence, so an offset
is the same instant in both tracks, however often and however long either side stalls.

Sound waits :data:`SETTLE_S` before it goes to disk, so that frames may come late or in any order. A thread
does the writing; between it and the call lies a bounded queue. When the disk is too slow, a second of sound
becomes a second of silence; when it is full, the recorder stops and says so, and the call goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from telephony.g711 import encode_ulaw
from voice_agent.call.recording_files import (
    INBOUND,
    METADATA,
    OUTBOUND,
    SAMPLE_RATE,
    Pcm,
    StoredRecording,
    pcm_header,
    silent_ulaw,
    sizes,
    ulaw_header,
)

SETTLE_S = 2.0
"""How late a frame may come, measured by the caller's newest one."""

WINDOW_S = 10.0
"""Sound that is kept in memory at most: how far ahead of the other a party may be, 480 kB."""

QUEUE_S = 14.0
"""Sound that may wait for the disk, 448 kB."""

BLOCK = SAMPLE_RATE
"""Samples written at a time."""

FRAME = SAMPLE_RATE // 50
"""Tracks end on a whole 20 ms."""

MAX_SAMPLES = 12 * 3600 * SAMPLE_RATE
"""Positions beyond are taken for a broken clock and not recorded."""

_WINDOW = int(WINDOW_S * SAMPLE_RATE)
_SETTLE = int(SETTLE_S * SAMPLE_RATE)
_QUEUE = int(QUEUE_S * SAMPLE_RATE)


class Track(IntEnum):
    """Who is heard. Agent and operator are mixed into one file."""

    CALLER = 0
    AGENT = 1
    OPERATOR = 2


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """What the metadata says besides the sound. ``direction`` is inbound or outbound."""

    call_sid: str = ""
    direction: str = "inbound"
    service_id: str | None = None
    tts_provider: str = "embedded"


@dataclass(frozen=True, slots=True)
class RecordingFiles:
    """What a recorder leaves behind. ``metadata`` has the published fields."""

    folder: Path
    metadata: dict[str, Any]
    complete: bool
    """False when the disk refused to take the rest."""
    late_samples: int
    """Samples that came after their time had been written."""
    dropped_samples: int
    """Samples that became silence because the disk was too slow."""


@dataclass(frozen=True, slots=True)
class _Block:
    caller: Pcm
    outbound: Pcm


class CallRecorder:
    """The recorder of one call. All methods belong to the event loop's thread."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.time,
        *,
        info: RecordingInfo | None = None,
        on_failure: Callable[[str], None] | None = None,
    ) -> None:
        """``path`` is the call's own folder, made with the first sound.

        ``clock`` tells Unix time. ``on_failure`` is called once, **in the writing thread**, with the reason
        why recording stopped.
        """
        self._path = path
        self._clock = clock
        self._info = info or RecordingInfo()
        self._on_failure = on_failure
        self._window: Pcm = np.zeros((len(Track), _WINDOW), np.int16)
        self._base = 0
        self._end = 0
        self._caller_end = 0
        self._media_start: float | None = None
        self._late = 0
        self._dropped = 0
        # The queue, and whether the thread still takes from it: guarded by the condition.
        self._changed = threading.Condition()
        self._queue: deque[_Block | int] = deque()
        self._queued = 0
        self._closing = False
        self._failure: str | None = None
        self._thread: threading.Thread | None = None

    @property
    def buffered_bytes(self) -> int:
        """Memory that holds sound now."""
        return self._window.nbytes + self._queued * 4

    @property
    def waiting_samples(self) -> int:
        """Sound that waits for the disk."""
        return self._queued

    @property
    def failure(self) -> str | None:
        """Why recording stopped, None while it works."""
        return self._failure

    def write(self, track: Track, sample_offset: int, pcm: Pcm) -> None:
        """Put ``pcm`` (int16, 8 kHz, mono) at an absolute position. Never waits, never raises.

        Sound for a time that is on disk already is counted and dropped; of two frames of one track for the
        same time the later one counts.
        """
        if self._failure is not None or self._closing or sample_offset + len(pcm) > MAX_SAMPLES:
            return
        if self._media_start is None:
            self._media_start = self._clock() - sample_offset / SAMPLE_RATE
        for start in range(0, len(pcm), BLOCK):
            self._place(track, sample_offset + start, pcm[start : start + BLOCK])

    async def close(self) -> RecordingFiles | None:
        """Write what waits and finish the files. None when nothing was ever recorded. Idempotent."""
        if not self._closing:
            self._flush_to(-(-self._end // FRAME) * FRAME, waiting_is_fine=True)
            with self._changed:
                self._closing = True
                self._changed.notify()
        if self._thread is None:
            return None
        await asyncio.to_thread(self._thread.join)
        if self._failure is None:
            return RecordingFiles(self._path, self._metadata(True), True, self._late, self._dropped)
        metadata = await asyncio.to_thread(_metadata_on_disk, self._path)
        if metadata is None:
            return None
        return RecordingFiles(self._path, metadata, False, self._late, self._dropped)

    def _place(self, track: Track, position: int, pcm: Pcm) -> None:
        late = self._base - position
        if late > 0:
            self._late += min(late, len(pcm))
            pcm, position = pcm[late:], self._base
            if not len(pcm):
                return
        end = position + len(pcm)
        if end > self._base + _WINDOW:
            self._flush_to(-(-(end - _WINDOW) // BLOCK) * BLOCK)
        at = position - self._base
        self._window[track, at : at + len(pcm)] = pcm
        self._end = max(self._end, end)
        if track is Track.CALLER:
            self._caller_end = max(self._caller_end, end)
            settled = (self._caller_end - _SETTLE) // BLOCK * BLOCK
            if settled > self._base:
                self._flush_to(settled)

    def _flush_to(self, position: int, *, waiting_is_fine: bool = False) -> None:
        """Hand everything before ``position`` to the writing thread."""
        while self._base < min(position, self._end):
            samples = min(BLOCK, position - self._base)
            sound = self._window[:, :samples]
            if sound.any():
                mixed = sound[Track.AGENT].astype(np.int32) + sound[Track.OPERATOR]
                outbound = np.clip(mixed, -32768, 32767).astype(np.int16)
                self._enqueue(_Block(sound[Track.CALLER].copy(), outbound), samples, waiting_is_fine)
            else:
                self._enqueue(samples, 0, waiting_is_fine)
            self._window[:, :-samples] = self._window[:, samples:]
            self._window[:, -samples:] = 0
            self._base += samples
        if position > self._base:
            self._enqueue(position - self._base, 0, waiting_is_fine)
            self._base = position

    def _enqueue(self, item: _Block | int, samples: int, waiting_is_fine: bool) -> None:
        with self._changed:
            if self._failure is not None:
                return
            if self._queued + samples > _QUEUE and not waiting_is_fine:
                self._dropped += samples
                item, samples = samples, 0
            if isinstance(item, int) and self._queue and isinstance(self._queue[-1], int):
                self._queue[-1] += item
            else:
                self._queue.append(item)
            self._queued += samples
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_files, name="call-recorder", daemon=True)
            self._thread.start()

    # The writing thread

    def _write_files(self) -> None:
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            with (
                (self._path / INBOUND).open("wb", buffering=0) as inbound,
                (self._path / OUTBOUND).open("wb", buffering=0) as outbound,
            ):
                _write_all(inbound.fileno(), ulaw_header(0))
                _write_all(outbound.fileno(), pcm_header(0))
                self._write_metadata(complete=False)
                samples = 0
                while (item := self._next()) is not None:
                    samples += _write_item(inbound.fileno(), outbound.fileno(), item)
                os.pwrite(inbound.fileno(), ulaw_header(samples), 0)
                os.pwrite(outbound.fileno(), pcm_header(samples), 0)
                os.fsync(inbound.fileno())
                os.fsync(outbound.fileno())
            self._write_metadata(complete=True)
        except OSError as error:
            with self._changed:
                self._failure = error.strerror or type(error).__name__
                self._queue.clear()
                self._queued = 0
            if self._on_failure is not None:
                self._on_failure(self._failure)

    def _next(self) -> _Block | int | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            if not self._queue:
                return None
            item = self._queue.popleft()
            if isinstance(item, _Block):
                self._queued -= len(item.caller)
            return item

    def _metadata(self, complete: bool) -> dict[str, Any]:
        samples = self._base if complete else 0
        start = self._media_start or 0.0
        return {
            "call_sid": self._info.call_sid,
            "direction": self._info.direction,
            "service_id": self._info.service_id,
            "tts_provider": self._info.tts_provider,
            "call_start_iso": datetime.fromtimestamp(start, UTC).isoformat(),
            "call_end_iso": datetime.fromtimestamp(start + samples / SAMPLE_RATE, UTC).isoformat(),
            "media_start_epoch_ms": round(start * 1000, 3),
            "inbound_format": "mulaw",
            "inbound_sample_rate": SAMPLE_RATE,
            "outbound_format": "pcm16",
            "outbound_sample_rate": SAMPLE_RATE,
            "complete": complete,
            **sizes(samples, samples),
        }

    def _write_metadata(self, *, complete: bool) -> None:
        new = self._path / f"{METADATA}.new"
        new.write_text(json.dumps(self._metadata(complete), indent=2) + "\n")
        new.replace(self._path / METADATA)


def _metadata_on_disk(path: Path) -> dict[str, Any] | None:
    """What can be said of a recording that was broken off, None when it never began."""
    recording = StoredRecording(path)
    return recording.metadata() if recording.exists else None


def _write_item(inbound: int, outbound: int, item: _Block | int) -> int:
    if isinstance(item, _Block):
        _write_all(inbound, encode_ulaw(item.caller))
        _write_all(outbound, item.outbound.tobytes())
        return len(item.caller)
    for start in range(0, item, 10 * BLOCK):
        samples = min(10 * BLOCK, item - start)
        _write_all(inbound, silent_ulaw(samples))
        _write_all(outbound, bytes(2 * samples))
    return item


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
