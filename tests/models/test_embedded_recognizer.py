import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from models import stt
from models.expectation import AnswerKind, Expectation
from models.speech import Pcm, SpeechError, Transcript
from models.stt import EmbeddedRecognizer
from models.stt.messages import Message, pack_opening, tag, unpack_opening
from models.stt.recognizer import EmbeddedUtterance
from models.worker import WorkerProcess
from tests.models.speech_audio import clip, quiet
from voice_agent.cli.wav import read_wav

YES_NO = Expectation((AnswerKind.YES_NO,))
PEOPLE = Path(__file__).resolve().parent.parent / "people"


def person(name: str) -> Pcm:
    """A recorded person."""
    return read_wav(PEOPLE / f"{name}.wav")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def recognizer() -> AsyncIterator[EmbeddedRecognizer]:
    recognizer = EmbeddedRecognizer(1, max_seconds=6.0, patience=20.0)
    await recognizer.start()
    yield recognizer
    await recognizer.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def heard(
    recognizer: EmbeddedRecognizer, pcm: np.ndarray, expectation: Expectation = YES_NO
) -> Transcript:
    utterance = recognizer.open(expectation)
    for i in range(0, len(pcm), 160):
        utterance.feed(pcm[i : i + 160])
    async with asyncio.timeout(60):
        return await utterance.finish()


async def test_a_transcript_tells_length_source_and_that_it_is_final(recognizer: EmbeddedRecognizer) -> None:
    transcript = await heard(recognizer, clip("moment"))
    assert transcript.audio_seconds == pytest.approx(len(clip("moment")) / 8000)
    assert transcript.source == "embedded"
    assert transcript.is_final
    assert 0 <= transcript.confidence <= 1
    assert not set(transcript.text) & set("<>[]()")


async def test_free_speech_is_heard_in_part(recognizer: EmbeddedRecognizer) -> None:
    transcript = await heard(recognizer, np.concatenate([clip("trouble")[:28000], quiet(0.3)]), Expectation())
    assert {"having", "trouble", "speaking"} & set(transcript.text.split())


async def test_a_long_sentence_outside_the_grammar_is_not_accepted(recognizer: EmbeddedRecognizer) -> None:
    assert not (await heard(recognizer, clip("emergency"))).accepted


async def test_silence_is_no_accepted_answer(recognizer: EmbeddedRecognizer) -> None:
    transcript = await heard(recognizer, quiet(1.0))
    assert not (transcript.accepted and transcript.text)


async def test_an_utterance_without_audio_is_empty(recognizer: EmbeddedRecognizer) -> None:
    assert (await heard(recognizer, quiet(0))).text == ""


async def test_partials_come_before_the_end_and_say_so(recognizer: EmbeddedRecognizer) -> None:
    partials: list[Transcript] = []
    some = asyncio.Event()

    def note(partial: Transcript) -> None:
        partials.append(partial)
        some.set()

    utterance = recognizer.open(Expectation(), note)
    utterance.feed(clip("trouble"))
    async with asyncio.timeout(60):
        await some.wait()
        await utterance.finish()
    assert partials
    assert not any(partial.is_final for partial in partials)


async def test_what_exceeds_the_longest_utterance_is_not_heard(recognizer: EmbeddedRecognizer) -> None:
    assert (await heard(recognizer, quiet(8.0))).audio_seconds == 6.0


async def test_a_glance_tells_a_fitting_answer_and_the_utterance_goes_on(
    recognizer: EmbeddedRecognizer,
) -> None:
    expectation = Expectation((AnswerKind.PHRASES,), phrases=("half an hour", "two people", "book a room"))
    taken = asyncio.Event()
    utterance = recognizer.open(expectation, lambda _: taken.set())
    utterance.feed(np.concatenate([quiet(0.3), person("df_half_an_hour"), quiet(0.1)]))
    async with asyncio.timeout(60):
        await taken.wait()
        seen, again = await utterance.glance(), await utterance.glance()
        assert seen is not None
        assert again == seen
        assert (seen.text, seen.accepted) == ("half an hour", True)
        utterance.feed(quiet(0.2))
        assert (await utterance.finish()).text == "half an hour"
        assert await utterance.glance() is None


async def test_a_glance_tells_nothing_of_what_does_not_fit(recognizer: EmbeddedRecognizer) -> None:
    utterance = recognizer.open(YES_NO)
    utterance.feed(np.concatenate([quiet(0.3), person("df_half_an_hour"), quiet(0.1)]))
    async with asyncio.timeout(60):
        assert await utterance.glance() is None
    utterance.cancel()


async def test_a_killed_worker_costs_no_words(recognizer: EmbeddedRecognizer) -> None:
    before = await heard(recognizer, clip("moment"))
    utterance = recognizer.open(YES_NO)
    utterance.feed(clip("moment"))
    os.kill(recognizer.worker_pids[0], signal.SIGKILL)
    async with asyncio.timeout(60):
        after = await utterance.finish()
    assert after.text == before.text


async def test_a_cancelled_utterance_frees_its_worker_for_the_next(recognizer: EmbeddedRecognizer) -> None:
    given_up = recognizer.open(YES_NO)
    given_up.feed(clip("trouble"))
    given_up.cancel()
    given_up.cancel()
    with pytest.raises(SpeechError, match="cancelled"):
        await given_up.finish()
    assert (await heard(recognizer, clip("moment"))).is_final


async def test_utterances_wait_for_a_worker_and_all_get_one(recognizer: EmbeddedRecognizer) -> None:
    transcripts = await asyncio.gather(*(heard(recognizer, clip("moment")[:8000]) for _ in range(3)))
    assert len({transcript.text for transcript in transcripts}) == 1


async def test_a_hung_worker_is_replaced_and_the_utterance_answered() -> None:
    recognizer = EmbeddedRecognizer(1, patience=3.0)
    await recognizer.start()
    try:
        hung = recognizer.worker_pids
        utterance = recognizer.open(YES_NO)
        utterance.feed(clip("moment")[:8000])
        os.kill(hung[0], signal.SIGSTOP)
        async with asyncio.timeout(60):
            transcript = await utterance.finish()
        assert transcript.is_final
        assert recognizer.worker_pids != hung
    finally:
        await recognizer.close()


async def test_a_pool_whose_workers_do_not_stay_up_refuses_and_goes_on_trying(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures = asyncio.Queue[int]()

    def at_once(failed: int) -> float:
        failures.put_nowait(failed)
        return 0.0

    monkeypatch.setattr("models.stt.recognizer.pause_before_retry", at_once)
    recognizer = EmbeddedRecognizer(1)
    await recognizer.start()
    try:
        utterance = recognizer.open(YES_NO)
        utterance.feed(clip("moment")[:8000])
        monkeypatch.setenv("PYTHONHOME", "/nowhere")  # no interpreter starts
        os.kill(recognizer.worker_pids[0], signal.SIGKILL)
        async with asyncio.timeout(60):
            with pytest.raises(SpeechError, match=r"no recognizer worker stays up \(last: .*trying again"):
                await utterance.finish()
            while await failures.get() < 12:
                with pytest.raises(SpeechError, match="trying again"):
                    recognizer.open(YES_NO)
            monkeypatch.delenv("PYTHONHOME")
            while True:
                try:
                    again = recognizer.open(YES_NO)
                    break
                except SpeechError:
                    await asyncio.sleep(0.01)
            again.feed(clip("moment")[:8000])
            assert (await again.finish()).is_final
    finally:
        await recognizer.close()


class Listening:
    """A worker's end of the pipe that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, bytes]] = []

    def send(self, kind: int, payload: bytes = b"") -> None:
        self.told.append((kind, payload[4:]))


@pytest.mark.parametrize(("ended", "listener", "wanted"), [(0, 1, True), (1, 1, False), (0, 0, False)])
async def test_a_worker_is_told_all_that_was_said_at_once_and_whether_partials_are_wanted(
    ended: bool, listener: bool, wanted: bool
) -> None:
    utterance = EmbeddedUtterance(1, YES_NO, print if listener else None, 8000)
    for _ in range(3):
        utterance.feed(np.full(160, 7, np.int16))
    if ended:
        utterance.ended.set()
    worker = Listening()
    utterance.lease(worker)  # type: ignore[arg-type]
    opening, audio = worker.told[:2]
    assert (opening[0], unpack_opening(opening[1])) == (Message.OPEN, (YES_NO, wanted))
    assert audio == (Message.AUDIO, np.full(480, 7, "<i2").tobytes())
    assert [kind for kind, _ in worker.told[2:]] == [Message.FINISH] * ended


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_worker_computes_partials_only_for_who_wants_them(wanted: bool) -> None:
    worker = await WorkerProcess.start("models.stt.worker", str(Path(stt.__file__).parent))
    name = tag(1)
    worker.send(Message.OPEN, name + pack_opening(Expectation(), wanted))
    worker.send(Message.AUDIO, name + clip("trouble").astype("<i2").tobytes())
    worker.send(Message.FINISH, name)
    kinds = []
    async with asyncio.timeout(60):
        while not kinds or kinds[-1] != Message.FINAL:
            kinds.append((await worker.receive())[0])
    await worker.close()
    assert kinds == [Message.READY, *[Message.PARTIAL] * wanted, Message.FINAL]


async def test_a_pool_without_the_weights_of_its_ear_says_so_once_and_hears_all_the_same(
    tmp_path: Path,
) -> None:
    recognizer = EmbeddedRecognizer(2, patience=20.0, weights=tmp_path)
    with capture_logs() as logs:
        await recognizer.start()
    try:
        assert (await heard(recognizer, clip("moment")[:8000])).source == "pocketsphinx"
    finally:
        await recognizer.close()
    (warning,) = logs
    assert (warning["event"], warning["log_level"]) == ("recognizer_degraded", "warning")
    assert str(tmp_path) in warning["reason"]


async def test_a_recognizer_that_was_not_started_says_so() -> None:
    with pytest.raises(SpeechError, match="start it first"):
        EmbeddedRecognizer().open(YES_NO)


async def test_closing_twice_is_closing_once() -> None:
    recognizer = EmbeddedRecognizer(1)
    await recognizer.start()
    await recognizer.close()
    await recognizer.close()
    assert recognizer.worker_pids == ()
