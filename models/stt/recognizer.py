"""The embedded recognizer: worker processes, leased to one utterance each.

An utterance asks for a worker when it opens. Audio that comes before one is free is kept, and so is all the
rest, until the transcript is there: a worker that dies or hangs is killed and replaced, and the utterance
said again to the next one. That happens once; then :class:`~models.speech.SpeechError` tells the caller to
take the next rung.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog

from models.expectation import Expectation
from models.speech import SAMPLE_RATE, Pcm, SpeechError, Transcript
from models.stt.messages import Message, pack_opening, tag, unpack_transcript
from models.worker import WorkerGone, WorkerProcess, pause_before_retry

log = structlog.get_logger(__name__)

OnPartial = Callable[[Transcript], None]

_ATTEMPTS: Final = 2
_START_TIMEOUT: Final = 30.0
_MAX_WAITING: Final = 64
"""Utterances that may wait for a worker; one more is refused at once."""


class EmbeddedUtterance:
    """One utterance on its way through a worker. Made by :meth:`EmbeddedRecognizer.open`."""

    def __init__(
        self, number: int, expectation: Expectation, on_partial: OnPartial | None, max_samples: int
    ) -> None:
        self.tag = tag(number)
        self.expectation = expectation
        self.attempts = 0
        self.ended = asyncio.Event()
        """Set when no more audio will come: finished or cancelled."""
        self.cancelled = False
        self.result: asyncio.Future[Transcript] = asyncio.get_running_loop().create_future()
        self._on_partial = on_partial
        self._max_samples = max_samples
        self._samples = 0
        self._kept: list[bytes] = []
        self._worker: WorkerProcess | None = None
        self._glance: asyncio.Future[Transcript | None] | None = None

    @property
    def seconds(self) -> float:
        """Length of the audio so far."""
        return self._samples / SAMPLE_RATE

    def feed(self, pcm: Pcm) -> None:
        """See :class:`~models.speech.UtteranceStream`. What exceeds the longest utterance is not heard."""
        if self.ended.is_set() or self._samples >= self._max_samples:
            return
        audio = pcm[: self._max_samples - self._samples].astype("<i2").tobytes()
        self._samples += len(audio) // 2
        self._kept.append(audio)
        if self._worker is not None:
            self._worker.send(Message.AUDIO, self.tag + audio)

    async def glance(self) -> Transcript | None:
        """See :class:`~models.speech.UtteranceStream`. None as well while it waits for a worker."""
        if self._worker is None or self.ended.is_set():
            return None
        self.tell_glance(None)  # who asked before will not be answered any more
        seen = self._glance = asyncio.get_running_loop().create_future()
        self._worker.send(Message.GLANCE, self.tag)
        return await seen

    async def finish(self) -> Transcript:
        """See :class:`~models.speech.UtteranceStream`."""
        if self.cancelled:
            raise SpeechError("the utterance was cancelled")
        if not self.ended.is_set():
            self.ended.set()
            if self._worker is not None:
                self._worker.send(Message.FINISH, self.tag)
        try:
            return await asyncio.shield(self.result)
        except asyncio.CancelledError:
            self.cancel()
            raise

    def cancel(self) -> None:
        """See :class:`~models.speech.UtteranceStream`."""
        if self.cancelled or self.result.done():
            return
        self.cancelled = True
        self.ended.set()
        self._kept.clear()
        self.result.cancel()
        if self._worker is not None:
            self._worker.send(Message.CANCEL, self.tag)

    def lease(self, worker: WorkerProcess) -> None:
        """Take a worker and tell it everything so far."""
        self.attempts += 1
        partials = self._on_partial is not None and not self.ended.is_set()
        worker.send(Message.OPEN, self.tag + pack_opening(self.expectation, partials))
        if self._kept:
            # In one piece: the worker looks for partial results once and not at every message of the past.
            worker.send(Message.AUDIO, self.tag + b"".join(self._kept))
        if self.ended.is_set():
            worker.send(Message.FINISH, self.tag)
        self._worker = worker

    def release(self) -> None:
        """The worker is not this utterance's any more."""
        self._worker = None
        self.tell_glance(None)

    def tell_glance(self, transcript: Transcript | None) -> None:
        """Answer a glance; nothing happens when nobody waits for one."""
        glance, self._glance = self._glance, None
        if glance is not None and not glance.done():
            glance.set_result(transcript)

    def tell_partial(self, transcript: Transcript) -> None:
        """Pass a partial transcript on."""
        if self._on_partial is not None and not self.ended.is_set():
            self._on_partial(transcript)

    def resolve(self, outcome: Transcript | SpeechError) -> None:
        """The end, good or bad; the audio is forgotten."""
        self._kept.clear()
        self.ended.set()
        if self.result.done():
            return
        if isinstance(outcome, Transcript):
            self.result.set_result(outcome)
        else:
            self.result.set_exception(outcome)
            self.result.exception()  # looked at: an utterance nobody finishes is no error in the log


class EmbeddedRecognizer:
    """:class:`~models.speech.Recognizer` without a network: a grammar for each state."""

    name = "embedded"

    def __init__(
        self,
        workers: int = 1,
        *,
        max_seconds: float = 30.0,
        patience: float = 3.0,
        weights: Path = Path(__file__).parent,
    ) -> None:
        """A pool of ``workers`` processes.

        Args:
            workers: utterances decoded at the same time; one takes up to a third of a core while somebody
                speaks.
            max_seconds: longest utterance; what comes after it is not heard.
            patience: seconds a worker may take after the end of speech, beside half the length of the audio.
            weights: folder of the ear's network; PocketSphinx hears when it cannot be used.
        """
        self._size = workers
        self._max_samples = int(max_seconds * SAMPLE_RATE)
        self._patience = patience
        self._weights = weights
        self._shortcoming = ""
        """Why its workers hear less well than they could, as the log was told."""
        self._longest_open = 3 * max_seconds
        """Seconds of wall time after which an utterance that nobody ends loses its worker."""
        self._waiting: deque[EmbeddedUtterance] = deque()
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._workers: dict[int, WorkerProcess] = {}
        self._down: dict[int, str] = {}
        """Places whose workers do not stay up, and what was last wrong."""
        self._opened = 0
        self._closed = False

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the living workers."""
        return tuple(worker.pid for worker in self._workers.values() if worker.alive)

    async def start(self) -> None:
        """Start the workers. Raises :class:`SpeechError` when one does not come up."""
        if self._tasks:
            return
        self._closed = False
        started = await asyncio.gather(*(self._start_worker(slot) for slot in range(self._size)))
        self._tasks = [
            asyncio.create_task(self._serve(slot, worker), name=f"recognizer-{slot}")
            for slot, worker in enumerate(started)
        ]

    def open(self, expectation: Expectation, on_partial: OnPartial | None = None) -> EmbeddedUtterance:
        """Begin an utterance. Raises :class:`SpeechError` when the pool is not running, overrun or down."""
        if not self._tasks or self._closed or all(task.done() for task in self._tasks):
            raise SpeechError("the embedded recognizer is not running: start it first")
        if len(self._down) == self._size:
            raise SpeechError(self._nobody_there())
        if len(self._waiting) >= _MAX_WAITING:
            raise SpeechError(
                f"{_MAX_WAITING} utterances wait for {self._size} recognizer workers: start more"
            )
        self._opened += 1
        utterance = EmbeddedUtterance(self._opened, expectation, on_partial, self._max_samples)
        self._enqueue(utterance)
        return utterance

    async def close(self) -> None:
        """Stop the workers. Idempotent."""
        self._closed = True
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._down.clear()
        workers, self._workers = list(self._workers.values()), {}
        await asyncio.gather(*(worker.close() for worker in workers))
        self._refuse_waiting("the embedded recognizer was closed")

    def _enqueue(self, utterance: EmbeddedUtterance, first: bool = False) -> None:
        if first:
            self._waiting.appendleft(utterance)
        else:
            self._waiting.append(utterance)
        self._arrived.set()

    async def _next(self) -> EmbeddedUtterance:
        while True:
            while self._waiting:
                utterance = self._waiting.popleft()
                if not utterance.cancelled:
                    return utterance
            self._arrived.clear()
            await self._arrived.wait()

    async def _serve(self, slot: int, worker: WorkerProcess) -> None:
        """One place of the pool: lease, serve, replace what dies."""
        failures = 0
        while True:
            utterance = await self._next()
            try:
                utterance.lease(worker)
                await self._follow(worker, utterance)
                failures = 0
                continue
            except WorkerGone as error:
                gone = error
                worker.kill()
                if utterance.attempts < _ATTEMPTS and not utterance.cancelled:
                    self._enqueue(utterance, first=True)
                else:
                    utterance.resolve(SpeechError(f"the recognizer gave up an utterance: {error}"))
            finally:
                utterance.release()
            worker, failures = await self._replace(slot, failures + 1, gone)

    async def _replace(self, slot: int, failures: int, last: SpeechError) -> tuple[WorkerProcess, int]:
        """Another worker for a place, however often it takes, and the failures in a row until then.

        One bad utterance may take its two workers and is no reason to pause. From then on the place counts as
        down; when all are, what waits is refused, and :meth:`open` refuses, until one stands again.
        """
        while True:
            if failures > _ATTEMPTS:
                self._down[slot] = str(last)
                log.warning("recognizer_worker_down", slot=slot, failures=failures, reason=str(last))
                if len(self._down) == self._size:
                    self._refuse_waiting(self._nobody_there())
                await asyncio.sleep(pause_before_retry(failures - _ATTEMPTS))
            try:
                worker = await self._start_worker(slot)
            except SpeechError as error:
                failures, last = failures + 1, error
            else:
                self._down.pop(slot, None)
                return worker, failures

    async def _follow(self, worker: WorkerProcess, utterance: EmbeddedUtterance) -> None:
        """Until the worker has said the last word on the utterance, or it was cancelled."""
        ended = asyncio.ensure_future(utterance.ended.wait())
        message: asyncio.Future[tuple[int, bytes]] = asyncio.ensure_future(worker.receive())
        try:
            while True:
                patience = self._patience + utterance.seconds / 2 if ended.done() else self._longest_open
                waits: set[asyncio.Future[Any]] = {message} if ended.done() else {message, ended}
                done, _ = await asyncio.wait(waits, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if utterance.cancelled:
                    return
                if not done and ended.done():
                    raise WorkerGone(f"worker {worker.pid} said nothing for {patience:.1f} s")
                if not done:
                    worker.send(Message.CANCEL, utterance.tag)
                    utterance.resolve(SpeechError(f"the utterance was left open for {patience:.0f} s"))
                    return
                if message not in done:
                    continue
                kind, payload = message.result()
                if payload[:4] == utterance.tag:
                    if kind == Message.PARTIAL:
                        utterance.tell_partial(unpack_transcript(payload[4:]))
                    elif kind == Message.GLANCE:
                        seen = payload[4:]
                        utterance.tell_glance(unpack_transcript(seen) if seen else None)
                    elif kind == Message.FINAL:
                        utterance.resolve(unpack_transcript(payload[4:]))
                        return
                    else:
                        utterance.resolve(SpeechError(f"the recognizer failed: {payload[4:].decode()}"))
                        return
                message = asyncio.ensure_future(worker.receive())
        finally:
            ended.cancel()
            message.cancel()

    async def _start_worker(self, slot: int) -> WorkerProcess:
        worker = await WorkerProcess.start("models.stt.worker", str(self._weights))
        self._workers[slot] = worker
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                kind, payload = await worker.receive()
        except TimeoutError:
            worker.kill()
            raise WorkerGone(f"recognizer worker did not start within {_START_TIMEOUT} s") from None
        if kind != Message.READY:
            worker.kill()
            raise SpeechError(f"the recognizer's worker could not load its models: {payload[4:].decode()}")
        if (shortcoming := payload[4:].decode()) and shortcoming != self._shortcoming:
            self._shortcoming = shortcoming
            log.warning("recognizer_degraded", reason=shortcoming)
        return worker

    def _refuse_waiting(self, reason: str) -> None:
        while self._waiting:
            self._waiting.popleft().resolve(SpeechError(reason))

    def _nobody_there(self) -> str:
        return f"no recognizer worker stays up (last: {list(self._down.values())[-1]}); trying again"
