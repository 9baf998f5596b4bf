"""One call leg: the call resource, and the audio that flows through it on every tick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from .callbacks import Callback
from .events import EventKind
from .g711 import SILENCE_FRAME
from .identifiers import new_sid, rfc2822
from .recordings import Recording
from .services import Services
from .sources import AudioSource
from .stream import MediaStream
from .stream_order import StreamKind, StreamOrder
from .webhook import Target

if TYPE_CHECKING:
    from .participant import Participant

MAX_TRACKS = 4  # <Start><Stream> tracks of one call, shared with asynchronous machine detection
API_VERSION = "2010-04-01"


class CallStatus(StrEnum):
    """States of a call in the order in which they come; the last five are terminal."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @property
    def terminal(self) -> bool:
        """Whether the call is over."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {
        CallStatus.COMPLETED,
        CallStatus.BUSY,
        CallStatus.FAILED,
        CallStatus.NO_ANSWER,
        CallStatus.CANCELED,
    }
)


class Direction(StrEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND_API = "outbound-api"
    OUTBOUND_DIAL = "outbound-dial"


class FarEnd(Protocol):
    """The telephone at the other end of a leg."""

    def next_frame(self) -> bytes:
        """What it says in this tick: always 160 bytes, silence included."""
        ...

    def hear(self, frame: bytes) -> None:
        """What is played to it in this tick."""
        ...

    def call_answered(self) -> None:
        """The call is connected; audio follows."""
        ...

    def call_ended(self, status: CallStatus) -> None:
        """The call is over."""
        ...


@dataclass
class Progress:
    """Where a call's status callbacks go; `events` out of initiated, ringing, answered, completed."""

    url: str = ""
    method: str = "POST"
    events: tuple[str, ...] = ("completed",)
    sequence: int = 0


class TooManyStreams(Exception):
    """The call has no room for another media stream."""


_PROGRESS_EVENTS = {
    CallStatus.INITIATED: "initiated",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "answered",
}


@dataclass(eq=False)
class Leg:
    """A call leg with two sides.

    `uplink` is what the network receives from the far side (a telephone), `downlink` what it plays to it.
    The near side is driven by TwiML, a conference or a bridge. An `app:` leg is turned around: its
    TwiML speaks on the downlink, and the conference stands at its far side.
    """

    services: Services
    direction: Direction
    to: str
    from_: str
    parent_sid: str = ""
    phone_number_sid: str = ""
    application_sid: str = ""
    extra_fields: tuple[tuple[str, str], ...] = ()
    status: CallStatus = CallStatus.QUEUED
    progress: Progress = field(default_factory=Progress)
    sid: str = field(default_factory=lambda: new_sid("CA"))
    far: FarEnd | None = None
    queue_time_ms: int = 0
    answered_by: str = ""
    sip_code: int = 0
    time_limit_s: int = 14400
    uplink: bytes = SILENCE_FRAME
    downlink: bytes = SILENCE_FRAME
    near_conference: Participant | None = None
    far_conference: Participant | None = None
    bridge: Leg | None = None
    tracks_taken: int = 0
    started: datetime | None = None
    ended_at: datetime | None = None
    answered_at: float | None = None

    def __post_init__(self) -> None:
        self.created = self.updated = self.services.clock.now()
        self.streams: dict[str, MediaStream] = {}
        self.recordings: list[Recording] = []
        self.children: list[Leg] = []
        self.driver: asyncio.Task[None] | None = None
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[CallStatus] = asyncio.get_running_loop().create_future()
        # What `<Dial action>` is told when the caller hangs up: the verb itself is gone by then.
        self.action_after_hang_up: tuple[Target, list[tuple[str, str]]] | None = None
        self._source: AudioSource | None = None
        self._source_done: asyncio.Future[None] | None = None
        self._digit_listeners: list[Callable[[str], None]] = []

    @property
    def live(self) -> bool:
        """Whether audio flows: answered and not over."""
        return self.status is CallStatus.IN_PROGRESS

    @property
    def is_app(self) -> bool:
        """Whether a TwiML application stands at the other end instead of a telephone."""
        return self.to.startswith("app:")

    @property
    def duration_s(self) -> float:
        """Seconds since the answer, until now or the end."""
        if self.started is None:
            return 0.0
        return ((self.ended_at or self.services.clock.now()) - self.started).total_seconds()

    def fields(self) -> list[tuple[str, str]]:
        """The form fields that every request about this call carries."""
        fields = [
            ("CallSid", self.sid),
            ("AccountSid", self.services.config.account_sid),
            ("From", self.from_),
            ("To", self.to),
            ("Caller", self.from_),
            ("Called", self.to),
            ("CallStatus", self.status.value),
            ("ApiVersion", API_VERSION),
            ("Direction", self.direction.value),
        ]
        if self.parent_sid:
            fields.append(("ParentCallSid", self.parent_sid))
        if self.application_sid:
            fields.append(("ApplicationSid", self.application_sid))
        return [*fields, *self.extra_fields]

    # --- state -----------------------------------------------------------------------------------

    def become(self, status: CallStatus) -> None:
        """Enter the next state and tell the progress callback. Terminal states are final."""
        if self.status is status or self.status.terminal:
            return
        self.status = status
        self.updated = self.services.clock.now()
        if status is CallStatus.IN_PROGRESS:
            self.started = self.updated
            self.answered_at = self.services.clock.monotonic()
            if not self.answered.done():
                self.answered.set_result(None)
        if status.terminal:
            self.ended_at = self.updated
            self.ended.set_result(status)
        kind = {
            CallStatus.INITIATED: EventKind.CALL_INITIATED,
            CallStatus.RINGING: EventKind.CALL_RINGING,
            CallStatus.IN_PROGRESS: EventKind.CALL_ANSWERED,
        }.get(status, EventKind.CALL_ENDED)
        self.services.log.record(kind, self.sid, status=status.value)
        self._tell_progress(status)
        if self.far is not None and status is CallStatus.IN_PROGRESS:
            self.far.call_answered()
        if self.far is not None and status.terminal:
            self.far.call_ended(status)

    def _tell_progress(self, status: CallStatus) -> None:
        event = "completed" if status.terminal else _PROGRESS_EVENTS[status]
        sequence = self.progress.sequence
        self.progress.sequence += 1
        if event not in self.progress.events:
            return
        fields = [
            *self.fields(),
            ("Timestamp", rfc2822(self.updated) or ""),
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", str(sequence)),
        ]
        if status in (CallStatus.RINGING, CallStatus.IN_PROGRESS):
            fields.append(("StirStatus", "A"))
        if status.terminal:
            seconds = round(self.duration_s)
            fields.append(("CallDuration", str(seconds)))
            if self.sip_code:
                fields.append(("SipResponseCode", str(self.sip_code)))
            if status is CallStatus.COMPLETED:
                fields.append(("Duration", str(-(-seconds // 60))))
            if self.recordings and self.recordings[-1].order.source == "OutboundAPI":
                last = self.recordings[-1]
                fields += [
                    ("RecordingUrl", last.url),
                    ("RecordingSid", last.sid),
                    ("RecordingDuration", str(round(last.duration_s))),
                ]
        self.services.callbacks.fire(
            Callback(self.sid, self.progress.url, self.progress.method, fields, f"call-{event}", self.sid)
        )

    # --- audio -----------------------------------------------------------------------------------

    def play(self, source: AudioSource) -> asyncio.Future[None]:
        """Play something on the downlink, in place of what plays now; done when it has ended."""
        self.stop_playing()
        self._source = source
        self._source_done = asyncio.get_running_loop().create_future()
        return self._source_done

    def stop_playing(self) -> None:
        """Silence the TwiML's own sound."""
        self._source = None
        if self._source_done is not None and not self._source_done.done():
            self._source_done.set_result(None)

    def pull(self) -> None:
        """First half of a tick: what the telephone says and what the TwiML plays."""
        if self.far is not None:
            self.uplink = self.far.next_frame()
        elif self.far_conference is None:
            self.uplink = SILENCE_FRAME
        if self.near_conference is None and self.bridge is None:
            self.downlink = self._played()

    def push(self) -> None:
        """Second half of a tick, after conferences and bridges: everybody who listens gets the audio."""
        if self.bridge is not None:
            self.downlink = self.bridge.uplink
        for stream in self.streams.values():
            stream.feed(self.uplink, self.downlink)
        for recording in self.recordings:
            recording.feed(self.uplink, self.downlink)
        if self.far is not None:
            self.far.hear(self.downlink)

    def _played(self) -> bytes:
        if self._source is not None:
            frame = self._source.next_frame()
            if frame is not None:
                return frame
            self.stop_playing()
        return SILENCE_FRAME

    # --- keys ------------------------------------------------------------------------------------

    def listen_for_digits(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` for each key; the returned function ends that."""
        self._digit_listeners.append(listener)
        return lambda: self._digit_listeners.remove(listener)

    def digit(self, key: str) -> None:
        """The telephone pressed a key."""
        for listener in list(self._digit_listeners):
            listener(key)
        for stream in self.streams.values():
            stream.dtmf(key)
        if self.near_conference is not None and self.services.config.switches.dtmf_reaches_agent:
            for other in self.near_conference.conference.app_legs():
                for stream in other.streams.values():
                    stream.dtmf(key)

    # --- streams ---------------------------------------------------------------------------------

    def add_stream(self, order: StreamOrder) -> MediaStream:
        """Make room for a stream; it is not open yet.

        Raises:
            TooManyStreams: 4 tracks, 1 bidirectional stream or a taken name.
        """
        open_streams = [s for s in self.streams.values() if not s.over]
        stream = MediaStream(order, self.sid, self.services)
        if order.name and any(s.name == order.name for s in open_streams):
            raise TooManyStreams(f"a stream named {order.name!r} is already active on {self.sid}")
        if order.kind is StreamKind.CONNECT:
            if any(s.order.kind is StreamKind.CONNECT for s in open_streams):
                raise TooManyStreams(f"{self.sid} already has a bidirectional stream")
        elif sum(s.tracks for s in open_streams) + self.tracks_taken + stream.tracks > MAX_TRACKS:
            raise TooManyStreams(f"{self.sid} already has {MAX_TRACKS} tracks")
        self.streams[stream.sid] = stream
        return stream

    def find_stream(self, sid_or_name: str) -> MediaStream | None:
        """The newest stream with that SID or name."""
        if sid_or_name in self.streams:
            return self.streams[sid_or_name]
        named = [s for s in self.streams.values() if s.name == sid_or_name]
        return named[-1] if named else None

    def stop_streams(self, kinds: Sequence[StreamKind] = tuple(StreamKind)) -> None:
        """Stop all streams of the given kinds."""
        for stream in list(self.streams.values()):
            if stream.order.kind in kinds:
                stream.stop()
