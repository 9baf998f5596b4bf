"""What is said a breath after an answer that was taken already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from models.expectation import AnswerKind, Expectation
from models.speech import SAMPLE_RATE, SpeechError
from tests.call.fakes import ScriptedRecognizer
from voice_agent.call.ear import Ear, HeardSpeech
from voice_agent.call.leg_audio import LegAudio

DAY = Expectation((AnswerKind.DATE,), prompt="What day would work for you?")
TIMES = Expectation((AnswerKind.TIME,), prompt="Which one works for you?")


@dataclass
class Caller:
    """Says a day from second 1.0 to 1.6, which is taken as the answer; then something more."""

    recognizer: ScriptedRecognizer
    heard: list[HeardSpeech] = field(default_factory=list)

    def __post_init__(self) -> None:
        audio = LegAudio()
        audio.write(0, bytes(8 * SAMPLE_RATE))
        self.ear = Ear(
            audio,
            [self.recognizer],
            None,
            on_heard=self._on_heard,
            on_verdict=self._on_verdict,
            on_partial=lambda number, partial: None,
            on_degraded=lambda rung, reason: None,
        )

    async def answers_and_adds(self, start: float, end: float) -> HeardSpeech:
        self.ear.expectation = DAY
        await self._says(1.0, 1.6)
        self.ear.turn_over()
        self.ear.expectation = TIMES
        await self._says(start, end)
        return self.heard[-1]

    async def _says(self, start: float, end: float) -> None:
        self.ear.start(int(start * SAMPLE_RATE))
        self.ear.stop(int(end * SAMPLE_RATE))
        await self.ear.settled(10)

    async def _on_heard(self, heard: HeardSpeech) -> None:
        self.heard.append(heard)

    async def _on_verdict(self, number: int, verdict: float) -> None:
        pass


@pytest.fixture
def recognizer() -> ScriptedRecognizer:
    return ScriptedRecognizer()


@pytest.fixture
async def caller(recognizer: ScriptedRecognizer) -> AsyncIterator[Caller]:
    caller = Caller(recognizer)
    yield caller
    await caller.ear.close()


async def test_courtesy_is_heard_together_with_the_answer_it_belongs_to(
    caller: Caller, recognizer: ScriptedRecognizer
) -> None:
    recognizer.results = ["wednesday", "eight please", "wednesday please"]
    added = await caller.answers_and_adds(1.9, 2.3)
    assert (added.transcript.text, added.afterthought) == ("please", True)
    assert recognizer.expectations == [DAY, TIMES, DAY]


@pytest.mark.parametrize(("alone", "courtesy"), [("thank you", True), ("", False)])
async def test_what_is_clear_by_itself_is_not_heard_twice(
    caller: Caller, recognizer: ScriptedRecognizer, alone: str, courtesy: bool
) -> None:
    recognizer.results = ["wednesday", alone]
    added = await caller.answers_and_adds(1.9, 2.3)
    assert (added.transcript.text, added.afterthought) == (alone, courtesy)
    assert recognizer.expectations == [DAY, TIMES]


@pytest.mark.parametrize("both", ["wednesday no friday", "friday please", "wednesday"])
async def test_anything_else_is_heard_by_itself(
    caller: Caller, recognizer: ScriptedRecognizer, both: str
) -> None:
    recognizer.results = ["wednesday", "eight a m", both]
    added = await caller.answers_and_adds(1.9, 2.3)
    assert (added.transcript.text, added.afterthought) == ("eight a m", False)


@pytest.mark.parametrize(("start", "end"), [(2.3, 2.7), (1.9, 3.2)], ids=["late", "long"])
async def test_what_comes_late_or_lasts_is_an_answer_of_its_own(
    caller: Caller, recognizer: ScriptedRecognizer, start: float, end: float
) -> None:
    recognizer.results = ["wednesday", "eight a m"]
    added = await caller.answers_and_adds(start, end)
    assert (added.transcript.text, added.afterthought) == ("eight a m", False)


@pytest.mark.parametrize("result", [SpeechError("gone"), "hang", ""], ids=["fails", "hangs", "nothing"])
async def test_a_recognizer_that_cannot_tell_costs_only_the_afterthought(
    caller: Caller, recognizer: ScriptedRecognizer, result: str | Exception
) -> None:
    recognizer.results = ["wednesday", "eight a m", result]
    added = await caller.answers_and_adds(1.9, 2.3)
    assert (added.transcript.text, added.afterthought) == ("eight a m", False)
