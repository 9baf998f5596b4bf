"""The cheapest WebSocket client that can carry many calls: text frames over a bare asyncio protocol.

The load generator shares the machine with the server, so every frame is masked with a zero key (RFC 6455,
section 5.3: the payload then stays as it is) and frames are parsed without copies.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Mapping

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
HANDSHAKE_TIMEOUT_S = 15.0


class HandshakeRefused(Exception):
    """The server did not answer 101."""


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One final client frame."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload


class WireSocket(asyncio.Protocol):
    """A client socket. ``on_text`` gets the payload of each text frame, ``on_closed`` is called once."""

    def __init__(self, on_text: Callable[[bytes], None], on_closed: Callable[[], None]) -> None:
        self.transport: asyncio.Transport | None = None
        self._on_text = on_text
        self._on_closed = on_closed
        self._buffer = bytearray()
        self._upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_open = False

    @property
    def is_open(self) -> bool:
        """Between the handshake and the end."""
        return self._is_open

    async def open(self, host: str, port: int, path: str, headers: Mapping[str, str]) -> None:
        """Connect and shake hands. Raises :class:`HandshakeRefused`."""
        await asyncio.get_running_loop().create_connection(lambda: self, host, port)
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        assert self.transport is not None
        self.transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await asyncio.wait_for(self._upgraded, HANDSHAKE_TIMEOUT_S)

    def send(self, prepared: bytes) -> None:
        """Write frames made by :func:`frame`; nothing once the socket is over."""
        if self._is_open and self.transport is not None:
            self.transport.write(prepared)

    def close(self) -> None:
        """Say goodbye and close."""
        self.send(frame(struct.pack("!H", 1000), CLOSE))
        if self.transport is not None:
            self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio asks."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio asks."""
        if not self._upgraded.done():
            self._upgraded.set_exception(HandshakeRefused("the connection was closed"))
        self._is_open = False
        self._on_closed()

    def data_received(self, data: bytes) -> None:
        """As asyncio asks."""
        self._buffer += data
        if not self._is_open and not self._shake_hands():
            return
        while self._next_frame():
            continue

    def _shake_hands(self) -> bool:
        head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not found:
            return False
        status = head.split(b"\r\n", 1)[0].decode("latin-1")
        if " 101 " not in f"{status} ":
            self._upgraded.set_exception(HandshakeRefused(status))
            assert self.transport is not None
            self.transport.close()
            return False
        self._buffer = bytearray(rest)
        self._is_open = True
        self._upgraded.set_result(None)
        return True

    def _next_frame(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        size, start = buffer[1] & 127, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            start += width
            if len(buffer) < start:
                return False
            size = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + size:
            return False
        opcode, payload = buffer[0] & 15, bytes(buffer[start : start + size])
        del buffer[: start + size]
        if opcode == TEXT:
            self._on_text(payload)
        elif opcode == PING:
            self.send(frame(payload, PONG))
        elif opcode == CLOSE and self.transport is not None:
            self.transport.close()
        return True
