"""Worker processes that speak messages over pipes.

Recognizers hold the interpreter lock and some voices are under licences that must not be linked into the
product, so both run in processes of their own. A worker is this interpreter with another module (``python -m
models.stt.worker``); its standard input and output carry messages: one byte of kind, four of length (big
endian), the payload. A worker ends when its input ends, so none outlives the process that started it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import struct
import sys
from pathlib import Path
from typing import BinaryIO, Final

from models.speech import SpeechError

MAX_PAYLOAD: Final = 8 * 1024 * 1024
"""Longer messages are a broken stream."""

_HEAD: Final = struct.Struct(">BI")
_SHORTEST_PAUSE_S: Final = 0.4
_LONGEST_PAUSE_S: Final = 30.0


def pause_before_retry(failures: int) -> float:
    """Seconds between one start of a worker and the next after ``failures`` (1 or more) in a row: twice as
    long each time, at most half a minute, and never the same, so that several pools do not start together."""
    pause = _SHORTEST_PAUSE_S * 2 ** min(failures - 1, 10)
    return random.uniform(0.5, 1.0) * min(pause, _LONGEST_PAUSE_S)


def _package_root() -> str:
    """Where this package is found, for the worker to find it too."""
    return str(Path(__file__).resolve().parent.parent)


class WorkerGone(SpeechError):
    """The worker ended, was killed or talks nonsense; start another."""


class WorkerProcess:
    """The parent's end of one worker. Used from one event loop; only one task may receive."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input = process.stdin
        self._output = process.stdout
        self._head: tuple[int, int] | None = None

    @classmethod
    async def start(cls, module: str, *arguments: str) -> WorkerProcess:
        """Start ``python -m module arguments``. Raises :class:`WorkerGone` when it cannot be started."""
        path = os.pathsep.join(filter(None, [_package_root(), os.environ.get("PYTHONPATH", "")]))
        # Nothing is kept of what it prints: libraries and tracebacks may quote what was said. What its parent
        # has to know, a worker tells in a message.
        # One thread each: the pool decides how many cores speech may take.
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise WorkerGone(f"worker {module} cannot be started: {error}") from error
        return cls(process)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """False once the process has ended."""
        return self._process.returncode is None

    def send(self, kind: int, payload: bytes = b"") -> None:
        """Queue a message; never blocks. What a dead worker is sent is lost: :meth:`receive` tells."""
        if not self._input.is_closing():
            self._input.write(_HEAD.pack(kind, len(payload)) + payload)

    async def receive(self) -> tuple[int, bytes]:
        """The next message. Raises :class:`WorkerGone` at the end of the stream.

        May be cancelled and called again: a message that came in part is not lost.
        """
        try:
            if self._head is None:
                self._head = _HEAD.unpack(await self._output.readexactly(_HEAD.size))
            kind, length = self._head
            if length > MAX_PAYLOAD:
                raise WorkerGone(f"worker {self.pid} announced {length} bytes, more than {MAX_PAYLOAD}")
            payload = await self._output.readexactly(length)
            self._head = None
            return kind, payload
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerGone(f"worker {self.pid} ended") from error

    async def ended(self) -> None:
        """Return when the process has ended."""
        await self._process.wait()

    def kill(self) -> None:
        """End it now. Idempotent."""
        if self.alive:
            try:
                self._process.kill()
            except ProcessLookupError:
                return

    async def close(self, grace: float = 1.0) -> None:
        """End its input, wait up to ``grace`` seconds for it to leave, then kill it. Idempotent."""
        self._input.close()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()


class WorkerChannel:
    """The worker's end: blocking messages over what were its standard streams.

    Take it before loading any library: standard output is pointed at standard error, so that nothing a C
    library prints can get between the messages. Keyboard interrupts are left to the parent.
    """

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._input: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._output: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)

    def receive(self) -> tuple[int, bytes] | None:
        """The next message, None when the parent is gone."""
        head = self._input.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        kind, length = _HEAD.unpack(head)
        payload = self._input.read(length)
        return (kind, payload) if len(payload) == length else None

    def send(self, kind: int, payload: bytes = b"") -> None:
        """Send a message. Ends the worker when the parent is gone."""
        data = memoryview(_HEAD.pack(kind, len(payload)) + payload)
        try:
            while data:
                data = data[self._output.write(data) :]
        except BrokenPipeError:
            raise SystemExit(0) from None
