"""What tests of calls share: real voice activity, a real voice for the caller, a fake network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest

from models.speech import Delivery, Pcm
from models.tts.espeak import EspeakVoice
from models.vad.silero import SileroVad
from tests.call.session_kit import begin
from voice_agent.call.voice_activity import VadTick

__all__ = ["begin"]

Speak = Callable[[str], Awaitable[Pcm]]


@pytest.fixture(scope="session")
def vad_model() -> SileroVad:
    return SileroVad()


@pytest.fixture
async def vad(vad_model: SileroVad) -> AsyncIterator[VadTick]:
    def fail(error: Exception) -> None:
        raise error

    tick = VadTick(vad_model, fail)
    await tick.start()
    yield tick
    await tick.close()


@pytest.fixture
async def speak() -> AsyncIterator[Speak]:
    """Speaks a sentence with the embedded voice: int16 at 8 kHz."""
    voice = EspeakVoice()
    await voice.start()

    async def sentence(text: str) -> Pcm:
        return np.concatenate([chunk async for chunk in voice.synthesize(text, Delivery())])

    yield sentence
    await voice.close()


@pytest.fixture(autouse=True, scope="session")
def quiet_pipecat() -> None:
    """pipecat's debug lines hold every spoken sentence."""
    from loguru import logger

    logger.remove()
