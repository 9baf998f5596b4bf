"""Two call workers and a console, each a process of its own, over one PostgreSQL and one phone network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from telephony.emulator import EventKind, PhoneBehaviour, PhoneCall
from tests.fleet.conftest import Fleet, Watcher, sees_workers
from tests.system.operators_kit import OPERATOR_HZ, frames_with, heard, hears_tone, tone
from voice_agent.call.records import CallRecords

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]

OTHER = "+14155550191"
AGENT_HZ = 400.0
"""The stub voice."""
PUSHED_WITHIN_S = 0.5


@pytest_asyncio.fixture(loop_scope="module")
async def console(fleet: Fleet) -> AsyncIterator[Watcher]:
    """An event stream that is open."""
    async with fleet.watched() as watcher:
        async with asyncio.timeout(20):
            await watcher.connected.wait()
        yield watcher


async def started(console: Watcher, call: PhoneCall) -> Any:
    return await console.wait_for(lambda e: e.call_sid == call.sid and e.type == "session_start")


async def one_on_each(fleet: Fleet, console: Watcher) -> list[PhoneCall]:
    """Two calls that different workers carry: with equal room either may be given a call."""
    await sees_workers(fleet.console, len(fleet.workers))
    found: dict[str, PhoneCall] = {}
    for number in ("+14155550134", OTHER, "+14155550192", "+14155550193", "+14155550194"):
        call = await fleet.ring(number)
        process = (await started(console, call)).process
        if process in found:
            await hung_up(console, call)
        else:
            found[process] = call
        if len(found) == len(fleet.workers):
            return list(found.values())
    raise AssertionError("all calls went to the same worker")


async def greeted(console: Watcher, call: PhoneCall) -> None:
    await console.wait_for(lambda e: e.call_sid == call.sid and e.type == "agent_transcript")


async def answers_a_question(fleet: Fleet, call: PhoneCall) -> None:
    """The agent replies to whoever speaks."""
    await call.play(fleet.question)
    await hears_tone(call, AGENT_HZ, within=10)


def address(url: object) -> str:
    """The process that a socket's address names."""
    return str(url).replace("ws://", "http://").partition("/twilio/")[0]


def tap_address(fleet: Fleet, call: PhoneCall) -> str:
    opened = fleet.emulator.log.of_kind(EventKind.STREAM_OPENING)
    [url] = [e.details["url"] for e in opened if e.call_sid == call.sid]
    return address(url)


async def hung_up(console: Watcher, *calls: PhoneCall) -> None:
    for call in calls:
        await call.hang_up()
        await console.wait_for(lambda e, sid=call.sid: e.call_sid == sid and e.type == "session_end")


async def recorded(fleet: Fleet, call: PhoneCall) -> list[Any]:
    """The record of a call, once its end is in it."""
    records = CallRecords(fleet.database)
    async with asyncio.timeout(20):
        while True:
            found = await records.events(call.sid)
            if found and found[-1].type == "session_end":
                return found
            await asyncio.sleep(0.1)


async def test_calls_are_spread_and_their_sockets_reach_the_worker_that_carries_them(
    fleet: Fleet, console: Watcher
) -> None:
    calls = [await fleet.ring(number) for number in ("+14155550134", OTHER)]
    starts = [await started(console, call) for call in calls]
    assert starts[0].process != starts[1].process
    for call in calls:
        await greeted(console, call)
    workers = sorted(worker.url for worker in fleet.workers)
    assert sorted(tap_address(fleet, call) for call in calls) == workers
    mouths = [e.details["url"] for e in fleet.emulator.log.of_kind(EventKind.STREAM_OPENING)]
    assert sorted(address(url) for url in mouths if url.endswith("/agent")) == workers
    await hung_up(console, *calls)
    fleet.emulator.assert_no_violations()


async def test_a_console_takes_over_a_call_on_each_worker_and_hands_both_back(
    fleet: Fleet, console: Watcher
) -> None:
    people = dict(zip(("ada", "ben"), await one_on_each(fleet, console), strict=True))
    phones = {}
    for name, call in people.items():
        await greeted(console, call)
        address = f"client:operator_{fleet.operators[name].hex}"
        phones[name] = fleet.emulator.register_phone(address, PhoneBehaviour(after_s=0.1))
    assert {item["call_sid"] for item in await fleet.queue()} == {call.sid for call in people.values()}

    for name, call in people.items():
        answer = await fleet.act(name, "join-call", call_sid=call.sid, mode="takeover")
        assert answer.status_code == 200, answer.text
        async with asyncio.timeout(10):
            line = await phones[name].call_number()
        await line.answered()
        assert answer.json()["participant_call_sid"] == line.sid
        await console.wait_for(
            lambda e, sid=call.sid: (
                e.call_sid == sid and e.type == "operator_mode_switched" and e.mode == "takeover"
            )
        )
        begin = len(call.heard)
        saying = line.play(tone(OPERATOR_HZ, 1.0))
        await hears_tone(call, OPERATOR_HZ, since=begin)
        await saying
        sound = await heard(call, 0.5)
        assert frames_with(sound, AGENT_HZ) == []

    taken = await fleet.act("ada", "join-call", call_sid=people["ben"].sid, mode="listen")
    assert taken.status_code == 409

    for name, call in people.items():
        begin = len(call.heard)
        assert (await fleet.act(name, "leave-call", call_sid=call.sid)).status_code == 200
        await hears_tone(call, AGENT_HZ, within=10, since=begin)
    await hung_up(console, *people.values())
    for call in people.values():
        record = await recorded(fleet, call)
        assert [event.seq for event in record] == list(range(1, len(record) + 1))
        assert [e.status for e in record if e.type.startswith("escalation_")] == [
            "requested",
            "connected",
            "handback",
            "completed",
        ]
        assert [e.seq for e in console.of(call.sid)] == [e.seq for e in record]
    fleet.emulator.assert_no_violations()


async def test_guidance_and_facts_reach_a_call_in_another_process(fleet: Fleet, console: Watcher) -> None:
    call = await fleet.ring()
    await greeted(console, call)
    fleet.emulator.register_phone(f"client:operator_{fleet.operators['ada'].hex}", PhoneBehaviour())
    assert (await fleet.act("ada", "send-guidance", call_sid=call.sid, message="x")).status_code == 400
    await fleet.act("ada", "join-call", call_sid=call.sid, mode="listen")
    await console.wait_for(lambda e: e.call_sid == call.sid and e.type == "operator_joined")
    guided = await fleet.act("ada", "send-guidance", call_sid=call.sid, message="say: we close early")
    assert guided.json() == {"call_sid": call.sid, "status": "delivered"}
    told = await fleet.ask("POST", f"sessions/{call.sid}/inject", message="the lab called back")
    assert told.json()["status"] == "delivered"
    notes = [e for e in console.of(call.sid) if e.type == "guidance"]
    assert [(e.kind, e.status) for e in notes] == [("guidance", "delivered"), ("external_event", "delivered")]
    await hung_up(console, call)
    gone = await fleet.act("ada", "join-call", call_sid=call.sid, mode="listen")
    assert gone.status_code == 404


async def test_events_are_pushed_to_a_console_of_another_process(fleet: Fleet, console: Watcher) -> None:
    calls = [await fleet.ring(number) for number in ("+14155550134", OTHER)]
    for call in calls:
        await greeted(console, call)
        await answers_a_question(fleet, call)
    await hung_up(console, *calls)
    sids = {call.sid for call in calls}
    late = [(s, e.type) for s, e in zip(console.late_s, console.seen, strict=True) if e.call_sid in sids]
    assert len(late) > 40
    # Had they been fetched from the database, half of them would be a second late and more.
    assert float(np.median([seconds for seconds, _ in late])) <= PUSHED_WITHIN_S, sorted(late)[-5:]


async def test_when_the_bus_is_down_calls_go_on_and_the_console_says_so(
    fleet: Fleet, console: Watcher
) -> None:
    call = await fleet.ring()
    await greeted(console, call)
    await fleet.bus_wire.cut()
    await console.wait_for(lambda e: e.type == "degraded" and e.part == "bus")
    assert (await fleet.problems())[0].startswith("The bus between the processes is down")
    assert (await fleet.act("ada", "join-call", call_sid=call.sid, mode="listen")).status_code == 503
    guided = await fleet.act("ada", "send-guidance", call_sid=call.sid, message="slow down")
    assert guided.json()["status"] == "failed"
    await answers_a_question(fleet, call)
    await console.wait_for(lambda e: e.call_sid == call.sid and e.type == "turn_completed", within=10)

    await fleet.bus_wire.mend()
    await console.wait_for(lambda e: e.type == "session_info" and e.name == "bus_restored")
    await fleet.all_well()
    joined = await fleet.act("ada", "join-call", call_sid=call.sid, mode="listen")
    assert joined.status_code == 200
    await hung_up(console, call)
    record = await recorded(fleet, call)
    assert [e.seq for e in console.of(call.sid)] == [e.seq for e in record]


async def test_when_the_database_is_down_calls_go_on_and_nothing_of_them_is_lost(
    fleet: Fleet, console: Watcher
) -> None:
    call = await fleet.ring()
    await greeted(console, call)
    for wire in (fleet.database_wire, fleet.bus_wire):
        await wire.cut()
    await console.wait_for(lambda e: e.type == "degraded" and e.part == "bus")
    assert (await fleet.ask("GET", "operators/queue")).status_code == 503
    await answers_a_question(fleet, call)
    for wire in (fleet.database_wire, fleet.bus_wire):
        await wire.mend()
    await fleet.all_well()
    await answers_a_question(fleet, call)
    await hung_up(console, call)
    record = await recorded(fleet, call)
    assert [event.seq for event in record] == list(range(1, len(record) + 1))
    assert [e.seq for e in console.of(call.sid)] == [e.seq for e in record]
    assert sum(event.type == "turn_completed" for event in record) == 2
    assert record[-1].completion_reason == "caller_hangup"


async def test_callers_of_a_killed_worker_hear_an_apology_and_the_others_notice_nothing(
    fleet: Fleet, console: Watcher
) -> None:
    calls = await one_on_each(fleet, console)
    starts = {call.sid: (await started(console, call)).process for call in calls}
    for call in calls:
        await greeted(console, call)
    [victim] = [worker for worker in fleet.workers if worker.url == tap_address(fleet, calls[0])]
    await victim.kill()
    await answers_a_question(fleet, calls[1])
    lost = await console.wait_for(lambda e: e.type == "degraded" and e.part == "worker", within=30)
    assert (lost.call_sid, lost.rung) == (calls[0].sid, "apology")
    end = await console.wait_for(lambda e: e.call_sid == calls[0].sid and e.type == "session_end")
    assert end.completion_reason == "error"
    await answers_a_question(fleet, calls[1])
    async with asyncio.timeout(20):
        assert await calls[0].ended() == "completed"
    verbs = [e.details.get("verb") for e in fleet.emulator.log.of_call(calls[0].sid)]
    assert [verb for verb in verbs if verb][-2:] == ["Say", "Hangup"]

    assert [item["call_sid"] for item in await fleet.queue()] == [calls[1].sid]
    third = await fleet.ring()
    assert (await started(console, third)).process == starts[calls[1].sid]
    await hung_up(console, calls[1], third)
    record = await recorded(fleet, calls[0])
    assert [event.seq for event in record] == list(range(1, len(record) + 1))
