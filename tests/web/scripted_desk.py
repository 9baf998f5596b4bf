"""The scripted practice with an operators' desk: the Platform API as published, a line that can be rung."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Header, HTTPException, Request, WebSocket
from fastapi.responses import JSONResponse, Response, StreamingResponse
from scripted_practice import CALL_SID, ScriptedPractice, tone

from telephony.g711 import encode_ulaw
from voice_agent.web.console import Desk, console_router

WORKSPACE = "6a1f5f0e-0c60-4a3b-9c39-7ad0c30d2f11"
ME = "1d0b7c52-7a0e-4f54-8a3c-2f6f5a6f2b01"
CSRF = "a-token-that-is-not-guessed"
BASE = f"/platform/v1/{WORKSPACE}"
IDENTITY = "operator_1d0b"

BRIEFING = [
    (
        "Situation summary",
        "Maria Alvarez wants to move her appointment with Dr. Osei and is losing patience.",
    ),
    (
        "Patient context",
        "46, in our care since 2019. Type 2 diabetes, metformin 500 mg.\n- Next visit: Friday 9:15",
    ),
    ("Risk assessment", "High (72 of 100): three slots were refused, tone is falling."),
    ("Key issues", "- Calendar did not answer once\n- Insurance card not confirmed"),
    ("Recommended actions", "- Offer Tuesday 10:30 in person\n- Apologize for the repeated question"),
    ("Prior interactions", "Two calls this month, both about the same appointment."),
]


def call(sid: str = CALL_SID, **fields: Any) -> dict[str, Any]:
    """A call of the queue."""
    return {
        "call_sid": sid,
        "caller_id": "+15550100123",
        "caller_phone": "+15550100123",
        "entity_name": "Maria Alvarez",
        "service_id": "front_desk",
        "service_name": "Front desk",
        "direction": "inbound",
        "current_state": "offer_times",
        "turn_count": 4,
        "wait_seconds": 42.0,
        "started_at": "2026-11-20T09:30:00Z",
        "current_emotion": None,
        "current_valence": None,
        "risk_score": 0.12,
        "risk_level": "low",
        "escalation_active": False,
        "brief_context": None,
        "data_quality_flags": [],
        "priority_score": 0.1,
        "priority_reasons": [],
        **fields,
    }


JOHN = call("CA2", entity_name="John Okafor", caller_phone="+15550100155", priority_score=0.31)
NEW = call("CA3", entity_name=None, caller_phone="+15550100199", priority_score=0.04, turn_count=1)


@dataclass
class Asked:
    """What reached the API: (method, last part of the path, body)."""

    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def of(self, action: str) -> list[dict[str, Any]]:
        return [body for _, name, body in self.requests if name == action]


class ScriptedDesk(ScriptedPractice):
    """Tell the workspace what happens with :meth:`happen`, refuse requests with :attr:`refusals_of`."""

    def __init__(self, folder: Path) -> None:
        self.queue: list[dict[str, Any]] = [JOHN, call(), NEW]
        self.escalations: list[dict[str, Any]] = []
        self.dashboard: dict[str, Any] = {
            "operators": {"total": 4, "online": 2, "busy": 1, "offline": 1},
            "escalations_today": {"requested": 7, "connected": 6, "completed": 5, "avg_wait_seconds": 21.4},
        }
        self.operator: dict[str, Any] = {
            "id": ME,
            "name": "Dana Whitfield",
            "status": "online",
            "connection_method": "browser",
            "active_call_sid": None,
        }
        self.asked = Asked()
        self.refusals_of: dict[str, list[tuple[int, str]]] = {}
        self.guidance_status = "delivered"
        self.problems: list[str] = []
        self.stream_refusals: list[tuple[int, str]] = []
        self.stream_resumed_from: list[str] = []
        self.readings = 0
        self.repeats = 0
        self._happened: list[tuple[str, str, str]] = []
        self._ids = itertools.count(1_763_600_000_000, 7)
        self._ring = asyncio.Event()
        self._hang_up = asyncio.Event()
        self._cuts = 0
        super().__init__(folder)

    def happen(self, kind: str, **data: Any) -> None:
        """An event of the workspace, for every stream that is open and those to come."""
        self._on_loop(self._happen(kind, data))

    def cut_streams(self) -> None:
        """Close every workspace stream that is open now."""
        self._on_loop(self._cut())

    def hang_up_operator(self) -> None:
        """The network ends the operator's line."""
        self._on_loop(self._end_line())

    def _on_loop(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    async def _happen(self, kind: str, data: dict[str, Any]) -> None:
        async with self._changed:
            self._happened.append((str(next(self._ids)), kind, json.dumps(data)))
            self._changed.notify_all()

    async def _cut(self) -> None:
        async with self._changed:
            self._cuts += 1
            self._changed.notify_all()

    async def _end_line(self) -> None:
        self._hang_up.set()

    def _app(self) -> FastAPI:
        app = super()._app()
        desk = Desk(WORKSPACE, ME, "Dana Whitfield", CSRF)
        app.include_router(console_router(self.site, lambda: desk, lambda: self.problems))
        app.include_router(self._platform())

        @app.middleware("http")
        async def keep(request: Request, call_next: Any) -> Response:
            if request.url.path.startswith(BASE) and request.method != "GET":
                if request.headers.get("x-csrf-token") != CSRF:
                    return JSONResponse({"detail": "the token against forged requests is missing"}, 403)
                body = await request.json()
                self.asked.requests.append((request.method, request.url.path.split("/")[-1], body))
            for part, refusals in self.refusals_of.items():
                if request.url.path.endswith(part) and refusals:
                    status, detail = refusals.pop(0)
                    return JSONResponse({"detail": detail}, status)
            response: Response = await call_next(request)
            return response

        return app

    def _platform(self) -> APIRouter:
        router = APIRouter(prefix=BASE)
        self._add_reading(router)
        self._add_acting(router)
        return router

    def _add_reading(self, router: APIRouter) -> None:
        @router.get("/operators/queue")
        async def queue() -> dict[str, Any]:
            self.readings += 1
            return {"workspace_id": WORKSPACE, "queue": self.queue, "total_active": len(self.queue)}

        @router.get("/operators/dashboard")
        async def dashboard() -> dict[str, Any]:
            active = sum(call["escalation_active"] for call in self.queue)
            return {**self.dashboard, "workspace_id": WORKSPACE, "active_escalations": active}

        @router.get("/operators/escalations/active")
        async def active() -> dict[str, Any]:
            return {"items": self.escalations, "has_more": False}

        @router.get("/events/stream")
        async def stream(last_event_id: Annotated[str, Header()] = "") -> Response:
            if self.stream_refusals:
                status, detail = self.stream_refusals.pop(0)
                return JSONResponse({"detail": detail}, status)
            self.stream_resumed_from.append(last_event_id)
            return StreamingResponse(self._stream(last_event_id), media_type="text/event-stream")

        @router.get(f"/operators/{ME}")
        async def me() -> dict[str, Any]:
            return self.operator

    async def _stream(self, last_event_id: str) -> AsyncIterator[str]:
        yield "retry: 3000\n\n"
        cuts = self._cuts
        seen = 0 if last_event_id else len(self._happened)
        while last_event_id and seen < len(self._happened) and self._happened[seen][0] <= last_event_id:
            seen += 1
        seen = max(0, seen - self.repeats)
        while True:
            async with self._changed:
                while len(self._happened) <= seen and not self._closing and self._cuts == cuts:
                    await self._changed.wait()
            if self._closing or self._cuts != cuts:
                return
            for name, kind, data in self._happened[seen:]:
                seen += 1
                yield f"id: {name}\nevent: {kind}\ndata: {data}\n\n"

    def _add_acting(self, router: APIRouter) -> None:
        @router.patch(f"/operators/{ME}")
        async def change(body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
            self.operator.update(body)
            return self.operator

        @router.post(f"/operators/{ME}/access-token")
        async def token() -> dict[str, Any]:
            url = f"{self.phone_url}?listen=client:{IDENTITY}"
            return {
                "token": "t",
                "identity": IDENTITY,
                "conference_sid": "CF1",
                "connect_params": {"phone_url": url},
            }

        @router.post(f"/operators/{ME}/join-call")
        async def join(body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
            if body["call_sid"] not in {call["call_sid"] for call in self.queue}:
                raise HTTPException(404, f"{body['call_sid']} is not on the line")
            self._ring.set()
            mode = body.get("mode", "takeover")
            return {
                "participant_call_sid": "CAop",
                "conference_sid": "CF1",
                "mode": mode,
                "operator_entity_id": ME,
            }

        @router.post(f"/operators/{ME}/switch-mode")
        async def switch(body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
            return {"mode": body["mode"]}

        @router.post(f"/operators/{ME}/leave-call")
        async def leave() -> dict[str, Any]:
            return {"success": True}

        @router.post(f"/operators/{ME}/send-guidance")
        async def guide(body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
            return {"status": self.guidance_status, "call_sid": body["call_sid"]}

        @router.post(f"/operators/{ME}/wrap-up")
        async def wrap_up() -> dict[str, Any]:
            return {"success": True}

        @router.post(f"/operators/{ME}/briefing")
        async def briefing(body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
            return {
                "call_sid": body["call_sid"],
                "operator_id": ME,
                "generated_at": "2026-11-20T09:31:00Z",
                "sections": [{"title": title, "content": content} for title, content in BRIEFING],
            }

    async def _softphone(self, socket: WebSocket) -> None:
        if "listen" not in socket.query_params:
            await super()._softphone(socket)
            return
        await socket.accept()
        self._ring.clear()
        self._hang_up.clear()
        self.phone.hung_up.clear()
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(self._operators_line(socket))
            await self._hear(socket)
            life.cancel()

    async def _operators_line(self, socket: WebSocket) -> None:
        await self._ring.wait()
        await socket.send_json({"type": "ringing", "call_sid": "CAop"})
        await socket.send_json({"type": "answered", "call_sid": "CAop"})
        frame = encode_ulaw(tone(0.02))
        while not self._hang_up.is_set():
            await socket.send_bytes(frame)
            await asyncio.sleep(0.02)
        await socket.send_json({"type": "ended", "call_sid": "CAop", "status": "completed"})
