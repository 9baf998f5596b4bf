"""An emulator in virtual time with an application in the same process: hours pass in seconds."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from telephony.emulator import (
    Emulator,
    EmulatorConfig,
    HttpCall,
    HttpReply,
    InProcessSocket,
    InProcessTransport,
    Limits,
    PhoneBehaviour,
    PhoneCall,
    VirtualClock,
)
from telephony.emulator.clock import pause
from telephony.emulator.rest import RestRequest
from telephony.emulator.transport import Closed, Text

from .sound import tone

T = TypeVar("T")
NUMBER = "+12025550100"
CONFIG = EmulatorConfig(voice_url="https://app.example/voice", app_voice_url="https://app.example/agent")


class AgentSocket:
    """The application's end of a stream in this process."""

    def __init__(self, end: InProcessSocket) -> None:
        self.end = end
        self.messages: list[dict[str, Any]] = []

    @property
    def sid(self) -> str:
        return self.messages[1]["streamSid"]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [m for m in self.messages if m["event"] == event]

    def marks(self) -> list[str]:
        return [m["mark"]["name"] for m in self.of("mark")]

    def audio(self, track: str = "inbound") -> bytes:
        media = [m["media"] for m in self.of("media")]
        return b"".join(base64.b64decode(m["payload"]) for m in media if m["track"] == track)

    async def send(self, **message: object) -> None:
        await self.end.to_network(json.dumps(message))

    async def say(self, ulaw: bytes) -> None:
        payload = base64.b64encode(ulaw).decode()
        await self.send(event="media", streamSid=self.sid, media={"payload": payload})


class VirtualWorld:
    """`twiml` maps a path to verbs (or to a function of the request's fields); the rest answers 204."""

    def __init__(self, **settings: Any) -> None:
        self.clock = VirtualClock()
        self.requests: list[tuple[str, dict[str, str], float]] = []
        self.raw_requests: list[HttpCall] = []
        self.twiml: dict[str, str | Callable[[dict[str, str]], str]] = {}
        self.replies: dict[str, HttpReply] = {}
        self.sockets: list[AgentSocket] = []
        self.on_stream: Callable[[AgentSocket], Awaitable[None]] | None = None
        limits = settings.pop("limits", Limits(calls_per_second=1000.0, ring_s=0.02))
        config = replace(CONFIG, limits=limits, **settings)
        self.emulator = Emulator(config, self.clock, InProcessTransport(self._http, self._socket))

    async def __aenter__(self) -> VirtualWorld:
        await self.emulator.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.emulator.stop()

    # --- time ------------------------------------------------------------------------------------

    async def run(self, awaitable: Awaitable[T]) -> T:
        return await self.clock.run(awaitable)

    async def pass_time(self, seconds: float) -> None:
        await self.clock.run(pause(self.clock, seconds))

    # --- REST ------------------------------------------------------------------------------------

    def rest(self, method: str, path: str, **form: str | list[str]) -> tuple[int, dict[str, Any]]:
        config = self.emulator.config
        account = f"{config.account_sid}:{config.auth_token}"
        pairs = [(k, v) for k, vs in form.items() for v in (vs if isinstance(vs, list) else [vs])]
        url = urlsplit(path)
        reply = self.emulator.rest(
            RestRequest(
                method,
                f"/2010-04-01/Accounts/{config.account_sid}{url.path}",
                parse_qsl(url.query),
                [(k.replace("__", "."), v) for k, v in pairs],
                "Basic " + base64.b64encode(account.encode()).decode(),
            )
        )
        return reply.status, dict(reply.body or {})

    def create(self, path: str, **form: str | list[str]) -> dict[str, Any]:
        status, body = self.rest("POST", path, **form)
        assert status in (200, 201), body
        return body

    def participant(self, room: str, to: str, **form: str | list[str]) -> dict[str, Any]:
        quiet = {"To": to, "From": NUMBER, "Beep": "false", "JitterBufferSize": "off", "WaitUrl": ""}
        return self.create(f"/Conferences/{room}/Participants.json", **{**quiet, **form})

    async def room(self, *labels: str, **form: str | list[str]) -> tuple[dict[str, PhoneCall], str]:
        """Phones in one conference, each with a steady tone of its own: 500 Hz, 700 Hz, 900 Hz ..."""
        phones = {}
        sid = ""
        for place, label in enumerate(labels):
            address = f"+1202555017{place}"
            speech = tone(500 + 200 * place, 60)
            phone = self.emulator.register_phone(address, PhoneBehaviour(says=speech))
            sid = self.participant("room", address, Label=label, **form)["conference_sid"]
            phones[label] = await self.run(phone.call_number())
            await self.run(phones[label].answered())
        await self.pass_time(0.1)
        return phones, sid

    # --- application -----------------------------------------------------------------------------

    def at(self, path: str) -> list[dict[str, str]]:
        return [fields for where, fields, _ in self.requests if where == path]

    async def _http(self, call: HttpCall) -> HttpReply:
        url = urlsplit(call.url)
        fields = dict(parse_qsl((call.body or url.query.encode()).decode(), keep_blank_values=True))
        self.requests.append((url.path, fields, self.clock.monotonic()))
        self.raw_requests.append(call)
        if url.path in self.replies:
            return self.replies[url.path]
        twiml = self.twiml.get(url.path)
        if twiml is None:
            return HttpReply(204, "", b"")
        verbs = twiml if isinstance(twiml, str) else twiml(fields)
        return HttpReply(200, "text/xml", f"<Response>{verbs}</Response>".encode())

    async def _socket(self, end: InProcessSocket) -> None:
        agent = AgentSocket(end)
        self.sockets.append(agent)
        while True:
            message = await end.from_network()
            if isinstance(message, Closed):
                return
            assert isinstance(message, Text)
            agent.messages.append(json.loads(message.text))
            if self.on_stream is not None and agent.messages[-1]["event"] == "start":
                await self.on_stream(agent)
