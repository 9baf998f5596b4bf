"""The robot patient: when it speaks, and when it does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from websockets.asyncio.client import ClientConnection

from telephony.g711 import encode_ulaw
from tests.cli.fake_practice import SILENCE, tone
from voice_agent.call.events import (
    AgentTranscript,
    AgentTranscriptDelta,
    CallEvent,
    StateTransition,
    ToolCallCompleted,
    ToolCallStarted,
)
from voice_agent.cli import patient as patients
from voice_agent.cli.patient import Patient
from voice_agent.cli.phone import Telephone
from voice_agent.cli.placing import FollowedCall
from voice_agent.practice.scenario import CallerLine, Manner, ScriptedCaller

VOICED = encode_ulaw(tone(0.02))
CLIP = tone(0.06)


class Wire:
    """A line without a network: what the test puts in is heard, what the patient says is kept."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.sent: list[str | bytes] = []
        self._news = asyncio.Event()

    async def send(self, message: str | bytes) -> None:
        self.sent.append(message)
        self._news.set()

    async def next_sent(self) -> None:
        """Return when the patient's telephone has sent a frame."""
        self._news.clear()
        await self._news.wait()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while True:
            yield await self.incoming.get()


class Stage:
    """A call whose agent the test plays."""

    def __init__(self, wire: Wire, call: FollowedCall, patient: Patient) -> None:
        self.wire = wire
        self.call = call
        self.patient = patient
        self._count = 0

    @property
    def said(self) -> list[str]:
        return [uttered.line.text for uttered in self.patient.uttered]

    def tell(self, *events: CallEvent) -> None:
        for event in events:
            self.call.take(event)

    async def hear(self, frame: bytes, seconds: float) -> None:
        """Let the patient hear something; sound passes faster than in life, as long as nobody speaks."""
        for _ in range(round(seconds / 0.02)):
            self.wire.incoming.put_nowait(frame)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            while self.call.phone.speaking:
                await self.wire.next_sent()

    async def agent_begins(self, text: str, seconds: float = 0.5, kind: str = "reply") -> str:
        self._count += 1
        name = f"a{self._count}"
        self.tell(AgentTranscriptDelta(utterance_id=name, text=text, kind=kind))
        await self.hear(VOICED, seconds)
        return name

    async def agent_says(self, text: str, kind: str = "reply") -> None:
        name = await self.agent_begins(text, kind=kind)
        self.tell(AgentTranscript(utterance_id=name, text=text, heard=text, kind=kind))
        await self.hear(SILENCE, 1.2)


@asynccontextmanager
async def stage(*lines: CallerLine) -> AsyncIterator[Stage]:
    wire = Wire()
    phone = Telephone(cast(ClientConnection, wire))
    call = FollowedCall(phone)
    voice: dict[str, npt.NDArray[np.int16]] = {line.text: CLIP for line in (*lines, patients.DENIAL)}
    patient = Patient(call, ScriptedCaller(lines), voice, "W204177")
    wire.incoming.put_nowait(json.dumps({"type": "answered", "call_sid": "CA1"}))
    work = [asyncio.create_task(step) for step in (phone.listen(), phone.pace(), patient.talk())]
    await asyncio.wait_for(phone.answered.wait(), 5)
    yield Stage(wire, call, patient)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)


def line(text: str, state: str, manner: Manner = Manner.ANSWER, **more: object) -> CallerLine:
    return CallerLine(text, (state,), manner=manner, **more)  # type: ignore[arg-type]


def moved(state: str) -> StateTransition:
    return StateTransition(from_state="", to_state=state)


async def test_answers_when_the_agent_has_finished() -> None:
    async with stage(line("Monday.", "day")) as play:
        play.tell(moved("day"))
        name = await play.agent_begins("Which day?")
        assert play.said == []
        play.tell(AgentTranscript(utterance_id=name, text="Which day?", heard="Which day?"))
        await play.hear(SILENCE, 1.2)
        assert play.said == ["Monday."]


async def test_a_filler_is_no_question() -> None:
    async with stage(line("Monday.", "day")) as play:
        play.tell(moved("day"))
        await play.agent_says("Let me check on that.", kind="filler")
        assert play.said == []
        await play.agent_says("Which day?")
        assert play.said == ["Monday."]


async def test_waits_while_a_tool_runs() -> None:
    async with stage(line("Monday.", "day")) as play:
        play.tell(moved("day"), ToolCallStarted(call_id="1", tool_name="search"))
        await play.agent_says("Which day?")
        assert play.said == []
        play.tell(
            ToolCallCompleted(call_id="1", tool_name="search", output={}, succeeded=True, duration_ms=9)
        )
        await play.hear(SILENCE, 0.1)
        assert play.said == ["Monday."]


async def test_a_question_asked_again_is_answered_again() -> None:
    async with stage(line("Monday.", "day")) as play:
        play.tell(moved("day"))
        await play.agent_says("Which day?")
        await play.agent_says("Sorry, which day?")
        assert play.said == ["Monday.", "Monday."]


async def test_gives_up_after_a_bounded_number_of_repetitions() -> None:
    async with stage(line("Monday.", "day")) as play:
        play.tell(moved("day"))
        for _ in range(patients.MOST_REPETITIONS + 1):
            await play.agent_says("Which day?")
        assert play.said == ["Monday."] * patients.MOST_REPETITIONS
        assert "Monday." in play.patient.gave_up


async def test_gives_up_on_a_practice_that_says_nothing() -> None:
    async with stage(line("Monday.", "day")) as play:
        await play.hear(SILENCE, patients.PATIENCE_S + 1)
        assert "heard nothing" in play.patient.gave_up


async def test_interrupts_after_the_time_that_the_script_says() -> None:
    lines = (line("No, Friday.", "offer", Manner.INTERRUPTION, after_s=1.0),)
    async with stage(*lines) as play:
        play.tell(moved("offer"))
        await play.agent_begins("On Monday I have nine and ten", 0.9)
        assert play.said == []
        await play.hear(VOICED, 0.3)
        assert play.said == ["No, Friday."]
        assert 0.95 <= play.patient.uttered[0].start <= 1.2


async def test_does_not_interrupt_the_sentence_before() -> None:
    lines = (line("No, Friday.", "offer", Manner.INTERRUPTION, after_s=0.5),)
    async with stage(*lines) as play:
        first = await play.agent_begins("I see your appointment.", 0.2)
        play.tell(moved("offer"))
        play.tell(AgentTranscriptDelta(utterance_id="next", text="On Monday I have nine."))
        await play.hear(VOICED, 1.0)
        assert play.said == []
        play.tell(AgentTranscript(utterance_id=first, text="x", heard="x"))
        await play.hear(VOICED, 0.7)
        assert play.said == ["No, Friday."]


async def test_assent_leaves_the_floor_to_the_agent() -> None:
    lines = (
        line("Mm-hmm.", "offer", Manner.BACKCHANNEL, after_s=0.3),
        line("The first one.", "offer"),
    )
    async with stage(*lines) as play:
        play.tell(moved("offer"))
        name = await play.agent_begins("I have nine and ten. Which one?", 1.0)
        assert play.said == ["Mm-hmm."]
        play.tell(AgentTranscript(utterance_id=name, text="x", heard="x"))
        await play.hear(SILENCE, 1.2)
        assert play.said == ["Mm-hmm.", "The first one."]


@pytest.mark.parametrize(
    ("read_back", "answer"),
    [("I have W 2 0, 4 1 7, 7. Is that right?", "Yes."), ("I have W Q 0, 4 1 7, 5 N. Is that right?", "No.")],
)
async def test_what_is_read_back_must_be_what_was_said(read_back: str, answer: str) -> None:
    async with stage(line("Yes.", "card")) as play:
        play.tell(moved("card"))
        await play.agent_says(read_back)
        assert play.said == [answer]


async def test_stays_silent_when_there_is_nothing_to_say() -> None:
    async with stage(line("Monday.", "day")) as play:
        play.tell(moved("elsewhere"))
        await play.agent_says("Goodbye.")
        await play.hear(SILENCE, 2.0)
        assert play.said == []
        assert play.patient.gave_up == ""


def spoken_frames(sent: Sequence[str | bytes]) -> list[bytes]:
    return [frame for frame in sent if isinstance(frame, bytes) and frame != SILENCE]


async def test_what_is_said_goes_out_as_20_ms_frames() -> None:
    async with stage(line("Monday.", "day")) as play:
        play.tell(moved("day"))
        await play.agent_says("Which day?")
        frames = spoken_frames(play.wire.sent)
        assert {len(frame) for frame in frames} == {160}
        assert b"".join(frames) == encode_ulaw(CLIP)
