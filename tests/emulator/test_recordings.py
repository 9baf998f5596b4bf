"""Recordings: on the leg's clock, paused, trimmed, told about, downloaded."""

from __future__ import annotations

import io
import wave

import aiohttp
import numpy as np
import pytest

from telephony.emulator import Emulator, PhoneCall

from .conference_app import ConferenceApp
from .sound import heard_from, seconds_with, strength, tone
from .virtual_world import VirtualWorld

START = (
    '<Start><Recording channels="dual" track="both" trim="do-not-trim" '
    'recordingStatusCallback="/recording" recordingStatusCallbackEvent="in-progress completed"/></Start>'
)


async def recorded(world: VirtualWorld, verbs: str) -> PhoneCall:
    world.twiml["/voice"] = verbs
    call = await world.emulator.place_call()
    await world.run(call.answered())
    return call


def shelf(world: VirtualWorld) -> list:
    return world.emulator.exchange.shelf.where(lambda recording: True)


async def test_left_is_the_caller_and_right_is_everybody_else_on_one_clock() -> None:
    async with VirtualWorld() as world:
        call = await recorded(world, START + '<Pause length="1"/><Say>one two</Say><Pause length="1"/>')
        await world.run(call.play(tone(900, 0.5)))
        await world.run(call.ended())
        left, right = shelf(world)[0].samples()
        assert len(left) == len(right)
        offset = len(call.heard) - len(right)
        assert 0 <= offset <= 320  # started within two ticks of the answer
        assert np.array_equal(right, call.heard[offset:])
        assert np.array_equal(left, call.spoken[offset:])
        assert strength(left[:4000], 900) > 0.1
        assert heard_from(right, 440) == pytest.approx(1.0, abs=0.05)
        assert strength(right, 900) < 0.001


async def test_the_callback_tells_where_and_how_long() -> None:
    async with VirtualWorld() as world:
        call = await recorded(world, START + '<Pause length="3"/>')
        await world.run(call.ended())
        await world.run(world.emulator.callbacks_delivered())
        begun, done = world.at("/recording")
        assert (begun["RecordingStatus"], done["RecordingStatus"]) == ("in-progress", "completed")
        assert done["CallSid"] == call.sid
        assert done["RecordingDuration"] == "3"
        assert done["RecordingChannels"] == "2"
        assert done["RecordingSource"] == "StartCallRecordingAPI"
        assert done["RecordingTrack"] == "both"
        assert done["RecordingUrl"].endswith("/Recordings/" + done["RecordingSid"])
        assert "RecordingDuration" not in begun


@pytest.mark.parametrize(("behaviour", "seconds"), [("skip", 2.0), ("silence", 4.0)])
async def test_a_pause_is_left_out_or_filled_with_silence(behaviour: str, seconds: float) -> None:
    async with VirtualWorld() as world:
        call = await recorded(world, '<Pause length="30"/>')
        call.play(tone(900, 30))
        body = world.create(
            f"/Calls/{call.sid}/Recordings.json", RecordingChannels="dual", RecordingTrack="both"
        )
        assert (body["status"], body["channels"], body["source"]) == (
            "in-progress",
            2,
            "StartCallRecordingAPI",
        )
        await world.pass_time(1.0)
        current = f"/Calls/{call.sid}/Recordings/Twilio.CURRENT.json"
        assert world.create(current, Status="paused", PauseBehavior=behaviour)["status"] == "paused"
        await world.pass_time(2.0)
        assert world.create(current, Status="in-progress")["status"] == "in-progress"
        await world.pass_time(1.0)
        stopped = world.create(f"/Calls/{call.sid}/Recordings/{body['sid']}.json", Status="stopped")
        assert stopped["status"] == "completed"
        recording = shelf(world)[0]
        assert recording.duration_s == pytest.approx(seconds, abs=0.1)
        assert seconds_with(recording.samples()[0], 900) == pytest.approx(2.0, abs=0.1)


async def test_trim_cuts_silence_at_both_ends_only() -> None:
    async with VirtualWorld() as world:
        call = await recorded(world, '<Pause length="10"/>')
        world.create(f"/Calls/{call.sid}/Recordings.json", Trim="trim-silence")
        await world.pass_time(2.0)
        await world.run(call.play(tone(900, 0.5)))
        await world.pass_time(1.0)
        await world.run(call.play(tone(900, 0.5)))
        await world.run(call.ended())
        assert shelf(world)[0].duration_s == pytest.approx(2.0, abs=0.1)


async def test_a_recording_of_silence_that_is_trimmed_is_absent() -> None:
    async with VirtualWorld() as world:
        call = await recorded(world, '<Pause length="2"/>')
        body = world.create(f"/Calls/{call.sid}/Recordings.json", Trim="trim-silence")
        await world.run(call.ended())
        _, body = world.rest("GET", f"/Recordings/{body['sid']}.json")
        assert body["status"] == "absent"


async def test_lists_are_by_call_and_by_conference() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room("alice", "bob", ConferenceRecord="true")
        world.create(f"/Calls/{phones['alice'].sid}/Recordings.json")

        def sources(path: str) -> list[str]:
            return [r["source"] for r in world.rest("GET", path)[1]["recordings"]]

        assert sources(f"/Calls/{phones['alice'].sid}/Recordings.json") == ["StartCallRecordingAPI"]
        assert sources(f"/Conferences/{room}/Recordings.json") == ["Conference"]
        assert sorted(sources("/Recordings.json")) == ["Conference", "StartCallRecordingAPI"]


async def test_deleted_media_is_gone() -> None:
    async with VirtualWorld() as world:
        call = await recorded(world, START + '<Pause length="1"/>')
        await world.run(call.ended())
        sid = shelf(world)[0].sid
        assert world.rest("GET", f"/Recordings/{sid}.wav")[0] == 200
        assert world.rest("DELETE", f"/Recordings/{sid}.json")[0] == 204
        assert world.rest("GET", f"/Recordings/{sid}.wav")[0] == 404


async def test_the_media_is_a_wav_over_http(emulator: Emulator, app: ConferenceApp) -> None:
    app.answers["/voice"] = lambda _: START + "<Say>one two</Say>"
    call = await emulator.place_call()
    await call.ended()
    url = (await app.webhook("/recording", 2))["RecordingUrl"]
    async with aiohttp.ClientSession() as session:
        for query, channels in (("", 2), ("?RequestedChannels=1", 1)):
            async with session.get(url + ".wav" + query) as response:
                assert response.content_type == "audio/x-wav"
                with wave.open(io.BytesIO(await response.read())) as file:
                    assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (
                        channels,
                        8000,
                        2,
                    )
                    assert file.getnframes() >= 6000
        async with session.get(url + ".mp3") as response:
            assert response.status == 406


async def test_a_bad_password_is_refused_even_for_media(emulator: Emulator, app: ConferenceApp) -> None:
    app.answers["/voice"] = lambda _: START + "<Say>one</Say>"
    call = await emulator.place_call()
    await call.ended()
    url = (await app.webhook("/recording", 2))["RecordingUrl"] + ".wav"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, auth=aiohttp.BasicAuth("a", "b")) as reply,
    ):
        assert reply.status == 401
