"""A practice of a few lines: a softphone socket, an event stream and a voice, as the real one has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from fastapi import FastAPI, HTTPException, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from telephony.g711 import decode_ulaw, encode_ulaw
from voice_agent.call.events import (
    AgentTranscript,
    AgentTranscriptDelta,
    CallEvent,
    Latency,
    SessionEnd,
    SessionStart,
    StateTransition,
    UserTranscript,
)
from voice_agent.cli.hearing import Hearing

CALL_SID = "CA" + "0" * 32
SILENCE = b"\xff" * 160


def tone(seconds: float) -> npt.NDArray[np.int16]:
    """Something that counts as voice."""
    t = np.arange(int(seconds * 8000)) / 8000
    return (4000 * np.sin(2 * np.pi * 220 * t)).astype(np.int16)


@dataclass
class FakePractice:
    """Greets, answers each utterance of the caller, and hangs up after ``turns`` of them."""

    turns: int = 2
    numbers: tuple[str, ...] = ("+12025550100",)
    base_url: str = ""
    refuse: bool = False
    break_stream_after: int = 0
    """Events after which the stream breaks off once."""
    dialled: dict[str, str] = field(default_factory=dict)
    heard: bytearray = field(default_factory=bytearray)
    events: list[CallEvent] = field(default_factory=list)
    streams: int = 0
    spoken_texts: list[str] = field(default_factory=list)
    _frames: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def emit(self, event: CallEvent) -> None:
        stamp = {"call_sid": CALL_SID, "seq": len(self.events) + 1, "t": self._frames * 0.02}
        self.events.append(event.model_copy(update=stamp))
        self._news.set()

    async def phone(self, socket: WebSocket) -> None:
        self.dialled = dict(socket.query_params)
        await socket.accept()
        if self.refuse:
            await socket.send_text(json.dumps({"type": "ended", "call_sid": "", "reason": "busy"}))
            await socket.close()
            return
        self.emit(SessionStart(caller_id=self.dialled.get("from"), called=self.dialled["to"]))
        await socket.send_text(json.dumps({"type": "ringing", "call_sid": CALL_SID}))
        await socket.send_text(json.dumps({"type": "answered", "call_sid": CALL_SID}))
        try:
            await self._talk(socket)
        except (WebSocketDisconnect, RuntimeError):
            self._end("caller_hangup")
            return
        self._end("terminal_state")
        await socket.send_text(json.dumps({"type": "ended", "call_sid": CALL_SID, "reason": "completed"}))
        await socket.close()

    async def _talk(self, socket: WebSocket) -> None:
        await self._say(socket, "Hello.", 0)
        for turn in range(1, self.turns + 1):
            hearing = Hearing()
            while not hearing.stretches:
                hearing.hear(await self._exchange(socket, SILENCE))
            self.emit(StateTransition(from_state=f"state_{turn - 1}", to_state=f"state_{turn}"))
            self.emit(UserTranscript(transcript=f"words {turn}", confidence=0.9, turn_index=turn))
            self.emit(Latency(turn_index=turn, e2e_ttfb_ms=300.0 + turn))
            await self._say(socket, f"Answer {turn}.", turn)

    async def _say(self, socket: WebSocket, text: str, turn: int) -> None:
        self.emit(AgentTranscriptDelta(utterance_id=str(turn), text=text))
        ulaw = encode_ulaw(tone(0.4))
        for position in range(0, len(ulaw), 160):
            await self._exchange(socket, ulaw[position : position + 160])
        self.emit(AgentTranscript(utterance_id=str(turn), text=text, heard=text, turn_index=turn))

    async def _exchange(self, socket: WebSocket, frame: bytes) -> npt.NDArray[np.int16]:
        """One tick of the line: the caller's pacing is the clock."""
        message = await socket.receive()
        if message["type"] == "websocket.disconnect" or "hangup" in (message.get("text") or ""):
            raise WebSocketDisconnect
        await socket.send_bytes(frame)
        self._frames += 1
        self.heard += message["bytes"]
        return decode_ulaw(message["bytes"])

    def _end(self, reason: str) -> None:
        self.emit(SessionEnd(completion_reason=reason, duration_seconds=self._frames * 0.02))

    async def stream(self, last: int) -> AsyncIterator[str]:
        self.streams += 1
        broken = self.streams > 1 or not self.break_stream_after
        while True:
            self._news.clear()
            for event in self.events[last:]:
                yield f"id: {event.seq}\ndata: {event.model_dump_json()}\n\n"
                last = event.seq
                if not broken and last == self.break_stream_after:
                    return
                if isinstance(event, SessionEnd):
                    return
            await self._news.wait()

    def app(self) -> FastAPI:
        app = FastAPI()
        app.add_api_websocket_route("/emulator/phone", self.phone)

        @app.get("/api/line")
        async def line() -> dict[str, object]:
            url = f"{self.base_url.replace('http', 'ws')}/emulator/phone"
            return {"phone_url": url, "numbers": self.numbers}

        @app.post("/api/voice")
        async def voice(request: Request) -> Response:
            self.spoken_texts.append((await request.json())["text"])
            return Response(encode_ulaw(tone(0.3)), media_type="audio/basic")

        @app.get("/api/calls/{call_sid}")
        async def call(call_sid: str) -> dict[str, str]:
            over = any(isinstance(event, SessionEnd) for event in self.events)
            return {"call_sid": call_sid, "status": "completed" if over else "in-progress"}

        @app.get("/api/calls/{call_sid}/events")
        async def events(call_sid: str, request: Request) -> StreamingResponse:
            if call_sid != CALL_SID:
                raise HTTPException(404)
            last = int(request.headers.get("last-event-id", "0"))
            return StreamingResponse(self.stream(last), media_type="text/event-stream")

        @app.get("/api/calls/{call_sid}/{picture}")
        async def drawing(call_sid: str, picture: str) -> Response:
            return Response(f"{picture} of {call_sid} with {len(self.events)} events")

        return app
