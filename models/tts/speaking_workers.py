"""A pool of worker processes that speak, one sentence at a time each.

A worker that dies is replaced in the background: loading may take longer than any caller waits. Meanwhile a
sentence of which nothing has been heard is said by another worker, and refused when there is none: the next
rung of the ladder speaks it. A worker whose listener left is free again when it has spoken to the end of that
sentence, for it computes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, Final

import numpy as np
import structlog

from models.speech import Pcm, SpeechError
from models.tts.messages import Message
from models.worker import WorkerGone, WorkerProcess, pause_before_retry

log = structlog.get_logger(__name__)

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
        replacement_wait: float = 0.0,
    ) -> None:
        """``name``: of the voice, for messages; ``timeout``: seconds until a worker is free, and until it
        says the next thing; ``start_timeout``: seconds to load; ``replacement_wait``: seconds a sentence
        waits while the last worker is being replaced."""
        self._name = name
        self._module = module
        self._arguments = arguments
        self._workers = workers
        self._timeout = timeout
        self._start_timeout = start_timeout
        self._replacement_wait = replacement_wait
        self._free: asyncio.Queue[WorkerProcess] | None = None
        self._ready: set[WorkerProcess] = set()
        self._started: set[WorkerProcess] = set()
        """Those that are ready and those that still load."""
        self._tasks: set[asyncio.Task[None]] = set()
        """Replacing workers and waiting for the end of sentences given up."""
        self._request = 0

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the living workers that have loaded."""
        return tuple(p.pid for p in self._ready if p.alive)

    async def start(self) -> None:
        """Start the workers. Raises :class:`SpeechError` when one does not come up. Idempotent."""
        if self._free is not None:
            return
        outcomes = await asyncio.gather(
            *(self._start_worker() for _ in range(self._workers)), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                await self.close()
                raise outcome
        self._free = asyncio.Queue(self._workers)
        for process in self._ready:
            self._free.put_nowait(process)

    async def close(self) -> None:
        """Stop the workers. Idempotent."""
        self._free = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        processes, self._started, self._ready = list(self._started), set(), set()
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
        process = await self._next_free(free)
        self._request = (self._request + 1) % 2**32
        tag = self._request.to_bytes(4, "big")
        spoken = False
        try:
            process.send(Message.SPEAK, tag + request)
            while not spoken:
                kind, payload = await self._receive(process, tag)
                spoken = kind != Message.AUDIO
                if kind == Message.FAILED:
                    raise SpeechError(payload.decode())
                if kind == Message.AUDIO:
                    yield np.frombuffer(payload, "<i2").astype(np.int16)
        finally:
            # After close() the process ends with the others.
            if self._free is free:
                self._give_back(free, process, None if spoken else tag)

    def _give_back(
        self, free: asyncio.Queue[WorkerProcess], process: WorkerProcess, unfinished: bytes | None
    ) -> None:
        if process not in self._ready:
            self._begin(self._replace(free, process))
        elif unfinished is not None:
            self._begin(self._finish(free, process, unfinished))
        else:
            free.put_nowait(process)

    async def _next_free(self, free: asyncio.Queue[WorkerProcess]) -> WorkerProcess:
        patience = self._timeout if self.pids else self._replacement_wait
        try:
            async with asyncio.timeout(patience):
                return await free.get()
        except TimeoutError:
            if not self.pids:
                raise SpeechError(f"the {self._name} voice's worker is being replaced") from None
            raise SpeechError(f"no {self._name} worker free within {patience} s: start more") from None

    async def _receive(self, process: WorkerProcess, tag: bytes) -> tuple[int, bytes]:
        """The next of what ``process`` says to the request ``tag``; one that dies or is silent is ready no
        more."""
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    kind, payload = await process.receive()
                    if payload[:4] == tag:
                        return kind, payload[4:]
        except TimeoutError:
            self._retire(process)
            raise WorkerGone(
                f"{self._name} worker {process.pid} said nothing for {self._timeout} s"
            ) from None
        except WorkerGone:
            self._retire(process)
            raise

    def _retire(self, process: WorkerProcess) -> None:
        self._ready.discard(process)
        process.kill()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"{self._name}-worker")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, free: asyncio.Queue[WorkerProcess], process: WorkerProcess, tag: bytes) -> None:
        """Wait until a worker is through with a sentence that its listener gave up."""
        try:
            while (await self._receive(process, tag))[0] == Message.AUDIO:
                pass
        except WorkerGone:
            await self._replace(free, process)
        else:
            free.put_nowait(process)

    async def _replace(self, free: asyncio.Queue[WorkerProcess], gone: WorkerProcess) -> None:
        """Put another worker in the place of one that is gone, however often it takes."""
        await gone.close(0)
        failures = 0
        while True:
            try:
                process = await self._start_worker()
            except SpeechError as error:
                failures += 1
                log.warning(
                    "voice_worker_not_started", voice=self._name, failures=failures, reason=str(error)
                )
                await asyncio.sleep(pause_before_retry(failures))
            else:
                free.put_nowait(process)
                return

    async def _start_worker(self) -> WorkerProcess:
        self._started = {p for p in self._started if p.alive}
        process = await WorkerProcess.start(self._module, *self._arguments)
        self._started.add(process)
        try:
            async with asyncio.timeout(self._start_timeout):
                kind, payload = await process.receive()
            if kind != Message.READY:
                raise SpeechError(payload[4:].decode())
            self._ready.add(process)
        except TimeoutError:
            raise WorkerGone(
                f"{self._name} worker {process.pid} did not start within {self._start_timeout} s"
            ) from None
        finally:
            if process not in self._ready:
                process.kill()
        return process
