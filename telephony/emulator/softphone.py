"""A telephone in the browser: a WebSocket with 160 bytes of µ-law every 20 ms in both directions.

`/emulator/phone?to=+1…&from=+1…` places a call; `/emulator/phone?listen=client:operator_7` waits for one.
Text frames to the browser: {"type":"ringing"|"answered"|"ended", "call_sid", "status"}. Text frames from it:
{"type":"digits","digits":"12"}, {"type":"hangup"}.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from .clock import first_of
from .exchange import UnknownNumber
from .g711 import FRAME_SAMPLES
from .phones import PhoneBehaviour, PhoneCall

if TYPE_CHECKING:
    from .emulator import Emulator

HEARD_FRAMES = 100  # two seconds for a browser that is behind; then the oldest go


class Softphone:
    """Serves softphone sockets."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def add_to(self, app: web.Application) -> None:
        """Register the route; the origin is checked by the control API's middleware."""
        app.router.add_get("/emulator/phone", self._serve)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=1 << 16)
        await socket.prepare(request)
        if listen := request.query.get("listen"):
            call = await self._wait_for_call(socket, listen)
            if call is None:
                return socket
        else:
            # In a query string "+" is a blank: both spellings of a number are understood.
            to, from_ = (request.query.get(key, "").replace(" ", "+") for key in ("to", "from"))
            try:
                call = await self._emulator.place_call(to, from_ or "+12025550199")
            except UnknownNumber as error:
                await socket.send_json({"type": "ended", "status": "failed", "reason": str(error)})
                await socket.close()
                return socket
        await self._talk(socket, call)
        return socket

    async def _wait_for_call(self, socket: web.WebSocketResponse, address: str) -> PhoneCall | None:
        phone = self._emulator.register_phone(address, PhoneBehaviour(after_s=0.2))
        rung = asyncio.ensure_future(phone.call_number())
        gone = asyncio.ensure_future(socket.receive())
        try:
            await first_of(rung, gone)
            return rung.result() if rung.done() else None
        finally:
            rung.cancel()
            gone.cancel()
            await asyncio.wait({rung, gone})  # the socket allows one reader at a time
            self._emulator.exchange.directory.unregister(address)

    async def _talk(self, socket: web.WebSocketResponse, call: PhoneCall) -> None:
        heard: deque[bytes] = deque(maxlen=HEARD_FRAMES)
        wake = asyncio.Event()

        def on_audio(frame: bytes) -> None:
            heard.append(frame)
            wake.set()

        call.on_audio = on_audio
        speaker = asyncio.ensure_future(self._play(socket, call, heard, wake))
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    self._hear(call, message.data)
                elif message.type is WSMsgType.TEXT:
                    await self._obey(call, message.data)
        finally:
            speaker.cancel()
            call.on_audio = None
            await call.hang_up()

    async def _play(
        self, socket: web.WebSocketResponse, call: PhoneCall, heard: deque[bytes], wake: asyncio.Event
    ) -> None:
        leg = call.leg
        try:
            await socket.send_json({"type": "ringing", "call_sid": call.sid})
            await first_of(leg.answered, leg.ended)
            if leg.answered.done():
                await socket.send_json({"type": "answered", "call_sid": call.sid})
            leg.ended.add_done_callback(lambda _: wake.set())
            while not leg.ended.done():
                await wake.wait()
                wake.clear()
                while heard:
                    await socket.send_bytes(heard.popleft())
            await socket.send_json({"type": "ended", "call_sid": call.sid, "status": leg.status.value})
            await socket.close()
        except ConnectionError:
            return  # the browser is gone; the reading side hangs up

    def _hear(self, call: PhoneCall, data: bytes) -> None:
        for start in range(0, len(data) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            call.speak_live(data[start : start + FRAME_SAMPLES])

    async def _obey(self, call: PhoneCall, text: str) -> None:
        try:
            order = json.loads(text)
        except ValueError:
            return
        if not isinstance(order, dict):
            return
        if order.get("type") == "hangup":
            await call.hang_up()
        elif order.get("type") == "digits" and not call.status.terminal:
            keys = "".join(k for k in str(order.get("digits", "")) if k in "0123456789ABCD#*")
            if keys:
                call.press(keys)
