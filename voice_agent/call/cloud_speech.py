"""Any pipecat speech service behind the same interfaces as the embedded ones.

A service runs in a small pipeline of its own beside the call: the recognizer's gets audio frames, the
voice's gets sentences. The call's own pipeline never sees them, so that a cloud service, an embedded one
and a stub are one thing to a call, and one can take over from another in the middle of a turn. Connections
are kept open and reused.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal

import numpy as np
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStoppedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from models.expectation import Expectation
from models.speech import SAMPLE_RATE, Delivery, Pcm, SpeechError, Transcript
from models.stt.wording import plain_words

CONNECT_TIMEOUT_S = 5.0
FIRST_AUDIO_TIMEOUT_S = 2.0
IDLE_KEPT = 4
"""Open connections kept for the next utterance."""


class SpeechConfigurationError(Exception):
    """The settings name a speech service that cannot be built; the message says what to change."""


def service_class(kind: Literal["stt", "tts"], name: str) -> type[Any]:
    """The pipecat class for a provider's name (``deepgram``) or a full path (``package.module:Class``).

    Raises:
        SpeechConfigurationError: unknown name, or its package is not installed.
    """
    module_name, _, class_name = name.partition(":")
    if not class_name:
        module_name = f"pipecat.services.{name}.{kind}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        hint = (
            f"pipecat has no {kind.upper()} service called {name!r}"
            if module_name.startswith(missing)
            else f"{name!r} needs the package {missing!r}: pip install 'pipecat-ai[{name}]'"
        )
        raise SpeechConfigurationError(f"VOICE_AGENT_{kind.upper()}={name!r}: {hint}") from error
    except Exception as error:
        # pipecat raises a bare Exception when a provider's own package is missing.
        raise SpeechConfigurationError(
            f"VOICE_AGENT_{kind.upper()}={name!r} cannot be loaded ({error}); "
            f"pip install 'pipecat-ai[{name}]'"
        ) from error
    if class_name:
        found = getattr(module, class_name, None)
        if not inspect.isclass(found):
            raise SpeechConfigurationError(
                f"VOICE_AGENT_{kind.upper()}: {module_name} has no class {class_name!r}"
            )
        return found
    suffix = f"{kind.upper()}Service"
    candidates = [
        c
        for n, c in vars(module).items()
        if inspect.isclass(c) and c.__module__ == module.__name__ and n.endswith(suffix)
    ]
    if not candidates:
        raise SpeechConfigurationError(
            f"VOICE_AGENT_{kind.upper()}={name!r}: {module_name} defines no {suffix}; "
            "name one as module:Class"
        )
    return min(candidates, key=lambda c: (len(c.__name__), c.__name__))


def build_service(
    kind: Literal["stt", "tts"], name: str, api_key: str, options: Mapping[str, str], **runtime: Any
) -> Any:
    """One service object at 8 kHz. ``options`` are constructor arguments or fields of the service's
    settings; values may be JSON. ``runtime`` are settings that are used only where the service knows them.

    Raises:
        SpeechConfigurationError: no key, or an option that the service does not know.
    """
    cls = service_class(kind, name)
    parameters = inspect.signature(cls.__init__).parameters
    if "api_key" in parameters and not api_key:
        raise SpeechConfigurationError(
            f"VOICE_AGENT_{kind.upper()}={name!r} needs VOICE_AGENT_{kind.upper()}_API_KEY"
        )
    arguments: dict[str, Any] = {"sample_rate": SAMPLE_RATE}
    if "api_key" in parameters:
        arguments["api_key"] = api_key
    settings_cls = getattr(cls, "Settings", None)
    known = {f.name for f in fields(settings_cls)} if is_dataclass(settings_cls) else set()
    chosen: dict[str, Any] = {k: v for k, v in runtime.items() if k in known and v}
    for key, value in options.items():
        parsed = _parse(value)
        if key in known:
            chosen[key] = parsed
        elif key in parameters:
            arguments[key] = parsed
        else:
            raise SpeechConfigurationError(
                f"VOICE_AGENT_{kind.upper()}_OPTIONS: {cls.__name__} does not know {key!r}; "
                f"it knows {', '.join(sorted(known))}"
            )
    if chosen and settings_cls is not None:
        arguments["settings"] = settings_cls(**chosen)
    return cls(**arguments)


def _parse(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


class _Outlet(FrameProcessor):
    """Hands everything that a service puts out to a queue."""

    def __init__(self, frames: asyncio.Queue[Frame]) -> None:
        super().__init__()
        self._frames = frames

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        interesting = (
            TranscriptionFrame,
            InterimTranscriptionFrame,
            TTSAudioRawFrame,
            TTSStoppedFrame,
            ErrorFrame,
        )
        if isinstance(frame, interesting):
            await self._frames.put(frame)
        await self.push_frame(frame, direction)


class SidePipeline:
    """A service in a pipeline of its own."""

    def __init__(self, service: Any) -> None:
        self.frames: asyncio.Queue[Frame] = asyncio.Queue(4000)
        self.failed = False
        self._entrance = service
        self._worker = PipelineWorker(
            Pipeline([service, _Outlet(self.frames)]),
            params=PipelineParams(audio_in_sample_rate=SAMPLE_RATE, audio_out_sample_rate=SAMPLE_RATE),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )
        self._runner = WorkerRunner(handle_sigint=False)
        self._task: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._worker.add_event_handler("on_pipeline_started", self._on_started)
        self._worker.add_event_handler("on_pipeline_error", self._on_error)

    async def start(self) -> None:
        """Connect. Raises :class:`SpeechError` when that takes too long."""
        await self._runner.add_workers(self._worker)
        self._task = asyncio.create_task(self._runner.run(), name="speech-service")
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._started.wait()
        except TimeoutError as error:
            await self.close()
            raise SpeechError("the speech service did not connect in time") from error

    async def push(self, frame: Frame) -> None:
        """Give the service a frame."""
        await self._worker.queue_frame(frame)

    async def close(self) -> None:
        """Disconnect. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            await self._worker.cancel(reason="closed")
            await asyncio.wait({task}, timeout=CONNECT_TIMEOUT_S)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _on_started(self, *_: object) -> None:
        self._started.set()

    async def _on_error(self, *_: object) -> None:
        self.failed = True


class _Pool:
    """Open side pipelines, reused while they are well."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._idle: list[SidePipeline] = []

    async def lease(self) -> SidePipeline:
        while self._idle:
            pipeline = self._idle.pop()
            if not pipeline.failed:
                while not pipeline.frames.empty():
                    pipeline.frames.get_nowait()
                return pipeline
            await pipeline.close()
        pipeline = SidePipeline(self._build())
        await pipeline.start()
        return pipeline

    async def give_back(self, pipeline: SidePipeline, *, well: bool) -> None:
        if well and not pipeline.failed and len(self._idle) < IDLE_KEPT:
            self._idle.append(pipeline)
        else:
            await pipeline.close()

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for pipeline in idle:
            await pipeline.close()


class CloudUtterance:
    """One utterance on its way through a service."""

    def __init__(self, pool: _Pool, name: str, on_partial: Callable[[Transcript], None] | None) -> None:
        self._pool = pool
        self._name = name
        self._on_partial = on_partial
        self._audio: asyncio.Queue[bytes | None] = asyncio.Queue(600)
        self._samples = 0
        self._final: asyncio.Future[Transcript] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(), name="cloud-utterance")

    def feed(self, pcm: Pcm) -> None:
        """Queue audio for the service; a full queue (a minute) fails the utterance."""
        self._samples += len(pcm)
        try:
            self._audio.put_nowait(pcm.tobytes())
        except asyncio.QueueFull as error:
            raise SpeechError(f"{self._name} takes no audio") from error

    async def glance(self) -> None:
        """A service says when it is done, and not before."""

    async def finish(self) -> Transcript:
        """End of speech: the service's final words."""
        self._audio.put_nowait(None)
        return await asyncio.shield(self._final)

    def cancel(self) -> None:
        """Give up."""
        self._task.cancel()
        if not self._final.done():
            self._final.cancel()

    async def _run(self) -> None:
        pipeline: SidePipeline | None = None
        well = False
        try:
            pipeline = await self._pool.lease()
            await pipeline.push(VADUserStartedSpeakingFrame(start_secs=0.1))
            reader = asyncio.create_task(self._read(pipeline))
            while (audio := await self._audio.get()) is not None:
                await pipeline.push(InputAudioRawFrame(audio=audio, sample_rate=SAMPLE_RATE, num_channels=1))
            await pipeline.push(VADUserStoppedSpeakingFrame(stop_secs=0.2))
            transcript = await reader
            well = True
            if not self._final.done():
                self._final.set_result(transcript)
        except SpeechError as error:
            if not self._final.done():
                self._final.set_exception(error)
                self._final.exception()
        finally:
            if pipeline is not None:
                await self._pool.give_back(pipeline, well=well)

    async def _read(self, pipeline: SidePipeline) -> Transcript:
        words: list[str] = []
        while True:
            frame = await pipeline.frames.get()
            if isinstance(frame, ErrorFrame):
                raise SpeechError(f"{self._name}: {type(frame.exception).__name__}")
            if isinstance(frame, InterimTranscriptionFrame):
                if self._on_partial:
                    text = plain_words(" ".join([*words, frame.text]))
                    self._on_partial(Transcript(text, 0.5, is_final=False, source=self._name))
            elif isinstance(frame, TranscriptionFrame):
                if frame.text:
                    words.append(frame.text.strip())
                if frame.finalized:
                    text = plain_words(" ".join(words))
                    return Transcript(
                        text,
                        0.9 if text else 0.0,
                        accepted=bool(text),
                        audio_seconds=self._samples / SAMPLE_RATE,
                        source=self._name,
                    )


class CloudRecognizer:
    """:class:`models.speech.Recognizer` over a pipecat STT service."""

    def __init__(
        self, name: str, api_key: str, options: Mapping[str, str], keyterms: tuple[str, ...] = ()
    ) -> None:
        """Checks the configuration without a network. Raises :class:`SpeechConfigurationError`."""
        self.name = name

        def build() -> Any:
            return build_service("stt", name, api_key, options, keyterm=list(keyterms), interim_results=True)

        self._build = build
        self._pool = _Pool(build)

    async def start(self) -> None:
        """Build one service to find mistakes of configuration before the first call."""
        self._build()

    def open(
        self, expectation: Expectation, on_partial: Callable[[Transcript], None] | None = None
    ) -> CloudUtterance:
        """Begin an utterance on a kept connection."""
        return CloudUtterance(self._pool, self.name, on_partial)

    async def close(self) -> None:
        """Disconnect."""
        await self._pool.close()


class CloudVoice:
    """:class:`models.speech.Synthesizer` over a pipecat TTS service."""

    def __init__(self, name: str, api_key: str, options: Mapping[str, str]) -> None:
        """Checks the configuration without a network. Raises :class:`SpeechConfigurationError`."""
        self.name = name

        def build() -> Any:
            return build_service("tts", name, api_key, options)

        self._build = build
        self._pool = _Pool(build)

    async def start(self) -> None:
        """Build one service to find mistakes of configuration before the first call."""
        self._build()

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        """Speak a sentence; the service's own voice, with our gain."""
        pipeline = await self._pool.lease()
        well = False
        try:
            await pipeline.push(TTSSpeakFrame(text, append_to_context=False))
            timeout = FIRST_AUDIO_TIMEOUT_S
            spoke = False
            while True:
                try:
                    async with asyncio.timeout(timeout):
                        frame = await pipeline.frames.get()
                except TimeoutError as error:
                    raise SpeechError(f"{self.name} gave no audio in {timeout:g} s") from error
                if isinstance(frame, ErrorFrame):
                    raise SpeechError(f"{self.name}: {type(frame.exception).__name__}")
                if isinstance(frame, TTSAudioRawFrame):
                    spoke, timeout = True, CONNECT_TIMEOUT_S
                    pcm = np.frombuffer(frame.audio, np.int16)
                    yield np.clip(pcm * delivery.volume, -32768, 32767).astype(np.int16)
                elif isinstance(frame, TTSStoppedFrame):
                    break
            if not spoke:
                raise SpeechError(f"{self.name} spoke nothing")
            well = True
        finally:
            await self._pool.give_back(pipeline, well=well)

    async def close(self) -> None:
        """Disconnect."""
        await self._pool.close()
