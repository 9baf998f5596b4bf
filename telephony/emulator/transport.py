"""How the network reaches the application: over real HTTP and WebSockets, or within the process.

Everything above this file knows only `Transport` and `MediaSocket`; virtual time needs the in-process one.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from yarl import URL

from .errors import ConnectFailed, HandshakeRefused, ReplyTimeout

MAX_REPLY_BYTES = 1 << 20
MAX_MESSAGE_BYTES = 4 << 20
ABNORMAL_CLOSE = 1006  # RFC 6455 section 7.1.5: the connection was lost without a close frame


@dataclass(frozen=True)
class HttpCall:
    """One request to the application: the URL has no fragment, the body is form-encoded or empty."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class HttpReply:
    """What the application answered; `content_type` is lower case without parameters."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Text:
    """A WebSocket text message."""

    text: str


@dataclass(frozen=True)
class Binary:
    """A WebSocket binary message: never allowed on a media stream."""

    size: int


@dataclass(frozen=True)
class Malformed:
    """Bytes that are no WebSocket message (RFC 6455), such as a fragmented control frame."""

    reason: str


@dataclass(frozen=True)
class Closed:
    """The socket is closed: the close code, 1006 when it was lost."""

    code: int


SocketMessage = Text | Binary | Malformed | Closed


class MediaSocket(Protocol):
    """The client end of one WebSocket."""

    async def send(self, text: str) -> None:
        """Send one text message. Raises ConnectFailed when the socket is gone."""
        ...

    async def receive(self) -> SocketMessage:
        """The next message; `Closed` once and for ever after the end."""
        ...

    async def close(self, code: int) -> None:
        """Close in an orderly way."""
        ...

    def drop(self) -> None:
        """Lose the connection without a close frame."""
        ...


class Transport(Protocol):
    """Reaches the application."""

    async def request(self, call: HttpCall, connect_s: float, total_s: float) -> HttpReply:
        """Make a request. Raises ConnectFailed or ReplyTimeout."""
        ...

    async def open_socket(self, url: str, headers: Mapping[str, str], total_s: float) -> MediaSocket:
        """Open a WebSocket. Raises ConnectFailed, ReplyTimeout or HandshakeRefused."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class NetworkSocket:
    """A WebSocket over TCP."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws

    async def send(self, text: str) -> None:
        """Send one text message; waits while the reader's buffers are full."""
        try:
            await self._ws.send_str(text)
        except (ConnectionError, aiohttp.ClientError, RuntimeError) as gone:
            raise ConnectFailed("the media socket is closed") from gone

    async def receive(self) -> SocketMessage:
        """The next text or binary message, or the end."""
        message = await self._ws.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return Text(message.data)
        if message.type is aiohttp.WSMsgType.BINARY:
            return Binary(len(message.data))
        if message.type is aiohttp.WSMsgType.ERROR:
            return Malformed(str(message.data))
        return Closed(self._ws.close_code or ABNORMAL_CLOSE)

    async def close(self, code: int) -> None:
        """Send a close frame and wait shortly for the answer."""
        await self._ws.close(code=code)

    def drop(self) -> None:
        """Shut the TCP connection down under the WebSocket."""
        raw = self._ws.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)


class NetworkTransport:
    """Real HTTP and WebSockets through aiohttp. The URL goes on the wire exactly as it was written."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=True, trust_env=False
        )

    async def request(self, call: HttpCall, connect_s: float, total_s: float) -> HttpReply:
        """Make a request and read at most `MAX_REPLY_BYTES` of the answer."""
        timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=connect_s)
        try:
            async with self._session.request(
                call.method,
                URL(call.url, encoded=True),
                headers=dict(call.headers),
                data=call.body or None,
                timeout=timeout,
            ) as response:
                body = await response.content.read(MAX_REPLY_BYTES)
                while len(body) < MAX_REPLY_BYTES and (more := await response.content.read(65536)):
                    body += more
                return HttpReply(response.status, response.content_type.lower(), body)
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as failed:
            raise ConnectFailed(f"cannot connect to {call.url}: {failed}") from failed
        except TimeoutError as late:
            raise ReplyTimeout(f"{call.url} did not answer within {total_s:g} s") from late
        except (aiohttp.ClientError, ValueError) as failed:
            raise ConnectFailed(f"no answer from {call.url}: {failed}") from failed

    async def open_socket(self, url: str, headers: Mapping[str, str], total_s: float) -> MediaSocket:
        """Open a WebSocket without compression, as telephone networks do."""
        try:
            ws = await asyncio.wait_for(
                self._session.ws_connect(
                    URL(url, encoded=True),
                    headers=dict(headers),
                    max_msg_size=MAX_MESSAGE_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
                ),
                total_s,
            )
        except aiohttp.WSServerHandshakeError as refused:
            raise HandshakeRefused(refused.status) from refused
        except TimeoutError as late:
            raise ReplyTimeout(f"{url} did not answer the handshake within {total_s:g} s") from late
        except (aiohttp.ClientError, OSError, ValueError) as failed:
            raise ConnectFailed(f"cannot connect to {url}: {failed}") from failed
        return NetworkSocket(ws)

    async def close(self) -> None:
        """Close pooled connections."""
        await self._session.close()


class InProcessSocket:
    """Both ends of a WebSocket within one process.

    The network uses `send`, `receive`, `close`, `drop`; the application uses `from_network`,
    `to_network` and `hang_up`. Queues are bounded: the network waits like a full TCP window would.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self.headers = headers
        self._to_app: asyncio.Queue[SocketMessage] = asyncio.Queue(maxsize=1000)
        self._to_network: asyncio.Queue[SocketMessage] = asyncio.Queue(maxsize=100_000)
        self._closed: Closed | None = None

    async def send(self, text: str) -> None:
        """Network to application."""
        if self._closed is not None:
            raise ConnectFailed("the media socket is closed")
        await self._to_app.put(Text(text))

    async def receive(self) -> SocketMessage:
        """Application to network."""
        if self._closed is not None and self._to_network.empty():
            return self._closed
        return await self._to_network.get()

    async def close(self, code: int) -> None:
        """The network closes."""
        self._end(code)

    def drop(self) -> None:
        """The connection is lost."""
        self._end(ABNORMAL_CLOSE)

    async def from_network(self) -> SocketMessage:
        """What the application reads next."""
        if self._closed is not None and self._to_app.empty():
            return self._closed
        return await self._to_app.get()

    async def to_network(self, text: str) -> None:
        """The application sends a text message."""
        if self._closed is None:
            await self._to_network.put(Text(text))

    def hang_up(self, code: int = 1000) -> None:
        """The application closes."""
        self._end(code)

    def _end(self, code: int) -> None:
        if self._closed is None:
            self._closed = Closed(code)
            for queue in (self._to_app, self._to_network):
                with contextlib.suppress(asyncio.QueueFull):
                    queue.put_nowait(self._closed)


HttpHandler = Callable[[HttpCall], Awaitable[HttpReply]]
SocketHandler = Callable[[InProcessSocket], Awaitable[None]]


class InProcessTransport:
    """Calls the application's handlers directly: no sockets, so virtual time can run.

    Args:
        http: answers every webhook and callback.
        sockets: serves a media stream until it ends; raising HandshakeRefused refuses it.
    """

    def __init__(self, http: HttpHandler, sockets: SocketHandler) -> None:
        self._http = http
        self._sockets = sockets
        self._serving: set[asyncio.Task[None]] = set()

    async def request(self, call: HttpCall, connect_s: float, total_s: float) -> HttpReply:
        """Call the HTTP handler; time limits are the caller's business in virtual time."""
        return await self._http(call)

    async def open_socket(self, url: str, headers: Mapping[str, str], total_s: float) -> MediaSocket:
        """Start the socket handler."""
        end = InProcessSocket(url, headers)
        task = asyncio.ensure_future(self._serve(end))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        return end

    async def _serve(self, end: InProcessSocket) -> None:
        try:
            await self._sockets(end)
        finally:
            end.hang_up()

    async def close(self) -> None:
        """Stop the socket handlers."""
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
