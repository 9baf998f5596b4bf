"""Where events wait while the database is away: files of lines under the data directory, oldest file first.

Blocking; callers run it in a thread. A file belongs to the process that holds its lock. A process that starts
adopts the files that dead processes left behind, so that nothing waits for a person.
"""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from voice_agent.call.events import CallEvent, call_event_adapter

MAX_SPILL_BYTES = 512 * 1024 * 1024
"""About a million events: a day of a busy installation. Beyond it, further events are lost and counted."""

MAX_FILE_BYTES = 8 * 1024 * 1024
"""A new file is begun above this size, so that what has reached the database is removed bit by bit."""

_READ_BYTES = 1024 * 1024


class SpillFull(OSError):
    """There is no room for further events."""


@dataclass
class _File:
    path: Path
    fd: int
    offset: int = 0
    """Where the oldest event begins that still waits."""

    @property
    def size(self) -> int:
        return os.fstat(self.fd).st_size


class EventSpill:
    """A first-in-first-out queue of events on disk."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_SPILL_BYTES) -> None:
        """``folder`` is made on first use."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._files: list[_File] = []
        self.unreadable = 0
        """Lines that no longer could be read as events and were left out."""

    def adopt(self) -> None:
        """Take over what processes left behind that are no longer there."""
        if not self._folder.is_dir():
            return
        own = {file.path for file in self._files}
        for path in sorted(self._folder.glob("events-*.ndjson")):
            if path in own:
                continue
            try:
                fd = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
            else:
                self._files.append(_File(path, fd))

    @property
    def empty(self) -> bool:
        """True when nothing waits."""
        return not self._files

    def append(self, events: list[CallEvent]) -> None:
        """Put ``events`` behind everything that waits; they are on disk when this returns.

        Raises:
            SpillFull: when the limit is reached; OSError when the disk refuses. Nothing was added then.
        """
        lines = b"".join(call_event_adapter.dump_json(event) + b"\n" for event in events)
        if sum(file.size for file in self._files) + len(lines) > self._max_bytes:
            raise SpillFull(
                f"{self._max_bytes} bytes of events wait in {self._folder}; bring the database back"
            )
        file = self._newest()
        end = file.size
        try:
            _write_all(file.fd, lines, end)
            os.fsync(file.fd)
        except OSError:
            os.ftruncate(file.fd, end)
            raise

    def peek(self) -> tuple[list[CallEvent], int]:
        """The oldest events that wait, and a mark for :meth:`discard`. Nothing waits: nothing and 0."""
        if not self._files:
            return [], 0
        file = self._files[0]
        block = os.pread(file.fd, _READ_BYTES, file.offset)
        whole, separator, _rest = block.rpartition(b"\n")
        if not separator:
            # The half line of a process that died while it wrote (or no line at all).
            self.unreadable += bool(block)
            return [], file.size
        events = [event for line in whole.split(b"\n") if (event := self._parsed(line)) is not None]
        return events, file.offset + len(whole) + 1

    def discard(self, mark: int) -> None:
        """Forget what :meth:`peek` gave: it is in the database now."""
        file = self._files[0]
        file.offset = mark
        if mark >= file.size:
            file.path.unlink(missing_ok=True)
            os.close(file.fd)
            del self._files[0]

    def close(self) -> None:
        """Let go of the files; what waits stays for the next process."""
        for file in self._files:
            os.close(file.fd)
        self._files.clear()

    def _newest(self) -> _File:
        if self._files and self._files[-1].size < MAX_FILE_BYTES:
            return self._files[-1]
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"events-{time.time_ns():020d}-{os.getpid()}.ndjson"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        self._files.append(_File(path, fd))
        return self._files[-1]

    def _parsed(self, line: bytes) -> CallEvent | None:
        try:
            return call_event_adapter.validate_json(line)
        except ValidationError:
            self.unreadable += 1
            return None


def _write_all(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written
