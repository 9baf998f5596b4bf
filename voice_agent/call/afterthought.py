"""Courtesy a breath behind an answer: "Wednesday ... please".

A turn ends as soon as its answer is complete, so a last polite word comes when something else is expected
already and would be searched for that. Heard together with the answer that it belongs to, it is what it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from models.expectation import Expectation
from models.speech import SAMPLE_RATE, Pcm, Recognizer, SpeechError, Transcript
from voice_agent.reasoning.spoken import is_courtesy

BREATH_S: Final = 0.6
"""A pause within what somebody has to say."""

LONGEST_S: Final = 0.8
"""Voice that lasts longer says something of its own."""

_PATIENCE_S: Final = 0.3
"""Seconds after which what was heard of it alone has to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Words, what was expected when they were said, and the samples between which they were."""

    text: str
    expectation: Expectation
    begin: int
    end: int

    def may_go_on_with(self, start: int, end: int) -> bool:
        """Whether voice between two samples is short and soon enough to belong to it."""
        soon = start - self.end <= BREATH_S * SAMPLE_RATE
        return bool(self.text) and soon and end - start <= LONGEST_S * SAMPLE_RATE

    async def courtesy(
        self, alone: Transcript, end: int, recognizer: Recognizer, read: Callable[[int, int], Pcm]
    ) -> Transcript | None:
        """What was said behind the answer, up to sample ``end``, where it is courtesy; else None.

        Args:
            alone: what it was taken for by itself. Words that were not accepted stop nobody anyway.
            read: the leg's sound between two samples.
        """
        if not alone.accepted or is_courtesy(alone.text):
            return alone if alone.accepted else None
        try:
            stream = recognizer.open(self.expectation, None)
            try:
                stream.feed(read(self.begin, end))
                async with asyncio.timeout(_PATIENCE_S):
                    both = await stream.finish()
            finally:
                stream.cancel()
        except (SpeechError, TimeoutError):
            return None
        rest = both.text.removeprefix(self.text + " ")
        if not both.accepted or rest == both.text or not is_courtesy(rest):
            return None
        return replace(both, text=rest, words=(), alternatives=())
