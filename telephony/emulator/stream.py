"""One media stream: the network's WebSocket to the application, as tap or as `<Connect><Stream>`.

Frames enter on the 20 ms tick (`feed`) and leave through a bounded outbox with a writer of its own, so that
a slow reader loses audio (31930) and never holds up the tick. Three things end a stream, each safely more
than once: the application closes, the network stops it, the connection is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial

from .callbacks import Callback
from .clock import within
from .errors import ConnectFailed, HandshakeRefused, ReplyTimeout, TransportError
from .events import EventKind
from .faults import FaultKind
from .g711 import FRAME_SECONDS
from .identifiers import iso8601, new_sid
from .media_faults import MediaFaults
from .playout import PlayoutQueue
from .services import Services
from .signature import sign
from .stream_messages import (
    INVALID_MESSAGE,
    NOT_ALLOWED,
    Clear,
    Mark,
    Media,
    MessageWriter,
    StreamMessageError,
    parse_client_message,
)
from .stream_order import TRACKS, StreamEnd, StreamKind, StreamOrder
from .transport import ABNORMAL_CLOSE, Binary, Closed, Malformed, MediaSocket, Text

HANDSHAKE_SECONDS = 15.0
CLOSE_SECONDS = 3.0


class MediaStream:
    """A stream of one leg. It is also an audio source: what the application wants played."""

    def __init__(self, order: StreamOrder, call_sid: str, services: Services) -> None:
        self.order = order
        self.sid = new_sid("MZ")
        self.name = order.name or self.sid
        self.call_sid = call_sid
        self.updated: datetime = services.clock.now()
        self.ended: asyncio.Future[StreamEnd] = asyncio.get_running_loop().create_future()
        self._services = services
        self._log = services.log
        self._writer = MessageWriter(
            services.config.account_sid,
            call_sid,
            self.sid,
            chunk_shared=services.config.switches.chunk_shared,
        )
        self._tracks = TRACKS[order.track]
        self._playout = PlayoutQueue()
        self._socket: MediaSocket | None = None
        self._outbox: deque[tuple[bool, Callable[[], str]]] = deque()
        self._outbox_media = 0
        self._outbox_limit = round(services.config.limits.outbox_s / FRAME_SECONDS) * len(self._tracks)
        self._wake = asyncio.Event()
        self._frames = 0
        self._stopping = False
        self._warned: set[int] = set()
        self._faults = MediaFaults(services.clock, services.faults, self.sid)
        self._heard_from_app = False

    @property
    def active(self) -> bool:
        """Whether audio flows."""
        return self._socket is not None and not self._stopping and not self.ended.done()

    @property
    def over(self) -> bool:
        """Whether it has ended or is about to."""
        return self._stopping or self.ended.done()

    @property
    def tracks(self) -> int:
        """How many of the call's track slots the stream takes; a bidirectional one has its own limit."""
        return len(self._tracks) if self.order.kind is StreamKind.TAP else 0

    @property
    def buffered_s(self) -> float:
        """Seconds of the application's audio that wait to be played."""
        return self._playout.buffered_s

    async def open(self) -> bool:
        """Make the handshake and send `connected` and `start`; False when that failed."""
        self._log.record(
            EventKind.STREAM_OPENING, self.call_sid, stream=self.sid, name=self.name, url=self.order.url
        )
        if not self.order.allowed_url:
            reason = f"stream URL {self.order.url!r} must start with wss:// (ws:// on loopback only)"
            self._log.violate(31922, reason, self.call_sid)
            self._never_opened(31922, reason)
            return False
        try:
            socket = await self._handshake()
        except ConnectFailed as failed:
            self._never_opened(31901, str(failed))
        except ReplyTimeout as failed:
            self._never_opened(31901, str(failed))
        except HandshakeRefused as refused:
            self._never_opened(31920, str(refused))
        else:
            if self._stopping:
                await socket.close(self._services.config.switches.close_code)
                self._finish(StreamEnd.STOPPED)
                return False
            self._began(socket)
        finally:
            if self._socket is None:
                self._finish(StreamEnd.NEVER_OPENED)
        return self._socket is not None

    def feed(self, uplink: bytes, downlink: bytes) -> None:
        """Take this tick's audio of the leg: what the network receives from it and plays to it."""
        if not self.active:
            return
        timestamp = round(self._frames * FRAME_SECONDS * 1000)
        self._frames += 1
        self._faults.look(self.order.url, self.name, self.sid, self.call_sid, call_sid=self.call_sid)
        if self._faults.drops_now:
            self.drop()
            return
        for track in self._tracks:
            if track == "inbound" and self._faults.loses():
                continue
            audio = uplink if track == "inbound" else downlink
            self._queue(partial(self._writer.media, track, timestamp, audio), media=True)
        if not self._faults.holding:
            self._wake.set()

    def next_frame(self) -> bytes | None:
        """This tick's audio from the application, silence when it sent none; None after the end."""
        if not self.active:
            return None
        frame, due = self._playout.next_frame()
        for name in due:
            self._return_mark(name)
        return frame

    def dtmf(self, digit: str) -> None:
        """Tell the application about a key; bidirectional streams only."""
        if self.active and self.order.kind is StreamKind.CONNECT:
            self._send(partial(self._writer.dtmf, digit))

    def stop(self) -> None:
        """The network ends the stream: `stop`, then close. Safe at any time."""
        if self._stopping or self.ended.done():
            return
        self._stopping = True
        if self._socket is not None:
            self._faults.release()
            self._send(self._writer.stop)
            self._services.tasks.start(self._force_end(), f"end of stream {self.sid}")

    def drop(self) -> None:
        """Lose the connection without `stop` (a fault)."""
        if self._socket is not None and not self.ended.done():
            self._socket.drop()

    async def _handshake(self) -> MediaSocket:
        config = self._services.config
        if self._services.faults.take(
            FaultKind.REFUSE_STREAM, self.order.url, self.name, call_sid=self.call_sid
        ):
            raise HandshakeRefused(503)
        signed_url = self.order.url + ("/" if config.switches.trailing_slash_signature else "")
        headers = {
            "X-Twilio-Signature": sign(config.auth_token, signed_url),
            "User-Agent": "Twilio.TmeWs/1.0",
        }
        return await within(
            self._services.clock,
            HANDSHAKE_SECONDS,
            self._services.transport.open_socket(self.order.url, headers, HANDSHAKE_SECONDS),
        )

    def _began(self, socket: MediaSocket) -> None:
        self._socket = socket
        self._send(self._writer.connected)
        self._send(partial(self._writer.start, self._tracks, self.order.parameters))
        self._services.tasks.start(self._write(socket), f"writer of stream {self.sid}")
        self._services.tasks.start(self._read(socket), f"reader of stream {self.sid}")
        self._log.record(
            EventKind.STREAM_STARTED,
            self.call_sid,
            stream=self.sid,
            name=self.name,
            stream_kind=self.order.kind.value,
        )
        self._callback("stream-started")

    def _never_opened(self, code: int, reason: str) -> None:
        self._log.notify(code, reason, self.call_sid)
        self._log.record(EventKind.STREAM_FAILED, self.call_sid, stream=self.sid, code=code)
        self._callback("stream-error", f"{code}: {reason}")
        self._finish(StreamEnd.NEVER_OPENED)

    def _queue(self, build: Callable[[], str], *, media: bool) -> None:
        if media:
            if self._outbox_media >= self._outbox_limit:
                self._discard_oldest()
            self._outbox_media += 1
        self._outbox.append((media, build))

    def _send(self, build: Callable[[], str]) -> None:
        self._queue(build, media=False)
        self._wake.set()

    def _discard_oldest(self) -> None:
        for index, (media, _) in enumerate(self._outbox):
            if media:
                del self._outbox[index]
                self._outbox_media -= 1
                break
        self._notify_once(31930, "the application reads too slowly; audio is discarded")

    async def _write(self, socket: MediaSocket) -> None:
        # Messages are built when they are sent, so discarded audio leaves no hole in sequenceNumber.
        try:
            while not self.ended.done():
                await self._wake.wait()
                self._wake.clear()
                if self._faults.holding and not self._stopping:
                    continue
                while self._outbox:
                    media, build = self._outbox.popleft()
                    self._outbox_media -= media
                    await socket.send(build())
                self._faults.delivered()
                if self._stopping:
                    await socket.close(self._services.config.switches.close_code)
                    self._finish(StreamEnd.STOPPED)
        except TransportError:
            # The reader sees the end of the same socket; here it only means that nobody listens any more.
            if self._stopping:
                self._finish(StreamEnd.STOPPED)

    async def _force_end(self) -> None:
        # A reader that never reads must not keep the call's end waiting.
        try:
            await within(self._services.clock, CLOSE_SECONDS, asyncio.shield(self.ended))
        except ReplyTimeout:
            self.drop()
            self._finish(StreamEnd.STOPPED)

    async def _read(self, socket: MediaSocket) -> None:
        while not self.ended.done():
            message = await socket.receive()
            if isinstance(message, Closed):
                self._peer_closed(message.code)
                return
            if isinstance(message, Malformed):
                self._log.violate(NOT_ALLOWED, f"not a WebSocket message: {message.reason}", self.call_sid)
                self._peer_closed(ABNORMAL_CLOSE)
                return
            if isinstance(message, Binary):
                self._log.violate(NOT_ALLOWED, f"binary message of {message.size} bytes", self.call_sid)
            elif self.order.kind is StreamKind.TAP:
                self._log.violate(
                    NOT_ALLOWED, "a message was sent on a <Start><Stream> socket", self.call_sid
                )
            else:
                self._receive(message)

    def _receive(self, message: Text) -> None:
        try:
            content = parse_client_message(message.text, self.sid)
        except StreamMessageError as error:
            self._notify_once(INVALID_MESSAGE, str(error))
            self._log.violate(INVALID_MESSAGE, str(error), self.call_sid)
            return
        if isinstance(content, Media):
            self._receive_audio(content.audio)
        elif isinstance(content, Mark):
            self._log.record(EventKind.STREAM_MARK_QUEUED, self.call_sid, stream=self.sid, mark=content.name)
            for name in self._playout.mark(content.name):
                self._return_mark(name)
        elif isinstance(content, Clear):
            buffered = self._playout.buffered_s
            marks = self._playout.clear()
            self._log.record(
                EventKind.STREAM_CLEARED,
                self.call_sid,
                stream=self.sid,
                discarded_s=buffered,
                marks=len(marks),
            )
            for name in marks:
                self._return_mark(name)

    def _receive_audio(self, ulaw: bytes) -> None:
        if not self._heard_from_app:
            self._heard_from_app = True
            self._log.record(EventKind.STREAM_FIRST_MEDIA, self.call_sid, stream=self.sid)
        limit = self._services.config.limits.max_buffer_s
        self._playout.push(ulaw)
        if self._playout.buffered_s > limit and -INVALID_MESSAGE not in self._warned:
            self._warned.add(-INVALID_MESSAGE)
            self._log.violate(
                INVALID_MESSAGE,
                f"{self._playout.buffered_s:.1f} s of audio are buffered; pace it below {limit:g} s",
                self.call_sid,
            )

    def _return_mark(self, name: str) -> None:
        self._log.record(EventKind.STREAM_MARK_RETURNED, self.call_sid, stream=self.sid, mark=name)
        self._send(partial(self._writer.mark, name))

    def _peer_closed(self, code: int) -> None:
        if self._stopping:
            self._finish(StreamEnd.STOPPED)
        elif code == ABNORMAL_CLOSE:
            self._log.notify(31903, "the connection of the stream was lost", self.call_sid)
            self._finish(StreamEnd.LOST)
        else:
            self._log.notify(31921, f"the server closed the stream with {code}", self.call_sid)
            self._finish(StreamEnd.CLOSED_BY_SERVER)

    def _finish(self, end: StreamEnd) -> None:
        if self.ended.done():
            return
        self.ended.set_result(end)
        self.updated = self._services.clock.now()
        self._wake.set()
        self._playout.clear()
        self._log.record(
            EventKind.STREAM_STOPPED, self.call_sid, stream=self.sid, name=self.name, reason=end.value
        )
        if end is StreamEnd.LOST:
            self._callback("stream-error", "31903: connection lost")
        if end is not StreamEnd.NEVER_OPENED:
            self._callback("stream-stopped")

    def _notify_once(self, code: int, message: str) -> None:
        if code not in self._warned:
            self._warned.add(code)
            self._log.notify(code, message, self.call_sid)

    def _callback(self, event: str, error: str = "") -> None:
        fields = [
            ("AccountSid", self._services.config.account_sid),
            ("CallSid", self.call_sid),
            ("StreamSid", self.sid),
            ("StreamName", self.name),
            ("StreamEvent", event),
            ("Timestamp", iso8601(self._services.clock.now())),
        ]
        if error:
            fields.append(("StreamError", error))
        self._services.callbacks.fire(
            Callback(
                self.sid,
                self.order.status_callback,
                self.order.status_callback_method,
                fields,
                event,
                self.call_sid,
            )
        )
