"""Sentences that are said again and again (greetings, fillers, questions) are synthesized once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

import numpy as np

from models.speech import SAMPLE_RATE, Delivery, Pcm, Synthesizer

CACHE_SECONDS: Final = 600
"""Audio kept, in seconds: 10 MB."""

LONGEST_SECONDS: Final = 12
_CHUNK: Final = SAMPLE_RATE // 5


class CachingVoice:
    """:class:`~models.speech.Synthesizer` that remembers what another one said, least recently used out
    first."""

    def __init__(self, voice: Synthesizer, seconds: int = CACHE_SECONDS) -> None:
        self._voice = voice
        self._room = seconds * SAMPLE_RATE
        self._kept: OrderedDict[tuple[str, Delivery], Pcm] = OrderedDict()
        self._samples = 0

    @property
    def name(self) -> str:
        """Name of the voice that speaks."""
        return self._voice.name

    async def start(self) -> None:
        """Start the voice."""
        await self._voice.start()

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        """Speak, from memory when this was said before in the same way."""
        key = (text, delivery)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            for at in range(0, len(known), _CHUNK):
                yield known[at : at + _CHUNK]
            return
        chunks: list[Pcm] = []
        async for chunk in self._voice.synthesize(text, delivery):
            chunks.append(chunk)
            yield chunk
        # Only what was spoken to its end is worth remembering.
        if chunks:
            self._keep(key, np.concatenate(chunks))

    def _keep(self, key: tuple[str, Delivery], pcm: Pcm) -> None:
        if len(pcm) > LONGEST_SECONDS * SAMPLE_RATE or key in self._kept:
            return
        self._kept[key] = pcm
        self._samples += len(pcm)
        while self._samples > self._room:
            self._samples -= len(self._kept.popitem(last=False)[1])

    async def close(self) -> None:
        """Stop the voice."""
        await self._voice.close()
