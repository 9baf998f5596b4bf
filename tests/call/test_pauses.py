"""A pause that sounds like the end for sure needs no further silence as proof."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from models.expectation import AnswerKind, Expectation
from models.speech import Pcm
from tests.call.fakes import REFUSED, ScriptedRecognizer
from voice_agent.call.ear import Ear, HeardSpeech
from voice_agent.call.leg_audio import LegAudio
from voice_agent.call.turn_model import TurnModel

PAUSED_AT = 8000


class Opinion:
    """A turn model that always thinks the same."""

    def __init__(self) -> None:
        self.value = 0.95

    def probability(self, pcm: Pcm) -> float:
        return self.value


class Listening:
    """An ear that has heard one second of speech, and what it tells."""

    def __init__(self, turn_model: TurnModel) -> None:
        self.recognizer = ScriptedRecognizer(["i need an appointment"])
        self.sure = asyncio.Event()
        self.judged = asyncio.Event()
        self.heard = asyncio.Event()
        self.verdicts: list[float] = []
        self._turn_model = turn_model
        audio = LegAudio()
        audio.write(0, bytes(PAUSED_AT))
        self.ear = Ear(
            audio,
            [self.recognizer],
            turn_model,
            on_heard=self._on_heard,
            on_verdict=self._on_verdict,
            on_partial=lambda number, partial: None,
            on_sure=lambda said: self.sure.set(),
            on_degraded=lambda rung, reason: pytest.fail(reason),
        )

    def pauses(self) -> None:
        self.ear.start(0)
        self.ear.pause(PAUSED_AT)

    async def thought_over(self) -> None:
        """The turn model answers one after the other: behind its next answer the pause has been judged."""
        for _ in range(2):
            for _ in range(20):
                await asyncio.sleep(0)
            await self._turn_model.probability(LegAudio(), 0, 0)

    async def _on_heard(self, heard: HeardSpeech) -> None:
        self.heard.set()

    async def _on_verdict(self, number: int, verdict: float) -> None:
        self.verdicts.append(verdict)
        self.judged.set()


@pytest.fixture
def opinion() -> Opinion:
    return Opinion()


@pytest.fixture
async def listening(opinion: Opinion) -> AsyncIterator[Listening]:
    model = TurnModel(opinion)
    listening = Listening(model)
    yield listening
    await listening.ear.close()
    model.close()


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await event.wait()


async def test_a_sure_ending_is_told_in_the_pause_and_judged_only_once(
    listening: Listening, opinion: Opinion
) -> None:
    listening.pauses()
    await soon(listening.sure)
    opinion.value = 0.1
    listening.ear.stop(PAUSED_AT)
    await soon(listening.judged)
    await soon(listening.heard)
    assert listening.verdicts == [0.95]


@pytest.mark.parametrize(
    ("verdict", "sees", "expectation"),
    [
        (0.8, "", Expectation()),
        (0.95, REFUSED, Expectation()),
        (0.95, "", Expectation((AnswerKind.DIGITS,), digits=10)),
    ],
    ids=["not_sure", "no_words", "digits_come_in_groups"],
)
async def test_other_pauses_are_waited_out(
    listening: Listening, opinion: Opinion, verdict: float, sees: str, expectation: Expectation
) -> None:
    opinion.value = verdict
    listening.recognizer.sees = sees
    listening.ear.expectation = expectation
    listening.pauses()
    await listening.thought_over()
    assert not listening.sure.is_set()
    listening.ear.stop(PAUSED_AT)
    await soon(listening.judged)
    await soon(listening.heard)


async def test_who_goes_on_after_a_breath_is_not_cut_short(listening: Listening) -> None:
    listening.pauses()
    listening.ear.resume()
    await listening.thought_over()
    assert not listening.sure.is_set()
    listening.ear.pause(PAUSED_AT + 800)
    await soon(listening.sure)
    listening.ear.stop(PAUSED_AT + 800)
    await soon(listening.judged)
    assert listening.verdicts == [0.95]
