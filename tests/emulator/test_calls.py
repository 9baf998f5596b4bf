"""Calls made by REST: progress, pace, machines, updates, and their ends."""

from __future__ import annotations

import time

import pytest

from telephony.emulator import Answer, CallStatus, EventKind, FaultKind, Limits, PhoneBehaviour

from .sound import heard_from, tone
from .virtual_world import NUMBER, VirtualWorld

PATIENT = "+12025550170"
ALL = ["initiated", "ringing", "answered", "completed"]
CALLBACK = {"StatusCallback": "https://app.example/status", "StatusCallbackEvent": ALL}
HANG_UP = "<Response><Hangup/></Response>"
STAY = '<Response><Pause length="60"/></Response>'


def call(world: VirtualWorld, **form: str | list[str]) -> dict[str, str]:
    return world.create("/Calls.json", **{"To": PATIENT, "From": NUMBER, "Twiml": HANG_UP, **form})


async def finished(world: VirtualWorld, sid: str) -> CallStatus:
    status = await world.run(world.emulator.exchange.legs[sid].ended)
    await world.run(world.emulator.callbacks_delivered())
    return status


async def test_progress_is_told_in_order() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT)
        created = call(world, **CALLBACK)
        assert created["status"] == "queued"
        assert created["direction"] == "outbound-api"
        assert await finished(world, created["sid"]) is CallStatus.COMPLETED
        told = world.at("/status")
        assert [f["CallStatus"] for f in told] == ["initiated", "ringing", "in-progress", "completed"]
        assert [f["SequenceNumber"] for f in told] == ["0", "1", "2", "3"]
        assert {f["CallbackSource"] for f in told} == {"call-progress-events"}
        assert [f.get("StirStatus") for f in told] == [None, "A", "A", None]
        assert told[-1]["Duration"] == "0"
        assert told[-1]["CallDuration"] == "0"
        assert all(f["Timestamp"].endswith("+0000") for f in told)


async def test_only_the_end_is_told_by_default() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT)
        created = call(world, StatusCallback="https://app.example/status")
        await finished(world, created["sid"])
        assert [f["CallStatus"] for f in world.at("/status")] == ["completed"]


@pytest.mark.parametrize(
    ("answer", "status", "sip"),
    [
        (Answer.BUSY, "busy", "486"),
        (Answer.REJECTS, "busy", "603"),
        (Answer.NO_ANSWER, "no-answer", "487"),
        (Answer.UNREACHABLE, "failed", "404"),
    ],
)
async def test_a_call_that_is_not_answered_ends_as_it_should(answer: Answer, status: str, sip: str) -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT, PhoneBehaviour(answer=answer))
        created = call(world, Timeout="10", **CALLBACK)
        assert await finished(world, created["sid"]) == status
        last = world.at("/status")[-1]
        assert (last["CallStatus"], last["SipResponseCode"], last["CallDuration"]) == (status, sip, "0")
        assert "Duration" not in last


async def test_an_unregistered_number_is_unreachable() -> None:
    async with VirtualWorld() as world:
        assert await finished(world, call(world)["sid"]) is CallStatus.FAILED


async def test_calls_beyond_the_rate_wait_in_silence() -> None:
    async with VirtualWorld(limits=Limits(calls_per_second=2.0)) as world:
        world.emulator.register_phone(PATIENT)
        created = [call(world, **CALLBACK) for _ in range(4)]
        assert [c["queue_time"] for c in created] == ["0", "500", "1000", "1500"]
        for item in created:
            await finished(world, item["sid"])
        starts = [t for path, f, t in world.requests if f.get("CallStatus") == "initiated"]
        assert [later - starts[0] for later in starts] == pytest.approx([0.0, 0.5, 1.0, 1.5], abs=0.05)


async def test_participants_take_the_same_queue() -> None:
    async with VirtualWorld(limits=Limits(calls_per_second=1.0)) as world:
        world.emulator.register_phone(PATIENT)
        first = world.participant("room", PATIENT)
        second = world.participant("room", PATIENT)
        assert (first["queue_time"], second["queue_time"]) == ("0", "1000")
        assert first["status"] == "queued"


async def test_a_full_account_refuses_more_calls() -> None:
    async with VirtualWorld(limits=Limits(calls_per_second=100.0, concurrent_calls=1)) as world:
        world.emulator.register_phone(PATIENT)
        world.twiml["/voice"] = '<Pause length="10"/>'
        busy = await world.emulator.place_call()
        await world.run(busy.answered())
        status, body = world.rest("POST", "/Calls.json", To=PATIENT, From=NUMBER, Twiml=HANG_UP)
        assert (status, body["code"]) == (429, 10004)
        second = await world.emulator.place_call()
        assert await world.run(second.ended()) is CallStatus.BUSY


async def test_send_digits_come_before_the_twiml() -> None:
    async with VirtualWorld() as world:
        phone = world.emulator.register_phone(PATIENT)
        created = call(world, SendDigits="w5", Twiml="<Response><Say>hello</Say></Response>")
        await finished(world, created["sid"])
        heard = phone.calls[0].heard
        assert heard_from(heard, 770) == pytest.approx(0.5, abs=0.05)
        assert heard_from(heard, 440) == pytest.approx(0.7, abs=0.05)


# --- machines --------------------------------------------------------------------------------------


async def test_the_verdict_holds_the_twiml_up() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(
            PATIENT, PhoneBehaviour(answered_by="machine_start", verdict_after_s=3.0)
        )
        world.twiml["/outbound"] = "<Hangup/>"
        created = world.create(
            "/Calls.json",
            To=PATIENT,
            From=NUMBER,
            Url="https://app.example/outbound",
            MachineDetection="Enable",
        )
        await finished(world, created["sid"])
        _, fields, at = world.requests[0]
        assert fields["AnsweredBy"] == "machine_start"
        assert fields["MachineDetectionDuration"] == "3000"
        assert at == pytest.approx(3.1, abs=0.1)
        _, body = world.rest("GET", f"/Calls/{created['sid']}.json")
        assert body["answered_by"] == "machine_start"


async def test_an_asynchronous_verdict_comes_later_and_the_twiml_at_once() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(
            PATIENT, PhoneBehaviour(answered_by="machine_start", greeting_s=4.0, says=tone(500, 4.0))
        )
        world.twiml["/outbound"] = '<Pause length="10"/>'
        world.create(
            "/Calls.json",
            To=PATIENT,
            From=NUMBER,
            Url="https://app.example/outbound",
            MachineDetection="DetectMessageEnd",
            AsyncAmd="true",
            AsyncAmdStatusCallback="https://app.example/amd",
        )
        await world.pass_time(8.0)
        (_, twiml, asked_at), (_, verdict, told_at) = world.requests
        assert "AnsweredBy" not in twiml
        assert asked_at == pytest.approx(0.1, abs=0.1)
        assert verdict["AnsweredBy"] == "machine_end_beep"
        assert verdict["MachineDetectionDuration"] == "4000"
        assert told_at == pytest.approx(4.1, abs=0.1)


async def test_a_verdict_that_takes_too_long_is_unknown() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT, PhoneBehaviour(verdict_after_s=50.0))
        created = call(world, MachineDetection="Enable", MachineDetectionTimeout="5")
        await finished(world, created["sid"])
        assert world.emulator.exchange.legs[created["sid"]].answered_by == "unknown"


async def test_a_participants_verdict_is_always_asynchronous() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT, PhoneBehaviour(answered_by="human"))
        world.participant(
            "room",
            PATIENT,
            MachineDetection="Enable",
            AmdStatusCallback="https://app.example/amd",
        )
        await world.pass_time(2.0)
        assert world.at("/amd")[0]["AnsweredBy"] == "human"


# --- updates ---------------------------------------------------------------------------------------


async def test_new_twiml_takes_a_leg_out_of_its_conference() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room(
            "alice",
            "bob",
            ConferenceStatusCallback="https://app.example/conf",
            ConferenceStatusCallbackEvent="leave",
        )
        world.create(f"/Calls/{phones['bob'].sid}.json", Twiml="<Response><Say>moved</Say></Response>")
        await world.run(phones["bob"].ended())
        await world.run(world.emulator.callbacks_delivered())
        left = world.at("/conf")[0]
        assert left["ReasonParticipantLeft"] == "participant_updated_via_api"
        assert left["ParticipantCallStatus"] == "in-progress"
        _, body = world.rest("GET", f"/Conferences/{room}/Participants.json")
        assert [p["label"] for p in body["participants"]] == ["alice"]


async def test_completing_a_live_call_ends_it() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT)
        created = call(world, Twiml=STAY)
        await world.run(world.emulator.exchange.legs[created["sid"]].answered)
        body = world.create(f"/Calls/{created['sid']}.json", Status="completed")
        assert body["status"] == "completed"


async def test_an_ended_call_cannot_be_updated() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT)
        created = call(world)
        await finished(world, created["sid"])
        for form in ({"Twiml": HANG_UP}, {"Status": "completed"}):
            status, body = world.rest("POST", f"/Calls/{created['sid']}.json", **form)
            assert (status, body["code"]) == (400, 21220)
            assert "not in-progress" in body["message"]


async def test_a_ringing_call_can_be_cancelled_and_a_live_one_cannot() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT, PhoneBehaviour(after_s=5.0))
        created = call(world, Twiml=STAY)
        await world.pass_time(1.0)
        assert world.create(f"/Calls/{created['sid']}.json", Status="canceled")["status"] == "canceled"
        second = call(world, Twiml=STAY)
        await world.run(world.emulator.exchange.legs[second["sid"]].answered)
        status, body = world.rest("POST", f"/Calls/{second['sid']}.json", Status="canceled")
        assert (status, body["code"]) == (400, 21220)


@pytest.mark.parametrize("update", [False, True])
async def test_the_time_limit_ends_a_call(update: bool) -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT)
        created = call(world, Twiml=STAY, **({} if update else {"TimeLimit": "5"}))
        leg = world.emulator.exchange.legs[created["sid"]]
        await world.run(leg.answered)
        await world.pass_time(1.0)
        if update:
            world.create(f"/Calls/{created['sid']}.json", TimeLimit="5")
        await finished(world, created["sid"])
        assert leg.duration_s == pytest.approx(5.0, abs=0.1)


async def test_deleting_needs_an_ended_call() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT)
        created = call(world)
        assert world.rest("DELETE", f"/Calls/{created['sid']}.json")[0] == 409
        await finished(world, created["sid"])
        assert world.rest("DELETE", f"/Calls/{created['sid']}.json")[0] == 204
        assert world.rest("GET", f"/Calls/{created['sid']}.json")[0] == 404


async def test_an_inbound_numbers_callback_comes_at_the_end_only() -> None:
    async with VirtualWorld() as world:
        number = world.emulator.exchange.account.numbers[NUMBER].value
        world.rest(
            "POST", f"/IncomingPhoneNumbers/{number.sid}.json", StatusCallback="https://app.example/status"
        )
        world.twiml["/voice"] = "<Pause length='70'/>"
        phone = await world.emulator.place_call()
        await world.run(phone.ended(timeout_s=100))
        await world.run(world.emulator.callbacks_delivered())
        told = world.at("/status")
        assert [f["CallStatus"] for f in told] == ["completed"]
        assert (told[0]["CallDuration"], told[0]["Duration"]) == ("70", "2")


async def test_a_late_and_a_failing_app_leg() -> None:
    async with VirtualWorld() as world:
        world.twiml["/agent"] = '<Pause length="30"/>'
        app = f"app:{world.emulator.config.application_sid}"
        world.emulator.faults.add(FaultKind.LATE_APP_LEG, value=3.0)
        late = world.participant("room", app, From="client:agent", Label="agent")
        leg = world.emulator.exchange.legs[late["call_sid"]]
        await world.run(leg.answered)
        assert world.clock.monotonic() == pytest.approx(3.0, abs=0.1)
        world.emulator.faults.add(FaultKind.FAIL_APP_LEG)
        failed = world.participant(
            "room2",
            app,
            From="client:agent",
            Label="agent",
            ConferenceStatusCallback="https://app.example/conf",
            ConferenceStatusCallbackEvent="leave",
            **CALLBACK,
        )
        assert await finished(world, failed["call_sid"]) is CallStatus.FAILED
        assert world.at("/status")[-1]["CallStatus"] == "failed"


async def test_an_app_leg_whose_twiml_fails_never_joins() -> None:
    async with VirtualWorld() as world:
        app = f"app:{world.emulator.config.application_sid}"
        created = world.participant("room", app, From="client:agent")
        assert await finished(world, created["call_sid"]) is CallStatus.FAILED
        assert world.emulator.log.of_kind(EventKind.PARTICIPANT_JOINED) == []


async def test_minutes_pass_at_more_than_twenty_times_real_time() -> None:
    async with VirtualWorld() as world:
        await world.room("alice", "bob", "carol")
        started = time.process_time()
        await world.pass_time(120.0)
        assert time.process_time() - started < 120.0 / 20
