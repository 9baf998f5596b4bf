"""The sending side of a media socket: a bounded queue and the one task that writes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from telephony.media_stream import OutboundStream
from voice_agent.call.ports import LegSink

log = structlog.get_logger(__name__)

MAX_QUEUED_AUDIO: Final = 160_000
"""Bytes of audio (20 s) that may wait for a peer who does not read. Nobody should be that far ahead of the
caller."""
MAX_QUEUED_MARKS: Final = 1_000
"""One per 200 ms over the same time, with room to spare."""

Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


class MediaSocket:
    """A :class:`~voice_agent.call.ports.LegSocket` over one ASGI connection.

    Audio that does not fit is dropped, newest first; a mark that is dropped or cleared from this queue comes
    back through the sink at the next turn of the loop, as the network would return it.
    """

    def __init__(self, stream_sid: str, send: Send, *, can_send: bool) -> None:
        """``can_send`` is False for one-way streams: the network ends a call's stream when anything is sent
        there."""
        self.stream_sid = stream_sid
        self.dropped_bytes = 0
        """Audio that found no room."""
        self.sink: LegSink | None = None
        self._send = send
        self._can_send = can_send
        self._stream = OutboundStream(stream_sid)
        self._queue: deque[bytes | str | None] = deque()
        self._queued_audio = 0
        self._queued_marks = 0
        self._wake = asyncio.Event()
        self._close_code: int | None = None

    def send_audio(self, payload: bytes) -> None:
        """Queue µ-law audio (any length)."""
        if not payload or not self._may_send("audio"):
            return
        if self._queued_audio + len(payload) > MAX_QUEUED_AUDIO:
            if not self.dropped_bytes:
                log.warning("outgoing_audio_dropped", stream=self.stream_sid, queued_bytes=self._queued_audio)
            self.dropped_bytes += len(payload)
            return
        self._queued_audio += len(payload)
        self._push(payload)

    def send_mark(self, name: str) -> None:
        """Queue a mark behind the audio."""
        if not self._may_send("a mark"):
            return
        if self._queued_marks >= MAX_QUEUED_MARKS:
            self._return_marks([name])
            return
        self._queued_marks += 1
        self._push(name)

    def send_clear(self) -> None:
        """Drop what waits here, then tell the network to drop what it has buffered."""
        if not self._may_send("clear"):
            return
        marks = [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        self._queued_audio = self._queued_marks = 0
        self._push(None)
        if marks:
            self._return_marks(marks)

    def close(self, code: int = 1000) -> None:
        """Close the socket; what waits is dropped. Idempotent."""
        if self._close_code is None:
            self._close_code = code
            self._queue.clear()
            self._wake.set()

    @property
    def is_closing(self) -> bool:
        """True once we have decided to close."""
        return self._close_code is not None

    async def write(self) -> None:
        """Send what is queued until the socket is closed; the only place that writes after the handshake."""
        while True:
            while self._queue and self._close_code is None:
                item = self._queue.popleft()
                await self._send({"type": "websocket.send", "text": self._encode(item)})
            if self._close_code is not None:
                await self._send({"type": "websocket.close", "code": self._close_code})
                return
            self._wake.clear()
            await self._wake.wait()

    def _encode(self, item: bytes | str | None) -> str:
        if item is None:
            return self._stream.clear()
        if isinstance(item, str):
            self._queued_marks -= 1
            return self._stream.mark(item)
        self._queued_audio -= len(item)
        return self._stream.media(item)

    def _push(self, item: bytes | str | None) -> None:
        self._queue.append(item)
        self._wake.set()

    def _may_send(self, what: str) -> bool:
        if not self._can_send:
            log.error("one_way_stream", stream=self.stream_sid, refused=what)
        return self._can_send and self._close_code is None

    def _return_marks(self, names: list[str]) -> None:
        """Not from inside the caller's own call: whoever clears must be able to note it first."""
        asyncio.get_running_loop().call_soon(self._deliver, names)

    def _deliver(self, names: list[str]) -> None:
        if self.sink is not None:
            for name in names:
                self.sink.on_mark(name)
