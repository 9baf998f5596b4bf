"""Media sockets, over a real server and a real client."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from telephony.tokens import StreamGrant
from tests.api.phone_kit import Peer, Served, serve
from tests.call.line_kit import RememberingSink, token_in
from tests.telephony.fake_twilio import sid
from voice_agent.call.network import MEDIA_AGENT, MEDIA_CALLER, MEDIA_TAP
from voice_agent.call.ports import LegRole


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serve() as served:
        yield served


@asynccontextmanager
async def tap(served: Served) -> AsyncIterator[tuple[Peer, RememberingSink]]:
    """The caller's open tap."""
    document = await served.ring(served.office.call_sid)
    async with served.stream(MEDIA_TAP) as socket:
        peer = Peer(socket, served.office.call_sid)
        await peer.begin(token_in(document))
        yield peer, await served.office.session.sink(LegRole.TAP)


@asynccontextmanager
async def mouth(served: Served) -> AsyncIterator[tuple[Peer, RememberingSink]]:
    """The agent's open leg."""
    await served.ring(served.office.call_sid)
    leg_sid, document = await served.office.agent_leg()
    async with served.stream(MEDIA_AGENT) as socket:
        peer = Peer(socket, leg_sid)
        await peer.begin(token_in(document))
        yield peer, await served.office.session.sink(LegRole.AGENT)


async def test_the_callers_audio_reaches_the_session_in_order(served: Served) -> None:
    async with tap(served) as (peer, sink):
        for index in range(50):
            await peer.media(bytes([index]) * 160, index * 20)
        await sink.media.until(lambda frame: frame[0] == 980)
        assert sink.media.items == [(index * 20, bytes([index]) * 160) for index in range(50)]


async def test_audio_marks_and_clear_reach_the_network_in_order(served: Served) -> None:
    async with mouth(served) as (peer, sink):
        socket = served.office.session.sockets[LegRole.AGENT, 1]
        socket.send_audio(b"\x01" * 400)
        socket.send_mark("turn:1:400")
        assert b64decode((await peer.receive())["media"]["payload"]) == b"\x01" * 400
        assert await peer.receive() == {
            "event": "mark",
            "streamSid": peer.stream_sid,
            "mark": {"name": "turn:1:400"},
        }
        socket.send_clear()
        assert await peer.receive() == {"event": "clear", "streamSid": peer.stream_sid}
        await peer.send({"event": "mark", "mark": {"name": "turn:1:400"}})
        assert await sink.marks.until(lambda _: True) == "turn:1:400"


async def test_clear_discards_audio_queued_before_it_and_returns_its_marks(served: Served) -> None:
    async with mouth(served) as (peer, sink):
        socket = served.office.session.sockets[LegRole.AGENT, 1]
        socket.send_audio(b"\x01" * 400)
        socket.send_mark("never played")
        socket.send_clear()
        assert sink.marks.items == []
        assert await sink.marks.until(lambda _: True) == "never played"
        assert (await peer.receive())["event"] == "clear"
        socket.send_audio(b"\x02")
        assert (await peer.receive())["event"] == "media"


async def test_audio_for_a_peer_who_does_not_read_is_bounded(served: Served) -> None:
    async with mouth(served) as (peer, _):
        socket = served.office.session.sockets[LegRole.AGENT, 1]
        for _ in range(30):
            socket.send_audio(b"\x00" * 8000)
        received = 0
        socket.send_mark("end")
        while (message := await peer.receive())["event"] == "media":
            received += len(b64decode(message["media"]["payload"]))
        assert received == 160_000


async def test_what_the_agents_leg_hears_is_ignored(served: Served) -> None:
    async with mouth(served) as (peer, sink):
        for _ in range(5):
            await peer.media(b"\x01" * 160)
        await peer.send({"event": "mark", "mark": {"name": "after"}})
        await sink.marks.until(lambda name: name == "after")
        assert sink.media.items == []


async def test_keys_reach_the_session_where_the_network_reports_them(served: Served) -> None:
    served.office.twilio.fail("add participant", 400, 21218)
    document = await served.ring(served.office.call_sid)
    async with served.stream(MEDIA_CALLER) as socket:
        peer = Peer(socket, served.office.call_sid)
        await peer.begin(token_in(document))
        await peer.send({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": "5"}})
        sink = await served.office.session.sink(LegRole.DUPLEX)
        assert await sink.digits.until(lambda _: True) == "5"


async def test_nothing_is_ever_sent_on_a_tap(served: Served) -> None:
    async with tap(served) as (peer, _):
        socket = served.office.session.sockets[LegRole.TAP, 1]
        socket.send_audio(b"\x00")
        socket.send_mark("m")
        socket.send_clear()
        socket.close()
        with pytest.raises(ConnectionClosed):
            await peer.receive()


# -- who is let in


@pytest.mark.parametrize("signature", ["", "forged", "iipxWStCPwHv8TIpyhnkV93xQtA="])
async def test_a_handshake_without_a_good_signature_is_refused(served: Served, signature: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with served.stream(MEDIA_TAP, signature=signature):
            pass
    assert refused.value.response.status_code == 403


async def test_the_signature_of_another_address_is_refused(served: Served) -> None:
    other = served.signature("wss://voice.example.org/twilio/media/agent")
    with pytest.raises(InvalidStatus) as refused:
        async with served.stream(MEDIA_TAP, signature=other):
            pass
    assert refused.value.response.status_code == 403


async def test_an_address_that_does_not_exist_is_refused(served: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with served.stream("/twilio/media/elsewhere"):
            pass
    assert refused.value.response.status_code == 403


async def test_plain_http_is_told_to_upgrade(served: Served) -> None:
    assert (await served.http.get(MEDIA_TAP)).status_code == 426


@pytest.mark.parametrize("token", ["", "guessed", "x" * 450])
async def test_a_stream_without_a_good_token_is_closed(served: Served, token: str) -> None:
    await served.ring(served.office.call_sid)
    async with served.stream(MEDIA_TAP) as socket:
        peer = Peer(socket, served.office.call_sid)
        await peer.begin(token)
        assert await peer.close_code() == 1008


async def test_a_token_is_good_for_one_stream(served: Served) -> None:
    document = await served.ring(served.office.call_sid)
    async with served.stream(MEDIA_TAP) as first, served.stream(MEDIA_TAP) as second:
        await Peer(first, served.office.call_sid).begin(token_in(document))
        await served.office.session.sink(LegRole.TAP)
        again = Peer(second, served.office.call_sid)
        await again.begin(token_in(document))
        assert await again.close_code() == 1008


async def test_a_token_of_one_call_opens_no_stream_of_another(served: Served) -> None:
    document = await served.ring(served.office.call_sid)
    async with served.stream(MEDIA_TAP) as socket:
        peer = Peer(socket, sid("CA"))
        await peer.begin(token_in(document))
        assert await peer.close_code() == 1008


async def test_a_taps_token_opens_no_mouth(served: Served) -> None:
    document = await served.ring(served.office.call_sid)
    async with served.stream(MEDIA_AGENT) as socket:
        peer = Peer(socket, served.office.call_sid)
        await peer.begin(token_in(document))
        assert await peer.close_code() == 1008


async def test_a_stream_for_a_call_that_is_over_is_closed(served: Served) -> None:
    call_sid = sid("CA")
    token = served.office.network.tokens.issue(StreamGrant(call_sid, call_sid, LegRole.TAP, 1))
    async with served.stream(MEDIA_TAP) as socket:
        peer = Peer(socket, call_sid)
        await peer.begin(token)
        assert await peer.close_code() == 1008


async def test_a_format_we_cannot_hear_is_refused(served: Served) -> None:
    document = await served.ring(served.office.call_sid)
    async with served.stream(MEDIA_TAP) as socket:
        peer = Peer(socket, served.office.call_sid)
        form = {"encoding": "audio/x-l16", "sampleRate": 16000, "channels": 1}
        await peer.begin(token_in(document), mediaFormat=form)
        assert await peer.close_code() == 1008


async def test_a_socket_that_never_starts_is_closed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice_agent.api.media.START_TIMEOUT_S", 0.05)
    async with served.stream(MEDIA_TAP) as socket:
        assert await Peer(socket, served.office.call_sid).close_code() == 1008


async def test_media_before_start_is_refused(served: Served) -> None:
    await served.ring(served.office.call_sid)
    async with served.stream(MEDIA_TAP) as socket:
        peer = Peer(socket, served.office.call_sid)
        for _ in range(20):
            await peer.media(b"\x00")
        assert await peer.close_code() == 1008


# -- bad input


async def test_bad_frames_are_survived(served: Served) -> None:
    async with tap(served) as (peer, sink):
        for bad in ("", "{", "[]", "null", '{"event":"media"}', "x" * 70_000, b"\x00\x01"):
            await peer.socket.send(bad)
        await peer.send({"event": "media", "media": {"track": "inbound", "timestamp": "x", "payload": "!"}})
        await peer.send({"event": "a new kind of event"})
        await peer.media(b"\x01", 40)
        assert await sink.media.until(lambda _: True) == (40, b"\x01")


async def test_too_many_bad_frames_close_the_stream(served: Served) -> None:
    async with tap(served) as (peer, sink):
        for _ in range(20):
            await peer.socket.send("{")
        assert await peer.close_code() == 1007
        assert await sink.closed.until(lambda _: True) == "lost"


async def test_frames_that_come_twice_or_late_are_heard_once(served: Served) -> None:
    async with tap(served) as (peer, sink):
        await peer.media(b"\x01", 20)
        await peer.media(b"\x02", 40)
        again = {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": "AQ=="}
        late = {"event": "media", "sequenceNumber": "2", "streamSid": peer.stream_sid, "media": again}
        await peer.socket.send(json.dumps(late))
        await peer.media(b"\x03", 60)
        await sink.media.until(lambda frame: frame[0] == 60)
        assert [timestamp for timestamp, _ in sink.media.items] == [20, 40, 60]


async def test_the_other_direction_of_a_tap_is_not_taken_for_the_caller(served: Served) -> None:
    async with tap(served) as (peer, sink):
        media = {"track": "outbound", "chunk": "1", "timestamp": "0", "payload": "AQ=="}
        await peer.send({"event": "media", "media": media})
        await peer.media(b"\x02", 20)
        assert await sink.media.until(lambda _: True) == (20, b"\x02")


# -- the end


async def test_stop_is_told_before_the_socket_closes(served: Served) -> None:
    async with tap(served) as (peer, sink):
        await peer.stop()
        await sink.closed.until(lambda reason: reason == "stop")
    await sink.closed.until(lambda reason: reason == "closed")


async def test_a_socket_that_ends_without_stop_is_lost(served: Served) -> None:
    async with tap(served) as (peer, sink):
        peer.socket.transport.abort()
        assert await sink.closed.until(lambda _: True) == "lost"


async def test_closing_from_our_side_is_told_as_closed(served: Served) -> None:
    async with mouth(served) as (peer, sink):
        served.office.session.sockets[LegRole.AGENT, 1].close()
        assert await peer.close_code() == 1000
        assert await sink.closed.until(lambda _: True) == "closed"


async def test_a_session_that_fails_on_a_frame_loses_its_stream_and_not_the_server(served: Served) -> None:
    async with tap(served) as (peer, sink):
        sink.on_media = None  # type: ignore[assignment, method-assign]
        await peer.media(b"\x00")
        assert await peer.close_code() == 1011
        assert sink.closed.items == ["lost"]
    assert "<Conference" in await served.ring(served.office.call_sid)


async def test_the_server_goes_down_with_open_streams_and_leaves_no_task() -> None:
    async with serve() as served, tap(served) as (peer, sink):
        await served.shut_down()
        assert await sink.closed.until(lambda _: True) == "lost"
        assert await peer.close_code() == 1012
    writers = [task for task in asyncio.all_tasks() if task.get_name().startswith("write ")]
    assert writers == []
