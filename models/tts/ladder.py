"""From the best voice to the surest: the next rung speaks when one fails or is late.

A sentence is never half of one voice and half of another: a rung that has begun keeps it. What cannot be
started by any rung raises :class:`~models.speech.SpeechError`, and the call says so in its record.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final, cast

import structlog

from models.speech import SAMPLE_RATE, Delivery, Pcm, SpeechError, Synthesizer

log = structlog.get_logger(__name__)

FIRST_AUDIO_S: Final = 1.2
"""A voice that has not begun by then is passed over: a filler would be due."""

NEXT_CHUNK_S: Final = 3.0
"""A voice that leaves the caller in silence for this long in the middle of a sentence has died."""


class VoiceLadder:
    """:class:`~models.speech.Synthesizer` over several, best first."""

    def __init__(
        self,
        voices: Sequence[Synthesizer],
        first_audio_s: float = FIRST_AUDIO_S,
        next_chunk_s: float = NEXT_CHUNK_S,
    ) -> None:
        """Raises :class:`ValueError` without voices."""
        if not voices:
            raise ValueError("a ladder needs at least one voice")
        self._voices = list(voices)
        self._first_audio_s = first_audio_s
        self._next_chunk_s = next_chunk_s
        self._usable: list[Synthesizer] = []
        self._speaking: Synthesizer | None = None
        """The rung that the log knows to speak."""
        self.name = voices[0].name

    @property
    def voices(self) -> tuple[Synthesizer, ...]:
        """The rungs that could be started, best first."""
        return tuple(self._usable)

    async def start(self) -> None:
        """Start every rung; those that cannot be are left out. Raises :class:`SpeechError` when none can."""
        reasons = []
        for voice in self._voices:
            try:
                await voice.start()
                self._usable.append(voice)
            except SpeechError as error:
                reasons.append(f"{voice.name}: {error}")
        if not self._usable:
            raise SpeechError("no voice can speak: " + "; ".join(reasons))
        if reasons:
            log.warning("voice_rung_missing", rung=self._usable[0].name, reason="; ".join(reasons))
        self._speaking = self._usable[0]
        self.name = self._usable[0].name

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        """Speak with the best rung that begins in time."""
        clock = asyncio.get_running_loop().time
        reasons = []
        for voice in self._usable:
            stream = cast(AsyncGenerator[Pcm, None], voice.synthesize(text, delivery))
            async with contextlib.aclosing(stream):
                try:
                    async with asyncio.timeout(self._first_audio_s):
                        chunk = await anext(stream, None)
                except (SpeechError, TimeoutError) as error:
                    reasons.append(f"{voice.name}: {error or 'no audio in time'}")
                    continue
                self._note(voice, reasons)
                heard_until = clock()
                while chunk is not None:
                    yield chunk
                    heard_until += len(chunk) / SAMPLE_RATE
                    try:
                        # Nobody waits while there is something to hear.
                        async with asyncio.timeout_at(max(heard_until, clock()) + self._next_chunk_s):
                            chunk = await anext(stream, None)
                    except TimeoutError as error:
                        raise SpeechError(f"{voice.name} broke off") from error
                return
        raise SpeechError("no voice spoke: " + "; ".join(reasons))

    def _note(self, voice: Synthesizer, reasons: Sequence[str]) -> None:
        """Tell the log when another rung speaks than before; not once more with every sentence."""
        if voice is self._speaking:
            return
        self._speaking = voice
        if reasons:
            log.warning("voice_degraded", rung=voice.name, reason="; ".join(reasons))
        else:
            log.info("voice_restored", rung=voice.name)

    async def close(self) -> None:
        """Stop every rung."""
        for voice in self._voices:
            await voice.close()
