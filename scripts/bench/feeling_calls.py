"""Calls through the whole system, with and without listening for feelings: how soon they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.whole_system import NUMBER, whole_system
from models.speech import Pcm
from voice_agent.call import events
from voice_agent.store.bus import EventBus

TIMEOUT_S = 30.0


@dataclass
class Replies:
    """Reply latencies and times to the snapshot, in ms."""

    latencies_ms: list[float] = field(default_factory=list)
    snapshots_ms: list[float] = field(default_factory=list)

    def add(self, other: Replies) -> None:
        """Take in what another call measured."""
        self.latencies_ms += other.latencies_ms
        self.snapshots_ms += other.snapshots_ms


class _Seen:
    """Everything that a bus tells, to be waited for."""

    def __init__(self, bus: EventBus) -> None:
        self.events: list[events.CallEvent] = []
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._read(bus))

    async def _read(self, bus: EventBus) -> None:
        async for event in bus.subscribe():
            async with self._changed:
                self.events.append(event)
                self._changed.notify_all()

    async def until(self, test: Callable[[events.CallEvent], bool]) -> None:
        async with asyncio.timeout(TIMEOUT_S), self._changed:
            await self._changed.wait_for(lambda: any(test(event) for event in self.events))

    def close(self) -> None:
        self._task.cancel()


async def replies(folder: Path, pcm: Pcm, *, emotion: bool, turns: int) -> Replies:
    """One call of ``turns`` turns in which the caller says ``pcm``. Recognizer and voice are stubs: what is
    measured is everything around them."""
    async with whole_system(folder, emotion=emotion) as (application, emulator):
        seen = _Seen(application.bus)
        call = await emulator.place_call(to=NUMBER, from_="+14155550134")
        await call.answered()
        for turn in range(turns + 1):

            def answered(event: events.CallEvent, turn: int = turn) -> bool:
                return isinstance(event, events.AgentTranscript) and event.turn_index == turn

            await seen.until(answered)
            if turn < turns:
                await call.play(pcm)
        await call.hang_up()
        await seen.until(lambda event: isinstance(event, events.SessionEnd))
        seen.close()
        found = Replies()
        for event in seen.events:
            if isinstance(event, events.Latency) and not event.is_greeting:
                found.latencies_ms.append(event.e2e_ttfb_ms)
            elif isinstance(event, events.EmotionMeasured) and event.turn_index:
                found.snapshots_ms.append(event.snapshot_ms)
        return found
