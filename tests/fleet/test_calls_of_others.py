"""What a console knows of calls that other processes carry, and that it forgets them when they are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from voice_agent.call import events
from voice_agent.call.events import CallEvent
from voice_agent.call.record_writer import RecordWriter
from voice_agent.call.records import CallRecords, EventPlace
from voice_agent.fleet.live import FleetLiveCalls
from voice_agent.operators.no_live_calls import NoLiveCalls
from voice_agent.operators.ports import NoSuchCall, OperatorBusy, OperatorLeg, OperatorMode
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database

SID = "CA" + "1" * 32
TICK = events.SessionInfo(name="tick")
END = events.SessionEnd(completion_reason="error", duration_seconds=3.0)


class Records(CallRecords):
    """Records that fail when they are told to, and say how often somebody has begun to follow."""

    broken = False

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.begun: asyncio.Queue[None] = asyncio.Queue()

    async def places_after(self, row_id: int, *, limit: int = 200) -> list[EventPlace]:
        if self.broken:
            self.broken = False
            raise RuntimeError("nobody thought of this")
        return await super().places_after(row_id, limit=limit)

    async def unfinished(self) -> list[Any]:
        found = await super().unfinished()
        self.begun.put_nowait(None)
        return found


@dataclass
class Console:
    """A process that looks at the calls of others: their records, and what came of them by the bus."""

    live: FleetLiveCalls
    records: Records
    writer: RecordWriter
    theirs: EventBus
    everywhere: EventBus
    seqs: dict[str, int] = field(default_factory=dict)

    def numbered(self, *happened: CallEvent, sid: str = SID) -> list[CallEvent]:
        first = self.seqs.get(sid, 0) + 1
        self.seqs[sid] = first + len(happened) - 1
        return [
            event.model_copy(update={"call_sid": sid, "seq": seq, "at": datetime.now(UTC)})
            for seq, event in enumerate(happened, first)
        ]

    async def recorded(self, *happened: CallEvent) -> None:
        for event in self.numbered(*happened):
            self.theirs.publish(event)
        assert await self.writer.flush()

    def told(self, *happened: CallEvent) -> None:
        for event in self.numbered(*happened):
            self.everywhere.publish(event)

    async def until(self, test: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not test():  # noqa: ASYNC110 - the picture has no event for it
                await asyncio.sleep(0.01)


@pytest.fixture
async def console(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Console]:
    monkeypatch.setattr("voice_agent.fleet.live.RETRY_S", 0.01)
    theirs, everywhere, records = EventBus(), EventBus(), Records(database)
    writer = RecordWriter(database, theirs, tmp_path)
    live = FleetLiveCalls("c1", NoLiveCalls(), records, everywhere, cast(Any, None))
    console = Console(live, records, writer, theirs, everywhere)
    await console.recorded(
        events.SessionStart(process="w1"),
        events.OperatorJoined(operator_id="ada", name="Ada"),
    )
    starting = asyncio.create_task(live.start())
    await console.until(lambda: everywhere.readers > 0)
    everywhere.publish(TICK)
    await starting
    await records.begun.get()
    assert [call.call_sid for call in live.active()] == [SID]
    yield console
    await live.close()
    await writer.close()


async def joins_another(console: Console) -> None:
    """Ada joins a call that nobody knows: raises what keeps her from it."""
    leg = OperatorLeg("ada", "Ada", "client:ada")
    await console.live.join("CAother", leg, OperatorMode.LISTEN)


async def test_an_operator_is_on_one_call_in_the_whole_installation(console: Console) -> None:
    with pytest.raises(OperatorBusy, match=SID):
        await joins_another(console)


async def test_a_call_that_ended_while_nobody_followed_holds_no_operator(console: Console) -> None:
    await console.recorded(END)
    console.records.broken = True
    console.seqs[SID] += 5
    console.told(TICK)  # something is missing: the records are read, and fail
    async with asyncio.timeout(10):
        await console.records.begun.get()
    with pytest.raises(NoSuchCall):
        await joins_another(console)


async def test_an_end_ends_a_call_whatever_its_number(console: Console) -> None:
    await console.recorded(*[TICK] * 5, events.StateTransition(from_state="", to_state="greet"))
    console.told(TICK)  # something is missing: the records are read
    await console.until(lambda: console.live.get(SID).state == "greet")
    console.everywhere.publish(END.model_copy(update={"call_sid": SID, "seq": 4}))
    await console.until(lambda: not console.live.active())


async def test_the_calls_of_a_worker_that_left_are_forgotten_when_it_is_sure_that_it_left(
    console: Console,
) -> None:
    for workers, calls in (({"w1"}, 1), ({"w2"}, 1), ({"w1"}, 1), (set[str](), 1), (set[str](), 0)):
        console.live.compare(workers)
        assert len(console.live.active()) == calls
    with pytest.raises(NoSuchCall):
        await joins_another(console)
