"""Pacing, holding and stopping of the agent's audio."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.call.fakes import FakeNetwork
from voice_agent.call.ledger import AgentUtterance, PlaybackLedger
from voice_agent.call.mouth import LEAD_S, Mouth

CHUNK = b"\x80" * 320


class Scene:
    def __init__(self) -> None:
        self.over: list[AgentUtterance] = []
        self.recorded: list[float] = []
        self.discarded: list[float] = []
        self.mouth = Mouth(
            PlaybackLedger(self.over.append),
            on_audio=lambda utterance, payload, at: self.recorded.append(at),
            on_discard=self.discarded.append,
        )
        self.network = FakeNetwork()

    def begin(self, name: str = "a1", *, interruptible: bool = True) -> AgentUtterance:
        utterance = AgentUtterance(name, "some words", interruptible=interruptible)
        self.mouth.ledger.begin(utterance)
        return utterance

    async def speak(self, utterance: AgentUtterance, chunks: int) -> None:
        for _ in range(chunks):
            await self.mouth.write(utterance, CHUNK)
        self.mouth.end(utterance)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_audio_runs_ahead_of_playing_by_no_more_than_the_lead(scene: Scene) -> None:
    scene.mouth.bind(scene.network)
    utterance = scene.begin()
    began = time.monotonic()
    await scene.speak(utterance, 50)
    took = time.monotonic() - began
    assert took == pytest.approx(50 * 0.04 - LEAD_S, abs=0.15)


async def test_audio_without_a_socket_waits_for_one(scene: Scene) -> None:
    utterance = scene.begin()
    task = asyncio.create_task(scene.speak(utterance, 5))
    await asyncio.sleep(0)
    assert not scene.recorded
    scene.mouth.bind(scene.network)
    await asyncio.wait_for(task, 1)
    assert len(scene.recorded) == 5


async def test_stop_clears_in_the_same_tick_and_sends_nothing_more(scene: Scene) -> None:
    scene.mouth.bind(scene.network)
    utterance = scene.begin()
    task = asyncio.create_task(scene.speak(utterance, 100))
    await asyncio.sleep(0.05)
    sent = len(scene.network.sent_at)
    scene.mouth.stop()
    assert len(scene.network.clears) == 1
    await asyncio.wait_for(task, 1)
    assert len(scene.network.sent_at) == sent
    assert scene.over == [utterance]
    assert scene.discarded


async def test_hold_sends_nothing_and_release_goes_on(scene: Scene) -> None:
    scene.mouth.bind(scene.network)
    utterance = scene.begin()
    task = asyncio.create_task(scene.speak(utterance, 60))
    await asyncio.sleep(0.05)
    scene.mouth.hold()
    sent = len(scene.network.sent_at)
    await asyncio.sleep(0.2)
    assert len(scene.network.sent_at) - sent <= 1
    scene.mouth.release()
    await asyncio.wait_for(task, 3)
    assert len(scene.network.sent_at) == 60


async def test_stop_while_nothing_plays_sends_no_clear(scene: Scene) -> None:
    scene.mouth.bind(scene.network)
    scene.begin()
    scene.mouth.stop()
    assert not scene.network.clears


async def test_protected_speech_goes_on_and_what_follows_is_dropped(scene: Scene) -> None:
    scene.mouth.bind(scene.network)
    protected, later = scene.begin(interruptible=False), scene.begin("a2")
    await scene.speak(protected, 10)
    assert scene.mouth.stop() == [later]
    assert not scene.network.clears
    assert not protected.over


async def test_new_socket_gets_what_no_mark_acknowledged(scene: Scene) -> None:
    scene.mouth.bind(scene.network)
    utterance = scene.begin()
    await scene.speak(utterance, 20)
    scene.mouth.on_mark("a1:1600")
    second = FakeNetwork()
    scene.mouth.unbind(scene.network)
    scene.mouth.bind(second)
    audio = sum(len(p) for kind, p in second.queue if kind == "audio" and isinstance(p, bytes))
    assert audio == 20 * 320 - 1600
    assert second.queue[-1] == ("mark", "a1:6400")


async def test_lost_mark_does_not_hold_the_call_up_for_ever(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.mouth.bind(scene.network)
    utterance = scene.begin()
    await scene.speak(utterance, 2)
    assert scene.mouth.overdue() == []
    monkeypatch.setattr("voice_agent.call.mouth.OVERDUE_S", -1.0)
    assert scene.mouth.overdue() == [utterance]
    assert scene.over == [utterance]
