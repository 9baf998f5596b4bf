"""Behaviour that nobody has confirmed, both ways; most switches are tested beside what they change."""

from __future__ import annotations

import pytest

from telephony.emulator import FaultKind, Limits, Switches
from telephony.emulator.signature import sign

from .virtual_world import VirtualWorld


@pytest.mark.parametrize("reaches", [True, False])
async def test_keys_of_a_member_reach_the_agents_stream(reaches: bool) -> None:
    async with VirtualWorld(switches=Switches(dtmf_reaches_agent=reaches)) as world:
        world.twiml["/voice"] = '<Dial><Conference waitUrl="">room</Conference></Dial>'
        world.twiml["/agent"] = '<Connect><Stream url="wss://app.example/agent"/></Connect>'
        call = await world.emulator.place_call()
        await world.run(call.answered())
        agent = f"app:{world.emulator.config.application_sid}"
        world.participant("room", agent, From="client:agent")
        await world.pass_time(0.5)
        await world.run(call.press("7"))
        assert len(world.sockets[0].of("dtmf")) == (1 if reaches else 0)


@pytest.mark.parametrize(
    ("slash", "signed"), [(False, "wss://app.example/x"), (True, "wss://app.example/x/")]
)
async def test_a_handshake_may_be_signed_with_a_slash(slash: bool, signed: str) -> None:
    async with VirtualWorld(switches=Switches(trailing_slash_signature=slash)) as world:
        world.twiml["/voice"] = '<Connect><Stream url="wss://app.example/x"/></Connect>'
        await world.emulator.place_call()
        await world.pass_time(0.1)
        expected = sign(world.emulator.config.auth_token, signed)
        assert world.sockets[0].end.headers["X-Twilio-Signature"] == expected


@pytest.mark.parametrize(("default", "channels"), [("mono", 1), ("dual", 2)])
async def test_recordings_have_the_default_number_of_channels(default: str, channels: int) -> None:
    async with VirtualWorld(switches=Switches(default_recording_channels=default)) as world:
        world.twiml["/voice"] = '<Pause length="5"/>'
        call = await world.emulator.place_call()
        await world.run(call.answered())
        assert world.create(f"/Calls/{call.sid}/Recordings.json")["channels"] == channels


async def test_chunks_may_be_counted_over_both_tracks() -> None:
    async with VirtualWorld(switches=Switches(chunk_shared=True)) as world:
        world.twiml["/voice"] = (
            '<Start><Stream url="wss://app.example/x" track="both_tracks"/></Start><Pause length="1"/>'
        )
        call = await world.emulator.place_call()
        await world.run(call.ended())
        media = [m["media"] for m in world.sockets[0].of("media")][:4]
        assert [(m["track"], m["chunk"]) for m in media] == [
            ("inbound", "1"),
            ("outbound", "2"),
            ("inbound", "3"),
            ("outbound", "4"),
        ]


@pytest.mark.parametrize(("status", "code"), [(429, 20429), (503, 20500)])
async def test_the_rest_api_can_be_made_to_refuse(status: int, code: int) -> None:
    async with VirtualWorld(limits=Limits(calls_per_second=10)) as world:
        world.emulator.faults.add(FaultKind.FAIL_REST, "POST", status)
        got, body = world.rest("POST", "/Calls.json")
        assert (got, body["code"]) == (status, code)
        assert world.rest("GET", "/Calls.json")[0] == 200
