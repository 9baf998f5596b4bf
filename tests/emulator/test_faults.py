"""Every fault that can be ordered, and what the application gets to see of it."""

from __future__ import annotations

import base64
import itertools

import pytest

from telephony.emulator import CallStatus, Emulator, EventKind, FaultKind, HttpReply, Limits

from .conference_app import ConferenceApp
from .conftest import Launch
from .virtual_world import VirtualWorld

CALLBACKS = {
    "ConferenceStatusCallback": "https://app.example/conf",
    "ConferenceStatusCallbackEvent": "start end join leave mute hold modify",
}
TAP = '<Start><Stream name="ear" url="wss://app.example/tap" statusCallback="/stream"/></Start>'


async def test_a_duplicate_webhook_arrives_twice_with_the_same_call(
    emulator: Emulator, app: ConferenceApp
) -> None:
    app.answers["/voice"] = lambda _: "<Hangup/>"
    emulator.faults.add(FaultKind.DUPLICATE_WEBHOOK, "/voice")
    call = await emulator.place_call()
    await call.ended()
    first, second = app.at("/voice")
    assert first["CallSid"] == second["CallSid"] == call.sid
    tokens = {webhook.headers["I-Twilio-Idempotency-Token"] for webhook in (first, second)}
    assert len(tokens) == 2


async def test_a_failing_webhook_never_reaches_the_application(
    emulator: Emulator, app: ConferenceApp
) -> None:
    emulator.faults.add(FaultKind.FAIL_WEBHOOK, "/voice", 500)
    call = await emulator.place_call()
    await call.answered()
    assert app.at("/voice") == []
    assert [n.code for n in emulator.log.notifications] == [11200]


async def told(world: VirtualWorld) -> list[tuple[str, int]]:
    await world.run(world.emulator.callbacks_delivered())
    return [(f["StatusCallbackEvent"], int(f["SequenceNumber"])) for f in world.at("/conf")]


async def test_callbacks_can_be_doubled() -> None:
    async with VirtualWorld() as world:
        world.emulator.faults.add(FaultKind.DUPLICATE_CALLBACK, "participant-join")
        await world.room("alice", "bob", **CALLBACKS)
        assert [name for name, _ in await told(world)].count("participant-join") == 3


async def test_callbacks_can_be_late_and_others_overtake_them() -> None:
    async with VirtualWorld() as world:
        world.emulator.faults.add(FaultKind.DELAY_CALLBACK, "participant-join", 2.0)
        await world.room("alice", "bob", **CALLBACKS)
        assert [number for _, number in await told(world)] == [1, 2, 0]


async def test_callbacks_can_swap_with_the_next() -> None:
    async with VirtualWorld() as world:
        world.emulator.faults.add(FaultKind.REORDER_CALLBACK, "participant-join")
        await world.room("alice", "bob", **CALLBACKS)
        assert [number for _, number in await told(world)] == [1, 0, 2]


async def test_a_swapped_callback_without_a_next_is_only_late() -> None:
    async with VirtualWorld() as world:
        world.emulator.faults.add(FaultKind.REORDER_CALLBACK, "participant-join")
        await world.room("alice", **CALLBACKS)
        assert [number for _, number in await told(world)] == [0]


async def test_callbacks_can_be_lost() -> None:
    async with VirtualWorld() as world:
        world.emulator.faults.add(FaultKind.LOSE_CALLBACK, "conference-start")
        await world.room("alice", "bob", **CALLBACKS)
        assert [number for _, number in await told(world)] == [0, 1]


async def test_a_callback_that_the_application_refuses_is_noted() -> None:
    async with VirtualWorld() as world:
        world.replies["/conf"] = HttpReply(500, "text/plain", b"")
        await world.room("alice", **CALLBACKS)
        await world.run(world.emulator.callbacks_delivered())
        assert [n.code for n in world.emulator.log.notifications] == [11200]
        world.emulator.assert_no_violations()


async def test_a_refused_socket_is_31920() -> None:
    async with VirtualWorld() as world:
        world.emulator.faults.add(FaultKind.REFUSE_STREAM, "ear")
        world.twiml["/voice"] = TAP + '<Pause length="2"/>'
        call = await world.emulator.place_call()
        await world.run(call.ended())
        assert [n.code for n in world.emulator.log.notifications] == [31920]
        assert world.sockets == []
        assert [f["StreamEvent"] for f in world.at("/stream")] == ["stream-error"]


async def test_a_lost_connection_has_no_stop(emulator: Emulator, app: ConferenceApp) -> None:
    emulator.faults.add(FaultKind.DROP_STREAM, "ear", 0.2)
    call = await emulator.place_call()
    ear = await app.stream("/media/tap")
    await ear.until(lambda: ear.close_code is not None)
    assert ear.of("stop") == []
    assert ear.close_code == 1006
    assert 5 <= len(ear.of("media")) <= 15
    assert call.status is CallStatus.IN_PROGRESS
    await emulator.callbacks_delivered()
    assert app.events("/stream", "StreamEvent") == ["stream-started", "stream-error", "stream-stopped"]
    assert 31903 in [n.code for n in emulator.log.notifications]


async def test_a_slow_reader_loses_audio_but_no_sequence_number() -> None:
    async with VirtualWorld(limits=Limits(calls_per_second=100, outbox_s=1.0)) as world:
        world.emulator.faults.add(FaultKind.SLOW_READER, "ear", 3.0)
        world.twiml["/voice"] = TAP + '<Pause length="5"/>'
        call = await world.emulator.place_call()
        await world.run(call.ended())
        await world.pass_time(0.1)
        ear = world.sockets[0]
        stamps = [int(m["media"]["timestamp"]) for m in ear.of("media")]
        gaps = [later - earlier for earlier, later in itertools.pairwise(stamps)]
        assert stamps[0] == pytest.approx(2000, abs=100)  # the oldest two of three seconds are gone
        assert max(gaps) == 20
        numbers = [int(m["sequenceNumber"]) for m in ear.messages[1:]]
        assert numbers == list(range(1, len(numbers) + 1))
        assert [n.code for n in world.emulator.log.notifications] == [31930]


async def test_lost_frames_leave_a_hole_in_the_timestamps_only() -> None:
    async with VirtualWorld() as world:
        world.emulator.faults.add(FaultKind.LOSE_MEDIA, "ear", 0.3)
        world.twiml["/voice"] = TAP + '<Pause length="10"/>'
        call = await world.emulator.place_call()
        await world.run(call.ended())
        await world.pass_time(0.1)
        media = [m["media"] for m in world.sockets[0].of("media")]
        assert 300 < len(media) < 400  # of 500
        assert [int(m["chunk"]) for m in media] == list(range(1, len(media) + 1))
        assert all(int(m["timestamp"]) % 20 == 0 for m in media)
        assert int(media[-1]["timestamp"]) > 9800


@pytest.mark.parametrize("kind", [FaultKind.JITTER_MEDIA, FaultKind.BURST_MEDIA])
async def test_jitter_and_bursts_delay_media_without_losing_any(kind: FaultKind) -> None:
    async with VirtualWorld() as world:
        world.emulator.faults.add(kind, "ear", 0.4)
        world.twiml["/voice"] = TAP + '<Pause length="5"/>'
        call = await world.emulator.place_call()
        await world.run(call.answered())
        await world.pass_time(0.3)
        if kind is FaultKind.BURST_MEDIA:
            assert world.sockets[0].of("media") == []
        await world.run(call.ended())
        await world.pass_time(0.1)
        media = [m["media"] for m in world.sockets[0].of("media")]
        assert [int(m["timestamp"]) for m in media] == [20 * n for n in range(len(media))]
        assert len(media) == pytest.approx(250, abs=3)
        assert {len(base64.b64decode(m["payload"])) for m in media} == {160}


@pytest.mark.parametrize(
    "moment",
    [
        EventKind.WEBHOOK_SENT,
        EventKind.WEBHOOK_ANSWERED,
        EventKind.CALL_ANSWERED,
        EventKind.STREAM_OPENING,
        EventKind.STREAM_STARTED,
        EventKind.PARTICIPANT_JOINED,
        EventKind.CONFERENCE_STARTED,
        EventKind.STREAM_FIRST_MEDIA,
        EventKind.STREAM_MARK_RETURNED,
    ],
)
async def test_the_caller_may_hang_up_at_any_point(
    launch: Launch, app: ConferenceApp, moment: EventKind
) -> None:
    emulator = await launch()

    async def speak(end: object) -> None:
        if end.path == "/media/agent":  # type: ignore[attr-defined]
            await end.started()  # type: ignore[attr-defined]
            await end.say(b"\x10" * 1600)  # type: ignore[attr-defined]
            await end.mark("m")  # type: ignore[attr-defined]

    app.serve_stream = speak
    emulator.faults.add(FaultKind.HANG_UP_CALLER, moment.value)
    call = await emulator.place_call()
    await call.ended()
    for leg in list(emulator.exchange.legs.values()):
        if leg.sid != call.sid and not leg.status.terminal:
            await app.rest("POST", f"/Calls/{leg.sid}.json", Status="completed")
            await leg.ended
    await emulator.callbacks_delivered()
    assert emulator.faults.waiting == []
    assert emulator.exchange.rooms.active() == []
    assert all(s.over for leg in emulator.exchange.legs.values() for s in leg.streams.values())
    emulator.assert_no_violations()


def test_a_fault_that_makes_no_sense_is_refused() -> None:
    world = VirtualWorld()
    with pytest.raises(ValueError, match="times >= 1"):
        world.emulator.faults.add(FaultKind.SLOW_WEBHOOK, times=0)
    with pytest.raises(ValueError):
        world.emulator.faults.add("no_such_fault")  # type: ignore[arg-type]
