"""Media-stream frames: what is understood, what is survived."""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.errors import MalformedFrame, TooManyBadFrames
from telephony.media_stream import (
    MAX_BAD_FRAMES,
    MAX_FRAME_CHARS,
    Connected,
    Dtmf,
    InboundStream,
    Mark,
    Media,
    OutboundStream,
    Start,
    Stop,
    Unknown,
)

STREAM = "MZ" + "a" * 32
START: dict[str, Any] = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "AC1",
        "streamSid": STREAM,
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"t": "token"},
    },
    "streamSid": STREAM,
}


def frame(event: str, sequence: int, stream: str = STREAM, **body: Any) -> str:
    return json.dumps({"event": event, "sequenceNumber": str(sequence), "streamSid": stream, **body})


def media(sequence: int, payload: bytes = b"\xff", timestamp: object = "20", **fields: Any) -> str:
    inner = {"track": "inbound", "chunk": "1", "timestamp": timestamp}
    return frame("media", sequence, media={**inner, "payload": base64.b64encode(payload).decode(), **fields})


def started(**options: bool) -> InboundStream:
    stream = InboundStream(**options)
    stream.receive(json.dumps(START))
    return stream


def test_the_first_messages_are_understood() -> None:
    stream = InboundStream()
    assert stream.receive('{"event":"connected","protocol":"Call","version":"1.0.0"}') == Connected(
        "Call", "1.0.0"
    )
    start = stream.receive(json.dumps(START))
    assert start == Start(STREAM, "CA1", "AC1", ("inbound",), "audio/x-mulaw", 8000, 1, {"t": "token"})
    assert isinstance(start, Start)
    assert start.is_ulaw_8k_mono


def test_every_message_of_a_stream_is_understood() -> None:
    stream = started()
    assert stream.receive(media(2, b"\x01\x02", "40")) == Media("inbound", 40, b"\x01\x02")
    key = {"track": "inbound_track", "digit": "#"}
    assert stream.receive(frame("dtmf", 3, dtmf=key)) == Dtmf("#")
    assert stream.receive(frame("mark", 4, mark={"name": "a:1:2"})) == Mark("a:1:2")
    assert stream.receive(frame("from the future", 5)) == Unknown("from the future")
    assert stream.receive(frame("stop", 6, stop={"accountSid": "AC1", "callSid": "CA1"})) == Stop("CA1")
    assert (stream.missing, stream.stale, stream.bad) == (0, 0, 0)


def test_lost_messages_are_counted_and_late_ones_dropped() -> None:
    stream = started()
    stream.receive(media(2))
    assert isinstance(stream.receive(media(6)), Media)
    assert stream.missing == 3
    assert stream.receive(media(4)) is None
    assert stream.receive(media(6)) is None
    assert stream.stale == 2
    assert isinstance(stream.receive(frame("stop", 6, stop={})), Stop)


def test_a_mouth_drops_audio_however_it_is_written() -> None:
    stream = started(drop_media=True)
    assert stream.receive(media(2)) is None
    compact = json.dumps(json.loads(media(3)), separators=(",", ":"))
    assert stream.receive(compact) is None
    assert stream.skipped == 2
    reordered = json.dumps(dict(reversed(list(json.loads(media(4)).items()))))
    assert stream.receive(reordered) is None
    assert stream.receive(frame("mark", 5, mark={"name": "m"})) == Mark("m")
    assert stream.missing == 0


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "{",
        "[]",
        "null",
        '"media"',
        '{"event":"media"}',
        b"\x00",
        "x" * (MAX_FRAME_CHARS + 1),
        media(99_999),
        media(2, timestamp="soon"),
        media(2, timestamp="-1"),
        media(2, timestamp="999999999999"),
        media(2, payload=b"\xff" * 10_000),
        frame("media", 2, media={"track": "inbound", "timestamp": "0", "payload": "not base64!"}),
        frame("media", 2, media={"track": 7, "timestamp": "0", "payload": "AQ=="}),
        frame("media", 2, media=[]),
        frame("media", 2, stream="MZ" + "b" * 32, media={}),
        frame("mark", 2, mark={"name": 3}),
        frame("dtmf", 2, dtmf={"digit": "12"}),
        frame("dtmf", 2, dtmf={"digit": "x"}),
        json.dumps(START),
        '{"event":"mark","sequenceNumber":"1e999","streamSid":"x"}',
        "[" * 5000,
    ],
)
def test_a_bad_frame_is_named_and_the_stream_goes_on(bad: str | bytes) -> None:
    stream = started()
    with pytest.raises(MalformedFrame):
        stream.receive(bad)
    assert stream.bad == 1
    assert isinstance(stream.receive(media(3)), Media)


def test_an_error_never_quotes_the_frame() -> None:
    secret = base64.b64encode(b"what the caller said").decode()
    with pytest.raises(MalformedFrame) as error:
        started().receive('{"event":"media","media":{"payload":"' + secret)
    assert secret not in str(error.value)
    assert error.value.__cause__ is None


def test_messages_before_start_are_malformed() -> None:
    with pytest.raises(MalformedFrame):
        InboundStream().receive(media(1))


def test_a_peer_that_never_makes_sense_is_given_up() -> None:
    stream = started()
    for _ in range(MAX_BAD_FRAMES - 1):
        with pytest.raises(MalformedFrame) as error:
            stream.receive("{")
        assert not isinstance(error.value, TooManyBadFrames)
    with pytest.raises(TooManyBadFrames):
        stream.receive("{")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["event", "sequenceNumber", "streamSid", "start", "media", "mark", "dtmf", "stop", "payload", "name"]
)
EVENTS = st.sampled_from(["connected", "start", "media", "mark", "dtmf", "stop", "other"])


@given(st.one_of(st.text(), st.binary(), JSON.map(json.dumps)))
def test_no_frame_whatever_breaks_the_parser(data: str | bytes) -> None:
    for stream in (InboundStream(), started(), started(drop_media=True)):
        try:
            stream.receive(data)
        except MalformedFrame:
            assert stream.bad == 1


@given(EVENTS, st.dictionaries(FIELDS, JSON, max_size=6), st.booleans())
def test_no_message_of_a_known_kind_breaks_the_parser(event: str, fields: dict[str, Any], ours: bool) -> None:
    message = {"sequenceNumber": "2", "streamSid": STREAM, **fields, "event": event}
    if ours:
        message["streamSid"] = STREAM
    stream = started()
    try:
        stream.receive(json.dumps(message))
    except MalformedFrame:
        assert stream.bad == 1


@given(st.binary(max_size=2000), st.integers(0, 10**7))
def test_audio_survives_the_way_there_and_back(payload: bytes, timestamp: int) -> None:
    parsed = started().receive(media(2, payload, str(timestamp)))
    assert parsed == Media("inbound", timestamp, payload)
    sent = json.loads(OutboundStream(STREAM).media(payload))
    assert base64.b64decode(sent.pop("media")["payload"]) == payload
    assert sent == {"event": "media", "streamSid": STREAM}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_mark_names_are_sent_as_they_are(name: str) -> None:
    assert json.loads(OutboundStream(STREAM).mark(name)) == {
        "event": "mark",
        "streamSid": STREAM,
        "mark": {"name": name},
    }


def test_clear_holds_nothing_but_the_stream() -> None:
    assert json.loads(OutboundStream(STREAM).clear()) == {"event": "clear", "streamSid": STREAM}


def test_a_frame_of_audio_costs_a_few_microseconds() -> None:
    payload = os.urandom(160)
    frames = [media(number, payload) for number in range(2, 5002)]
    best = float("inf")
    for _ in range(5):
        stream = started()
        begun = time.thread_time()
        for each in frames:
            stream.receive(each)
        best = min(best, (time.thread_time() - begun) / len(frames))
    assert best < 15e-6, f"{best * 1e6:.1f} us a frame; 2 us on an idle machine"
