"""Telephones: what the person does and hears, in Python, over HTTP, and in a browser."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import wave
from collections.abc import AsyncIterator

import aiohttp
import numpy as np
import pytest

from telephony.emulator import (
    CallEnded,
    CallStatus,
    Emulator,
    EmulatorConfig,
    EventKind,
    PhoneBehaviour,
    PhoneCall,
    ReplyTimeout,
    UnknownNumber,
    serve_emulator,
)
from telephony.emulator.control import audio_from_text, origin_allowed
from telephony.emulator.g711 import SILENCE_FRAME, encode

from .conference_app import ConferenceApp
from .sound import seconds_with, strength, tone
from .virtual_world import NUMBER, VirtualWorld


async def test_audio_is_said_in_order_and_silence_follows() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = '<Pause length="5"/>'
        call = await world.emulator.place_call(audio=tone(500, 0.5))
        await world.run(call.play(tone(900, 0.5)))
        await world.run(call.ended())
        assert strength(call.spoken[:4000], 500) > 0.1
        assert strength(call.spoken[4000:8000], 900) > 0.1
        assert not call.spoken[8200:].any()
        assert len(call.spoken) == len(call.heard) == pytest.approx(40_000, abs=320)


async def test_being_quiet_stops_at_once() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = '<Pause length="3"/>'
        call = await world.emulator.place_call(audio=tone(500, 10.0))
        await world.run(call.answered())
        await world.pass_time(1.0)
        call.be_quiet()
        await world.run(call.ended())
        assert seconds_with(call.spoken, 500) == pytest.approx(1.0, abs=0.1)


async def test_everything_heard_can_be_watched_live() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = "<Say>hello</Say>"
        call = await world.emulator.place_call()
        frames: list[bytes] = []
        call.on_audio = frames.append
        await world.run(call.ended())
        assert b"".join(frames) == encode(call.heard)


async def test_waiting_for_an_answer_that_never_comes_fails() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = '<Reject reason="busy"/>'
        call = await world.emulator.place_call()
        with pytest.raises(CallEnded, match="busy"):
            await world.run(call.answered())


async def test_waiting_for_an_end_is_bounded() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = '<Pause length="100"/>'
        call = await world.emulator.place_call()
        with pytest.raises(ReplyTimeout):
            await world.run(call.ended(timeout_s=5.0))


async def test_calling_a_number_that_is_not_the_accounts_fails() -> None:
    async with VirtualWorld() as world:
        with pytest.raises(UnknownNumber, match="555000"):
            await world.emulator.place_call("+12025550000")


async def test_keys_that_do_not_exist_are_refused() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = '<Pause length="1"/>'
        call = await world.emulator.place_call()
        for keys in ("", "1x"):
            with pytest.raises(ValueError, match="cannot press"):
                call.press(keys)


async def test_a_phone_follows_its_script() -> None:
    async def script(call: PhoneCall) -> None:
        await call.play(tone(900, 0.5))
        await call.hang_up()

    async with VirtualWorld() as world:
        world.emulator.register_phone("+12025550170", PhoneBehaviour(on_call=script))
        twiml = '<Response><Pause length="60"/></Response>'
        created = world.create("/Calls.json", To="+12025550170", From=NUMBER, Twiml=twiml)
        leg = world.emulator.exchange.legs[created["sid"]]
        assert await world.run(leg.ended) is CallStatus.COMPLETED
        assert leg.duration_s == pytest.approx(0.5, abs=0.1)


async def test_the_events_of_a_call_have_ascending_times() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = "<Say>hello</Say>"
        call = await world.emulator.place_call()
        await world.run(call.ended())
        kinds = [event.kind for event in call.events]
        assert kinds[0] is EventKind.CALL_CREATED
        assert kinds[-1] is EventKind.CALL_ENDED
        times = [event.at for event in call.events]
        assert times == sorted(times)


async def test_texts_go_both_ways() -> None:
    async with VirtualWorld() as world:
        number = world.emulator.exchange.account.numbers[NUMBER].value
        world.rest("POST", f"/IncomingPhoneNumbers/{number.sid}.json", SmsUrl="https://app.example/sms")
        world.twiml["/sms"] = '<Message statusCallback="/told"><Body>thank you</Body></Message>'
        replies = await world.run(world.emulator.messages.receive(NUMBER, "+12025550177", "hello"))
        assert world.at("/sms")[0]["Body"] == "hello"
        assert world.at("/sms")[0]["MessageSid"].startswith("SM")
        assert [(m.to, m.body, m.direction) for m in replies] == [
            ("+12025550177", "thank you", "outbound-reply")
        ]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": NUMBER, "Body": "x"}, 21604),
        ({"To": "+12025550177", "Body": "x"}, 21603),
        ({"To": "+12025550177", "From": NUMBER}, 21602),
        ({"To": "+12025550177", "From": "+12025550999", "Body": "x"}, 21606),
        ({"To": "nobody", "From": NUMBER, "Body": "x"}, 21211),
    ],
)
async def test_an_incomplete_message_is_refused(form: dict[str, str], code: int) -> None:
    async with VirtualWorld() as world:
        status, body = world.rest("POST", "/Messages.json", **form)
        assert (status, body["code"]) == (400, code)


async def test_an_unreachable_handset_is_undelivered() -> None:
    async with VirtualWorld() as world:
        world.emulator.messages.unreachable.add("+12025550177")
        world.create(
            "/Messages.json",
            To="+12025550177",
            From=NUMBER,
            Body="x",
            StatusCallback="https://app.example/told",
        )
        await world.pass_time(1.0)
        assert [f["MessageStatus"] for f in world.at("/told")] == ["queued", "sent", "undelivered"]
        assert world.at("/told")[-1]["ErrorCode"] == "30003"


# --- over HTTP -------------------------------------------------------------------------------------


@pytest.fixture
async def http(emulator: Emulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(emulator.base_url) as session:
        yield session


async def test_a_call_is_placed_steered_and_read_over_http(
    emulator: Emulator, app: ConferenceApp, http: aiohttp.ClientSession
) -> None:
    audio = base64.b64encode(encode(tone(900, 0.3))).decode()
    async with http.post(
        "/emulator/calls", json={"to": NUMBER, "from": "+12025550123", "audio": audio}
    ) as reply:
        assert reply.status == 201
        sid = (await reply.json())["call_sid"]
    await emulator.log.wait_for(EventKind.PHONE_PLAYED)
    async with http.post(f"/emulator/calls/{sid}/press", json={"digits": "5"}) as reply:
        assert reply.status == 200
    await emulator.log.wait_for(EventKind.PHONE_KEY)
    async with http.get(f"/emulator/calls/{sid}") as reply:
        shown = await reply.json()
        assert (shown["status"], shown["from"]) == ("in-progress", "+12025550123")
        assert "phone.key" in [event["kind"] for event in shown["events"]]
    async with http.post(f"/emulator/calls/{sid}/hangup") as reply:
        assert (await reply.json())["status"] == "completed"
    async with http.get(f"/emulator/calls/{sid}/heard") as reply:
        with wave.open(io.BytesIO(await reply.read())) as file:
            assert file.getparams()[:3] == (2, 2, 8000)
    async with http.get("/emulator/violations") as reply:
        assert await reply.json() == {"violations": []}


async def test_events_can_be_followed_as_a_stream(
    emulator: Emulator, app: ConferenceApp, http: aiohttp.ClientSession
) -> None:
    async with http.get("/emulator/events", params={"stream": "1"}) as reply:
        assert reply.content_type == "text/event-stream"
        await emulator.place_call()
        async with asyncio.timeout(5):
            while True:
                line = (await reply.content.readline()).decode()
                if line.startswith("data:") and json.loads(line[5:])["kind"] == "call.answered":
                    break


async def test_faults_and_phones_are_ordered_over_http(
    emulator: Emulator, app: ConferenceApp, http: aiohttp.ClientSession
) -> None:
    order = {"kind": "fail_webhook", "match": "/voice", "value": 503}
    async with http.post("/emulator/faults", json=order) as reply:
        assert reply.status == 201
    async with http.get("/emulator/faults") as reply:
        assert (await reply.json())["waiting"][0]["kind"] == "fail_webhook"
    async with http.delete("/emulator/faults") as reply:
        assert emulator.faults.waiting == []
    async with http.post("/emulator/phones", json={"number": "client:op", "answer": "busy"}) as reply:
        assert reply.status == 201
    assert emulator.exchange.phone_at("client:op") is not None
    async with http.get("/emulator/account") as reply:
        assert (await reply.json())["numbers"] == [NUMBER]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/emulator/calls", {"to": "+12025550000"}, 404),
        ("/emulator/calls", {"audio": "!"}, 400),
        ("/emulator/calls", [], 400),
        ("/emulator/faults", {"kind": "nonsense"}, 400),
        ("/emulator/faults", {"kind": "slow_webhook", "value": "much"}, 400),
        ("/emulator/calls/CA0/hangup", {}, 404),
        ("/emulator/phones", {}, 400),
        ("/emulator/phones", {"number": "client:x", "answer": "sings"}, 400),
    ],
)
async def test_a_wrong_order_is_refused_with_a_reason(
    http: aiohttp.ClientSession, path: str, body: object, status: int
) -> None:
    async with http.post(path, json=body) as reply:
        assert reply.status == status
        assert (await reply.json())["error"]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1:1", True),
        ("http://[::1]:1", True),
        ("https://console.example", True),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("null", False),
    ],
)
def test_only_pages_of_this_machine_may_use_the_emulator(origin: str, allowed: bool) -> None:
    assert origin_allowed(origin, ("https://console.example",)) is allowed


async def test_a_foreign_page_gets_nothing(http: aiohttp.ClientSession) -> None:
    async with http.get("/emulator/events", headers={"Origin": "https://evil.example"}) as reply:
        assert reply.status == 403
    async with http.get("/emulator/events", headers={"Origin": "http://localhost:5173"}) as reply:
        assert reply.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
    headers = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST"}
    async with http.options("/emulator/calls", headers=headers) as reply:
        assert reply.status == 204
        assert "POST" in reply.headers["Access-Control-Allow-Methods"]


def test_a_wav_of_another_kind_is_refused() -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(b"\x00" * 8)
    with pytest.raises(ValueError, match="mono"):
        audio_from_text(base64.b64encode(buffer.getvalue()).decode())


# --- in a browser ----------------------------------------------------------------------------------


async def test_a_softphone_speaks_hears_presses_and_hangs_up(
    emulator: Emulator, app: ConferenceApp, http: aiohttp.ClientSession
) -> None:
    app.answers["/voice"] = lambda _: "<Say>hello to you</Say>" + '<Gather action="/got" numDigits="2"/>'
    app.answers["/got"] = lambda _: '<Pause length="30"/>'
    async with http.ws_connect("/emulator/phone", params={"to": NUMBER, "from": "+12025550123"}) as socket:
        states = [(await socket.receive_json())["type"], (await socket.receive_json())["type"]]
        assert states == ["ringing", "answered"]
        (leg,) = emulator.exchange.legs.values()
        call = leg.far
        assert isinstance(call, PhoneCall)
        frame = encode(tone(900, 0.02))
        heard = b""
        while len(heard) < 12_000:
            message = await socket.receive(timeout=5)
            assert len(message.data) == 160
            heard += message.data
            await socket.send_bytes(frame)
        await socket.send_json({"type": "digits", "digits": "42"})
        assert (await app.webhook("/got"))["Digits"] == "42"
        await socket.send_json({"type": "hangup"})
        async with asyncio.timeout(5):
            while True:
                message = await socket.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    break
        assert json.loads(message.data)["type"] == "ended"
        assert json.loads(message.data)["status"] == "completed"
    assert seconds_with(call.spoken, 900) > 0.5
    assert seconds_with(call.heard, 440) > 1.0


async def test_closing_the_browser_hangs_up(
    emulator: Emulator, app: ConferenceApp, http: aiohttp.ClientSession
) -> None:
    socket = await http.ws_connect("/emulator/phone", params={"to": NUMBER})
    await emulator.log.wait_for(EventKind.CALL_ANSWERED)
    await socket.close()
    ended = await emulator.log.wait_for(EventKind.CALL_ENDED)
    assert ended.details["status"] == "completed"


async def test_a_softphone_can_be_called(
    emulator: Emulator, app: ConferenceApp, http: aiohttp.ClientSession
) -> None:
    async with http.ws_connect("/emulator/phone", params={"listen": "client:operator_7"}) as socket:
        assert emulator.exchange.phone_at("client:operator_7") is not None
        await app.add_participant("room", To="client:operator_7", From=NUMBER, Label="operator")
        assert (await socket.receive_json())["type"] == "ringing"
        assert (await socket.receive_json())["type"] == "answered"
        message = await socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.BINARY


async def test_a_softphone_calling_nowhere_is_told_so(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect("/emulator/phone", params={"to": "+12025550000"}) as socket:
        assert (await socket.receive_json())["type"] == "ended"


async def test_live_audio_is_silence_when_nothing_comes(emulator: Emulator, app: ConferenceApp) -> None:
    app.answers["/voice"] = lambda _: '<Pause length="30"/>'
    call = await emulator.place_call()
    with pytest.raises(ValueError, match="160"):
        call.speak_live(b"\x00")
    for _ in range(60):
        call.speak_live(b"\x10" * 160)
    await call.answered()
    assert call.next_frame() == b"\x10" * 160
    for _ in range(60):
        call.next_frame()
    assert call.next_frame() == SILENCE_FRAME
    assert np.count_nonzero(call.spoken) <= 50 * 160


async def test_a_served_emulator_tells_its_addresses(app: ConferenceApp) -> None:
    async with serve_emulator(EmulatorConfig(voice_url=app.url + "/voice")) as (emulator, addresses):
        assert addresses.base_url == emulator.base_url
        assert addresses.softphone_url.startswith("ws://127.0.0.1:")
        assert addresses.numbers == (NUMBER,)
        assert addresses.account_sid.startswith("AC")
