"""The topology that everything else serves: tap on the caller, agent leg in the conference."""

from __future__ import annotations

from telephony.emulator import CallStatus, Emulator, EventKind
from telephony.emulator.g711 import decode, encode

from .conference_app import ConferenceApp
from .sound import heard_from, seconds_with, strength, tone


async def test_the_caller_hears_the_agent_and_the_tap_hears_the_caller(
    emulator: Emulator, app: ConferenceApp
) -> None:
    call = await emulator.place_call(from_="+12025550123")
    await call.answered()
    tap = await app.stream("/media/tap")
    agent = await app.stream("/media/agent")
    await emulator.log.wait_for(EventKind.CONFERENCE_STARTED)

    await agent.say(encode(tone(600, 0.4)))
    await agent.mark("said")
    await call.play(tone(900, 0.4))
    await agent.until(lambda: agent.marks() == ["said"])
    await emulator.log.wait_for(EventKind.STREAM_MARK_RETURNED)
    await call.play(tone(0, 0.3))

    assert strength(decode(tap.audio()), 900) > 0.02
    assert strength(decode(tap.audio()), 600) < 0.001
    assert 0.35 < seconds_with(call.heard, 600) < 0.45
    assert heard_from(call.heard, 900) is None
    assert len(call.heard) == len(call.spoken)
    assert tap.signature_fits
    assert agent.signature_fits
    assert all(webhook.signature_fits for webhook in app.received)
    emulator.assert_no_violations()


async def test_hanging_up_ends_every_leg_and_stream(emulator: Emulator, app: ConferenceApp) -> None:
    call = await emulator.place_call()
    tap, agent = await app.stream("/media/tap"), await app.stream("/media/agent")
    await call.hang_up()
    assert await call.ended() is CallStatus.COMPLETED
    for stream in (tap, agent):
        await stream.until(lambda stream=stream: stream.close_code is not None)
        assert stream.messages[-1]["event"] == "stop"
        assert stream.close_code == 1000
    await emulator.log.wait_for(EventKind.CONFERENCE_ENDED)
    assert all(leg.status is CallStatus.COMPLETED for leg in emulator.exchange.legs.values())
    emulator.assert_no_violations()
