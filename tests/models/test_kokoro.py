"""The Kokoro voice's processes, with a stand-in for the package that runs its weights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from models.onnx import pipecat_file
from models.speech import Delivery, SpeechError
from models.tts import KokoroVoice
from models.tts.kokoro_worker import clauses
from tests.models.speech_audio import spoken
from tests.models.stand_in_packages import stand_in

__all__ = ["stand_in"]

SENTENCE = "Your appointment is confirmed for Thursday."


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Any network will do: the stand-in does not run it."""
    return {
        "kokoro-v1.0.onnx": pipecat_file("audio/vad/data/silero_vad.onnx"),
        "voices-v1.0.bin": tmp_path / "voices-v1.0.bin",
    }


@pytest.fixture
async def voice(files: dict[str, Path]) -> AsyncIterator[KokoroVoice]:
    voice = KokoroVoice(files, threads=1)
    await voice.start()
    yield voice
    await voice.close()


async def test_a_sentence_comes_at_8_khz_in_short_chunks(voice: KokoroVoice) -> None:
    chunks = [chunk async for chunk in voice.synthesize(SENTENCE, Delivery())]
    assert max(map(len, chunks)) <= 1600
    assert sum(map(len, chunks)) == pytest.approx(len(SENTENCE) / 50 * 8000, rel=0.05)


async def test_rate_is_the_speed_and_volume_a_gain(voice: KokoroVoice) -> None:
    normal = await spoken(voice, SENTENCE)
    quick = await spoken(voice, SENTENCE, Delivery(rate=1.5))
    soft = await spoken(voice, SENTENCE, Delivery(volume=0.5))
    assert len(quick) == pytest.approx(len(normal) / 1.5, rel=0.05)
    assert np.abs(soft).max() == pytest.approx(np.abs(normal).max() / 2, rel=0.1)


async def test_rates_beyond_what_the_network_takes_are_its_limits(voice: KokoroVoice) -> None:
    quick = await spoken(voice, SENTENCE, Delivery(rate=2.0))
    assert len(await spoken(voice, SENTENCE, Delivery(rate=9.0))) == len(quick)


async def test_a_sentence_that_cannot_be_spoken_fails_alone(voice: KokoroVoice) -> None:
    pids = voice.worker_pids
    with pytest.raises(SpeechError, match="ValueError"):
        await spoken(voice, "They refuse.")
    assert len(await spoken(voice, SENTENCE)) > 4000
    assert voice.worker_pids == pids


async def test_a_voice_that_is_not_in_the_file_is_told_at_start(files: dict[str, Path]) -> None:
    voice = KokoroVoice(files, voice="nobody")
    with pytest.raises(SpeechError, match="it has af_heart, am_michael"):
        await voice.start()
    await voice.close()


async def test_a_network_that_cannot_be_loaded_is_told_at_start(files: dict[str, Path]) -> None:
    files["voices-v1.0.bin"].write_bytes(b"no network")
    voice = KokoroVoice(files | {"kokoro-v1.0.onnx": files["voices-v1.0.bin"]})
    with pytest.raises(SpeechError, match="cannot be loaded"):
        await voice.start()
    await voice.close()


async def test_a_voice_that_was_not_started_or_was_closed_says_so(files: dict[str, Path]) -> None:
    voice = KokoroVoice(files)
    with pytest.raises(SpeechError, match="started"):
        await spoken(voice, SENTENCE)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (SENTENCE, [SENTENCE]),
        ("Yes, please say that again.", ["Yes, please say that again."]),
        (
            "Thank you, Maria, your visit is on Monday.",
            ["Thank you, Maria,", "your visit is on Monday."],
        ),
        ("Your visit is on Monday, yes.", ["Your visit is on Monday, yes."]),
        (
            "We are open on Monday, Tuesday, and Friday; please ring before you come, or write to us.",
            [
                "We are open on Monday,",
                "Tuesday, and Friday;",
                "please ring before you come,",
                "or write to us.",
            ],
        ),
    ],
)
def test_a_sentence_is_cut_where_it_pauses_anyway(text: str, parts: list[str]) -> None:
    assert clauses(text) == parts
