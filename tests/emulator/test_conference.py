"""Who hears whom, when a conference starts and ends, and what it tells about itself."""

from __future__ import annotations

import pytest

from telephony.emulator import CallStatus, EventKind, PhoneCall, Switches
from telephony.emulator.tones import BEEP_HZ, HOLD_MUSIC_HZ, SAY_HZ, WAIT_MUSIC_HZ

from .sound import Pcm, seconds_with, strength, tone
from .virtual_world import NUMBER, VirtualWorld

ALICE_HZ, BOB_HZ, CAROL_HZ = 500, 700, 900


def hears_now(call: PhoneCall, hertz: float) -> bool:
    """Whether the last 100 ms that a phone heard hold a tone."""
    return strength(call.heard[-800:], hertz) > 0.05


def first_sound(samples: Pcm) -> float:
    """Seconds until the first sample that is not silence."""
    assert samples.any()
    return float((samples != 0).argmax()) / 8000


async def test_everybody_hears_everybody_but_themselves() -> None:
    async with VirtualWorld() as world:
        phones, _ = await world.room("alice", "bob", "carol")
        await world.pass_time(0.5)
        tones = {"alice": ALICE_HZ, "bob": BOB_HZ, "carol": CAROL_HZ}
        for listener in phones:
            for speaker, hertz in tones.items():
                assert hears_now(phones[listener], hertz) == (listener != speaker)
        world.emulator.assert_no_violations()


async def test_a_muted_participant_hears_but_is_not_heard() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room("alice", "bob")
        world.create(f"/Conferences/{room}/Participants/alice.json", Muted="true")
        await world.pass_time(0.3)
        assert hears_now(phones["alice"], BOB_HZ)
        assert not hears_now(phones["bob"], ALICE_HZ)
        world.create(f"/Conferences/{room}/Participants/alice.json", Muted="false")
        await world.pass_time(0.3)
        assert hears_now(phones["bob"], ALICE_HZ)


async def test_a_participant_on_hold_hears_music_only_and_is_not_heard() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room("alice", "bob")
        world.create(f"/Conferences/{room}/Participants/alice.json", Hold="true")
        await world.pass_time(0.3)
        assert hears_now(phones["alice"], HOLD_MUSIC_HZ)
        assert not hears_now(phones["alice"], BOB_HZ)
        assert not hears_now(phones["bob"], ALICE_HZ)


async def test_hold_url_replaces_the_hold_music() -> None:
    async with VirtualWorld() as world:
        world.twiml["/hold"] = "<Say>please stay on the line, somebody will be with you soon</Say>"
        phones, room = await world.room("alice", "bob")
        world.create(
            f"/Conferences/{room}/Participants/alice.json", Hold="true", HoldUrl="https://app.example/hold"
        )
        await world.pass_time(0.5)
        assert hears_now(phones["alice"], SAY_HZ)


async def test_a_coach_is_heard_by_the_coached_leg_alone() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room("alice", "bob", "carol")
        alice = phones["alice"].sid
        world.create(f"/Conferences/{room}/Participants/carol.json", Coaching="true", CallSidToCoach=alice)
        await world.pass_time(0.3)
        assert hears_now(phones["alice"], CAROL_HZ)
        assert not hears_now(phones["bob"], CAROL_HZ)
        assert hears_now(phones["carol"], ALICE_HZ)
        assert hears_now(phones["carol"], BOB_HZ)


async def test_coaching_somebody_who_is_not_there_is_13240() -> None:
    async with VirtualWorld() as world:
        _, room = await world.room("alice", "bob")
        stranger = "CA" + "0" * 32
        status, body = world.rest(
            "POST", f"/Conferences/{room}/Participants/bob.json", Coaching="true", CallSidToCoach=stranger
        )
        assert (status, body["code"]) == (400, 13240)


async def test_dialling_in_with_a_bad_coach_goes_to_the_action_url() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = (
            f'<Dial action="/after"><Conference coach="CA{"0" * 32}">room</Conference></Dial>'
        )
        world.twiml["/after"] = "<Hangup/>"
        call = await world.emulator.place_call()
        await world.run(call.ended())
        assert world.at("/after")[0]["DialCallStatus"] == "failed"
        assert [n.code for n in world.emulator.log.notifications] == [13240]


@pytest.mark.parametrize(
    ("size", "delay_s"), [("off", 0.0), ("small", 0.18), ("medium", 0.28), ("large", 0.6)]
)
async def test_the_jitter_buffer_delays_what_a_participant_says(size: str, delay_s: float) -> None:
    async with VirtualWorld() as world:
        phones, _ = await world.room("alice", "bob", JitterBufferSize=size)
        for phone in phones.values():
            phone.be_quiet()
        await world.pass_time(1.0)
        said_from, heard_from_sample = len(phones["alice"].spoken), len(phones["bob"].heard)
        await world.run(phones["alice"].play(tone(400, 0.2)))
        await world.pass_time(1.0)
        said_at = first_sound(phones["alice"].spoken[said_from:])
        heard_at = first_sound(phones["bob"].heard[heard_from_sample:])
        assert heard_at - said_at == pytest.approx(delay_s, abs=0.021)


async def test_the_first_alone_hears_wait_music_until_the_conference_starts() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = "<Dial><Conference>room</Conference></Dial>"
        first = await world.emulator.place_call()
        await world.pass_time(0.5)
        assert hears_now(first, WAIT_MUSIC_HZ)
        await world.emulator.place_call(from_="+12025550124")
        await world.pass_time(0.5)
        assert not hears_now(first, WAIT_MUSIC_HZ)
        await world.run(world.emulator.log.wait_for(EventKind.CONFERENCE_STARTED))


async def test_an_empty_wait_url_is_silence() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = '<Dial><Conference waitUrl="" beep="false">room</Conference></Dial>'
        call = await world.emulator.place_call()
        await world.pass_time(0.5)
        assert not call.heard.any()
        assert len(call.heard) > 3000


async def test_wait_url_is_fetched_and_looped() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = '<Dial><Conference waitUrl="/wait">room</Conference></Dial>'
        world.twiml["/wait"] = "<Say>hello</Say><Pause length='1'/>"
        call = await world.emulator.place_call()
        await world.pass_time(3.0)
        assert 0.7 < seconds_with(call.heard, SAY_HZ) < 1.3  # 0.4 s in every 1.4 s
        world.emulator.assert_no_violations()


async def test_a_failing_wait_url_keeps_the_leg_out() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = '<Dial><Conference waitUrl="/missing">room</Conference></Dial><Hangup/>'
        call = await world.emulator.place_call()
        await world.run(call.ended())
        assert world.emulator.log.of_kind(EventKind.PARTICIPANT_JOINED) == []


async def test_nothing_starts_while_nobody_may_start_it() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room("alice", "bob", StartConferenceOnEnter="false")
        await world.pass_time(0.5)
        _, body = world.rest("GET", f"/Conferences/{room}.json")
        assert body["status"] == "init"
        assert not phones["bob"].heard.any()
        world.emulator.register_phone("+12025550188")
        world.participant("room", "+12025550188", Label="starter")
        await world.pass_time(0.5)
        assert hears_now(phones["bob"], ALICE_HZ)


async def test_a_beep_is_mixed_in_when_it_was_asked_for() -> None:
    async with VirtualWorld() as world:
        phones, _ = await world.room("alice", "bob", Beep="onEnter")
        phones["alice"].be_quiet()
        await world.pass_time(0.5)
        assert 0.3 < seconds_with(phones["alice"].heard, BEEP_HZ) < 0.5  # her own and bob's


async def test_when_an_ender_leaves_all_others_go_to_their_next_verb() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = (
            '<Dial><Conference endConferenceOnExit="true" waitUrl="">room</Conference></Dial>'
        )
        ender = await world.emulator.place_call()
        await world.run(ender.answered())
        world.twiml["/voice"] = '<Dial><Conference waitUrl="">room</Conference></Dial><Say>bye</Say>'
        other = await world.emulator.place_call(from_="+12025550124")
        await world.run(world.emulator.log.wait_for(EventKind.CONFERENCE_STARTED))
        await ender.hang_up()
        assert await world.run(other.ended()) is CallStatus.COMPLETED
        assert seconds_with(other.heard, SAY_HZ) > 0.3


async def test_a_taken_label_is_16025_and_the_leg_goes_on_with_its_next_verb() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = (
            '<Dial><Conference participantLabel="caller" waitUrl="">room</Conference></Dial><Say>taken</Say>'
        )
        await world.emulator.place_call()
        await world.pass_time(0.2)
        second = await world.emulator.place_call(from_="+12025550124")
        await world.run(second.ended())
        assert [n.code for n in world.emulator.log.notifications] == [16025]
        assert seconds_with(second.heard, SAY_HZ) > 0.3


async def test_a_kicked_leg_ends_and_vanishes_from_the_list() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room("alice", "bob", "carol")
        status, _ = world.rest("DELETE", f"/Conferences/{room}/Participants/bob.json")
        assert status == 204
        assert await world.run(phones["bob"].ended()) is CallStatus.COMPLETED
        _, body = world.rest("GET", f"/Conferences/{room}/Participants.json")
        assert [p["label"] for p in body["participants"]] == ["alice", "carol"]
        status, body = world.rest("GET", f"/Conferences/{room}/Participants/bob.json")
        assert (status, body["code"]) == (404, 20404)


async def test_a_name_is_good_for_create_only() -> None:
    async with VirtualWorld() as world:
        await world.room("alice", "bob")
        assert world.rest("GET", "/Conferences/room/Participants.json")[0] == 404
        assert world.rest("GET", "/Conferences/room.json")[0] == 404


async def test_a_second_conference_of_one_name_by_switch() -> None:
    async with VirtualWorld(switches=Switches(two_conferences_of_one_name=True)) as world:
        world.emulator.register_phone("+12025550188")
        created = world.participant("room", "+12025550188")
        world.twiml["/voice"] = '<Dial><Conference waitUrl="">room</Conference></Dial>'
        await world.emulator.place_call()
        await world.pass_time(1.0)
        joins = world.emulator.log.of_kind(EventKind.PARTICIPANT_JOINED)
        assert len({event.details["conference"] for event in joins}) == 2
        assert created["conference_sid"] in {event.details["conference"] for event in joins}


async def test_a_lone_rest_participant_hears_wait_audio_again_by_switch() -> None:
    async with VirtualWorld(switches=Switches(lone_participant_waits=True)) as world:
        world.twiml["/voice"] = "<Dial><Conference>room</Conference></Dial>"
        stays = await world.emulator.place_call()
        leaves = await world.emulator.place_call(from_="+12025550124")
        await world.pass_time(0.5)
        assert not hears_now(stays, WAIT_MUSIC_HZ)
        await leaves.hang_up()
        await world.pass_time(0.5)
        assert hears_now(stays, WAIT_MUSIC_HZ)


async def test_hangup_on_star_leaves_the_conference() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = (
            '<Dial hangupOnStar="true"><Conference waitUrl="">room</Conference></Dial><Say>left</Say>'
        )
        call = await world.emulator.place_call()
        await world.run(call.answered())
        call.press("*")
        assert await world.run(call.ended()) is CallStatus.COMPLETED
        assert seconds_with(call.heard, SAY_HZ) > 0.3


async def test_a_conference_recording_is_mono_and_begins_with_the_bridge() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room(
            "alice",
            "bob",
            ConferenceRecord="record-from-start",
            ConferenceTrim="do-not-trim",
            ConferenceRecordingStatusCallback="https://app.example/recording",
        )
        await world.pass_time(2.0)
        world.create(f"/Conferences/{room}.json", Status="completed")
        await world.run(world.emulator.callbacks_delivered())
        told = world.at("/recording")[0]
        assert told["RecordingChannels"] == "1"
        assert told["RecordingSource"] == "Conference"
        assert "CallSid" not in told
        recording = world.emulator.exchange.shelf.get(told["RecordingSid"])
        assert recording is not None
        samples = recording.samples()[0]
        assert strength(samples, ALICE_HZ) > 0.05
        assert strength(samples, BOB_HZ) > 0.05
        assert recording.duration_s == pytest.approx(2.1, abs=0.1)
        assert all(len(p.heard) for p in phones.values())


def test_the_number_of_the_account_is_the_default() -> None:
    assert VirtualWorld().emulator.config.numbers == ()
    assert NUMBER.startswith("+1")
