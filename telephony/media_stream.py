"""Twilio's media-stream protocol without a socket: text frames to typed messages and back.

Twilio sends ``connected``, ``start``, then ``media`` (50 a second), ``dtmf``, ``mark`` and at last ``stop``;
we answer with ``media``, ``mark`` and ``clear`` on bidirectional streams. Counters travel as strings.
``sequenceNumber`` runs over all messages from ``start`` on, so holes in it are lost messages.
Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from telephony.errors import MalformedFrame, TooManyBadFrames

MAX_FRAME_CHARS: Final = 65_536
"""A real media frame has about 350 characters; the largest honest message is ``start`` with 99 parameters of
500."""
MAX_PAYLOAD_CHARS: Final = 12_000
"""Base64 of about one second of audio; Twilio sends 20 ms."""
MAX_TIMESTAMP_MS: Final = 86_400_000
"""No call lasts longer than a day; a wild timestamp must not make anybody fill the gap."""
MAX_SEQUENCE_STEP: Final = 10_000
"""Three minutes of lost media; a wilder number would make everything after it look late."""
MAX_BAD_FRAMES: Final = 20
"""After so many the peer is not speaking this protocol."""

_MEDIA_STARTS: Final = ('{"event":"media"', '{"event": "media"')
"""How a media frame begins when its sender writes ``event`` first, compactly or not."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The first message of every socket."""

    protocol: str
    version: str


@dataclass(frozen=True, slots=True)
class Start:
    """What the stream is. ``parameters`` are the ``<Parameter>`` of the TwiML."""

    stream_sid: str
    call_sid: str
    account_sid: str
    tracks: tuple[str, ...]
    encoding: str
    sample_rate: int
    channels: int
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ulaw_8k_mono(self) -> bool:
        """True for the only format the network documents."""
        return (self.encoding, self.sample_rate, self.channels) == ("audio/x-mulaw", 8000, 1)


@dataclass(frozen=True, slots=True)
class Media:
    """Audio: ``payload`` is µ-law bytes, ``timestamp_ms`` counts from the start of the stream."""

    track: str
    timestamp_ms: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key was pressed (bidirectional streams only)."""

    digit: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark came back: played, or cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The stream is over."""

    call_sid: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event this reading of the protocol does not know; new ones may appear."""

    event: str


Message = Connected | Start | Media | Dtmf | Mark | Stop | Unknown


class InboundStream:
    """The receiving half of one stream: parses, counts and keeps order. Not thread-safe, no I/O.

    Attributes:
        stream_sid: known from ``start`` on.
        missing: messages that the sequence numbers say were lost.
        stale: messages whose sequence number was not above the last one; such media is dropped.
        skipped: media frames thrown away unparsed (only with ``drop_media``).
        bad: frames that were malformed.
    """

    def __init__(self, *, drop_media: bool = False) -> None:
        """``drop_media``: throw audio away, mostly unparsed (the mix that an agent's leg hears)."""
        self.stream_sid = ""
        self.missing = 0
        self.stale = 0
        self.skipped = 0
        self.bad = 0
        self._last = 0
        self._drop_media = drop_media

    def receive(self, frame: str | bytes) -> Message | None:
        """The message in ``frame``; None for media that is to be dropped.

        Raises:
            MalformedFrame: not a message of the protocol; the stream may go on.
            TooManyBadFrames: the same, for the last time.
        """
        if (
            self._drop_media
            and self.stream_sid
            and isinstance(frame, str)
            and frame.startswith(_MEDIA_STARTS)
        ):
            self._last += 1
            self.skipped += 1
            return None
        try:
            return self._parse(frame)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            # Only the kind of error: its text would quote the frame, which may hold audio.
            raise self._reject(f"{type(error).__name__} in a frame of {len(frame)} characters") from None

    def _parse(self, frame: str | bytes) -> Message | None:
        if not isinstance(frame, str):
            raise self._reject("binary frame: media streams are JSON text")
        if len(frame) > MAX_FRAME_CHARS:
            raise self._reject(f"frame of {len(frame)} characters, at most {MAX_FRAME_CHARS} are read")
        message: dict[str, Any] = orjson.loads(frame)
        event = message["event"]
        if event == "connected":
            return Connected(str(message.get("protocol", "")), str(message.get("version", "")))
        sequence = int(message["sequenceNumber"])
        if event == "start":
            return self._start(message, sequence)
        if not self.stream_sid:
            raise self._reject("message before start")
        if message["streamSid"] != self.stream_sid:
            raise self._reject("streamSid of another stream")
        fresh = self._in_order(sequence)
        if event == "media":
            if not fresh or self._drop_media:
                return None
            return self._media(message["media"])
        if event == "mark":
            return Mark(_text(message["mark"]["name"]))
        if event == "dtmf":
            return Dtmf(_digit(message["dtmf"]["digit"]))
        if event == "stop":
            return Stop(str(message.get("stop", {}).get("callSid", "")))
        return Unknown(_text(event))

    def _start(self, message: Mapping[str, Any], sequence: int) -> Start:
        if self.stream_sid:
            raise self._reject("second start on one socket")
        body = message["start"]
        form = body["mediaFormat"]
        start = Start(
            stream_sid=_text(body["streamSid"]),
            call_sid=_text(body["callSid"]),
            account_sid=_text(body["accountSid"]),
            tracks=tuple(_text(track) for track in body["tracks"]),
            encoding=_text(form["encoding"]),
            sample_rate=int(form["sampleRate"]),
            channels=int(form["channels"]),
            parameters={_text(k): _text(v) for k, v in (body.get("customParameters") or {}).items()},
        )
        if not start.stream_sid or message["streamSid"] != start.stream_sid:
            raise ValueError("streamSid")
        self.stream_sid = start.stream_sid
        self._last = sequence
        return start

    def _media(self, media: Mapping[str, Any]) -> Media:
        payload = media["payload"]
        timestamp_ms = int(media["timestamp"])
        if len(payload) > MAX_PAYLOAD_CHARS or not 0 <= timestamp_ms <= MAX_TIMESTAMP_MS:
            raise ValueError("payload or timestamp out of range")
        return Media(_text(media["track"]), timestamp_ms, a2b_base64(payload, strict_mode=True))

    def _in_order(self, sequence: int) -> bool:
        step = sequence - self._last
        if step == 1:
            self._last = sequence
            return True
        if step <= 0:
            self.stale += 1
            return False
        if step > MAX_SEQUENCE_STEP:
            raise ValueError("sequenceNumber out of range")
        self.missing += step - 1
        self._last = sequence
        return True

    def _reject(self, why: str) -> MalformedFrame:
        self.bad += 1
        if self.bad >= MAX_BAD_FRAMES:
            return TooManyBadFrames(f"{self.bad} malformed frames, the last one: {why}")
        return MalformedFrame(why)


class OutboundStream:
    """Builds what may be sent on a bidirectional stream; exactly the documented fields, nothing else
    (31951)."""

    def __init__(self, stream_sid: str) -> None:
        sid = orjson.dumps(stream_sid).decode()
        self._media_start = f'{{"event":"media","streamSid":{sid},"media":{{"payload":"'
        self._mark_start = f'{{"event":"mark","streamSid":{sid},"mark":{{"name":'
        self._clear = f'{{"event":"clear","streamSid":{sid}}}'

    def media(self, payload: bytes) -> str:
        """Audio to play after everything sent before; µ-law, any length, no file header."""
        return f'{self._media_start}{b2a_base64(payload, newline=False).decode("ascii")}"}}}}'

    def mark(self, name: str) -> str:
        """Comes back when everything sent before was played or cleared."""
        return f"{self._mark_start}{orjson.dumps(name).decode()}}}}}"

    def clear(self) -> str:
        """Empties the network's buffer; every outstanding mark comes back."""
        return self._clear


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, got {type(value).__name__}")
    return value


def _digit(value: object) -> str:
    digit = _text(value)
    if len(digit) != 1 or digit not in "0123456789*#ABCD":
        raise ValueError("not a key")
    return digit
