"""Each verb on a leg, in virtual time."""

from __future__ import annotations

import base64
import io
import wave

import numpy as np
import pytest

from telephony.emulator import Answer, CallStatus, EventKind, HttpReply, PhoneBehaviour, PhoneCall, Switches
from telephony.emulator.tones import PLAY_HZ, SAY_HZ

from .sound import RATE, heard_from, seconds_with, strength, tone
from .virtual_world import NUMBER, VirtualWorld

OPERATOR = "+12025550170"


async def called(world: VirtualWorld, twiml: str) -> PhoneCall:
    world.twiml["/voice"] = twiml
    return await world.emulator.place_call()


async def ended(world: VirtualWorld, twiml: str) -> PhoneCall:
    call = await called(world, twiml)
    await world.run(call.ended(timeout_s=7200))
    return call


async def test_say_lasts_as_long_as_its_words_and_loops() -> None:
    async with VirtualWorld() as world:
        call = await ended(world, '<Say loop="2">one two three four five</Say>')
        assert seconds_with(call.heard, SAY_HZ) == pytest.approx(4.0, abs=0.1)


async def test_pause_is_silence_of_its_length() -> None:
    async with VirtualWorld() as world:
        call = await ended(world, '<Pause length="3"/>')
        assert len(call.heard) / RATE == pytest.approx(3.0, abs=0.1)
        assert not call.heard.any()


async def test_the_end_of_the_document_hangs_up() -> None:
    async with VirtualWorld() as world:
        call = await ended(world, "")
        assert call.status is CallStatus.COMPLETED


@pytest.mark.parametrize(
    ("reason", "status"), [("busy", CallStatus.BUSY), ("rejected", CallStatus.NO_ANSWER)]
)
async def test_reject_never_answers(reason: str, status: CallStatus) -> None:
    async with VirtualWorld() as world:
        call = await ended(world, f'<Reject reason="{reason}"/>')
        assert call.status is status
        assert len(call.heard) == 0


async def test_play_of_a_wav_is_heard_as_it_is() -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(tone(1300, 0.5).astype("<i2").tobytes())
    async with VirtualWorld() as world:
        world.replies["/clip.wav"] = HttpReply(200, "audio/wav", buffer.getvalue())
        world.replies["/clip.mp3"] = HttpReply(200, "audio/mpeg", b"whatever")
        call = await ended(world, "<Play>/clip.wav</Play><Play>/clip.mp3</Play>")
        assert seconds_with(call.heard, 1300) == pytest.approx(0.5, abs=0.05)
        assert seconds_with(call.heard, PLAY_HZ) > 2.0


async def test_play_of_something_missing_is_noted_and_skipped() -> None:
    async with VirtualWorld() as world:
        world.replies["/gone.wav"] = HttpReply(404, "text/plain", b"")
        call = await ended(world, "<Play>/gone.wav</Play><Say>on</Say>")
        assert [n.code for n in world.emulator.log.notifications] == [12400]
        assert seconds_with(call.heard, SAY_HZ) > 0.3


async def test_play_digits_sends_key_tones() -> None:
    async with VirtualWorld() as world:
        call = await ended(world, '<Play digits="5w#"/>')
        assert heard_from(call.heard, 770) == pytest.approx(0.0, abs=0.05)
        assert heard_from(call.heard, 941) == pytest.approx(0.7, abs=0.05)


async def test_gather_sends_the_keys_without_the_finish_key() -> None:
    async with VirtualWorld() as world:
        world.twiml["/got"] = "<Hangup/>"
        call = await called(
            world, '<Gather action="/got"><Say>type it now please</Say></Gather><Say>none</Say>'
        )
        await world.run(call.answered())
        await world.run(call.press("12#"))
        await world.run(call.ended())
        assert world.at("/got")[0]["Digits"] == "12"
        assert seconds_with(call.heard, SAY_HZ) < 1.0  # the keys interrupted the prompt


async def test_gather_stops_at_num_digits() -> None:
    async with VirtualWorld() as world:
        world.twiml["/got"] = "<Hangup/>"
        call = await called(world, '<Gather action="/got" numDigits="3"/>')
        await world.run(call.answered())
        call.press("4567")
        await world.run(call.ended())
        assert world.at("/got")[0]["Digits"] == "456"


async def test_gather_goes_on_when_nothing_comes() -> None:
    async with VirtualWorld() as world:
        call = await ended(world, '<Gather action="/got" timeout="3"/><Say>nothing</Say>')
        assert world.at("/got") == []
        assert heard_from(call.heard, SAY_HZ) == pytest.approx(3.0, abs=0.1)


async def test_gather_waits_anew_after_each_key() -> None:
    async with VirtualWorld() as world:
        world.twiml["/got"] = "<Hangup/>"
        call = await called(world, '<Gather action="/got" timeout="3"/>')
        await world.run(call.answered())
        for key in "123":
            await world.run(call.press(key))
            await world.pass_time(2.0)
        await world.run(call.ended())
        assert world.at("/got")[0]["Digits"] == "123"


async def test_gather_takes_a_scripted_recognition() -> None:
    async with VirtualWorld() as world:
        world.twiml["/got"] = "<Hangup/>"
        call = await called(world, '<Gather input="speech dtmf" action="/got"/>')
        call.recognise("tomorrow morning", 0.8)
        await world.run(call.ended())
        assert world.at("/got")[0]["SpeechResult"] == "tomorrow morning"
        assert world.at("/got")[0]["Confidence"] == "0.8"


async def test_dial_bridges_two_phones_and_reports_to_the_action() -> None:
    async with VirtualWorld() as world:
        phone = world.emulator.register_phone(OPERATOR, PhoneBehaviour(says=tone(900, 1.0)))
        world.twiml["/after"] = "<Say>goodbye</Say>"
        call = await called(
            world, f'<Dial action="/after" record="record-from-answer-dual">{OPERATOR}</Dial>'
        )
        operator = await world.run(phone.call_number())
        await world.run(operator.answered())
        call.play(tone(700, 0.5))
        await world.pass_time(2.0)
        await operator.hang_up()
        await world.run(call.ended())
        after = world.at("/after")[0]
        assert after["DialCallStatus"] == "completed"
        assert after["DialCallSid"] == operator.sid
        assert after["DialCallDuration"] == "2"
        assert after["RecordingUrl"].endswith(world.emulator.exchange.shelf.where(lambda r: True)[0].sid)
        assert strength(call.heard[:16000], 900) > 0.02
        assert strength(operator.heard[:16000], 700) > 0.02
        leg = operator.leg
        assert (leg.direction, leg.parent_sid) == ("outbound-dial", call.sid)


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (PhoneBehaviour(answer=Answer.BUSY), "busy"),
        (PhoneBehaviour(answer=Answer.NO_ANSWER), "no-answer"),
        (PhoneBehaviour(answer=Answer.UNREACHABLE), "failed"),
        (PhoneBehaviour(after_s=40.0), "no-answer"),
    ],
)
async def test_dial_reports_why_nobody_answered(behaviour: PhoneBehaviour, status: str) -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(OPERATOR, behaviour)
        world.twiml["/after"] = "<Hangup/>"
        await ended(world, f'<Dial action="/after">{OPERATOR}</Dial>')
        assert world.at("/after")[0]["DialCallStatus"] == status


async def test_the_first_to_answer_wins_and_the_others_are_cancelled() -> None:
    async with VirtualWorld() as world:
        slow = world.emulator.register_phone("client:slow", PhoneBehaviour(after_s=5.0))
        fast = world.emulator.register_phone(OPERATOR, PhoneBehaviour(after_s=1.0, hangs_up_after_s=1.0))
        await ended(world, f"<Dial><Client>slow</Client><Number>{OPERATOR}</Number></Dial>")
        assert fast.calls[0].status is CallStatus.COMPLETED
        assert slow.calls[0].status is CallStatus.CANCELED
        world.emulator.assert_no_violations()


async def test_answer_on_bridge_keeps_the_caller_ringing() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(OPERATOR, PhoneBehaviour(after_s=2.0, hangs_up_after_s=0.5))
        call = await called(world, f'<Dial answerOnBridge="true">{OPERATOR}</Dial>')
        await world.pass_time(1.0)
        assert call.status is CallStatus.RINGING
        await world.run(call.answered())
        assert world.clock.monotonic() >= 2.0


async def test_dial_ends_at_its_time_limit() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(OPERATOR)
        call = await ended(world, f'<Dial timeLimit="5">{OPERATOR}</Dial><Say>over</Say>')
        assert heard_from(call.heard, SAY_HZ) == pytest.approx(5.1, abs=0.2)


async def test_send_digits_reach_the_called_phone_before_the_bridge() -> None:
    async with VirtualWorld() as world:
        phone = world.emulator.register_phone(OPERATOR, PhoneBehaviour(hangs_up_after_s=3.0))
        await ended(world, f'<Dial><Number sendDigits="1w">{OPERATOR}</Number></Dial>')
        assert heard_from(phone.calls[0].heard, 697) == pytest.approx(0.0, abs=0.1)


async def test_child_calls_have_callbacks_of_their_own() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(OPERATOR, PhoneBehaviour(hangs_up_after_s=1.0))
        await ended(
            world,
            '<Dial><Number statusCallback="/child" '
            'statusCallbackEvent="initiated ringing answered completed">'
            f"{OPERATOR}</Number></Dial>",
        )
        await world.run(world.emulator.callbacks_delivered())
        told = world.at("/child")
        assert [f["CallStatus"] for f in told] == ["initiated", "ringing", "in-progress", "completed"]
        assert [f["SequenceNumber"] for f in told] == ["0", "1", "2", "3"]
        assert all(f["ParentCallSid"] for f in told)


@pytest.mark.parametrize("requested", [True, False])
async def test_the_dial_action_is_requested_after_a_hang_up_by_switch(requested: bool) -> None:
    async with VirtualWorld(switches=Switches(dial_action_after_hangup=requested)) as world:
        call = await called(world, '<Dial action="/after"><Conference waitUrl="">room</Conference></Dial>')
        await world.run(call.answered())
        await call.hang_up()
        await world.run(world.emulator.callbacks_delivered())
        assert [f["CallStatus"] for f in world.at("/after")] == (["completed"] if requested else [])


async def test_a_redirect_loop_ends() -> None:
    async with VirtualWorld() as world:
        await ended(world, "<Redirect>/voice</Redirect>")
        assert "redirect loop" in world.emulator.violations[-1].message


async def test_connect_plays_what_the_application_sends() -> None:
    async with VirtualWorld() as world:
        payload = base64.b64encode(np.zeros(1600, dtype=np.uint8).tobytes()).decode()

        async def speak(agent: object) -> None:
            await agent.send(event="media", streamSid=agent.sid, media={"payload": payload})  # type: ignore[attr-defined]

        world.on_stream = speak
        call = await called(world, '<Connect><Stream url="wss://app.example/agent"/></Connect>')
        await world.pass_time(1.0)
        assert (call.heard == -32124).sum() == 1600
        await world.run(world.emulator.log.wait_for(EventKind.STREAM_FIRST_MEDIA))
        assert world.sockets[0].end.headers["X-Twilio-Signature"]
        assert call.to == NUMBER
