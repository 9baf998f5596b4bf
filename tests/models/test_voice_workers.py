"""What becomes of a sentence, and of a ladder of voices, when the process that speaks dies or is late."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from models.onnx import pipecat_file
from models.speech import Delivery, Pcm, SpeechError
from models.tts import KokoroVoice, VoiceLadder
from tests.models.local_stand_ins.kokoro_onnx import LOADING_GATE, SPEAKING_GATE
from tests.models.speech_audio import spoken
from tests.models.stand_in_packages import stand_in

__all__ = ["stand_in"]

SENTENCE = "Your appointment is confirmed for Thursday."
LONGER = "Thank you for calling us, please wait for the doctor."


@pytest.fixture
def voices_file(tmp_path: Path) -> Path:
    return tmp_path / "voices-v1.0.bin"


@pytest.fixture
def files(voices_file: Path) -> dict[str, Path]:
    return {
        "kokoro-v1.0.onnx": pipecat_file("audio/vad/data/silero_vad.onnx"),
        "voices-v1.0.bin": voices_file,
    }


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


def opened(gate: Path) -> int:
    """Let through who waits at the gate and who comes; until the descriptor is closed."""
    return os.open(gate, os.O_RDWR)


def loads(voices_file: Path) -> int:
    return voices_file.stat().st_size


def somebody_waits_at(gate: Path) -> bool:
    try:
        os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return False
    return True


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  the pool tells nobody
            await asyncio.sleep(0.01)


class Beep:
    """The rung below: says the same whatever it is asked."""

    name = "beep"

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        yield np.full(80, 77, np.int16)


def beeped(pcm: Pcm) -> bool:
    return len(pcm) == 80


@pytest.fixture
async def kokoro(files: dict[str, Path]) -> AsyncIterator[KokoroVoice]:
    voice = KokoroVoice(files, threads=1)
    yield voice
    await voice.close()


@pytest.fixture
async def ladder(kokoro: KokoroVoice) -> VoiceLadder:
    ladder = VoiceLadder([kokoro, Beep()])
    await ladder.start()
    return ladder


async def test_one_process_is_loaded_for_one_that_died_while_the_next_rung_speaks(
    ladder: VoiceLadder,
    kokoro: KokoroVoice,
    voices_file: Path,
    gate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(LOADING_GATE, str(gate))
    (killed,) = kokoro.worker_pids
    os.kill(killed, signal.SIGKILL)
    for _ in range(3):
        assert beeped(await spoken(ladder, SENTENCE))
    await until(lambda: loads(voices_file) == 2)
    assert beeped(await spoken(ladder, SENTENCE))
    way_in = opened(gate)
    await until(lambda: kokoro.worker_pids)
    os.close(way_in)
    assert not beeped(await spoken(ladder, SENTENCE))
    assert loads(voices_file) == 2


async def test_a_sentence_is_refused_at_once_while_the_only_process_is_replaced(
    kokoro: KokoroVoice, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kokoro.start()
    monkeypatch.setenv(LOADING_GATE, str(gate))
    with pytest.raises(SpeechError):
        await spoken(kokoro, "There was a crash.")
    with pytest.raises(SpeechError, match="is being replaced"):
        await spoken(kokoro, SENTENCE)


async def test_closing_ends_a_process_that_still_loads(
    kokoro: KokoroVoice, voices_file: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kokoro.start()
    monkeypatch.setenv(LOADING_GATE, str(gate))
    with pytest.raises(SpeechError):
        await spoken(kokoro, "There was a crash.")
    await until(lambda: loads(voices_file) == 2)
    await kokoro.close()
    assert not somebody_waits_at(gate)


async def test_another_process_says_the_sentence_of_one_that_was_killed(files: dict[str, Path]) -> None:
    voice = KokoroVoice(files, threads=1, workers=2)
    await voice.start()
    os.kill(voice.worker_pids[0], signal.SIGKILL)
    for _ in range(2):
        assert len(await spoken(voice, SENTENCE)) > 4000
    await until(lambda: len(voice.worker_pids) == 2)
    await voice.close()


async def test_the_log_is_told_once_that_another_rung_speaks_and_once_that_it_is_over(
    ladder: VoiceLadder, kokoro: KokoroVoice, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LOADING_GATE, str(gate))
    with capture_logs() as logs:
        for _ in range(3):
            await spoken(ladder, "There was a crash.")
        way_in = opened(gate)
        await until(lambda: kokoro.worker_pids)
        os.close(way_in)
        for _ in range(2):
            await spoken(ladder, SENTENCE)
    assert [(entry["event"], entry["rung"]) for entry in logs] == [
        ("voice_degraded", "beep"),
        ("voice_restored", "kokoro"),
    ]
    assert "kokoro" in logs[0]["reason"]
    assert "crash" not in str(logs)


async def test_a_rung_that_cannot_be_started_is_told_to_the_log(files: dict[str, Path]) -> None:
    ladder = VoiceLadder([KokoroVoice(files, voice="nobody"), Beep()])
    with capture_logs() as logs:
        await ladder.start()
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("voice_rung_missing", "warning")]
    assert "nobody" in logs[0]["reason"]
    await ladder.close()


@pytest.fixture
async def given_up(
    files: dict[str, Path], gate: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[KokoroVoice]:
    """Two processes, one of which computes the end of a sentence nobody listens to any more."""
    monkeypatch.setenv(SPEAKING_GATE, str(gate))
    voice = KokoroVoice(files, threads=1, workers=2, timeout=2.0)
    await voice.start()
    stream = voice.synthesize(LONGER, Delivery())
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    yield voice
    await voice.close()


async def test_a_process_busy_with_a_sentence_given_up_is_given_no_other(
    given_up: KokoroVoice, gate: Path
) -> None:
    pids = given_up.worker_pids
    async with asyncio.timeout(1.9):
        for _ in range(4):
            assert len(await spoken(given_up, SENTENCE)) > 4000
    way_in = opened(gate)
    both = await asyncio.gather(*(spoken(given_up, SENTENCE) for _ in range(2)))
    os.close(way_in)
    assert all(len(pcm) == len(both[0]) > 4000 for pcm in both)
    assert given_up.worker_pids == pids


async def test_a_process_that_never_ends_a_sentence_given_up_is_replaced(given_up: KokoroVoice) -> None:
    pids = set(given_up.worker_pids)
    await until(lambda: len(pids & set(given_up.worker_pids)) == 1)
    await until(lambda: len(given_up.worker_pids) == 2)
    assert len(await spoken(given_up, SENTENCE)) > 4000


class Stuck:
    """Says a second of a sentence and then nothing more."""

    name = "stuck"

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        for _ in range(10):
            yield np.zeros(800, np.int16)
        await asyncio.Event().wait()


async def test_a_voice_may_compute_as_long_as_the_caller_still_hears_what_it_said() -> None:
    ladder = VoiceLadder([Stuck()], next_chunk_s=0.2)
    await ladder.start()
    clock = asyncio.get_running_loop().time
    begun = clock()
    with pytest.raises(SpeechError, match="stuck broke off"):
        await spoken(ladder, SENTENCE)
    assert clock() - begun >= 1.15
