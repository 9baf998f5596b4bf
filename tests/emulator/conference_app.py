"""A tiny application for the emulator to call: conference first, a tap as ear and an agent leg as mouth."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from telephony.emulator import EmulatorConfig


@dataclass
class Received:
    """One webhook or callback as it arrived, order of keys kept."""

    path: str
    method: str
    fields: list[tuple[str, str]]
    headers: dict[str, str]
    signature_fits: bool

    def __getitem__(self, key: str) -> str:
        return dict(self.fields)[key]

    def get(self, key: str) -> str | None:
        return dict(self.fields).get(key)


@dataclass
class StreamEnd:
    """The application's end of a media stream."""

    path: str
    socket: web.WebSocketResponse
    signature_fits: bool
    transport: asyncio.Transport
    messages: list[dict] = field(default_factory=list)
    close_code: int | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def start(self) -> dict:
        return next(m for m in self.messages if m["event"] == "start")["start"]

    @property
    def sid(self) -> str:
        return self.start["streamSid"]

    def of(self, event: str) -> list[dict]:
        return [m for m in self.messages if m["event"] == event]

    def audio(self, track: str = "inbound") -> bytes:
        media = [m["media"] for m in self.of("media")]
        return b"".join(base64.b64decode(m["payload"]) for m in media if m["track"] == track)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)

    async def changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def send(self, **message: object) -> None:
        await self.socket.send_str(json.dumps(message))

    async def say(self, ulaw: bytes) -> None:
        payload = base64.b64encode(ulaw).decode()
        await self.send(event="media", streamSid=self.sid, media={"payload": payload})

    async def mark(self, name: str) -> None:
        await self.send(event="mark", streamSid=self.sid, mark={"name": name})

    async def clear(self) -> None:
        await self.send(event="clear", streamSid=self.sid)

    def marks(self) -> list[str]:
        return [m["mark"]["name"] for m in self.of("mark")]

    async def started(self) -> StreamEnd:
        await self.until(lambda: bool(self.of("start")))
        return self


def independent_signature(token: str, url: str, fields: list[tuple[str, str]]) -> str:
    """Written apart from the emulator's own, from the published description."""
    text = url + "".join(k + v for k, v in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


Answer = Callable[[Received], "web.Response | str"]


class ConferenceApp:
    """Answers /voice with tap + conference and /agent with `<Connect><Stream>`; all else is a callback.

    `answers` replaces the answer of a path; `add_agent` creates the agent leg while /voice is answered.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.streams: list[StreamEnd] = []
        self.answers: dict[str, Answer] = {}
        self.hold: dict[str, asyncio.Event] = {}
        self.add_agent = True
        self.agent_options: dict[str, str] = {}
        self.emulator_url = ""
        self.config: EmulatorConfig | None = None
        self.serve_stream: Callable[[StreamEnd], object] | None = None
        self._changed = asyncio.Condition()
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task] = set()
        app = web.Application()
        app.router.add_get("/media/{name}", self._stream)
        app.router.add_route("*", "/{path:.*}", self._webhook)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)

    async def start(self) -> str:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.socket_url = self.url.replace("http", "ws", 1)
        self._session = aiohttp.ClientSession()
        return self.url

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()
        await self._runner.cleanup()

    # --- looking at what came in -----------------------------------------------------------------

    def at(self, path: str) -> list[Received]:
        return [r for r in self.received if r.path == path]

    def events(self, path: str, name: str = "StatusCallbackEvent") -> list[str]:
        return [r[name] for r in self.at(path)]

    async def until(self, condition: Callable[[], object], timeout_s: float = 5.0) -> None:
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: bool(condition()))

    async def webhook(self, path: str, count: int = 1) -> Received:
        await self.until(lambda: len(self.at(path)) >= count)
        return self.at(path)[count - 1]

    async def stream(self, path: str, count: int = 1) -> StreamEnd:
        def found() -> list[StreamEnd]:
            return [s for s in self.streams if s.path == path]

        await self.until(lambda: len(found()) >= count)
        return await found()[count - 1].started()

    # --- REST ------------------------------------------------------------------------------------

    async def rest(self, method: str, path: str, **form: str | list[str]) -> tuple[int, dict]:
        assert self.config
        assert self._session
        url = f"{self.emulator_url}/2010-04-01/Accounts/{self.config.account_sid}{path}"
        pairs = [(k, v) for k, vs in form.items() for v in (vs if isinstance(vs, list) else [vs])]
        auth = aiohttp.BasicAuth(self.config.account_sid, self.config.auth_token)
        data = aiohttp.FormData(pairs) if method == "POST" else None
        async with self._session.request(method, url, data=data, auth=auth) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else {}

    async def add_participant(self, room: str, **form: str | list[str]) -> dict:
        status, body = await self.rest("POST", f"/Conferences/{room}/Participants.json", **form)
        assert status == 201, body
        return body

    async def join_agent(self, room: str) -> dict:
        assert self.config
        form = {
            "To": f"app:{self.config.application_sid}?s=opaque",
            "From": "client:agent",
            "Label": "agent",
            "Beep": "false",
            "JitterBufferSize": "small",
            "EndConferenceOnExit": "false",
            "WaitUrl": "",
            "ConferenceStatusCallback": self.url + "/conf",
            "ConferenceStatusCallbackEvent": "start end join leave mute hold modify",
            **self.agent_options,
        }
        return await self.add_participant(room, **form)

    # --- handlers --------------------------------------------------------------------------------

    async def _webhook(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        fields = [(k, v) for k, v in (await request.post()).items()] if body else []
        token = self.config.auth_token if self.config else ""
        expected = independent_signature(token, self.url + request.raw_path, [(k, str(v)) for k, v in fields])
        received = Received(
            request.path,
            request.method,
            [(k, str(v)) for k, v in fields] or list(request.query.items()),
            dict(request.headers),
            hmac.compare_digest(expected, request.headers.get("X-Twilio-Signature", "")),
        )
        self.received.append(received)
        async with self._changed:
            self._changed.notify_all()
        if request.path in self.hold:
            await self.hold[request.path].wait()
        if request.path in self.answers:
            answer = self.answers[request.path](received)
            return xml(answer) if isinstance(answer, str) else answer
        if request.path == "/voice":
            room = f"call-{received['CallSid'][-8:]}"
            if self.add_agent:
                await self.join_agent(room)
            return xml(self.conference_twiml(room))
        if request.path == "/agent":
            return xml(f'<Connect><Stream url="{self.socket_url}/media/agent"/></Connect>')
        return web.Response(status=204)

    def conference_twiml(self, room: str, extra: str = "") -> str:
        return (
            f'<Start><Stream name="ear" track="inbound_track" url="{self.socket_url}/media/tap" '
            f'statusCallback="/stream"><Parameter name="t" value="token"/></Stream></Start>'
            f'<Dial action="/after"><Conference participantLabel="caller" beep="false" waitUrl="" '
            f'endConferenceOnExit="true" jitterBufferSize="small" statusCallback="/conf" '
            f'statusCallbackEvent="start end join leave mute hold modify" {extra}>{room}</Conference></Dial>'
        )

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        token = self.config.auth_token if self.config else ""
        expected = independent_signature(token, self.socket_url + request.raw_path, [])
        fits = expected == request.headers.get("X-Twilio-Signature")
        assert isinstance(request.transport, asyncio.Transport)
        end = StreamEnd(request.path, socket, fits, request.transport)
        self.streams.append(end)
        async with self._changed:
            self._changed.notify_all()
        if self.serve_stream is not None:
            task = asyncio.ensure_future(self.serve_stream(end))  # type: ignore[arg-type]
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                end.messages.append(json.loads(message.data))
                await end.changed()
        end.close_code = socket.close_code
        await end.changed()
        return socket


def xml(verbs: str) -> web.Response:
    return web.Response(
        text=f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>', content_type="text/xml"
    )
