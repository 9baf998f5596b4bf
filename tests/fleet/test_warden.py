"""What becomes of the calls of a worker that died, over real records and a phone network that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import respx
from sqlalchemy import func, update
from sqlalchemy.exc import OperationalError

from telephony.errors import CallGone, RestUnavailable
from telephony.webhook import CallStatus
from voice_agent.access.workspaces import default_workspace
from voice_agent.call import events
from voice_agent.call.events import CallEvent
from voice_agent.call.record_writer import RecordWriter
from voice_agent.call.records import CallRecords
from voice_agent.fleet.live import RemoteCall
from voice_agent.fleet.register import Register, Standing
from voice_agent.fleet.tables import CallWorkerRow
from voice_agent.fleet.warden import READING, Warden
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.ports import OperatorMode
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database

pytestmark = pytest.mark.postgres

SID = "CA" + "1" * 32
OTHER = "CA" + "2" * 32
NOWHERE = "http://127.0.0.1:1"
APOLOGY = "<Response><Say>sorry</Say></Response>"


@dataclass
class Rest:
    """The phone network's REST API, with one call in it."""

    status: CallStatus = CallStatus.IN_PROGRESS
    update_fails: Exception | None = None
    broken_for: str = ""
    told: list[tuple[str, str]] = field(default_factory=list)
    first_told: asyncio.Event = field(default_factory=asyncio.Event)

    async def call_status(self, call_sid: str) -> CallStatus:
        return self.status

    async def update_call_twiml(self, call_sid: str, twiml: str) -> None:
        if self.update_fails is not None:
            raise self.update_fails
        if call_sid == self.broken_for:
            raise RuntimeError("nobody thought of this")
        self.told.append((call_sid, twiml))
        self.first_told.set()


class Records(CallRecords):
    """Records of which some cannot be read, or only late; remembers which were read from end to end."""

    def __init__(
        self,
        database: Database,
        *,
        unreadable: Collection[str] = (),
        late: Collection[str] = (),
        until: asyncio.Event | None = None,
    ) -> None:
        super().__init__(database)
        self.unreadable, self.late, self.until = set(unreadable), set(late), until
        self.read_whole: list[str] = []

    async def events(self, call_sid: str, *, after: int = 0, limit: int | None = None) -> list[CallEvent]:
        if call_sid in self.unreadable:
            raise OperationalError("SELECT", None, Exception("gone away"))
        if call_sid in self.late and self.until is not None:
            await self.until.wait()
        if limit is None:
            self.read_whole.append(call_sid)
        return await super().events(call_sid, after=after, limit=limit)


def told_so_far(process: str, *more: CallEvent, sid: str = SID) -> list[CallEvent]:
    """The beginning of a call, numbered."""
    now = datetime.now(UTC) - timedelta(seconds=10)
    begun = [events.SessionStart(process=process, caller_id="+14155550134", called="+14155550100"), *more]
    return [
        event.model_copy(update={"call_sid": sid, "seq": n, "at": now, "t": float(n)})
        for n, event in enumerate(begun, 1)
    ]


class House:
    """A surviving process with a dead neighbour called ``w1``."""

    def __init__(self, database: Database, folder: Path, rest: Rest) -> None:
        self.database = database
        self.own = EventBus()
        self.records = CallRecords(database)
        self.writer = RecordWriter(database, self.own, folder)
        self.seen: dict[str, RemoteCall] = {}
        self.unlooked_at = ""
        self.rest = rest

    async def bury(self, url: str = NOWHERE) -> list[CallEvent]:
        """Let ``w1`` be silent for long; what is recorded of the call when its warden is done."""
        assert await self.left_after(url) == ()
        return await self.records.events(SID)

    async def left_after(self, url: str) -> tuple[str, ...]:
        """Let ``w1``, reached at ``url``, be silent for long; who is in the register when its warden is
        done."""
        gone = Register(self.database, "w1", url, lambda: Standing(1, 1, True))
        await gone.beat()
        async with self.database.session() as session:
            await session.execute(update(CallWorkerRow).values(seen_at=func.now() - timedelta(seconds=60)))
        register = Register(self.database, "c1", "http://c1", None)
        await register.beat()
        escalations = EscalationRecords(self.database, await default_workspace(self.database))
        warden = Warden(
            register,
            self.records,
            escalations,
            cast(Any, self.rest),
            self.own,
            seen=self._seen_of,
            document=APOLOGY,
            patience_s=0.0,
        )
        warden.look_around()
        async with asyncio.timeout(20):
            await warden.finished()
        await warden.close()
        await register.beat()
        assert await self.writer.flush()
        return tuple(worker.id for worker in register.workers)

    def _seen_of(self, process: str) -> dict[str, RemoteCall]:
        if process == self.unlooked_at:
            raise RuntimeError("nobody thought of this")
        return self.seen if process == "w1" else {}

    async def record(self, *happened: CallEvent) -> None:
        for event in happened:
            self.own.publish(event)
        assert await self.writer.flush()


@pytest.fixture
async def house(postgres: Database, tmp_path: Path) -> AsyncIterator[House]:
    house = House(postgres, tmp_path, Rest())
    yield house
    await house.writer.close()


def ending(record: list[CallEvent]) -> tuple[str, str]:
    """What was done for the caller, and the completion reason; the record has no hole."""
    assert [event.seq for event in record] == list(range(1, len(record) + 1))
    degraded, end = record[-2:]
    assert isinstance(degraded, events.Degraded)
    assert isinstance(end, events.SessionEnd)
    return degraded.rung, end.completion_reason


async def test_the_caller_hears_an_apology_and_the_record_gets_its_end(house: House) -> None:
    await house.record(*told_so_far("w1", events.StateTransition(from_state="", to_state="greet")))
    assert ending(await house.bury()) == ("apology", "error")
    assert house.rest.told == [(SID, APOLOGY)]
    found = await house.records.call(SID)
    assert found is not None
    assert found.completion_reason == "error"


async def test_what_was_seen_and_never_recorded_is_recorded_now(house: House) -> None:
    whole = told_so_far("w1", *(events.StateTransition(from_state="", to_state=f"s{n}") for n in range(5)))
    await house.record(*whole[:2])
    start = whole[0]
    assert isinstance(start, events.SessionStart)
    remote = house.seen[SID] = RemoteCall("w1", start)
    for event in whole:
        remote.apply(event)
    record = await house.bury()
    assert record[: len(whole)] == whole
    assert ending(record) == ("apology", "error")


async def test_a_conversation_between_two_people_is_left_alone(house: House) -> None:
    await house.record(
        *told_so_far(
            "w1",
            events.OperatorJoined(operator_id="op1", name="Ada"),
            events.OperatorModeSwitched(operator_id="op1", mode=OperatorMode.TAKEOVER),
        )
    )
    assert ending(await house.bury()) == ("operator", "error")
    assert house.rest.told == []


@pytest.mark.parametrize(
    ("status", "fails", "expected"),
    [
        (CallStatus.COMPLETED, None, ("none", "caller_hangup")),
        (CallStatus.IN_PROGRESS, CallGone("update call", 404), ("none", "caller_hangup")),
        (CallStatus.IN_PROGRESS, RestUnavailable("update call", 503), ("none", "error")),
    ],
)
async def test_every_record_ends_whatever_the_network_says(
    house: House, status: CallStatus, fails: Exception | None, expected: tuple[str, str]
) -> None:
    house.rest.status, house.rest.update_fails = status, fails
    await house.record(*told_so_far("w1"))
    assert ending(await house.bury()) == expected


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>Bad Gateway</html>"),
        httpx.Response(200, content=b"\xff"),
        httpx.Response(200, json=["ok"]),
        httpx.Response(200, json={"status": "ok", "process": "w9"}),
        httpx.Response(200, json={"status": "ok"}),
    ],
)
async def test_whoever_answers_in_a_dead_workers_place_does_not_keep_its_callers_waiting(
    house: House, answer: httpx.Response
) -> None:
    await house.record(*told_so_far("w1"))
    with respx.mock as network:
        network.get("http://w1.test/healthz").mock(answer)
        record = await house.bury("http://w1.test")
    assert ending(record) == ("apology", "error")


@pytest.mark.parametrize("status", [200, 503])
async def test_a_worker_that_answers_in_its_own_name_keeps_its_calls(house: House, status: int) -> None:
    await house.record(*told_so_far("w1"))
    with respx.mock as network:
        network.get("http://w1.test/healthz").mock(httpx.Response(status, json={"process": "w1"}))
        assert await house.left_after("http://w1.test") == ("w1",)
    assert house.rest.told == []


async def test_a_record_that_cannot_be_read_costs_no_other_caller_the_apology(house: House) -> None:
    await house.record(*told_so_far("w1", sid=OTHER), *told_so_far("w1"))
    house.records = records = Records(house.database, unreadable={OTHER})
    assert await house.left_after(NOWHERE) == ("w1",)
    assert house.rest.told == [(SID, APOLOGY)]
    records.unreadable.clear()  # a minute later, when somebody claims the worker again
    await house.record()
    assert await house.left_after(NOWHERE) == ()
    assert house.rest.told == [(SID, APOLOGY), (OTHER, APOLOGY)]


async def test_a_failure_that_nobody_foresaw_stays_with_its_call(house: House) -> None:
    await house.record(*told_so_far("w1", sid=OTHER), *told_so_far("w1"))
    house.rest.broken_for = OTHER
    assert await house.left_after(NOWHERE) == ("w1",)
    assert house.rest.told == [(SID, APOLOGY)]


async def test_a_caller_is_told_before_the_other_calls_are_read(house: House) -> None:
    others = [f"CA{n:032}" for n in range(READING)]
    await house.record(*told_so_far("w1"), *(event for sid in others for event in told_so_far("w1", sid=sid)))
    house.records = Records(house.database, late=set(others[1:]), until=house.rest.first_told)
    assert await house.left_after(NOWHERE) == ()
    assert sorted(sid for sid, _ in house.rest.told) == sorted([SID, *others])


async def test_the_records_of_other_workers_calls_are_not_read(house: House) -> None:
    await house.record(*told_so_far("w2", sid=OTHER), *told_so_far("w1"))
    house.records = records = Records(house.database)
    assert await house.left_after(NOWHERE) == ()
    assert records.read_whole == [SID]


async def test_what_one_dead_worker_left_does_not_keep_the_callers_of_another_waiting(house: House) -> None:
    await Register(house.database, "w0", NOWHERE, lambda: Standing(1, 1, True)).beat()
    house.unlooked_at = "w0"
    await house.record(*told_so_far("w1"))
    assert await house.left_after(NOWHERE) == ("w0",)
    assert house.rest.told == [(SID, APOLOGY)]


async def test_calls_of_those_who_live_are_not_touched(house: House) -> None:
    await house.record(*told_so_far("w2"))
    assert [event.type for event in await house.bury()] == ["session_start"]
    assert house.rest.told == []
