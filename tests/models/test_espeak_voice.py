import os
import signal
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from models.speech import Delivery, SpeechError
from models.tts import EspeakVoice
from tests.models.speech_audio import spoken

SENTENCE = "Your appointment is confirmed for Thursday."


@pytest_asyncio.fixture
async def voice() -> AsyncIterator[EspeakVoice]:
    voice = EspeakVoice(workers=1)
    await voice.start()
    yield voice
    await voice.close()


def level(pcm: np.ndarray) -> float:
    """RMS of the loud half of 20 ms frames, in dB."""
    power = np.sort((pcm[: len(pcm) // 160 * 160].astype(float).reshape(-1, 160) ** 2).mean(axis=1))
    return float(10 * np.log10(power[len(power) // 2 :].mean()))


async def test_a_sentence_comes_in_short_chunks_and_soon(voice: EspeakVoice) -> None:
    first, longest, total = 0.0, 0, 0
    began = time.perf_counter()
    async for chunk in voice.synthesize("Hello there.", Delivery()):
        first = first or time.perf_counter() - began
        longest, total = max(longest, len(chunk)), total + len(chunk)
    assert 0 < longest <= 1600
    assert 0.4 < total / 8000 < 2.0
    assert first < 0.5  # 1 to 5 ms on an idle machine; a loaded one must not fail the test


async def test_a_slower_delivery_takes_longer(voice: EspeakVoice) -> None:
    normal, slow = await spoken(voice, SENTENCE), await spoken(voice, SENTENCE, Delivery(rate=0.7))
    assert len(slow) > 1.2 * len(normal)


async def test_volume_is_a_gain_and_pitch_does_not_change_the_level(voice: EspeakVoice) -> None:
    normal = level(await spoken(voice, SENTENCE))
    assert level(await spoken(voice, SENTENCE, Delivery(volume=0.5))) == pytest.approx(normal - 6, abs=0.7)
    assert level(await spoken(voice, SENTENCE, Delivery(pitch=1.3))) == pytest.approx(normal, abs=1.5)


async def test_the_loudest_delivery_is_not_clipped(voice: EspeakVoice) -> None:
    assert np.abs(await spoken(voice, SENTENCE, Delivery(volume=1.5))).max() <= 0.86 * 32767


async def test_markup_in_a_reply_is_spoken_as_text_not_obeyed(voice: EspeakVoice) -> None:
    plain = await spoken(voice, "one two three")
    marked = await spoken(voice, 'one <break time="9s"/> two & three')
    assert len(marked) < len(plain) + 8000 * 4


async def test_nothing_to_say_is_silence_without_error(voice: EspeakVoice) -> None:
    assert len(await spoken(voice, " ... ")) == 0


async def test_a_killed_worker_is_replaced_and_the_sentence_said(voice: EspeakVoice) -> None:
    before = voice.worker_pids
    os.kill(before[0], signal.SIGKILL)
    assert len(await spoken(voice, SENTENCE)) > 8000
    assert voice.worker_pids != before


async def test_a_sentence_given_up_does_not_leak_into_the_next(voice: EspeakVoice) -> None:
    expected = await spoken(voice, "Hello.")
    stream = voice.synthesize(SENTENCE + " " + SENTENCE, Delivery())
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    # The library varies a length by a few samples; a chunk of the other sentence would be 800.
    assert len(await spoken(voice, "Hello.")) == pytest.approx(len(expected), abs=200)


async def test_an_unknown_voice_is_named_in_the_error() -> None:
    voice = EspeakVoice(voice="xx-nowhere")
    await voice.start()
    try:
        with pytest.raises(SpeechError, match="xx-nowhere"):
            await spoken(voice, "Hello.")
    finally:
        await voice.close()


async def test_a_voice_that_was_not_started_says_so() -> None:
    with pytest.raises(SpeechError, match="not been started"):
        await spoken(EspeakVoice(), "Hello.")


async def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EspeakVoice, "installed", staticmethod(lambda: False))
    with pytest.raises(SpeechError, match="extra 'espeak'"):
        await EspeakVoice().start()
