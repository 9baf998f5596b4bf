"""Moonshine, a neural recognizer on this machine: free speech, English, with the accuracy of a small Whisper.

The weights are fetched or placed by hand (:mod:`models.local`) and live in worker processes that all calls
share: an utterance keeps its audio until it ends and then takes a worker for as long as decoding lasts, a
fraction of its length. While nobody waits for a final result, idle workers decode what has been said so far,
first where speech may have ended (a glance), then for partial results. The network knows no grammar and no
key terms: what was expected is left to whoever reads the words.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from models.expectation import Expectation
from models.local.catalogue import MOONSHINE
from models.speech import SAMPLE_RATE, Pcm, SpeechError, Transcript
from models.stt.messages import Message, tag
from models.stt.wording import plain_words
from models.worker import WorkerGone, WorkerProcess, pause_before_retry

log = structlog.get_logger(__name__)

OnPartial = Callable[[Transcript], None]

CONFIDENCE: Final = 0.9
PARTIAL_CONFIDENCE: Final = 0.5
"""Given to all its words: the network returns no measure of its own."""

_MAX_WAITING: Final = 64
"""Utterances that may wait for their final result; one more is refused at once."""
_PARTIAL_EVERY_S: Final = 0.6
_PARTIAL_GROWTH: Final = 1.3
"""The next partial waits for this much more audio than the last had: all of them together cost a few times
the final result, however long the caller talks."""
_BYTES_PER_S: Final = 2 * SAMPLE_RATE
_START_TIMEOUT: Final = 60.0
_BEING_REPLACED: Final = "the moonshine recognizer has no worker: it is being replaced"


@dataclass(slots=True)
class _Job:
    """One decoding: all audio so far, and where the text goes; None for a glance that came too late."""

    audio: bytes
    text: asyncio.Future[str | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class MoonshineUtterance:
    """One utterance. Made by :meth:`MoonshineRecognizer.open`."""

    def __init__(
        self, recognizer: MoonshineRecognizer, on_partial: OnPartial | None, max_samples: int
    ) -> None:
        self._recognizer = recognizer
        self._on_partial = on_partial
        self._max_samples = max_samples
        self._audio = bytearray()
        self._next_partial = int(_PARTIAL_EVERY_S * SAMPLE_RATE)
        self._final: _Job | None = None
        self._cancelled = False

    def feed(self, pcm: Pcm) -> None:
        """See :class:`~models.speech.UtteranceStream`. What exceeds the longest utterance is not heard."""
        if self._final is not None or self._cancelled:
            return
        self._audio += pcm[: self._max_samples - self._samples].astype("<i2").tobytes()
        if self._on_partial is not None and self._samples >= self._next_partial:
            self._next_partial = max(
                self._samples + int(_PARTIAL_EVERY_S * SAMPLE_RATE), int(_PARTIAL_GROWTH * self._samples)
            )
            self._recognizer.want_partial(self)

    async def glance(self) -> Transcript | None:
        """See :class:`~models.speech.UtteranceStream`. None as well when the speech ends or another glance is
        asked for before a worker had time for this one."""
        if self._final is not None or self._cancelled:
            return None
        seconds = self._seconds
        written = await self._recognizer.glance(self, bytes(self._audio))
        return None if written is None else _transcript(written, seconds, CONFIDENCE, is_final=True)

    async def finish(self) -> Transcript:
        """See :class:`~models.speech.UtteranceStream`."""
        if self._cancelled:
            raise SpeechError("the utterance was cancelled")
        if self._final is None:
            self._final = self._recognizer.decode(bytes(self._audio))
            self._recognizer.forget(self)
        try:
            written = await asyncio.shield(self._final.text)
        except asyncio.CancelledError:
            self.cancel()
            raise
        return _transcript(written or "", self._seconds, CONFIDENCE, is_final=True)

    def cancel(self) -> None:
        """See :class:`~models.speech.UtteranceStream`."""
        self._cancelled = True
        self._recognizer.forget(self)
        self._audio.clear()
        if self._final is not None:
            self._final.text.cancel()

    def so_far(self) -> bytes:
        """The audio until now, for a partial result."""
        return bytes(self._audio)

    def tell_partial(self, written: str) -> None:
        """Pass a partial result on, unless the utterance has ended."""
        if self._on_partial is not None and self._final is None and not self._cancelled and written:
            self._on_partial(_transcript(written, self._seconds, PARTIAL_CONFIDENCE, is_final=False))

    @property
    def _samples(self) -> int:
        return len(self._audio) // 2

    @property
    def _seconds(self) -> float:
        return self._samples / SAMPLE_RATE


class MoonshineRecognizer:
    """:class:`~models.speech.Recognizer` on Moonshine's weights."""

    name = MOONSHINE.name

    def __init__(
        self,
        files: Mapping[str, Path],
        *,
        workers: int = 1,
        threads: int = 2,
        max_seconds: float = 30.0,
        patience: float = 2.5,
    ) -> None:
        """A pool of processes, each of which holds the weights.

        Args:
            files: the fetched files by their published names.
            workers: utterances decoded at the same time.
            threads: of one process, for one utterance.
            max_seconds: longest utterance; what comes after it is not heard.
            patience: seconds after which a worker that does not answer is replaced, beside half the length
                of the audio.
        """
        self._arguments = (*(str(files[name]) for name in MOONSHINE.provides), str(threads))
        self._size = workers
        self._max_samples = int(max_seconds * SAMPLE_RATE)
        self._patience = patience
        self._finals: deque[_Job] = deque()
        self._glances: dict[MoonshineUtterance, _Job] = {}
        """Looks at what was said so far, in order; each utterance at most one."""
        self._partials: dict[MoonshineUtterance, None] = {}
        """Who wants a partial result, in order; each utterance at most once."""
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._workers: dict[int, WorkerProcess] = {}
        self._decoded = 0
        self._refusal = _BEING_REPLACED
        """Why nothing can be heard while no worker is there."""

    @staticmethod
    def installed() -> bool:
        """True when the optional extra is there."""
        return importlib.util.find_spec(MOONSHINE.package) is not None

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the living workers."""
        return tuple(worker.pid for worker in self._workers.values() if worker.alive)

    async def start(self) -> None:
        """Load the weights. Raises :class:`SpeechError` when they cannot be used."""
        if self._tasks:
            return
        if not self.installed():
            raise SpeechError(f"{MOONSHINE.package} is not installed: install the extra {MOONSHINE.extra!r}")
        started = await asyncio.gather(
            *(self._start_worker(slot) for slot in range(self._size)), return_exceptions=True
        )
        for outcome in started:
            if isinstance(outcome, BaseException):
                await self.close()
                raise outcome
        self._tasks = [
            asyncio.create_task(self._serve(slot, worker), name=f"moonshine-{slot}")
            for slot, worker in list(self._workers.items())
        ]

    def open(self, expectation: Expectation, on_partial: OnPartial | None = None) -> MoonshineUtterance:
        """Begin an utterance. Raises :class:`SpeechError` while no worker is there: the weights take longer
        to load than a caller waits."""
        self._check_running()
        return MoonshineUtterance(self, on_partial, self._max_samples)

    async def close(self) -> None:
        """Stop the workers. Idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        workers, self._workers = list(self._workers.values()), {}
        await asyncio.gather(*(worker.close() for worker in workers))
        self._refuse_waiting("the moonshine recognizer was closed")

    def decode(self, audio: bytes) -> _Job:
        """Queue an utterance that has ended. Raises :class:`SpeechError` when too many wait already or
        nobody is there to decode it."""
        self._check_running()
        if len(self._finals) >= _MAX_WAITING:
            raise SpeechError(
                f"{_MAX_WAITING} utterances wait for {self._size} moonshine workers: start more"
            )
        job = _Job(audio)
        self._finals.append(job)
        self._arrived.set()
        return job

    def glance(self, utterance: MoonshineUtterance, audio: bytes) -> asyncio.Future[str | None]:
        """What the network writes for ``audio``, when no final result waits; None when ``utterance`` ends or
        asks again before. Raises :class:`SpeechError` when nobody is there to decode it."""
        self._check_running()
        self._drop_glance(utterance)
        job = self._glances[utterance] = _Job(audio)
        self._arrived.set()
        return job.text

    def _drop_glance(self, utterance: MoonshineUtterance) -> None:
        job = self._glances.pop(utterance, None)
        if job is not None and not job.text.done():
            job.text.set_result(None)

    def _check_running(self) -> None:
        if not self._tasks:
            raise SpeechError("the moonshine recognizer is not running: start it first")
        if not self.worker_pids:
            raise SpeechError(self._refusal)

    def want_partial(self, utterance: MoonshineUtterance) -> None:
        """Decode what ``utterance`` holds when a worker has nothing better to do."""
        self._partials[utterance] = None
        self._arrived.set()

    def forget(self, utterance: MoonshineUtterance) -> None:
        """Neither glance nor partial result is wanted any more."""
        self._drop_glance(utterance)
        self._partials.pop(utterance, None)

    async def _serve(self, slot: int, worker: WorkerProcess) -> None:
        """One place of the pool: decode, replace what dies."""
        while True:
            self._arrived.clear()
            try:
                if self._finals:
                    await self._decode(worker, self._finals.popleft())
                elif self._glances:
                    await self._decode(worker, self._glances.pop(next(iter(self._glances))))
                elif self._partials:
                    utterance = next(iter(self._partials))
                    self.forget(utterance)
                    utterance.tell_partial(await self._ask(worker, utterance.so_far()))
                else:
                    await self._idle(worker)
            except WorkerGone:
                self._workers.pop(slot, None)
                worker.kill()
                await worker.close(0)
                # Not said again to another: loading takes longer than the caller waits for an answer.
                worker = await self._replace(slot)
            except SpeechError:
                continue  # of a partial result: the final one will tell

    async def _idle(self, worker: WorkerProcess) -> None:
        """Until there is something to decode. Raises :class:`WorkerGone` when the worker ends meanwhile."""
        arrived = asyncio.ensure_future(self._arrived.wait())
        ended = asyncio.ensure_future(worker.ended())
        try:
            await asyncio.wait({arrived, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise WorkerGone(f"worker {worker.pid} ended")
        finally:
            arrived.cancel()
            ended.cancel()

    async def _decode(self, worker: WorkerProcess, job: _Job) -> None:
        if job.text.cancelled():
            return
        try:
            text = await self._ask(worker, job.audio)
        except SpeechError as error:
            _fail(job, f"moonshine gave up an utterance: {error}")
            if isinstance(error, WorkerGone):
                raise
            return
        except asyncio.CancelledError:
            _fail(job, "the moonshine recognizer was closed")
            raise
        if not job.text.done():
            job.text.set_result(text)

    async def _ask(self, worker: WorkerProcess, audio: bytes) -> str:
        """What the network writes for ``audio``."""
        self._decoded += 1
        name = tag(self._decoded)
        worker.send(Message.AUDIO, name + audio)
        patience = self._patience + len(audio) / _BYTES_PER_S / 2
        try:
            async with asyncio.timeout(patience):
                while True:
                    kind, payload = await worker.receive()
                    if payload[:4] == name:
                        break
        except TimeoutError:
            raise WorkerGone(f"worker {worker.pid} said nothing for {patience:.1f} s") from None
        if kind != Message.FINAL:
            raise SpeechError(payload[4:].decode())
        return payload[4:].decode()

    async def _replace(self, slot: int) -> WorkerProcess:
        """Another worker for a place, however often it takes; without any other, what waits is refused."""
        self._refusal = _BEING_REPLACED
        failures = 0
        while True:
            if not self.worker_pids:
                self._refuse_waiting(self._refusal)
            try:
                return await self._start_worker(slot)
            except SpeechError as error:
                failures += 1
                self._refusal = f"no moonshine worker stays up (last: {error}); trying again"
                log.warning("recognizer_worker_down", slot=slot, failures=failures, reason=str(error))
                await asyncio.sleep(pause_before_retry(failures))

    async def _start_worker(self, slot: int) -> WorkerProcess:
        worker = await WorkerProcess.start("models.stt.moonshine_worker", *self._arguments)
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                kind, payload = await worker.receive()
            if kind != Message.READY:
                raise SpeechError(payload[4:].decode())
        except TimeoutError:
            await worker.close(0)
            raise WorkerGone(f"moonshine worker did not start within {_START_TIMEOUT} s") from None
        except WorkerGone as error:
            await worker.close(0)
            raise WorkerGone(
                "moonshine's worker ended while it loaded its files: fetch them again"
            ) from error
        except SpeechError:
            await worker.close(0)
            raise
        except asyncio.CancelledError:
            worker.kill()
            await worker.close(0)
            raise
        self._workers[slot] = worker
        return worker

    def _refuse_waiting(self, reason: str) -> None:
        for job in (*self._finals, *self._glances.values()):
            _fail(job, reason)
        self._finals.clear()
        self._glances.clear()


def _fail(job: _Job, reason: str) -> None:
    if not job.text.done():
        job.text.set_exception(SpeechError(reason))
        job.text.exception()  # looked at: an utterance nobody awaits any more is no error in the log


def _transcript(written: str, seconds: float, confidence: float, *, is_final: bool) -> Transcript:
    words = plain_words(written)
    return Transcript(
        words,
        confidence if words else 0.0,
        accepted=bool(words),
        audio_seconds=seconds,
        source=MoonshineRecognizer.name,
        is_final=is_final,
    )
