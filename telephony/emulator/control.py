"""The control API under `/emulator/`: place and steer calls, read what happened, order faults (JSON)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import json
import wave
from collections.abc import Callable
from dataclasses import asdict
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
from aiohttp import web
from aiohttp.typedefs import Handler

from .events import Event
from .exchange import UnknownNumber
from .faults import FaultKind
from .g711 import SAMPLE_RATE, Pcm, decode, encode
from .identifiers import whole_number
from .phones import Answer, PhoneBehaviour, PhoneCall

if TYPE_CHECKING:
    from .emulator import Emulator

SSE_QUEUE = 1000
METHODS = "GET, POST, DELETE, OPTIONS"


def origin_allowed(origin: str, allowed: tuple[str, ...]) -> bool:
    """Whether a browser page may talk to the emulator: no origin, loopback, or listed ones."""
    if not origin or origin in allowed:
        return True
    host = urlsplit(origin).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def audio_from_text(text: str) -> Pcm:
    """Read base64 audio: a WAV file (16 bit, mono, 8 kHz) or bare µ-law.

    Raises:
        ValueError: neither of them.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("audio is not base64") from error
    if raw[:4] != b"RIFF":
        return decode(raw)
    try:
        with wave.open(io.BytesIO(raw)) as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            if form != (1, 2, SAMPLE_RATE):
                raise ValueError(f"WAV must be mono, 16 bit, 8 kHz; got channels, bytes, rate = {form}")
            return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16)
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a WAV file: {error}") from error


class ControlApi:
    """Handlers of the control API."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def add_to(self, app: web.Application) -> None:
        """Register the routes; loopback browser origins get CORS headers, others 403."""
        app.middlewares.append(self._guard)
        app.router.add_post("/emulator/calls", self._place)
        app.router.add_get("/emulator/calls", self._list)
        app.router.add_get("/emulator/calls/{sid}", self._show)
        app.router.add_get("/emulator/calls/{sid}/heard", self._heard)
        app.router.add_post("/emulator/calls/{sid}/hangup", self._hang_up)
        app.router.add_post("/emulator/calls/{sid}/press", self._press)
        app.router.add_post("/emulator/calls/{sid}/play", self._play)
        app.router.add_post("/emulator/phones", self._register)
        app.router.add_get("/emulator/account", self._account)
        app.router.add_get("/emulator/events", self._events)
        app.router.add_get("/emulator/violations", self._violations)
        app.router.add_get("/emulator/notifications", self._notifications)
        app.router.add_get("/emulator/faults", self._faults)
        app.router.add_post("/emulator/faults", self._add_fault)
        app.router.add_delete("/emulator/faults", self._clear_faults)
        app.router.add_post("/emulator/messages", self._message)

    # --- calls -----------------------------------------------------------------------------------

    async def _place(self, request: web.Request) -> web.Response:
        body = await _json(request)
        try:
            audio = audio_from_text(str(body["audio"])) if body.get("audio") else None
            call = await self._emulator.place_call(
                str(body.get("to", "")), str(body.get("from") or "+12025550199"), audio=audio
            )
        except ValueError as error:
            raise _bad(404 if isinstance(error, UnknownNumber) else 400, str(error)) from error
        return web.json_response({"call_sid": call.sid}, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        legs = self._emulator.exchange.legs.values()
        return web.json_response(
            {"calls": [{"call_sid": leg.sid, "status": leg.status.value, "to": leg.to} for leg in legs]}
        )

    async def _show(self, request: web.Request) -> web.Response:
        call = self._call(request)
        leg = call.leg
        return web.json_response(
            {
                "call_sid": call.sid,
                "status": call.status.value,
                "to": call.to,
                "from": call.from_,
                "direction": leg.direction.value,
                "duration_s": leg.duration_s,
                "heard_s": len(call.heard) / SAMPLE_RATE,
                "streams": [s.sid for s in leg.streams.values() if not s.over],
                "recordings": [r.sid for r in leg.recordings],
                "events": [_event(event) for event in call.events],
            }
        )

    async def _heard(self, request: web.Request) -> web.Response:
        call = self._call(request)
        both = np.stack([call.heard[: len(call.spoken)], call.spoken[: len(call.heard)]], axis=1)
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(both.astype("<i2").tobytes())
        return web.Response(body=buffer.getvalue(), content_type="audio/wav")

    async def _hang_up(self, request: web.Request) -> web.Response:
        call = self._call(request)
        await call.hang_up()
        return web.json_response({"call_sid": call.sid, "status": call.status.value})

    async def _press(self, request: web.Request) -> web.Response:
        call, body = self._call(request), await _json(request)
        try:
            call.press(str(body.get("digits", "")))
        except ValueError as error:
            raise _bad(400, str(error)) from error
        return web.json_response({"call_sid": call.sid})

    async def _play(self, request: web.Request) -> web.Response:
        call, body = self._call(request), await _json(request)
        try:
            call.play_ulaw(encode(audio_from_text(str(body.get("audio", "")))))
        except ValueError as error:
            raise _bad(400, str(error)) from error
        return web.json_response({"call_sid": call.sid})

    def _call(self, request: web.Request) -> PhoneCall:
        sid = request.match_info["sid"]
        leg = self._emulator.exchange.legs.get(sid)
        if leg is None or not isinstance(leg.far, PhoneCall):
            raise _bad(404, f"no telephone is behind call {sid}")
        return leg.far

    async def _register(self, request: web.Request) -> web.Response:
        body = await _json(request)
        try:
            behaviour = PhoneBehaviour(
                answer=Answer(str(body.get("answer", "picks_up"))),
                after_s=_float(body.get("after_s", 0.1)),
                says=audio_from_text(str(body["says"])) if body.get("says") else None,
                answered_by=str(body.get("answered_by", "human")),
                verdict_after_s=_float(body.get("verdict_after_s", 0.3)),
            )
        except (ValueError, TypeError) as error:
            raise _bad(400, str(error)) from error
        address = str(body.get("number", ""))
        if not address:
            raise _bad(400, "number is missing: an E.164 number or client:identity")
        self._emulator.register_phone(address, behaviour)
        return web.json_response({"number": address}, status=201)

    async def _message(self, request: web.Request) -> web.Response:
        body = await _json(request)
        try:
            replies = await self._emulator.messages.receive(
                str(body.get("to", "")), str(body.get("from", "+12025550199")), str(body.get("body", ""))
            )
        except ValueError as error:
            raise _bad(404, str(error)) from error
        return web.json_response({"replies": [m.body for m in replies]}, status=201)

    # --- what happened ---------------------------------------------------------------------------

    async def _account(self, request: web.Request) -> web.Response:
        account = self._emulator.exchange.account
        return web.json_response(
            {
                "account_sid": self._emulator.config.account_sid,
                "application_sid": self._emulator.config.application_sid,
                "numbers": [r.value.phone_number for r in account.numbers.values()],
            }
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        since = whole_number(request.query.get("since", "0"))
        if since is None:
            raise _bad(400, "since must be the index of an event")
        wanted_call = request.query.get("call_sid", "")

        def fits(event: Event) -> bool:
            return event.index >= since and wanted_call in ("", event.call_sid)

        if request.query.get("stream") == "1":
            return await self._stream_events(request, fits)
        events = [_event(event) for event in self._emulator.log.events if fits(event)]
        return web.json_response({"events": events})

    async def _stream_events(self, request: web.Request, fits: Callable[[Event], bool]) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        _allow_origin(request, response)
        await response.prepare(request)
        # Drop-newest when the browser does not keep up; it sees the gap in the indexes.
        queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=SSE_QUEUE)

        def put(event: Event) -> None:
            if fits(event) and not queue.full():
                queue.put_nowait(event)

        for event in self._emulator.log.events:
            put(event)
        unsubscribe = self._emulator.log.subscribe(put)
        try:
            while True:
                event = await queue.get()
                await response.write(f"id: {event.index}\ndata: {json.dumps(_event(event))}\n\n".encode())
        except ConnectionError:
            return response
        finally:
            unsubscribe()

    async def _violations(self, request: web.Request) -> web.Response:
        return web.json_response({"violations": [asdict(v) for v in self._emulator.violations]})

    async def _notifications(self, request: web.Request) -> web.Response:
        return web.json_response({"notifications": [asdict(n) for n in self._emulator.log.notifications]})

    # --- faults ----------------------------------------------------------------------------------

    async def _faults(self, request: web.Request) -> web.Response:
        waiting = self._emulator.faults.waiting
        return web.json_response(
            {"kinds": [k.value for k in FaultKind], "waiting": [asdict(fault) for fault in waiting]}
        )

    async def _add_fault(self, request: web.Request) -> web.Response:
        body = await _json(request)
        times = body.get("times", 1)
        try:
            fault = self._emulator.faults.add(
                FaultKind(str(body.get("kind"))),
                str(body.get("match", "")),
                _float(body.get("value", 0.0)),
                None if times is None else int(_float(times)),
            )
        except (ValueError, TypeError) as error:
            raise _bad(400, str(error)) from error
        return web.json_response(asdict(fault), status=201)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._emulator.faults.clear()
        return web.json_response({"waiting": []})

    # --- browsers --------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/emulator/"):
            return await handler(request)
        origin = request.headers.get("Origin", "")
        if not origin_allowed(origin, self._emulator.config.allowed_origins):
            raise web.HTTPForbidden(text=f"origin {origin} may not use this emulator")
        if request.method == "OPTIONS":
            preflight = web.Response(status=204)
            preflight.headers["Access-Control-Allow-Methods"] = METHODS
            preflight.headers["Access-Control-Allow-Headers"] = "Content-Type"
            _allow_origin(request, preflight)
            return preflight
        response: web.StreamResponse = await handler(request)
        if not response.prepared:
            _allow_origin(request, response)
        return response


def _allow_origin(request: web.Request, response: web.StreamResponse) -> None:
    if origin := request.headers.get("Origin"):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"


def _event(event: Event) -> dict[str, object]:
    return {
        "index": event.index,
        "at": event.at,
        "kind": event.kind.value,
        "call_sid": event.call_sid,
        "details": dict(event.details),
    }


async def _json(request: web.Request) -> dict[str, object]:
    text = await request.text()
    try:
        body = json.loads(text or "{}")
    except ValueError as error:
        raise _bad(400, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise _bad(400, "the body must be a JSON object")
    return body


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _bad(status: int, message: str) -> web.HTTPException:
    answer = {400: web.HTTPBadRequest, 404: web.HTTPNotFound}[status]
    return answer(text=json.dumps({"error": message}), content_type="application/json")
