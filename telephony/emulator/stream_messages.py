"""Messages of the media-stream WebSocket: built exactly as documented, and checked without mercy.

Sans-IO. Counters are strings, `mediaFormat` numbers are numbers, `customParameters` stands inside `start`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

INVALID_MESSAGE = 31951
NOT_ALLOWED = 31924
MARK_NAME_LIMIT = 1024


class StreamMessageError(ValueError):
    """A message from the application that the protocol does not allow (31951)."""


@dataclass(frozen=True)
class Media:
    """Audio to be played, µ-law."""

    audio: bytes


@dataclass(frozen=True)
class Mark:
    """A mark to be queued behind the audio."""

    name: str


@dataclass(frozen=True)
class Clear:
    """Empty the buffer."""


ClientMessage = Media | Mark | Clear

_BODY = {"media": ("payload",), "mark": ("name",), "clear": ()}


def parse_client_message(text: str, stream_sid: str) -> ClientMessage:
    """Check and read one message from the application.

    Raises:
        StreamMessageError: invalid JSON, unknown event, missing, extra or ill-typed fields, or the
            `streamSid` of another stream.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StreamMessageError(f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise StreamMessageError(f"must be a JSON object, got {type(message).__name__}")
    event = message.get("event")
    if not isinstance(event, str) or event not in _BODY:
        raise StreamMessageError(f"unsupported event {str(event)[:40]!r}; use media, mark or clear")
    body_fields = _BODY[event]
    _exact_keys(message, {"event", "streamSid"} | ({event} if body_fields else set()), event)
    if message["streamSid"] != stream_sid:
        raise StreamMessageError(f"streamSid is {message['streamSid']!r}, the active stream is {stream_sid}")
    if not body_fields:
        return Clear()
    body = message[event]
    if not isinstance(body, dict):
        raise StreamMessageError(f"{event} must hold an object, got {type(body).__name__}")
    _exact_keys(body, set(body_fields), f"{event} object")
    value = body[body_fields[0]]
    if not isinstance(value, str):
        raise StreamMessageError(f"{event}.{body_fields[0]} must be a string, got {type(value).__name__}")
    if event == "mark":
        if not 0 < len(value) <= MARK_NAME_LIMIT:
            raise StreamMessageError(f"mark.name must have 1 to {MARK_NAME_LIMIT} characters")
        return Mark(value)
    try:
        audio = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise StreamMessageError(f"media.payload is not base64: {error}") from error
    if not audio:
        raise StreamMessageError("media.payload is empty")
    if audio[:4] == b"RIFF":
        raise StreamMessageError("media.payload has a file header; send bare µ-law")
    return Media(audio)


def _exact_keys(found: Mapping[str, object], expected: set[str], where: str) -> None:
    missing, extra = expected - found.keys(), found.keys() - expected
    if missing:
        raise StreamMessageError(f"{where} lacks {sorted(missing)}")
    if extra:
        raise StreamMessageError(f"{where} has unexpected fields {sorted(extra)}")


class MessageWriter:
    """Builds the messages of one stream and owns its `sequenceNumber` and `chunk` counters."""

    def __init__(self, account_sid: str, call_sid: str, stream_sid: str, *, chunk_shared: bool) -> None:
        self._account_sid = account_sid
        self._call_sid = call_sid
        self._stream_sid = stream_sid
        self._chunk_shared = chunk_shared
        self._sequence = 0
        self._chunks: dict[str, int] = {}

    def connected(self) -> str:
        """The first message; it has no sequence number."""
        return json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self, tracks: Sequence[str], parameters: Mapping[str, str]) -> str:
        """The message that names the call and the stream; sequence number "1"."""
        return self._message(
            "start",
            {
                "accountSid": self._account_sid,
                "streamSid": self._stream_sid,
                "callSid": self._call_sid,
                "tracks": list(tracks),
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": dict(parameters),
            },
        )

    def media(self, track: str, timestamp_ms: int, ulaw: bytes) -> str:
        """One frame of a track. Written by hand: this is the only message that is frequent."""
        counter = "" if self._chunk_shared else track
        chunk = self._chunks[counter] = self._chunks.get(counter, 0) + 1
        self._sequence += 1
        return (
            f'{{"event":"media","sequenceNumber":"{self._sequence}","media":{{"track":"{track}",'
            f'"chunk":"{chunk}","timestamp":"{timestamp_ms}",'
            f'"payload":"{base64.b64encode(ulaw).decode()}"}},"streamSid":"{self._stream_sid}"}}'
        )

    def dtmf(self, digit: str) -> str:
        """A key that the caller pressed."""
        return self._message("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> str:
        """A mark on its way back."""
        return self._message("mark", {"name": name})

    def stop(self) -> str:
        """The last message."""
        return self._message("stop", {"accountSid": self._account_sid, "callSid": self._call_sid})

    def _message(self, event: str, body: Mapping[str, object]) -> str:
        self._sequence += 1
        return json.dumps(
            {
                "event": event,
                "sequenceNumber": str(self._sequence),
                event: body,
                "streamSid": self._stream_sid,
            }
        )
