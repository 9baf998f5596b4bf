"""A phone network of a few lines: signs webhooks, takes REST requests, opens media streams, plays nothing.

Just enough of Twilio to keep many calls alive cheaply; the emulator is the strict one. An agent's leg asks
its application for TwiML, joins, and opens its stream at once.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx
from aiohttp import web
from twilio.request_validator import RequestValidator

from bench.caller import Caller
from bench.streams import NetworkStream
from bench.wire import WireSocket

ACCOUNT_SID = "AC" + "b" * 32
APP_SID = "AP" + "b" * 32
AUTH_TOKEN = "b" * 32
CALLER = "+14155550199"

_serial = itertools.count(1)


def new_sid(prefix: str) -> str:
    """A SID that no other resource has."""
    return f"{prefix}{next(_serial):032x}"


class BenchCall:
    """One call and its two legs."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        # A number of its own: the request for the agent's leg comes from it and so tells its call.
        self.number = f"+1415{next(_serial) % 10**7:07d}"
        self.call_sid = new_sid("CA")
        self.agent_sid = new_sid("CA")
        self.conference_sid = new_sid("CF")
        self.conference = ""
        self.agent_query = ""
        self.conference_callback = ""
        self.sequence = itertools.count(1)
        self.sockets: list[tuple[WireSocket, NetworkStream, str]] = []
        self.over = asyncio.Event()


class BenchNetwork:
    """REST on a free port, and webhooks to ``app_url``."""

    def __init__(self) -> None:
        self.base_url = ""
        self.app_url = ""
        self.violations: list[str] = []
        self._calls: dict[str, BenchCall] = {}
        self._validator = RequestValidator(AUTH_TOKEN)
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self._http: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        account = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
        app.router.add_post(account + "/Conferences/{name}/Participants.json", self._add_participant)
        app.router.add_get(account + "/Conferences/{name}/Participants.json", self._list_participants)
        app.router.add_route("*", account + "/Conferences/{name}/Participants/{sid}.json", self._participant)
        app.router.add_route("*", account + "/Calls/{sid}.json", self._call)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"
        self._http = httpx.AsyncClient(timeout=20.0, limits=httpx.Limits(max_connections=200))

    async def close(self) -> None:
        """End everything."""
        for call in list(self._calls.values()):
            await self.hang_up(call)
        if self._http is not None:
            await self._http.aclose()
        if self._runner is not None:
            await self._runner.cleanup()

    async def ring(self, caller: Caller) -> BenchCall:
        """Call the practice; returns when the caller's leg is answered and its ear is open."""
        call = BenchCall(caller)
        self._calls[call.call_sid] = self._calls[call.agent_sid] = call
        reply = await self._webhook("/twilio/voice", self._leg_fields(call, call.call_sid, "ringing"))
        document = ElementTree.fromstring(reply)
        conference = document.find("./Dial/Conference")
        stream = document.find("./Start/Stream")
        if conference is None or stream is None:
            raise RuntimeError(f"the practice did not take the call: {reply}")
        call.conference = conference.text or ""
        call.conference_callback = conference.get("statusCallback", "")
        caller.answered(asyncio.get_running_loop().time())
        socket = await self._open(call, call.call_sid, stream)
        caller.ear = socket
        await self._conference(call, "participant-join", call.call_sid, "caller")
        return call

    async def hang_up(self, call: BenchCall) -> None:
        """The caller puts the receiver down (or the practice did)."""
        if call.over.is_set():
            return
        call.over.set()
        call.caller.ear = call.caller.mouth = None
        for socket, stream, leg in call.sockets:
            if socket.is_open:
                stream.stop(ACCOUNT_SID, leg)
        await self._conference(call, "participant-leave", call.call_sid, "caller")
        await self._conference(call, "conference-end", "", "")
        await self._webhook("/twilio/status", self._leg_fields(call, call.call_sid, "completed"))
        for name in (call.call_sid, call.agent_sid):
            self._calls.pop(name, None)

    # -- REST

    async def _add_participant(self, request: web.Request) -> web.Response:
        form = await request.post()
        call = next((call for call in self._calls.values() if call.number == form["From"]), None)
        if call is None:
            raise web.HTTPNotFound
        call.conference = request.match_info["name"]
        label = str(form["Label"])
        self._start(self._join_agent(call, urlsplit(str(form["To"])).query, label))
        return web.json_response(self._participant_json(call, label), status=201)

    async def _list_participants(self, request: web.Request) -> web.Response:
        call = self._call_of(request.match_info["name"])
        members = [self._participant_json(call, "agent", call.agent_sid)]
        members.append(self._participant_json(call, "caller", call.call_sid))
        return web.json_response({"participants": members, "next_page_uri": None, "page": 0, "page_size": 50})

    async def _participant(self, request: web.Request) -> web.Response:
        call = self._call_of(request.match_info["name"])
        if request.method == "DELETE":
            return web.Response(status=204)
        return web.json_response(self._participant_json(call, "", request.match_info["sid"]))

    async def _call(self, request: web.Request) -> web.Response:
        sid = request.match_info["sid"]
        call = self._calls.get(sid)
        if call is None:
            error = {"code": 20404, "message": "not found", "status": 404}
            return web.json_response(error, status=404)
        form = await request.post()
        if form.get("Status") == "completed" and sid == call.call_sid:
            self._start(self.hang_up(call))
        elif "Twiml" in form:
            self.violations.append(f"call {sid} was taken out of its conference")
        status = "completed" if form.get("Status") else "in-progress"
        return web.json_response({"sid": sid, "account_sid": ACCOUNT_SID, "status": status})

    def _participant_json(self, call: BenchCall, label: str, call_sid: str = "") -> dict[str, object]:
        return {
            "account_sid": ACCOUNT_SID,
            "call_sid": call_sid or call.agent_sid,
            "conference_sid": call.conference_sid,
            "label": label,
            "status": "connected",
            "muted": False,
            "hold": False,
        }

    def _call_of(self, conference: str) -> BenchCall:
        for call in self._calls.values():
            if conference in (call.conference, call.conference_sid):
                return call
        raise web.HTTPNotFound

    async def _join_agent(self, call: BenchCall, query: str, label: str) -> None:
        fields = self._leg_fields(call, call.agent_sid, "in-progress") | {"To": f"app:{APP_SID}"}
        fields |= dict(part.partition("=")[::2] for part in query.split("&") if part)
        document = ElementTree.fromstring(await self._webhook("/twilio/agent", fields))
        stream = document.find("./Connect/Stream")
        if stream is None:
            self.violations.append("the agent's leg got no stream")
            return
        await self._conference(call, "participant-join", call.agent_sid, label)
        call.caller.mouth = await self._open(call, call.agent_sid, stream)

    # -- webhooks and streams

    async def _conference(self, call: BenchCall, event: str, call_sid: str, label: str) -> None:
        fields = {
            "AccountSid": ACCOUNT_SID,
            "ConferenceSid": call.conference_sid,
            "FriendlyName": call.conference,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(next(call.sequence)),
            "Timestamp": "Fri, 20 Nov 2026 10:00:00 +0000",
        }
        if call_sid:
            fields |= {"CallSid": call_sid, "ParticipantLabel": label, "Muted": "false", "Hold": "false"}
        await self._webhook("/twilio/conference", fields)

    def _leg_fields(self, call: BenchCall, call_sid: str, status: str) -> dict[str, str]:
        return {
            "AccountSid": ACCOUNT_SID,
            "ApiVersion": "2010-04-01",
            "CallSid": call_sid,
            "CallStatus": status,
            "Direction": "inbound",
            "From": CALLER,
            "To": call.number,
        }

    async def _webhook(self, path: str, fields: Mapping[str, str]) -> str:
        assert self._http is not None
        url = self.app_url + path
        headers = {"X-Twilio-Signature": self._validator.compute_signature(url, dict(fields))}
        reply = await self._http.post(url, data=dict(fields), headers=headers)
        if reply.is_error:
            self.violations.append(f"{path} answered {reply.status_code}")
        return reply.text

    async def _open(self, call: BenchCall, leg: str, stream: ElementTree.Element) -> NetworkStream:
        url = stream.get("url", "")
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        is_mouth = leg == call.agent_sid
        socket = WireSocket(
            (lambda payload: call.caller.on_mouth(payload, loop.time())) if is_mouth else _unexpected,
            lambda: None,
        )
        signature = self._validator.compute_signature(url, {})
        await socket.open(
            str(parts.hostname), parts.port or 80, parts.path, {"X-Twilio-Signature": signature}
        )
        network_stream = NetworkStream(socket, new_sid("MZ"))
        parameters = {p.get("name", ""): p.get("value", "") for p in stream.findall("Parameter")}
        network_stream.begin(ACCOUNT_SID, leg, parameters)
        call.sockets.append((socket, network_stream, leg))
        return network_stream

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _unexpected(payload: bytes) -> None:
    raise RuntimeError(f"the practice sent something on a one-way stream: {payload[:80]!r}")
