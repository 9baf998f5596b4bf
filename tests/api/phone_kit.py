"""A served office: real uvicorn in front of the switchboard, and the network's signed side of it."""

from __future__ import annotations

import asyncio
import json
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect

from telephony.signature import PublicOrigin, SignatureChecker
from tests.call.line_kit import CALLED, CALLER, Office, open_office
from tests.telephony.fake_twilio import ACCOUNT, TOKEN, sid
from voice_agent.api.media import MediaEndpoint
from voice_agent.api.reading_ahead import ReadingAhead
from voice_agent.api.twilio import twilio_router
from voice_agent.call.network import VOICE, LineTimings

ORIGIN = "https://voice.example.org"
"""What Twilio was told; the server itself listens on loopback, as behind a proxy."""

UNHURRIED = LineTimings(leave_grace=0.05)
"""Nothing is missed while a test takes its time, and the end is quick."""


@dataclass
class Served:
    """The office on a port."""

    office: Office
    host: str
    http: httpx.AsyncClient
    server: uvicorn.Server

    async def shut_down(self) -> None:
        """What the server does on SIGTERM."""
        self.server.should_exit = True
        await self.server.shutdown()

    def signature(self, url: str, params: Mapping[str, str] | None = None) -> str:
        return str(RequestValidator(TOKEN).compute_signature(url, params or {}))

    async def post(
        self, path: str, fields: Mapping[str, str], *, signature: str | None = None
    ) -> httpx.Response:
        """A webhook; signed as Twilio does unless another signature is given ("" sends none)."""
        signed = self.signature(ORIGIN + path, fields) if signature is None else signature
        headers = {"X-Twilio-Signature": signed} if signed else {}
        return await self.http.post(path, data=dict(fields), headers=headers)

    async def ring(self, call_sid: str) -> str:
        answer = await self.post(VOICE, voice_fields(call_sid))
        assert answer.status_code == 200, answer.text
        return answer.text

    def stream(self, path: str, *, signature: str | None = None) -> connect:
        """A media socket; entering it completes the handshake."""
        url = ORIGIN.replace("https", "wss") + path
        signed = self.signature(url) if signature is None else signature
        headers = {"x-twilio-signature": signed} if signed else {}
        return connect(f"ws://{self.host}{path}", additional_headers=headers)


def voice_fields(call_sid: str) -> dict[str, str]:
    return {
        "CallSid": call_sid,
        "AccountSid": ACCOUNT,
        "From": CALLER,
        "To": CALLED,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "ApiVersion": "2010-04-01",
    }


class Peer:
    """Twilio's end of a media stream: numbers its messages."""

    def __init__(self, socket: ClientConnection, call_sid: str) -> None:
        self.socket = socket
        self.call_sid = call_sid
        self.stream_sid = sid("MZ")
        self._sequence = 0

    async def begin(self, token: str, **overrides: Any) -> None:
        await self.socket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        await self.start(token, **overrides)

    async def start(self, token: str, **overrides: Any) -> None:
        start = {
            "accountSid": ACCOUNT,
            "streamSid": self.stream_sid,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"t": token},
        }
        await self.send({"event": "start", "start": {**start, **overrides}})

    async def media(self, payload: bytes, timestamp_ms: int = 20) -> None:
        media = {"track": "inbound", "chunk": "1", "timestamp": str(timestamp_ms)}
        await self.send({"event": "media", "media": {**media, "payload": b64encode(payload).decode()}})

    async def stop(self) -> None:
        await self.send({"event": "stop", "stop": {"accountSid": ACCOUNT, "callSid": self.call_sid}})

    async def send(self, message: dict[str, Any]) -> None:
        self._sequence += 1
        numbered = {**message, "sequenceNumber": str(self._sequence), "streamSid": self.stream_sid}
        await self.socket.send(json.dumps(numbered, separators=(",", ":")))

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 5))
        return message

    async def close_code(self) -> int:
        """Wait for the other side to close."""
        async with asyncio.timeout(8):
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code


@asynccontextmanager
async def serve(timings: LineTimings = UNHURRIED, **options: Any) -> AsyncIterator[Served]:
    async with open_office(origin=ORIGIN, timings=timings, **options) as office:
        signatures = SignatureChecker(TOKEN, PublicOrigin.parse(ORIGIN))
        async with on_port(office, signatures, listening()) as server:
            address, port = server.servers[0].sockets[0].getsockname()
            host = f"{address}:{port}"
            async with httpx.AsyncClient(base_url=f"http://{host}", timeout=10) as http:
                yield Served(office, host, http, server)


async def until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    """Returns when the condition is true; TimeoutError when it does not become so."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110  neither audio nor a socket's buffer tells anybody
            await asyncio.sleep(0.02)


def listening() -> socket.socket:
    """A free port of loopback."""
    return socket.create_server(("127.0.0.1", 0))


@asynccontextmanager
async def on_port(
    office: Office, signatures: SignatureChecker, listener: socket.socket
) -> AsyncIterator[uvicorn.Server]:
    """The office's webhooks and media sockets behind uvicorn, which is told to stop at the end."""
    app = FastAPI()
    app.include_router(twilio_router(office.switchboard, signatures, process="w1"))
    app.mount("/twilio/media", MediaEndpoint(office.switchboard, signatures, office.network.tokens))
    config = uvicorn.Config(
        app, ws=ReadingAhead, lifespan="off", log_level="warning", timeout_graceful_shutdown=2
    )
    config.load()
    server = uvicorn.Server(config)
    # The steps of ``serve``, without taking over the test run's signals.
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    running = asyncio.create_task(server.main_loop())
    try:
        yield server
    finally:
        server.should_exit = True
        await running
        await server.shutdown()
