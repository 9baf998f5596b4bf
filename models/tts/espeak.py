"""The voice of espeak-ng: robotic, clear, and on the line within milliseconds.

The library lives in worker processes (:mod:`models.tts.espeak_worker`) because of its licence and its global
state. A sentence takes a worker about 20 ms, so one or two serve many calls. A worker that dies is replaced
and the sentence said again from the start, as long as none of it has been heard.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from typing import Final
from xml.sax.saxutils import escape

import numpy as np

from models.speech import Delivery, Pcm, SpeechError
from models.tts.espeak_worker import Message
from models.tts.text import TextNormalizer
from models.worker import WorkerGone, WorkerProcess

DEFAULT_VOICE: Final = "en-us"
WORDS_PER_MINUTE: Final = 165
_ATTEMPTS: Final = 2
_START_TIMEOUT: Final = 10.0
_PITCH_GAIN: Final = 2.0
"""A pitch attribute moves the voice by half the step it names (measured: "+20%" gives 103 -> 112 Hz)."""


class EspeakVoice:
    """:class:`~models.speech.Synthesizer` on espeak-ng, an optional extra."""

    name = "espeak"

    def __init__(
        self,
        workers: int = 1,
        *,
        voice: str = DEFAULT_VOICE,
        words_per_minute: int = WORDS_PER_MINUTE,
        timeout: float = 3.0,
    ) -> None:
        """``voice``: an espeak voice with variant ("en-us+f3"); ``timeout``: seconds a sentence may take."""
        self._workers = workers
        self._voice = voice
        self._words_per_minute = words_per_minute
        self._timeout = timeout
        self._normalize = TextNormalizer()
        self._free: asyncio.Queue[WorkerProcess | None] | None = None
        self._processes: set[WorkerProcess] = set()
        self._request = 0

    @staticmethod
    def installed() -> bool:
        """True when the optional extra is there."""
        return importlib.util.find_spec("espeakng_loader") is not None

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the living workers, for supervision."""
        return tuple(p.pid for p in self._processes if p.alive)

    async def start(self) -> None:
        """Start the workers. Raises :class:`SpeechError` when espeak-ng is not installed or does not run."""
        if self._free is not None:
            return
        if not self.installed():
            raise SpeechError("espeakng-loader is not installed: install the extra 'espeak'")
        free: asyncio.Queue[WorkerProcess | None] = asyncio.Queue(self._workers)
        for process in await asyncio.gather(*(self._start_worker() for _ in range(self._workers))):
            free.put_nowait(process)
        self._free = free

    async def close(self) -> None:
        """Stop the workers. Idempotent."""
        self._free = None
        processes, self._processes = list(self._processes), set()
        await asyncio.gather(*(p.close() for p in processes))

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        """Speak one sentence in chunks of 100 ms. See :class:`~models.speech.Synthesizer`."""
        said = self._normalize(text)
        if not said:
            return
        if self._free is None:
            raise SpeechError("the espeak voice has not been started")
        request = self._encode(said, delivery)
        for attempt in range(_ATTEMPTS):
            heard = False
            try:
                async for chunk in self._speak(request):
                    heard = True
                    yield chunk
                return
            except WorkerGone:
                if heard or attempt + 1 == _ATTEMPTS:
                    raise

    def _encode(self, text: str, delivery: Delivery) -> bytes:
        pitch = 100 * _PITCH_GAIN * (delivery.pitch - 1)
        attributes = (
            f'rate="{100 * delivery.rate:.0f}%" pitch="{max(pitch, -90):+.0f}%" '
            f'range="{100 * (delivery.pitch_range - 1):+.0f}%"'
        )
        ssml = f"<speak><prosody {attributes}>{escape(text)}</prosody></speak>"
        return f"{self._voice}\0{delivery.volume:.3f}\0{ssml}".encode()

    async def _speak(self, request: bytes) -> AsyncIterator[Pcm]:
        """One attempt on one worker."""
        free = self._free
        if free is None:
            raise SpeechError("the espeak voice is closed")
        try:
            async with asyncio.timeout(self._timeout):
                process = await free.get()
        except TimeoutError:
            raise SpeechError(f"no espeak worker free within {self._timeout} s: start more") from None
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
            raise WorkerGone(f"espeak worker {process.pid} said nothing for {self._timeout} s") from None

    async def _start_worker(self) -> WorkerProcess:
        self._processes = {p for p in self._processes if p.alive}
        process = await WorkerProcess.start("models.tts.espeak_worker", str(self._words_per_minute))
        self._processes.add(process)
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                kind, payload = await process.receive()
        except TimeoutError:
            process.kill()
            raise WorkerGone(f"espeak worker {process.pid} did not start within {_START_TIMEOUT} s") from None
        if kind != Message.READY:
            process.kill()
            raise SpeechError(payload[4:].decode())
        return process
