"""The voice of espeak-ng: robotic, clear, and on the line within milliseconds.

The library lives in worker processes (:mod:`models.tts.espeak_worker`) because of its licence and its global
state. A sentence takes a worker about 20 ms, so one or two serve many calls.
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final
from xml.sax.saxutils import escape

from models.speech import Delivery, Pcm, SpeechError
from models.tts.speaking_workers import SpeakingWorkers
from models.tts.text import TextNormalizer

DEFAULT_VOICE: Final = "en-us"
WORDS_PER_MINUTE: Final = 165
_START_TIMEOUT: Final = 10.0
_REPLACEMENT_WAIT: Final = 1.0
"""Seconds; a worker loads in a third of one, so the sentence need not go to the next rung."""
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
        self._voice = voice
        self._normalize = TextNormalizer()
        self._workers = SpeakingWorkers(
            self.name,
            "models.tts.espeak_worker",
            (str(words_per_minute),),
            workers,
            timeout=timeout,
            start_timeout=_START_TIMEOUT,
            replacement_wait=_REPLACEMENT_WAIT,
        )

    @staticmethod
    def installed() -> bool:
        """True when the optional extra is there."""
        return importlib.util.find_spec("espeakng_loader") is not None

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the living workers that have loaded."""
        return self._workers.pids

    async def start(self) -> None:
        """Start the workers. Raises :class:`SpeechError` when espeak-ng is not installed or does not run."""
        if not self.installed():
            raise SpeechError("espeakng-loader is not installed: install the extra 'espeak'")
        await self._workers.start()

    async def close(self) -> None:
        """Stop the workers. Idempotent."""
        await self._workers.close()

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        """Speak one sentence in chunks of 100 ms. See :class:`~models.speech.Synthesizer`."""
        said = self._normalize(text)
        if not said:
            return
        async with aclosing(self._workers.speak(self._encode(said, delivery))) as chunks:
            async for chunk in chunks:
                yield chunk

    def _encode(self, text: str, delivery: Delivery) -> bytes:
        pitch = 100 * _PITCH_GAIN * (delivery.pitch - 1)
        attributes = (
            f'rate="{100 * delivery.rate:.0f}%" pitch="{max(pitch, -90):+.0f}%" '
            f'range="{100 * (delivery.pitch_range - 1):+.0f}%"'
        )
        ssml = f"<speak><prosody {attributes}>{escape(text)}</prosody></speak>"
        return f"{self._voice}\0{delivery.volume:.3f}\0{ssml}".encode()
