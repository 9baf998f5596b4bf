"""The interfaces of speech: what a recognizer, a voice, a voice-activity model and a turn model look like.

An implementation may be a worker process, a thread, a cloud service or a stub in a test; a call sees only
these. All audio is ``np.int16`` mono at 8 kHz. No method but those marked ``async`` may take longer than a
few hundred microseconds: they are called on the event loop of live calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.expectation import Expectation

SAMPLE_RATE = 8000
"""Hz, everywhere on the call path."""

Pcm = npt.NDArray[np.int16]


class SpeechError(Exception):
    """A recognizer or a voice could not do its work; the caller takes the next rung of the ladder."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a sentence is to be spoken. All values are ratios to the voice's own normal.

    Attributes:
        rate: speaking rate, 0.5 to 2.0.
        pitch: mean pitch, 0.5 to 2.0.
        pitch_range: liveliness of the intonation, 0 to 2.
        volume: gain, 0 to 1.5.
        emotion: name of a tone for voices that can ("calm", "sympathetic", ...); "" for none.
    """

    rate: float = 1.0
    pitch: float = 1.0
    pitch_range: float = 1.0
    volume: float = 1.0
    emotion: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognized word, with times in seconds from the start of the utterance."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recognizer heard in one utterance.

    Attributes:
        text: lower-case words, no markers such as ``<sil>``; "" when nothing usable was heard.
        confidence: 0..1.
        accepted: False when the words fit neither what was expected nor a plausible sentence: the reasoner
            should ask again rather than act on them.
        words: times and confidences, possibly empty when the recognizer has none.
        alternatives: other readings with confidences, best first, without ``text`` itself.
        audio_seconds: length of the audio heard.
        snr_db: estimated signal-to-noise ratio, None when unknown.
        source: name of the recognizer that produced it.
        is_final: False for a partial result.
    """

    text: str
    confidence: float
    accepted: bool = True
    words: tuple[Word, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    audio_seconds: float = 0.0
    snr_db: float | None = None
    source: str = ""
    is_final: bool = True


class UtteranceStream(Protocol):
    """One utterance on its way through a recognizer."""

    def feed(self, pcm: Pcm) -> None:
        """Hand over the next audio (any length). Never blocks; the array is not modified or kept."""

    async def glance(self) -> Transcript | None:
        """What :meth:`finish` would say if the speech ended here; the utterance goes on. None when the
        recognizer cannot tell without ending it.

        Raises :class:`SpeechError` when the recognizer failed.
        """

    async def finish(self) -> Transcript:
        """End of speech: the final transcript. Raises :class:`SpeechError` when the recognizer failed."""

    def cancel(self) -> None:
        """Give the utterance up and free what it holds. Idempotent, also after :meth:`finish`."""


class Recognizer(Protocol):
    """Speech to text, shared by all calls of a process."""

    name: str

    async def start(self) -> None:
        """Load models, start workers. Called once, before the first call."""

    def open(
        self, expectation: Expectation, on_partial: Callable[[Transcript], None] | None = None
    ) -> UtteranceStream:
        """Begin an utterance. ``on_partial`` is called on the event loop with partial transcripts."""

    async def close(self) -> None:
        """Stop workers. Idempotent."""


class Synthesizer(Protocol):
    """Text to speech, shared by all calls of a process."""

    @property
    def name(self) -> str:
        """Name of the voice that speaks."""

    async def start(self) -> None:
        """Load voices, start workers. Called once, before the first call."""

    def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        """Speak one sentence: an async iterator of audio chunks (each at most about 200 ms, level
        normalized).

        Raises :class:`SpeechError` when nothing could be spoken. Closing the iterator cancels the synthesis.
        """

    async def close(self) -> None:
        """Stop workers. Idempotent."""


@dataclass(slots=True)
class VadState:
    """Recurrent state and left context of the voice-activity model for one leg; owned by the caller."""

    hidden: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, 128), np.float32))
    context: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(32, np.float32))


class VoiceActivityModel(Protocol):
    """Probability of speech for many legs in one run."""

    chunk: int
    """Samples per leg and run: 256 at 8 kHz (32 ms)."""

    def run(self, chunks: Pcm, states: list[VadState]) -> npt.NDArray[np.float32]:
        """``chunks`` int16 [legs, 256] -> probabilities float32 [legs]; ``states`` are updated in place."""


class EndOfTurnModel(Protocol):
    """Whether the caller has finished, from the sound of the last seconds."""

    def probability(self, pcm: Pcm) -> float:
        """``pcm``: up to 8 s ending with the last word. Returns 0..1. Takes tens of ms: call it in a
        thread."""
