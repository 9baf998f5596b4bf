"""Media streams over real sockets: handshake, messages, limits, and every way to end."""

from __future__ import annotations

import base64

import pytest

from telephony.emulator import CallStatus, Emulator, EventKind, Limits, Switches
from telephony.emulator.g711 import SILENCE_FRAME, decode, encode

from .conference_app import ConferenceApp
from .conftest import FAST, Launch
from .sound import strength, tone


def connect(app: ConferenceApp, after: str = "", attributes: str = "") -> None:
    app.answers["/voice"] = lambda _: (
        f'<Connect action="/after"><Stream url="{app.socket_url}/media/agent" statusCallback="/stream" '
        f'{attributes}><Parameter name="t" value="token"/></Stream></Connect>{after}'
    )


def tap(app: ConferenceApp, track: str = "inbound_track", count: int = 1, scheme: str = "") -> None:
    url = scheme + app.socket_url.removeprefix("ws") if scheme else app.socket_url
    streams = "".join(
        f'<Start><Stream url="{url}/media/tap" track="{track}" statusCallback="/stream"/></Start>'
        for _ in range(count)
    )
    app.answers["/voice"] = lambda _: streams + '<Pause length="60"/>'


async def test_messages_are_numbered_without_a_gap_and_frames_have_20_ms(
    emulator: Emulator, app: ConferenceApp
) -> None:
    connect(app)
    await emulator.place_call()
    agent = await app.stream("/media/agent")
    await agent.until(lambda: len(agent.of("media")) >= 10)
    assert agent.messages[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert agent.start["customParameters"] == {"t": "token"}
    assert [int(m["sequenceNumber"]) for m in agent.messages[1:]] == list(range(1, len(agent.messages)))
    media = [m["media"] for m in agent.of("media")]
    assert [m["chunk"] for m in media] == [str(n + 1) for n in range(len(media))]
    assert [int(m["timestamp"]) for m in media] == [20 * n for n in range(len(media))]
    assert all(base64.b64decode(m["payload"]) == SILENCE_FRAME for m in media)
    assert agent.signature_fits
    emulator.assert_no_violations()


async def test_marks_return_after_their_audio_and_clear_returns_the_rest(
    emulator: Emulator, app: ConferenceApp
) -> None:
    connect(app)
    call = await emulator.place_call()
    agent = await app.stream("/media/agent")
    await agent.mark("idle")
    await agent.until(lambda: agent.marks() == ["idle"])
    await agent.say(encode(tone(600, 0.1)))
    await agent.mark("short")
    await agent.say(encode(tone(600, 5.0)))
    await agent.mark("long")
    await agent.mark("longer")
    await agent.until(lambda: "short" in agent.marks())
    assert agent.marks() == ["idle", "short"]
    await agent.clear()
    await agent.until(lambda: len(agent.marks()) == 4)
    assert agent.marks() == ["idle", "short", "long", "longer"]
    heard = len(call.heard)
    await agent.until(lambda: len(agent.of("media")) > 40)
    assert strength(call.heard[heard + 800 :], 600) < 0.01
    emulator.assert_no_violations()


async def test_keys_reach_a_bidirectional_stream(emulator: Emulator, app: ConferenceApp) -> None:
    connect(app)
    call = await emulator.place_call()
    agent = await app.stream("/media/agent")
    await call.press("5#")
    await agent.until(lambda: len(agent.of("dtmf")) == 2)
    assert [m["dtmf"] for m in agent.of("dtmf")] == [
        {"track": "inbound_track", "digit": "5"},
        {"track": "inbound_track", "digit": "#"},
    ]
    assert strength(call.spoken, 770) > 0.02


async def test_a_tap_gets_neither_keys_nor_marks(emulator: Emulator, app: ConferenceApp) -> None:
    tap(app)
    call = await emulator.place_call()
    ear = await app.stream("/media/tap")
    await call.press("1")
    await ear.until(lambda: len(ear.of("media")) > 15)
    assert {m["event"] for m in ear.messages} == {"connected", "start", "media"}


async def test_sending_on_a_tap_is_31924(emulator: Emulator, app: ConferenceApp) -> None:
    tap(app)
    await emulator.place_call()
    ear = await app.stream("/media/tap")
    await ear.mark("no")
    await emulator.log.wait_for(EventKind.VIOLATION)
    assert [v.code for v in emulator.violations] == [31924]


async def test_a_binary_message_is_31924(emulator: Emulator, app: ConferenceApp) -> None:
    connect(app)
    await emulator.place_call()
    agent = await app.stream("/media/agent")
    await agent.socket.send_bytes(b"\x00" * 160)
    await emulator.log.wait_for(EventKind.VIOLATION)
    assert [v.code for v in emulator.violations] == [31924]


async def test_a_fragmented_control_frame_is_31924(emulator: Emulator, app: ConferenceApp) -> None:
    connect(app)
    call = await emulator.place_call()
    agent = await app.stream("/media/agent")
    agent.transport.write(b"\x09\x00")  # a ping without the FIN bit
    await emulator.log.wait_for(EventKind.STREAM_STOPPED)
    assert [v.code for v in emulator.violations] == [31924]
    assert await call.ended() is CallStatus.COMPLETED


async def test_each_malformed_message_is_a_violation_and_one_warning_per_stream(
    emulator: Emulator, app: ConferenceApp
) -> None:
    connect(app)
    await emulator.place_call()
    agent = await app.stream("/media/agent")
    await agent.send(event="media", streamSid=agent.sid, media={"payload": "////", "track": "outbound"})
    await agent.send(event="play", streamSid=agent.sid)
    await agent.mark("done")
    await agent.until(lambda: agent.marks() == ["done"])
    assert [v.code for v in emulator.violations] == [31951, 31951]
    assert [n.code for n in emulator.log.notifications] == [31951]


async def test_a_lenient_emulator_only_notes_the_violation(launch: Launch, app: ConferenceApp) -> None:
    emulator = await launch(strict=False)
    connect(app)
    await emulator.place_call()
    agent = await app.stream("/media/agent")
    await agent.send(event="play", streamSid=agent.sid)
    await agent.mark("done")
    await agent.until(lambda: agent.marks() == ["done"])
    emulator.assert_no_violations()
    assert 31951 in [n.code for n in emulator.log.notifications]


async def test_pushing_too_far_ahead_is_a_violation(launch: Launch, app: ConferenceApp) -> None:
    emulator = await launch(limits=Limits(calls_per_second=100, max_buffer_s=2.0))
    connect(app)
    await emulator.place_call()
    agent = await app.stream("/media/agent")
    for _ in range(3):
        await agent.say(encode(tone(600, 1.0)))
    await emulator.log.wait_for(EventKind.VIOLATION)
    assert "pace it below 2 s" in emulator.violations[0].message


async def test_tracks_of_a_tap_carry_what_is_said_and_what_is_heard(
    emulator: Emulator, app: ConferenceApp
) -> None:
    tap(app, track="both_tracks")
    app.answers["/voice"] = lambda _: (
        f'<Start><Stream url="{app.socket_url}/media/tap" track="both_tracks"/></Start>'
        "<Say>one two three</Say><Pause/>"
    )
    call = await emulator.place_call(audio=tone(900, 0.5))
    ear = await app.stream("/media/tap")
    await call.ended()
    await ear.until(lambda: ear.close_code is not None)
    assert ear.start["tracks"] == ["inbound", "outbound"]
    assert strength(decode(ear.audio("inbound"))[:2000], 900) > 0.02
    assert strength(decode(ear.audio("outbound"))[:2000], 440) > 0.02
    numbers = [int(m["sequenceNumber"]) for m in ear.messages[1:]]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_four_tracks_are_the_most(emulator: Emulator, app: ConferenceApp) -> None:
    tap(app, track="both_tracks", count=3)
    await emulator.place_call()
    await app.stream("/media/tap", 2)
    await emulator.log.wait_for(EventKind.VIOLATION)
    assert "4 tracks" in emulator.violations[0].message
    assert len(app.streams) == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "ws://app.example/x"])
async def test_only_wss_or_loopback_ws_is_accepted(emulator: Emulator, app: ConferenceApp, url: str) -> None:
    app.answers["/voice"] = lambda _: f'<Connect><Stream url="{url}" statusCallback="/stream"/></Connect>'
    call = await emulator.place_call()
    await call.ended()
    assert [v.code for v in emulator.violations] == [31922]
    callback = await app.webhook("/stream")
    assert callback["StreamEvent"] == "stream-error"
    assert callback["StreamError"].startswith("31922")


async def test_a_refused_handshake_is_31920_and_the_next_verb_runs(
    emulator: Emulator, app: ConferenceApp
) -> None:
    app.answers["/voice"] = lambda _: (
        f'<Connect><Stream url="{app.socket_url}/nowhere"/></Connect><Say>sorry</Say>'
    )
    call = await emulator.place_call()
    await call.ended()
    assert [n.code for n in emulator.log.notifications] == [31920]
    assert strength(call.heard, 440) > 0.02


async def test_nobody_listening_is_31901(emulator: Emulator, app: ConferenceApp) -> None:
    app.answers["/voice"] = lambda _: '<Connect><Stream url="ws://127.0.0.1:1/x"/></Connect>'
    call = await emulator.place_call()
    await call.ended()
    assert [n.code for n in emulator.log.notifications] == [31901]


async def test_when_the_server_closes_the_action_is_requested(emulator: Emulator, app: ConferenceApp) -> None:
    connect(app)
    app.answers["/after"] = lambda _: "<Hangup/>"
    call = await emulator.place_call()
    agent = await app.stream("/media/agent")
    await agent.socket.close()
    assert await call.ended() is CallStatus.COMPLETED
    assert (await app.webhook("/after"))["CallStatus"] == "in-progress"
    assert [n.code for n in emulator.log.notifications] == [31921]
    await emulator.callbacks_delivered()
    assert app.events("/stream", "StreamEvent") == ["stream-started", "stream-stopped"]


async def test_stream_callbacks_name_the_stream(emulator: Emulator, app: ConferenceApp) -> None:
    connect(app, attributes='name="mouth"')
    call = await emulator.place_call()
    agent = await app.stream("/media/agent")
    callback = await app.webhook("/stream")
    assert callback["StreamSid"] == agent.sid
    assert callback["StreamName"] == "mouth"
    assert callback["CallSid"] == call.sid
    assert callback["Timestamp"].endswith("Z")
    assert callback.signature_fits


async def test_the_close_code_is_a_switch(launch: Launch, app: ConferenceApp) -> None:
    emulator = await launch(switches=Switches(close_code=1001))
    connect(app)
    call = await emulator.place_call()
    agent = await app.stream("/media/agent")
    await call.hang_up()
    await agent.until(lambda: agent.close_code is not None)
    assert agent.close_code == 1001


async def test_a_lost_tap_is_attached_again_by_rest(emulator: Emulator, app: ConferenceApp) -> None:
    tap(app)
    call = await emulator.place_call()
    first = await app.stream("/media/tap")
    await first.socket.close()
    await emulator.log.wait_for(EventKind.STREAM_STOPPED)
    status, body = await app.rest(
        "POST",
        f"/Calls/{call.sid}/Streams.json",
        **{
            "Url": f"{app.socket_url}/media/tap",
            "Name": "ear-2",
            "Track": "inbound_track",
            "Parameter1.Name": "t",
            "Parameter1.Value": "second",
        },
    )
    assert (status, body["status"], body["name"]) == (200, "in-progress", "ear-2")
    second = await app.stream("/media/tap", 2)
    assert second.start["customParameters"] == {"t": "second"}
    assert second.sid == body["sid"]
    status, body = await app.rest("POST", f"/Calls/{call.sid}/Streams/ear-2.json", Status="stopped")
    assert (status, body["status"]) == (200, "stopped")
    await second.until(lambda: second.close_code is not None)
    emulator.assert_no_violations()


async def test_stop_stream_ends_a_tap_by_name(emulator: Emulator, app: ConferenceApp) -> None:
    app.answers["/voice"] = lambda _: (
        f'<Start><Stream url="{app.socket_url}/media/tap" name="ear"/></Start><Pause length="1"/>'
        '<Stop><Stream name="ear"/></Stop><Pause length="30"/>'
    )
    call = await emulator.place_call()
    ear = await app.stream("/media/tap")
    await ear.until(lambda: ear.close_code is not None)
    assert ear.messages[-1]["event"] == "stop"
    assert call.status is CallStatus.IN_PROGRESS
    emulator.assert_no_violations()


@pytest.mark.parametrize("survives", [True, False])
async def test_new_twiml_ends_connect_and_spares_a_tap_unless_switched(
    launch: Launch, app: ConferenceApp, survives: bool
) -> None:
    emulator = await launch(switches=Switches(tap_survives_update=survives), limits=FAST)
    app.answers["/voice"] = lambda _: (
        f'<Start><Stream url="{app.socket_url}/media/tap"/></Start>'
        f'<Connect><Stream url="{app.socket_url}/media/agent"/></Connect>'
    )
    call = await emulator.place_call()
    ear, agent = await app.stream("/media/tap"), await app.stream("/media/agent")
    twiml = '<Response><Pause length="30"/></Response>'
    status, _ = await app.rest("POST", f"/Calls/{call.sid}.json", Twiml=twiml)
    assert status == 200
    await agent.until(lambda: agent.close_code is not None)
    assert agent.messages[-1]["event"] == "stop"
    if survives:
        count = len(ear.of("media"))
        await ear.until(lambda: len(ear.of("media")) > count + 5)
    else:
        await ear.until(lambda: ear.close_code is not None)
