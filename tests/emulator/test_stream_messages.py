"""Messages of the media socket: built to the letter, read without mercy."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.emulator.stream_messages import (
    Clear,
    Mark,
    Media,
    MessageWriter,
    StreamMessageError,
    parse_client_message,
)

SID = "MZ" + "1" * 32
CALL = "CA" + "2" * 32
ACCOUNT = "AC" + "3" * 32
AUDIO = base64.b64encode(b"\x01" * 160).decode()


def written(message: dict[str, object]) -> str:
    return json.dumps(message)


def test_the_three_messages_are_understood() -> None:
    media = {"event": "media", "streamSid": SID, "media": {"payload": AUDIO}}
    assert parse_client_message(written(media), SID) == Media(b"\x01" * 160)
    mark = {"event": "mark", "streamSid": SID, "mark": {"name": "m"}}
    assert parse_client_message(written(mark), SID) == Mark("m")
    assert parse_client_message(written({"event": "clear", "streamSid": SID}), SID) == Clear()


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        (written({"event": "stop", "streamSid": SID}), "unsupported event"),
        (written({"streamSid": SID}), "unsupported event"),
        (written({"event": "clear"}), "lacks"),
        (written({"event": "clear", "streamSid": "MZother"}), "active stream"),
        (written({"event": "clear", "streamSid": SID, "mark": {}}), "unexpected"),
        (written({"event": "media", "streamSid": SID, "media": {}}), "lacks"),
        (written({"event": "media", "streamSid": SID, "media": "x"}), "object"),
        (written({"event": "media", "streamSid": SID, "media": {"payload": 5}}), "string"),
        (written({"event": "media", "streamSid": SID, "media": {"payload": "ä"}}), "base64"),
        (written({"event": "media", "streamSid": SID, "media": {"payload": ""}}), "empty"),
        (
            written({"event": "media", "streamSid": SID, "media": {"payload": AUDIO, "track": "inbound"}}),
            "unexpected",
        ),
        (
            written({"event": "media", "streamSid": SID, "media": {"payload": "UklGRg=="}}),
            "header",
        ),
        (written({"event": "mark", "streamSid": SID, "mark": {"name": ""}}), "mark.name"),
        (
            written({"event": "mark", "streamSid": SID, "sequenceNumber": "3", "mark": {"name": "m"}}),
            "unexpected",
        ),
    ],
)
def test_everything_else_is_refused_with_a_reason(message: str, complaint: str) -> None:
    with pytest.raises(StreamMessageError, match=complaint):
        parse_client_message(message, SID)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.text() | JSON.map(json.dumps))
def test_arbitrary_text_never_raises_anything_else(text: str) -> None:
    try:
        parse_client_message(text, SID)
    except StreamMessageError:
        return


@given(
    st.fixed_dictionaries(
        {"event": st.sampled_from(["media", "mark", "clear"]), "streamSid": st.sampled_from([SID, "MZ", ""])},
        optional={"media": JSON, "mark": JSON, "extra": JSON},
    )
)
def test_what_is_accepted_is_exactly_the_documented_shape(message: dict[str, object]) -> None:
    try:
        parse_client_message(written(message), SID)
    except StreamMessageError:
        return
    event = str(message["event"])
    assert message["streamSid"] == SID
    assert set(message) == {"event", "streamSid"} | ({event} - {"clear"})


def test_the_first_messages_have_the_documented_fields() -> None:
    writer = MessageWriter(ACCOUNT, CALL, SID, chunk_shared=False)
    assert json.loads(writer.connected()) == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert json.loads(writer.start(["inbound"], {"k": "v"})) == {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": ACCOUNT,
            "streamSid": SID,
            "callSid": CALL,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"k": "v"},
        },
        "streamSid": SID,
    }


def test_media_dtmf_mark_and_stop_have_the_documented_fields() -> None:
    writer = MessageWriter(ACCOUNT, CALL, SID, chunk_shared=False)
    writer.start(["inbound"], {})
    assert json.loads(writer.media("inbound", 20, b"\x01" * 160)) == {
        "event": "media",
        "sequenceNumber": "2",
        "media": {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": AUDIO},
        "streamSid": SID,
    }
    assert json.loads(writer.dtmf("1")) == {
        "event": "dtmf",
        "streamSid": SID,
        "sequenceNumber": "3",
        "dtmf": {"track": "inbound_track", "digit": "1"},
    }
    assert json.loads(writer.mark("my label")) == {
        "event": "mark",
        "sequenceNumber": "4",
        "streamSid": SID,
        "mark": {"name": "my label"},
    }
    assert json.loads(writer.stop()) == {
        "event": "stop",
        "sequenceNumber": "5",
        "stop": {"accountSid": ACCOUNT, "callSid": CALL},
        "streamSid": SID,
    }


@pytest.mark.parametrize(("shared", "chunks"), [(False, ["1", "1", "2"]), (True, ["1", "2", "3"])])
def test_chunks_count_per_track_or_over_all(shared: bool, chunks: list[str]) -> None:
    writer = MessageWriter(ACCOUNT, CALL, SID, chunk_shared=shared)
    frames = [writer.media(track, 0, b"\x00") for track in ("inbound", "outbound", "inbound")]
    assert [json.loads(frame)["media"]["chunk"] for frame in frames] == chunks
