"""A recognizer and a voice that do nothing but take their time: for benchmarks of everything around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import numpy as np

from models.expectation import Expectation
from models.speech import SAMPLE_RATE, Delivery, Pcm, Transcript

STT_DELAY_S = 0.05
"""The delay the peer benchmark gives its stub recognizer."""


class StubUtterance:
    """Hears nothing and says that it heard a sentence."""

    def __init__(self) -> None:
        self._samples = 0

    def feed(self, pcm: Pcm) -> None:
        """Count."""
        self._samples += len(pcm)

    async def glance(self) -> Transcript:
        """The same at any time."""
        return await self.finish()

    async def finish(self) -> Transcript:
        """A fixed sentence after a fixed delay."""
        await asyncio.sleep(STT_DELAY_S)
        return Transcript(
            "what are your opening hours", 1.0, audio_seconds=self._samples / SAMPLE_RATE, source="stub"
        )

    def cancel(self) -> None:
        """Nothing to free."""


class StubRecognizer:
    """Implements :class:`models.speech.Recognizer`."""

    name = "stub"

    async def start(self) -> None:
        """Nothing to load."""

    def open(
        self, expectation: Expectation, on_partial: Callable[[Transcript], None] | None = None
    ) -> StubUtterance:
        """A new stub utterance."""
        return StubUtterance()

    async def close(self) -> None:
        """Nothing to stop."""


class StubVoice:
    """Implements :class:`models.speech.Synthesizer` with a soft tone of the length of the words."""

    name = "stub"

    def __init__(self) -> None:
        t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
        self._tone: Pcm = (2000 * np.sin(2 * np.pi * 400 * t)).astype(np.int16)

    async def start(self) -> None:
        """Nothing to load."""

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        """2 s of tone per sentence, as the peer benchmark speaks."""
        for _ in range(10):
            yield self._tone[: SAMPLE_RATE // 5]

    async def close(self) -> None:
        """Nothing to stop."""
