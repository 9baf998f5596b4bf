"""The Moonshine recognizer's processes, with a stand-in for the package that runs its weights."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from models.expectation import Expectation
from models.local import MOONSHINE
from models.speech import Pcm, SpeechError, Transcript, UtteranceStream
from models.stt import MoonshineRecognizer
from tests.models.local_stand_ins.sherpa_onnx import CRASHED, HUNG, REFUSED
from tests.models.stand_in_packages import stand_in

__all__ = ["stand_in"]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for name in MOONSHINE.provides:
        (tmp_path / name).write_bytes(name.encode())
    return {name: tmp_path / name for name in MOONSHINE.provides}


@pytest.fixture
async def recognizer(files: dict[str, Path]) -> AsyncIterator[MoonshineRecognizer]:
    recognizer = MoonshineRecognizer(files, threads=1, max_seconds=5.0, patience=1.0)
    await recognizer.start()
    yield recognizer
    await recognizer.close()


def sound(seconds: float, level: float = 0.1) -> Pcm:
    return np.full(int(seconds * 8000), int(level * 32768), np.int16)


async def heard(recognizer: MoonshineRecognizer, pcm: Pcm) -> Transcript:
    utterance = recognizer.open(Expectation())
    for at in range(0, len(pcm), 800):
        utterance.feed(pcm[at : at + 800])
    async with asyncio.timeout(20):
        return await utterance.finish()


async def until_it_listens_again(recognizer: MoonshineRecognizer) -> None:
    async with asyncio.timeout(20):
        while not recognizer.worker_pids:  # noqa: ASYNC110  its supervision tells nobody
            await asyncio.sleep(0.01)


async def test_a_sentence_comes_back_as_plain_words(recognizer: MoonshineRecognizer) -> None:
    transcript = await heard(recognizer, sound(2.0))
    assert transcript.text == "on thursday at 2:30 2.0 seconds"
    assert (transcript.source, transcript.is_final, transcript.accepted) == ("moonshine", True, True)
    assert transcript.audio_seconds == pytest.approx(2.0)


async def test_what_is_shorter_or_longer_than_the_network_takes_is_brought_to_its_length(
    recognizer: MoonshineRecognizer,
) -> None:
    assert "0.5 seconds" in (await heard(recognizer, sound(0.1))).text
    assert "5.0 seconds" in (await heard(recognizer, sound(9.0))).text


async def test_one_process_serves_calls_that_speak_at_once(recognizer: MoonshineRecognizer) -> None:
    lengths = [0.6 + 0.2 * n for n in range(12)]
    transcripts = await asyncio.gather(*(heard(recognizer, sound(length)) for length in lengths))
    for length, transcript in zip(lengths, transcripts, strict=True):
        assert f"{length:.1f} seconds" in transcript.text
    assert len(recognizer.worker_pids) == 1


async def test_partial_results_come_while_somebody_speaks(recognizer: MoonshineRecognizer) -> None:
    told: asyncio.Queue[Transcript] = asyncio.Queue()
    utterance = recognizer.open(Expectation(), told.put_nowait)
    utterance.feed(sound(0.7))
    async with asyncio.timeout(20):
        first = await told.get()
        utterance.feed(sound(0.7))
        second = await told.get()
        await utterance.finish()
    assert (first.text, first.is_final) == ("on thursday at 2:30 0.7 seconds", False)
    assert "1.4 seconds" in second.text
    assert told.empty()


async def test_a_glance_tells_what_the_end_would_and_the_utterance_goes_on(
    recognizer: MoonshineRecognizer,
) -> None:
    utterance = recognizer.open(Expectation())
    utterance.feed(sound(1.0))
    async with asyncio.timeout(20):
        glimpsed = await utterance.glance()
        utterance.feed(sound(1.0))
        final = await utterance.finish()
        assert await utterance.glance() is None
    assert glimpsed is not None
    assert ("1.0 seconds" in glimpsed.text, glimpsed.is_final, glimpsed.audio_seconds) == (True, True, 1.0)
    assert "2.0 seconds" in final.text


async def test_a_glance_given_up_takes_nobody_elses_time(recognizer: MoonshineRecognizer) -> None:
    utterance = recognizer.open(Expectation())
    utterance.feed(sound(1.0))
    looks = [asyncio.ensure_future(utterance.glance()) for _ in range(5)]
    await asyncio.sleep(0)
    for look in looks:
        look.cancel()
    await asyncio.gather(*looks, return_exceptions=True)
    async with asyncio.timeout(20):
        assert (await utterance.finish()).accepted
    assert all(look.cancelled() for look in looks)


async def test_who_has_finished_comes_before_who_may_have(recognizer: MoonshineRecognizer) -> None:
    speaking = [recognizer.open(Expectation()) for _ in range(4)]
    finished = recognizer.open(Expectation())
    for utterance in (*speaking, finished):
        utterance.feed(sound(1.0))
    told: list[str] = []

    async def look(utterance: UtteranceStream) -> None:
        assert await utterance.glance()
        told.append("glance")

    async def finish() -> None:
        await finished.finish()
        told.append("final")

    async with asyncio.timeout(20):
        await asyncio.gather(*map(look, speaking), finish())
    assert told == ["final", *["glance"] * 4]


async def test_a_glance_that_waited_until_the_speech_ended_is_not_decoded(
    recognizer: MoonshineRecognizer,
) -> None:
    utterance, other = recognizer.open(Expectation()), recognizer.open(Expectation())
    utterance.feed(sound(1.0, CRASHED))
    other.feed(sound(1.0))
    look = asyncio.ensure_future(utterance.glance())
    await asyncio.sleep(0)
    utterance.cancel()
    async with asyncio.timeout(20):
        assert await look is None
        assert (await other.finish()).accepted


async def test_partial_results_become_rarer_the_longer_somebody_speaks(files: dict[str, Path]) -> None:
    recognizer = MoonshineRecognizer(files, threads=1, max_seconds=30.0)
    await recognizer.start()
    told: asyncio.Queue[Transcript] = asyncio.Queue()
    decoded = 0.0
    utterance = recognizer.open(Expectation(), told.put_nowait)
    for _ in range(40):
        utterance.feed(sound(0.5))
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                decoded += (await told.get()).audio_seconds
    utterance.cancel()
    await recognizer.close()
    assert 0 < decoded < 100, "every second of 20 s would be 210 s"


async def test_what_the_network_refuses_fails_that_utterance_alone(recognizer: MoonshineRecognizer) -> None:
    pids = recognizer.worker_pids
    with pytest.raises(SpeechError, match="gave up"):
        await heard(recognizer, sound(1.0, REFUSED))
    assert (await heard(recognizer, sound(1.0))).accepted
    assert recognizer.worker_pids == pids


@pytest.mark.parametrize("level", [CRASHED, HUNG])
async def test_a_process_that_dies_or_hangs_is_replaced_and_the_caller_goes_on_at_once(
    recognizer: MoonshineRecognizer, level: float
) -> None:
    pids = recognizer.worker_pids
    with pytest.raises(SpeechError):
        await heard(recognizer, sound(1.0, level))
    with pytest.raises(SpeechError, match="no worker"):
        recognizer.open(Expectation())
    await until_it_listens_again(recognizer)
    assert recognizer.worker_pids != pids
    assert (await heard(recognizer, sound(1.0))).accepted


async def test_a_long_utterance_may_take_longer_than_a_short_one(recognizer: MoonshineRecognizer) -> None:
    with pytest.raises(SpeechError, match=r"said nothing for 2\.5 s"):
        await heard(recognizer, sound(3.0, HUNG))
    await until_it_listens_again(recognizer)


async def test_a_process_killed_while_idle_costs_one_utterance(recognizer: MoonshineRecognizer) -> None:
    (pid,) = recognizer.worker_pids
    utterance = recognizer.open(Expectation())
    utterance.feed(sound(1.0))
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(SpeechError):
        await utterance.finish()
    await until_it_listens_again(recognizer)
    assert (await heard(recognizer, sound(1.0))).accepted


async def test_a_process_that_dies_while_nobody_speaks_is_replaced_before_anybody_does(
    recognizer: MoonshineRecognizer,
) -> None:
    (pid,) = recognizer.worker_pids
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        while recognizer.worker_pids in ((pid,), ()):  # noqa: ASYNC110  its supervision tells nobody
            await asyncio.sleep(0.01)
    assert (await heard(recognizer, sound(1.0))).accepted


async def test_a_pool_whose_processes_do_not_stay_up_refuses_at_once_and_goes_on_trying(
    recognizer: MoonshineRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = asyncio.Queue[int]()

    def at_once(failed: int) -> float:
        failures.put_nowait(failed)
        return 0.0

    monkeypatch.setattr("models.stt.moonshine.pause_before_retry", at_once)
    begun = recognizer.open(Expectation())
    begun.feed(sound(1.0))
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # no interpreter starts
    os.kill(recognizer.worker_pids[0], signal.SIGKILL)
    async with asyncio.timeout(20):
        while await failures.get() < 12:
            with pytest.raises(SpeechError, match=r"no moonshine worker stays up \(last: .*trying again"):
                recognizer.open(Expectation())
        with pytest.raises(SpeechError, match="trying again"):
            await begun.finish()
        monkeypatch.delenv("PYTHONHOME")
    await until_it_listens_again(recognizer)
    assert (await heard(recognizer, sound(1.0))).accepted


async def test_a_cancelled_utterance_is_over(recognizer: MoonshineRecognizer) -> None:
    utterance = recognizer.open(Expectation())
    utterance.feed(sound(1.0))
    utterance.cancel()
    utterance.cancel()
    utterance.feed(sound(1.0))
    with pytest.raises(SpeechError, match="cancelled"):
        await utterance.finish()
    assert (await heard(recognizer, sound(1.0))).accepted


async def test_more_than_can_wait_are_refused(recognizer: MoonshineRecognizer) -> None:
    utterances = [recognizer.open(Expectation()) for _ in range(80)]
    for utterance in utterances:
        utterance.feed(sound(0.5))
    outcomes = await asyncio.gather(*(u.finish() for u in utterances), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, SpeechError)]
    assert 10 <= len(refused) <= 16
    assert all("start more" in str(error) for error in refused)
    assert sum(isinstance(outcome, Transcript) for outcome in outcomes) == 80 - len(refused)


async def test_closing_fails_what_waits_and_ends_the_process(files: dict[str, Path]) -> None:
    recognizer = MoonshineRecognizer(files, threads=1, patience=20.0)
    await recognizer.start()
    stuck, waiting = recognizer.open(Expectation()), recognizer.open(Expectation())
    stuck.feed(sound(1.0, HUNG))
    waiting.feed(sound(1.0))
    results = [asyncio.ensure_future(utterance.finish()) for utterance in (stuck, waiting)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await recognizer.close()
        outcomes = await asyncio.gather(*results, return_exceptions=True)
    assert all(isinstance(outcome, SpeechError) for outcome in outcomes)
    assert recognizer.worker_pids == ()
    with pytest.raises(SpeechError):
        recognizer.open(Expectation())


async def test_files_that_cannot_be_used_are_told_at_start(files: dict[str, Path]) -> None:
    files["tokens.txt"].write_bytes(b"garbage")
    recognizer = MoonshineRecognizer(files, workers=2)
    with pytest.raises(SpeechError, match=r"tokens\.txt failed"):
        await recognizer.start()
    assert recognizer.worker_pids == ()
