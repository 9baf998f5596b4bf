"""Between a media socket and the session's sink: tells the line what it must know, and can be cut off."""

from __future__ import annotations

from collections.abc import Callable

from voice_agent.call.ports import LegSink, LegSocket


class LegFeed:
    """The sink a socket talks to. After :meth:`cut` nothing reaches the session any more."""

    def __init__(
        self,
        sink: LegSink,
        socket: LegSocket,
        *,
        on_closed: Callable[[str], None],
        on_first_media: Callable[[], None] | None = None,
    ) -> None:
        """``on_closed`` hears the reason once; ``on_first_media`` that audio flows."""
        self.socket = socket
        self._sink = sink
        self._on_closed = on_closed
        self._on_first_media = on_first_media
        self._is_cut = False
        self._is_closed = False

    def on_media(self, timestamp_ms: int, payload: bytes) -> None:
        """Audio from the leg."""
        if self._is_cut:
            return
        if self._on_first_media is not None:
            self._on_first_media()
            self._on_first_media = None
        self._sink.on_media(timestamp_ms, payload)

    def on_mark(self, name: str) -> None:
        """A mark came back."""
        if not self._is_cut:
            self._sink.on_mark(name)

    def on_dtmf(self, digit: str) -> None:
        """A key was pressed."""
        if not self._is_cut:
            self._sink.on_dtmf(digit)

    def on_closed(self, reason: str) -> None:
        """The stream is over; the session hears every reason, the line the first one."""
        if not self._is_cut:
            self._sink.on_closed(reason)
        if not self._is_closed:
            self._is_closed = True
            self._on_closed(reason)

    @property
    def is_closed(self) -> bool:
        """True once the network or we ended the stream."""
        return self._is_closed

    def cut(self) -> None:
        """Let nothing through any more, tell the session that the stream is over, and close the socket.
        Idempotent."""
        if not self._is_cut:
            if not self._is_closed:
                self._sink.on_closed("closed")
            self._is_cut = True
        self.socket.close()
