"""What a conference tells about itself, to whom, and in which order."""

from __future__ import annotations

from telephony.emulator import CallStatus, Switches
from telephony.emulator.tones import SAY_HZ

from .sound import heard_from, seconds_with
from .virtual_world import VirtualWorld

EVENTS = "start end join leave mute hold modify announcement speaker"
CALLBACKS = {
    "ConferenceStatusCallback": "https://app.example/conf",
    "ConferenceStatusCallbackEvent": EVENTS,
}


async def test_callbacks_come_in_order_with_the_first_participants_values() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room("alice", "bob", **CALLBACKS)
        base = f"/Conferences/{room}/Participants/alice.json"
        world.create(base, Muted="true")
        world.create(base, Muted="false")
        world.create(base, Hold="true")
        world.create(base, Hold="false")
        world.create(base, EndConferenceOnExit="true")
        await phones["alice"].hang_up()
        await world.run(world.emulator.callbacks_delivered())
        seen = [f for f in world.at("/conf") if "speech" not in f["StatusCallbackEvent"]]
        assert [f["StatusCallbackEvent"] for f in seen] == [
            "participant-join",
            "participant-join",
            "conference-start",
            "participant-mute",
            "participant-unmute",
            "participant-hold",
            "participant-unhold",
            "participant-modify",
            "participant-leave",
            "participant-leave",
            "conference-end",
        ]
        numbers = [int(f["SequenceNumber"]) for f in world.at("/conf")]
        assert numbers == list(range(len(numbers)))
        joined, muted = seen[0], seen[3]
        assert joined["ParticipantLabel"] == "alice"
        assert joined["FriendlyName"] == "room"
        assert joined["ConferenceSid"] == room
        assert (joined["Muted"], muted["Muted"]) == ("false", "true")
        leave, end = seen[8], seen[10]
        assert leave["ReasonParticipantLeft"] == "participant_hung_up"
        assert leave["ParticipantCallStatus"] == "completed"
        assert seen[9]["ReasonParticipantLeft"] == "moderator_ended_conference"
        assert end["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-left"
        assert end["CallSidEndingConference"] == phones["alice"].sid
        assert end["ParticipantLabelEndingConference"] == "alice"


async def test_a_later_participant_cannot_take_the_callbacks_over() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone("+12025550188")
        await world.room("alice")
        world.participant("room", "+12025550188", **CALLBACKS)
        await world.pass_time(0.5)
        assert world.at("/conf") == []


async def test_leave_may_come_after_end() -> None:
    async with VirtualWorld(switches=Switches(leave_before_end=False)) as world:
        phones, _ = await world.room("alice", "bob", EndConferenceOnExit="true", **CALLBACKS)
        await phones["alice"].hang_up()
        await world.run(world.emulator.callbacks_delivered())
        events = [f["StatusCallbackEvent"] for f in world.at("/conf") if "speech" not in str(f)]
        assert events[-3:] == ["conference-end", "participant-leave", "participant-leave"]


async def test_a_speaking_participant_is_reported() -> None:
    async with VirtualWorld() as world:
        phones, _ = await world.room("alice", "bob", **CALLBACKS)
        await world.pass_time(0.5)
        for phone in phones.values():
            phone.be_quiet()
        await world.pass_time(1.5)
        events = [f["StatusCallbackEvent"] for f in world.at("/conf") if "speech" in f["StatusCallbackEvent"]]
        assert sorted(events[:2]) == ["participant-speech-start"] * 2
        assert sorted(events[2:]) == ["participant-speech-stop"] * 2


async def test_an_announcement_is_heard_by_all_or_by_one() -> None:
    async with VirtualWorld() as world:
        world.twiml["/announce"] = "<Say>attention</Say>"
        phones, room = await world.room("alice", "bob", **CALLBACKS)
        world.create(f"/Conferences/{room}.json", AnnounceUrl="https://app.example/announce")
        await world.pass_time(1.0)
        assert all(seconds_with(phone.heard, SAY_HZ) > 0.3 for phone in phones.values())
        before = len(phones["bob"].heard)
        world.create(
            f"/Conferences/{room}/Participants/alice.json", AnnounceUrl="https://app.example/announce"
        )
        await world.pass_time(1.0)
        assert heard_from(phones["bob"].heard[before:], SAY_HZ) is None
        assert heard_from(phones["alice"].heard[before:], SAY_HZ) is not None
        ends = [f for f in world.at("/conf") if f["StatusCallbackEvent"] == "announcement-end"]
        assert [f["AnnounceUrl"] for f in ends] == ["https://app.example/announce"] * 2


async def test_ending_by_rest_sends_everybody_away() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room("alice", "bob", **CALLBACKS)
        world.create(f"/Conferences/{room}.json", Status="completed")
        for phone in phones.values():
            assert await world.run(phone.ended()) is CallStatus.COMPLETED
        await world.run(world.emulator.callbacks_delivered())
        last = world.at("/conf")[-1]
        assert last["ReasonConferenceEnded"] == "conference-ended-via-api"
        status, _ = world.rest("POST", f"/Conferences/{room}.json", Status="completed")
        assert status == 404


async def test_a_rest_leg_with_a_taken_label_ends_and_is_reported() -> None:
    async with VirtualWorld() as world:
        await world.room("alice", "bob", **CALLBACKS)
        world.emulator.register_phone("+12025550188")
        created = world.participant("room", "+12025550188", Label="bob")
        leg = world.emulator.exchange.legs[created["call_sid"]]
        await world.run(leg.ended)
        await world.pass_time(0.1)
        left = [f for f in world.at("/conf") if f.get("CallSid") == leg.sid]
        assert [f["ReasonParticipantLeft"] for f in left] == ["participant_add_failed"]


async def test_an_announcement_that_cannot_be_fetched_is_reported() -> None:
    async with VirtualWorld() as world:
        _, room = await world.room("alice", **CALLBACKS)
        world.create(f"/Conferences/{room}.json", AnnounceUrl="https://app.example/missing")
        await world.run(world.emulator.callbacks_delivered())
        await world.pass_time(0.1)
        failed = world.at("/conf")[-1]
        assert failed["StatusCallbackEvent"] == "announcement-fail"
        assert failed["AnnounceUrl"] == "https://app.example/missing"
        assert failed["ReasonAnnouncementFailed"]
