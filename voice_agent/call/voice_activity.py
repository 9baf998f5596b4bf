"""Who is speaking: one batched run of the voice-activity model per 32 ms for all legs of all calls of a
process.

A model per call and a thread hop per frame is what makes stock servers slow. Here a single tick collects
one chunk from every leg that has one, runs the network once, and steps a small state machine per leg. A leg
that fell behind (a stalled socket that caught up) is stepped several times in the same tick, in order, so
that a short word inside a burst is still seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from models.speech import SAMPLE_RATE, VadState, VoiceActivityModel
from voice_agent.call.leg_audio import LegAudio

TICK_S = 0.032
"""One chunk of the model."""

START_S = 0.1
"""Speech must last this long to count as begun (short words are missed at 0.2 s; measured on spoken
digits)."""

STOP_S = 0.2
"""Silence must last this long to count as ended."""

PAUSE_S = 0.1
"""Silence of this length may be an end: time to look at what has been said so far."""

_FALL = 1e-3
_FALLEN_FRAMES = 3
_FRAME = SAMPLE_RATE // 50
_BEFORE = 64 * _FRAME
"""The network is slow to notice that voice stopped. Where the last 60 ms lie 30 dB below the loudest of the
1.3 s before, its first chunk without speech is told as a pause already, so that what depends on it is ready
when it has lasted ``PAUSE_S``. On a noisy line they never do."""

THRESHOLD = 0.4
"""Probability above which a chunk is speech. Silero's own default is 0.5; at 0.4 six more of 320 quiet
digits are found, and 10 instead of 5 of 420 coughs, breaths, tones and rustles start a turn."""

MAX_ROUNDS = 12
"""Chunks one leg may be stepped per tick (0.38 s) before others get their turn."""

STALLED_S = 1.0
"""No audio for this long in the middle of speech ends the speech: a dead tap must not hold a turn open."""

RESET_S = 2.0
"""Quiet after which the network's memory is cleared (it drifts over long silence)."""


class SpeechListener(Protocol):
    """Told of a leg's voice activity, in order, on the event loop. Positions are samples of the leg."""

    def on_speech_started(self, position: int) -> None:
        """Voice began at ``position`` (already ``START_S`` ago)."""

    def on_speech_progress(self, seconds: float) -> None:
        """Voice goes on for ``seconds`` since it began; once per tick."""

    def on_speech_stopped(self, position: int) -> None:
        """Voice ended at ``position`` (``STOP_S`` ago)."""


@dataclass(frozen=True, slots=True)
class SpeechListeners:
    """Several listeners of one leg, told in order."""

    listeners: tuple[SpeechListener, ...]

    def on_speech_started(self, position: int) -> None:
        """See :class:`SpeechListener`."""
        for listener in self.listeners:
            listener.on_speech_started(position)

    def on_speech_progress(self, seconds: float) -> None:
        """See :class:`SpeechListener`."""
        for listener in self.listeners:
            listener.on_speech_progress(seconds)

    def on_speech_stopped(self, position: int) -> None:
        """See :class:`SpeechListener`."""
        for listener in self.listeners:
            listener.on_speech_stopped(position)


class PauseListener(Protocol):
    """Told of pauses that may become the end of speech, for who can use the time."""

    def on_speech_paused(self, position: int) -> None:
        """Voice fell silent at ``position`` (``PAUSE_S`` ago)."""

    def on_speech_resumed(self) -> None:
        """The pause was none of the end."""


@dataclass(eq=False)
class SpeechDetector:
    """State machine of one leg: quiet, speaking, and the runs between them."""

    audio: LegAudio
    listener: SpeechListener
    pauses: PauseListener | None = None
    position: int = 0
    speaking: bool = False
    _state: VadState = field(default_factory=VadState)
    _run: int = 0
    """Consecutive chunks that contradict the current state."""
    _started_at: int = 0
    _paused_at: int | None = None
    """Where the present pause began, once it was told."""
    _ending: bool = False
    """Whether the present pause is taken for the end."""
    _quiet_chunks: int = 0
    _last_audio: float = field(default_factory=time.monotonic)
    _last_end: int = 0

    _START_CHUNKS = round(START_S / TICK_S)
    _STOP_CHUNKS = round(STOP_S / TICK_S)
    _PAUSE_CHUNKS = round(PAUSE_S / TICK_S)

    @property
    def state(self) -> VadState:
        """The network's memory for this leg."""
        return self._state

    def pending(self, chunk: int) -> bool:
        """True when a whole chunk waits to be stepped."""
        return self.audio.end - self.position >= chunk

    def step(self, probability: float, chunk: int) -> None:
        """Take the network's verdict on the chunk that ends at ``position``."""
        self.position += chunk
        is_speech = probability >= THRESHOLD
        if is_speech == self.speaking:
            if self._paused_at is not None and self.pauses is not None:
                self._paused_at, self._ending = None, False
                self.pauses.on_speech_resumed()
            self._run = 0
        else:
            self._run += 1
        if self.speaking:
            self._quiet_chunks = 0
            if self._run >= (self._PAUSE_CHUNKS if self._ending else self._STOP_CHUNKS):
                self._stop(self.position - self._run * chunk)
            elif self._run and self._paused_at is None and self.pauses is not None:
                if self._run >= self._PAUSE_CHUNKS or self._fell_quiet():
                    self._paused_at = self.position - self._run * chunk
                    self.pauses.on_speech_paused(self._paused_at)
            elif not self._run:
                self.listener.on_speech_progress((self.position - self._started_at) / SAMPLE_RATE)
            return
        if self._run >= self._START_CHUNKS:
            self._started_at = self.position - self._run * chunk
            self.speaking, self._run = True, 0
            self.listener.on_speech_started(self._started_at)
            return
        self._quiet_chunks += 1
        if not self._run and self._quiet_chunks * TICK_S >= RESET_S:
            self._quiet_chunks = 0
            self._state.hidden[:] = 0.0

    def end_pause(self) -> None:
        """Take the pause that lasts now for the end of the speech, as soon as it has lasted ``PAUSE_S``;
        without one nothing happens."""
        if self.speaking and self._paused_at is not None:
            self._ending = True
            if self._run >= self._PAUSE_CHUNKS:
                self._stop(self._paused_at)

    def watch_for_stall(self, now: float) -> None:
        """End the speech when audio stopped coming in the middle of it."""
        if self.audio.end != self._last_end:
            self._last_end, self._last_audio = self.audio.end, now
        elif self.speaking and now - self._last_audio > STALLED_S:
            self._stop(self.audio.end)

    def _fell_quiet(self) -> bool:
        sound = self.audio.read(self.position - _BEFORE, self.position).astype(np.float32)
        power = np.square(sound).reshape(-1, _FRAME).mean(axis=1)
        return bool(power[-_FALLEN_FRAMES:].max() < _FALL * power.max())

    def _stop(self, position: int) -> None:
        self.speaking, self._run, self._quiet_chunks = False, 0, 0
        self._paused_at, self._ending = None, False
        self.listener.on_speech_stopped(position)


class VadTick:
    """The process-wide tick. Legs come and go; the model is loaded once. ``on_error`` is told what broke in a
    run of the network or in one leg's listener; the other legs go on."""

    def __init__(self, model: VoiceActivityModel, on_error: Callable[[Exception], None]) -> None:
        self._model = model
        self._detectors: dict[SpeechDetector, None] = {}
        self._on_error = on_error
        self._task: asyncio.Task[None] | None = None

    def watch(
        self, audio: LegAudio, listener: SpeechListener, pauses: PauseListener | None = None
    ) -> SpeechDetector:
        """Follow a leg from its newest sample on."""
        detector = SpeechDetector(audio, listener, pauses, position=audio.end)
        self._detectors[detector] = None
        return detector

    def unwatch(self, detector: SpeechDetector) -> None:
        """Forget a leg. Idempotent."""
        self._detectors.pop(detector, None)

    async def start(self) -> None:
        """Begin ticking."""
        self._task = asyncio.create_task(self._run(), name="vad-tick")

    async def close(self) -> None:
        """Stop ticking. Idempotent."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        due = time.monotonic()
        while True:
            due += TICK_S
            delay = due - time.monotonic()
            if delay < -1.0:
                due = time.monotonic()
            await asyncio.sleep(max(0.0, delay))
            try:
                self.tick()
            except Exception as error:  # noqa: BLE001 - one bad run must not deafen every call of the process
                self._on_error(error)

    def tick(self) -> None:
        """One round for every leg with a chunk waiting; several for legs that fell behind."""
        now = time.monotonic()
        chunk = self._model.chunk
        for detector in list(self._detectors):
            with self._fault_of_one_leg():
                detector.watch_for_stall(now)
        for _ in range(MAX_ROUNDS):
            ready = [d for d in self._detectors if d.pending(chunk)]
            if not ready:
                return
            chunks = np.stack([d.audio.read(d.position, d.position + chunk) for d in ready])
            probabilities = self._model.run(chunks, [d.state for d in ready])
            for detector, probability in zip(ready, probabilities, strict=True):
                with self._fault_of_one_leg():
                    detector.step(float(probability), chunk)

    @contextlib.contextmanager
    def _fault_of_one_leg(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - what breaks on one leg must not deafen those behind it
            self._on_error(error)
