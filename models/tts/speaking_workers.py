"""A pool of worker processes that speak, one sentence at a time each.

A worker that dies is replaced and the sentence said again from the start, as long as none of it has been
heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import numpy as np

from models.speech import Pcm, SpeechError
from models.tts.messages import Message
from models.worker import WorkerGone, WorkerProcess

_ATTEMPTS: Final = 2


class SpeakingWorkers:
    """Processes of one module that follows :mod:`models.tts.messages`."""

    def __init__(
        self,
        name: str,
        module: str,
        arguments: tuple[str, ...],
        workers: int,
        *,
        timeout: float,
        start_timeout: float,
    ) -> None:
        """``name``: of the voice, for messages; ``timeout``: seconds until a worker is free, and until it
        says the next thing; ``start_timeout``: seconds to load."""
        self._name = name
        self._module = module
        self._arguments = arguments
        self._workers = workers
        self._timeout = timeout
        self._start_timeout = start_timeout
        self._free: asyncio.Queue[WorkerProcess | None] | None = None
        self._processes: set[WorkerProcess] = set()
        self._request = 0

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the living workers, for supervision."""
        return tuple(p.pid for p in self._processes if p.alive)

    async def start(self) -> None:
        """Start the workers. Raises :class:`SpeechError` when one does not come up. Idempotent."""
        if self._free is not None:
            return
        free: asyncio.Queue[WorkerProcess | None] = asyncio.Queue(self._workers)
        for process in await asyncio.gather(*(self._start_worker() for _ in range(self._workers))):
            free.put_nowait(process)
        self._free = free

    async def close(self) -> None:
        """Stop the workers. Idempotent."""
        self._free = None
        processes, self._processes = list(self._processes), set()
        await asyncio.gather(*(p.close() for p in processes))

    async def speak(self, request: bytes) -> AsyncGenerator[Pcm, None]:
        """The sentence of ``request`` in the worker's pieces. Raises :class:`SpeechError`."""
        if self._free is None:
            raise SpeechError(f"the {self._name} voice has not been started")
        for attempt in range(_ATTEMPTS):
            heard = False
            try:
                async with aclosing(self._attempt(request)) as chunks:
                    async for chunk in chunks:
                        heard = True
                        yield chunk
                return
            except WorkerGone:
                if heard or attempt + 1 == _ATTEMPTS:
                    raise

    async def _attempt(self, request: bytes) -> AsyncGenerator[Pcm, None]:
        """One attempt on one worker."""
        free = self._free
        if free is None:
            raise SpeechError(f"the {self._name} voice is closed")
        try:
            async with asyncio.timeout(self._timeout):
                process = await free.get()
        except TimeoutError:
            raise SpeechError(f"no {self._name} worker free within {self._timeout} s: start more") from None
        try:
            if process is None:
                process = await self._start_worker()
            self._request = (self._request + 1) % 2**32
            tag = self._request.to_bytes(4, "big")
            process.send(Message.SPEAK, tag + request)
            while True:
                kind, payload = await self._receive(process)
                if payload[:4] != tag:
                    continue  # the rest of a sentence its listener gave up
                if kind == Message.AUDIO:
                    yield np.frombuffer(payload[4:], "<i2").astype(np.int16)
                elif kind == Message.FAILED:
                    raise SpeechError(payload[4:].decode())
                else:
                    return
        except WorkerGone:
            if process is not None:
                await process.close(0)
            process = None  # its place stays; the next sentence starts another
            raise
        finally:
            free.put_nowait(process)

    async def _receive(self, process: WorkerProcess) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(self._timeout):
                return await process.receive()
        except TimeoutError:
            process.kill()
            raise WorkerGone(
                f"{self._name} worker {process.pid} said nothing for {self._timeout} s"
            ) from None

    async def _start_worker(self) -> WorkerProcess:
        self._processes = {p for p in self._processes if p.alive}
        process = await WorkerProcess.start(self._module, *self._arguments)
        self._processes.add(process)
        try:
            async with asyncio.timeout(self._start_timeout):
                kind, payload = await process.receive()
        except TimeoutError:
            await process.close(0)
            raise WorkerGone(
                f"{self._name} worker {process.pid} did not start within {self._start_timeout} s"
            ) from None
        if kind != Message.READY:
            await process.close(0)
            raise SpeechError(payload[4:].decode())
        return process
