"""The shared turn model: one model, one thread, for all calls of a process.

Whether a pause is the end of a turn can be heard. The model takes tens of milliseconds, so it runs in a
thread of its own; a call that asks again before it was served replaces its earlier question.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from models.speech import SAMPLE_RATE, EndOfTurnModel, Pcm
from voice_agent.call.leg_audio import LegAudio

WINDOW_S = 8
"""The model hears at most this much."""

TIMEOUT_S = 0.6
"""Under load an opinion may come too late to be of use: then there is none."""

UNKNOWN = 0.5
"""What is assumed when the model has no opinion."""


class TurnModel:
    """Asks the model without holding the event loop."""

    def __init__(self, model: EndOfTurnModel) -> None:
        self._model = model
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="turn-model")
        self._newest: dict[int, int] = {}

    @property
    def busy(self) -> bool:
        """True while somebody waits for an opinion: who could do without one should."""
        return bool(self._newest)

    async def probability(self, audio: LegAudio, begin: int, end: int) -> float:
        """Probability that the turn that began at sample ``begin`` is over at ``end``; :data:`UNKNOWN` when
        there is no answer in time."""
        pcm = audio.read(max(begin, end - WINDOW_S * SAMPLE_RATE), end)
        key = id(audio)
        self._newest[key] = end
        try:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(TIMEOUT_S):
                return await loop.run_in_executor(self._executor, self._run, key, end, pcm)
        except (TimeoutError, RuntimeError, ValueError):
            return UNKNOWN
        finally:
            if self._newest.get(key) == end:
                del self._newest[key]

    def close(self) -> None:
        """Stop the thread."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _run(self, key: int, end: int, pcm: Pcm) -> float:
        if self._newest.get(key, end) != end:
            return UNKNOWN
        return self._model.probability(pcm)
