"""Media sockets: from Twilio's handshake to the sink of the right call, and back.

A plain ASGI endpoint, because a call brings 100 frames a second through it. The handshake must be signed
(403), ``start`` must come in time and present a token that is good for this very leg (1008); from then on
audio goes straight to the session's sink. What an agent's leg hears (the mix) is thrown away without being
parsed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import structlog

from telephony.errors import MalformedFrame, SignatureError, TokenError, TooManyBadFrames
from telephony.media_stream import Connected, Dtmf, InboundStream, Mark, Media, Start, Stop
from telephony.signature import SignatureChecker
from telephony.tokens import StreamTokens
from telephony.twiml import TOKEN_PARAMETER
from voice_agent.api.media_socket import MediaSocket, Send
from voice_agent.api.twilio import Exchange
from voice_agent.call import network as addresses
from voice_agent.call.ports import LegRole, LegSink

log = structlog.get_logger(__name__)

START_TIMEOUT_S: Final = 5.0
"""``connected`` and ``start`` follow the handshake at once."""
STOP_TIMEOUT_S: Final = 5.0
"""After ``stop`` the network closes the socket; if it does not, we do."""
WRITER_TIMEOUT_S: Final = 1.0
INVALID_DATA: Final = 1007
POLICY_VIOLATION: Final = 1008
INTERNAL_ERROR: Final = 1011

ROLES: Final[dict[str, frozenset[LegRole]]] = {
    addresses.MEDIA_TAP: frozenset({LegRole.TAP, LegRole.OPERATOR}),
    addresses.MEDIA_AGENT: frozenset({LegRole.AGENT}),
    addresses.MEDIA_CALLER: frozenset({LegRole.DUPLEX}),
}
"""Which streams an address serves."""

Receive = Callable[[], Awaitable[dict[str, Any]]]
Scope = dict[str, Any]


class Disconnected(Exception):
    """The peer is gone."""


class Refused(Exception):
    """The stream is not let in; the message says why, and becomes the log's."""


class MediaEndpoint:
    """The ASGI application behind :data:`ROLES`' addresses. Mount it anywhere: it reads the full path."""

    def __init__(self, exchange: Exchange, signatures: SignatureChecker, tokens: StreamTokens) -> None:
        self._exchange = exchange
        self._signatures = signatures
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until its stream ends."""
        if scope["type"] != "websocket":
            await send(
                {"type": "http.response.start", "status": 426, "headers": [(b"upgrade", b"websocket")]}
            )
            await send({"type": "http.response.body", "body": b"media streams are websockets\n"})
            return
        await receive()
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        roles = ROLES.get(path)
        try:
            if roles is None:
                raise SignatureError("no such media address")
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
            }
            self._signatures.check_websocket(path, scope["query_string"].decode("latin-1"), headers)
        except SignatureError as error:
            log.warning("media_socket_refused", path=path, error=str(error))
            # Before the handshake is accepted this is answered with HTTP 403.
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        await send({"type": "websocket.accept"})
        stream = InboundStream(drop_media=LegRole.AGENT in roles)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                start = await _read_start(stream, receive)
            socket, sink = self._let_in(start, roles, send)
        except Disconnected:
            return
        except (Refused, TokenError, TooManyBadFrames, TimeoutError) as error:
            log.warning("media_stream_refused", path=path, error=str(error) or "no start message in time")
            await _close(send, POLICY_VIOLATION)
            return
        await _serve(stream, socket, sink, receive)

    def _let_in(self, start: Start, roles: frozenset[LegRole], send: Send) -> tuple[MediaSocket, LegSink]:
        token = start.parameters.get(TOKEN_PARAMETER, "")
        grant = self._tokens.redeem(token, leg_sid=start.call_sid, roles=roles)
        if not start.is_ulaw_8k_mono:
            raise Refused(f"stream of {start.encoding} at {start.sample_rate} Hz, {start.channels} channels")
        one_way = LegRole(grant.role) in (LegRole.TAP, LegRole.OPERATOR)
        socket = MediaSocket(start.stream_sid, send, can_send=not one_way)
        sink = self._exchange.attach(grant, socket)
        if sink is None:
            raise Refused(f"{grant.role} stream {grant.generation} is not waited for")
        socket.sink = sink
        return socket, sink


async def _read_start(stream: InboundStream, receive: Receive) -> Start:
    while True:
        try:
            message = stream.receive(_frame(await receive()))
        except TooManyBadFrames:
            raise
        except MalformedFrame as error:
            log.info("bad_frame", error=str(error))
            continue
        if isinstance(message, Start):
            return message
        if not isinstance(message, Connected):
            raise Refused("a message came before start")


async def _serve(stream: InboundStream, socket: MediaSocket, sink: LegSink, receive: Receive) -> None:
    """Read and write until either side ends; the sink always hears that it is over."""
    writer = asyncio.create_task(socket.write(), name=f"write {socket.stream_sid}")
    reason = "lost"
    try:
        reason = await _read(stream, socket, sink, receive)
    except TooManyBadFrames as error:
        log.warning("media_stream_broken", stream=socket.stream_sid, error=str(error))
        socket.close(INVALID_DATA)
    except Exception:
        socket.close(INTERNAL_ERROR)
        raise
    finally:
        try:
            sink.on_closed(reason)
        finally:
            socket.close()
            await _finish(writer)


async def _read(stream: InboundStream, socket: MediaSocket, sink: LegSink, receive: Receive) -> str:
    """Bring every message to the sink; why it ended: ``closed`` (by the network after ``stop``, or by us) or
    ``lost``."""
    while True:
        try:
            message = stream.receive(_frame(await receive()))
        except Disconnected:
            return "closed" if socket.is_closing else "lost"
        except TooManyBadFrames:
            raise
        except MalformedFrame as error:
            log.info("bad_frame", stream=socket.stream_sid, error=str(error))
            continue
        if isinstance(message, Media):
            if message.track == "inbound":
                sink.on_media(message.timestamp_ms, message.payload)
        elif isinstance(message, Mark):
            sink.on_mark(message.name)
        elif isinstance(message, Dtmf):
            sink.on_dtmf(message.digit)
        elif isinstance(message, Stop):
            sink.on_closed("stop")
            await _until_closed(receive)
            return "closed"


async def _until_closed(receive: Receive) -> None:
    """The network closes the socket after ``stop``."""
    with suppress(TimeoutError, Disconnected):
        async with asyncio.timeout(STOP_TIMEOUT_S):
            while True:
                _frame(await receive())


async def _finish(writer: asyncio.Task[None]) -> None:
    """Let the writer say goodbye; a peer who does not read is not waited for."""
    await asyncio.wait({writer}, timeout=WRITER_TIMEOUT_S)
    if not writer.done():
        writer.cancel()
        await asyncio.wait({writer})
    elif not writer.cancelled() and not isinstance(error := writer.exception(), OSError | None):
        # A peer that is gone shows as OSError: nothing to tell.
        log.error("media_writer_failed", exc_info=error)


async def _close(send: Send, code: int) -> None:
    with suppress(OSError):
        await send({"type": "websocket.close", "code": code})


def _frame(event: dict[str, Any]) -> str | bytes:
    text = event.get("text")
    if text is not None:
        return str(text)
    if event["type"] == "websocket.disconnect":
        raise Disconnected
    return bytes(event.get("bytes") or b"")
