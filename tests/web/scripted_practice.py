"""A practice that does what a test says: the pages, scripted events and a softphone that answers with a tone.

It listens on two ports, as the real thing does: pages and interface on one, the phone network on the other,
so that the content security policy is put to the test as well.
"""

from __future__ import annotations

import asyncio
import io
import socket
import threading
import wave
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from models.speech import Delivery, Pcm
from telephony.g711 import encode_ulaw
from voice_agent.call.events import CallEvent
from voice_agent.web.models import models_router
from voice_agent.web.pages import Caller, PracticeNumber, Site, pages_router
from voice_agent.web.voice import voice_router

CALL_SID = "CA00000000000000000000000000000001"
NUMBER = "+15550100100"
MARIA = Caller("+15550100123", "Maria Alvarez", "known patient")

FRAME = 160


def tone(seconds: float, hertz: float = 440.0) -> Pcm:
    """A sine at 8 kHz, a third of full scale."""
    t = np.arange(round(seconds * 8000)) / 8000
    return (11000 * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


def wav(channels: int, seconds: float, hertz: float = 440.0) -> bytes:
    """A recording of a tone, the same in every channel."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(np.repeat(tone(seconds, hertz), channels).tobytes())
    return file.getvalue()


class ToneVoice:
    """A synthesizer that says everything as 0.3 s of 600 Hz and remembers what it was asked."""

    name = "tone"

    def __init__(self) -> None:
        self.asked: list[tuple[str, Delivery]] = []

    async def start(self) -> None:
        """Nothing to load."""

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        self.asked.append((text, delivery))
        yield tone(0.15, 600.0)
        yield tone(0.15, 600.0)

    async def close(self) -> None:
        """Nothing to stop."""


@dataclass
class Phone:
    """What reached the network from the softphone."""

    dialled: list[tuple[str, str]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    digits: str = ""
    hung_up: threading.Event = field(default_factory=threading.Event)


class ScriptedPractice:
    """Server and script in one; start it with :meth:`start`, tell it what happens with :meth:`emit`."""

    def __init__(self, folder: Path, *, public_network: bool = False) -> None:
        self.phone = Phone()
        self.voice = ToneVoice()
        self.events: list[CallEvent] = []
        self.resumed_from: list[int] = []
        self.drop_after: int | None = None
        self.refusals = 0
        self.answers = True
        self.calls: list[dict[str, object]] = []
        self._recording = folder / "stereo.wav"
        self._recording.write_bytes(wav(2, 3.0))
        self._changed = asyncio.Condition()
        self._closing = False
        self._ready = threading.Event()
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.url, phone = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in self._sockets)
        self.phone_url = phone.replace("http", "ws") + "/emulator/phone"
        self.site = Site(
            practice="Brookside Family Practice",
            numbers=(PracticeNumber(NUMBER, "Front desk"),),
            callers=(MARIA, Caller("+15550100177", "Somebody new")),
            lines=("I need an appointment.", "Can I speak to a person?"),
            phone_url="" if public_network else self.phone_url,
        )
        config = uvicorn.Config(self._app(), log_level="error", lifespan="off", ws="websockets-sansio")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="scripted practice")

    def start(self) -> None:
        """Serve from a thread of its own; returns once requests are answered."""
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the scripted practice did not start within 10 s")

    def stop(self) -> None:
        """Stop serving and free both ports."""
        asyncio.run_coroutine_threadsafe(self._close_streams(), self._loop).result(5)
        self._server.should_exit = True
        self._thread.join(10)

    async def _close_streams(self) -> None:
        async with self._changed:
            self._closing = True
            self._changed.notify_all()

    def emit(self, *events: CallEvent) -> None:
        """Let things happen in the call; each event gets the next sequence number."""
        asyncio.run_coroutine_threadsafe(self._emit(events), self._loop).result(5)

    async def _emit(self, events: tuple[CallEvent, ...]) -> None:
        async with self._changed:
            for event in events:
                self.events.append(
                    event.model_copy(update={"call_sid": CALL_SID, "seq": len(self.events) + 1})
                )
            self._changed.notify_all()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop.call_soon(self._ready.set)
        await self._server.serve(sockets=self._sockets)

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.include_router(pages_router(self.site))
        app.include_router(models_router(self.site))
        app.include_router(voice_router(self.voice))
        app.add_api_websocket_route("/emulator/phone", self._softphone)

        @app.get("/api/calls")
        async def calls() -> dict[str, object]:
            return {"items": self.calls}

        @app.get("/api/calls/{sid}")
        async def call(sid: str) -> dict[str, object]:
            ended = any(event.type == "session_end" for event in self.events)
            return {"call_sid": sid, "completion_reason": "completed" if ended else None}

        def refuse() -> None:
            if self.refusals:
                self.refusals -= 1
                raise HTTPException(404)

        @app.get(
            "/api/calls/{sid}/events", response_class=EventSourceResponse, dependencies=[Depends(refuse)]
        )
        async def events(last_event_id: Annotated[int, Header()] = 0) -> AsyncIterable[ServerSentEvent]:
            self.resumed_from.append(last_event_id)
            async for event in self._follow(last_event_id):
                yield ServerSentEvent(raw_data=event.model_dump_json(), id=str(event.seq), retry=50)

        @app.get("/api/calls/{sid}/recordings/stereo.wav")
        async def recording() -> Response:
            return FileResponse(self._recording, media_type="audio/wav")

        @app.get("/api/calls/{sid}/timeline.svg")
        async def timeline() -> Response:
            return Response(_picture("timeline"), media_type="image/svg+xml")

        @app.get("/api/services/{service}/graph.svg")
        async def graph(service: str, state: str = "", visited: str = "") -> Response:
            return Response(_graph(service, state, visited), media_type="image/svg+xml")

        return app

    async def _follow(self, seen: int) -> AsyncIterator[CallEvent]:
        limit, self.drop_after = self.drop_after, None
        while True:
            async with self._changed:
                while len(self.events) <= seen and not self._closing:
                    await self._changed.wait()
            if self._closing:
                return
            for event in self.events[seen:]:
                if limit is not None and event.seq > limit:
                    return
                yield event
                seen = event.seq

    async def _softphone(self, socket: WebSocket) -> None:
        await socket.accept()
        self.phone.dialled.append((socket.query_params["to"], socket.query_params.get("from", "")))
        await socket.send_json({"type": "ringing", "call_sid": CALL_SID})
        if not self.answers:
            await socket.send_json({"type": "ended", "call_sid": CALL_SID, "status": "busy"})
            return
        await socket.send_json({"type": "answered", "call_sid": CALL_SID})
        async with asyncio.TaskGroup() as tasks:
            speaking = tasks.create_task(self._speak(socket))
            try:
                await self._hear(socket)
            finally:
                speaking.cancel()

    async def _speak(self, socket: WebSocket) -> None:
        frame = encode_ulaw(tone(0.02))
        while True:
            await socket.send_bytes(frame)
            await asyncio.sleep(0.02)

    async def _hear(self, socket: WebSocket) -> None:
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("bytes") is not None:
                    self.phone.frames.append(message["bytes"])
                elif "hangup" in message["text"]:
                    self.phone.hung_up.set()
                else:
                    self.phone.digits += message["text"].split('"digits":"')[1].rstrip('"}')
        except WebSocketDisconnect:
            return


def _graph(service: str, state: str, visited: str) -> str:
    """Larger than any panel, with the current state far from the corner."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="2500" height="3300">'
        f"<style>.now rect {{ fill: #2a6 }}</style><desc>{service}: {visited}</desc>"
        '<g class="now"><rect x="1800" y="2400" width="160" height="46"/>'
        f'<text x="1810" y="2428">{state}</text></g></svg>'
    )


def _picture(label: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 60" width="400" height="60">'
        f'<rect width="400" height="60" fill="#456"/><text x="10" y="36" fill="#fff">{label}</text></svg>'
    )
