"""A telephone on the local phone network: 20 ms of µ-law both ways over one WebSocket.

The network reports ``ringing``, ``answered`` and ``ended`` as small JSON messages beside the sound;
``hangup`` and ``digits`` go the other way. A telephone always sends: when nobody speaks, it sends silence.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from telephony.g711 import decode_ulaw, encode_ulaw
from voice_agent.cli.command import CommandError
from voice_agent.cli.hearing import FRAME_S, FRAME_SAMPLES, Hearing

SILENCE = b"\xff" * FRAME_SAMPLES
"""20 ms of µ-law zero (ITU-T G.711, positive zero)."""

LATE_S = 0.5
"""A pacer this far behind starts afresh: a burst of old frames would be heard as noise."""

CONNECT_TIMEOUT_S = 10.0

Pcm = npt.NDArray[np.int16]


class Telephone:
    """One call from the caller's side.

    Attributes:
        call_sid: the network's name of the call, "" until it rings.
        agent: what is known from listening to the other side.
        end_reason: why the call is over.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._clips: deque[tuple[bytes, asyncio.Future[None]]] = deque()
        self._at = 0
        self._heard = bytearray()
        self._spoken = bytearray()
        self._tick = asyncio.Event()
        self.call_sid = ""
        self.agent = Hearing()
        self.ringing = asyncio.Event()
        self.answered = asyncio.Event()
        self.ended = asyncio.Event()
        self.end_reason = ""

    @property
    def now(self) -> float:
        """Seconds since the answer, by the sound heard."""
        return len(self._heard) / 8000

    @property
    def heard(self) -> Pcm:
        """Everything heard since the answer."""
        return decode_ulaw(self._heard)

    @property
    def spoken(self) -> Pcm:
        """Everything said since the answer, silence included."""
        return decode_ulaw(self._spoken)

    @property
    def speaking(self) -> bool:
        """True while something is being said."""
        return bool(self._clips)

    def say(self, pcm: Pcm) -> asyncio.Future[None]:
        """Say something after what is being said; the future is done once it was sent, or the call ended."""
        said: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.ended.is_set():
            said.set_result(None)
        else:
            self._clips.append((encode_ulaw(pcm), said))
        return said

    async def hang_up(self) -> None:
        """Put the receiver down."""
        if not self.ended.is_set():
            try:
                await self._socket.send(json.dumps({"type": "hangup"}))
            except ConnectionClosed:
                self._end("the line was lost")

    async def next_frame(self) -> None:
        """Return when the next 20 ms were heard, or the call is over."""
        if not self.ended.is_set():
            self._tick.clear()
            await self._tick.wait()

    async def listen(self) -> None:
        """Read what comes until the call is over."""
        try:
            async for message in self._socket:
                if isinstance(message, str):
                    self._told(message)
                elif self.answered.is_set():
                    self._hear(message)
        except ConnectionClosed:
            pass  # said below: without a message about the end, the line was lost
        self._end("the line was lost")

    async def pace(self) -> None:
        """Send a frame every 20 ms until the call is over."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self.ended.is_set():
            frame = self._next_spoken()
            if self.answered.is_set():
                self._spoken += frame
            try:
                await self._socket.send(frame)
            except ConnectionClosed:
                return
            due += FRAME_S
            late = loop.time() - due
            if late > LATE_S:
                due += late
            await asyncio.sleep(max(0.0, -late))

    def _hear(self, frame: bytes) -> None:
        self._heard += frame
        self.agent.hear(decode_ulaw(frame))
        self._tick.set()

    def _told(self, message: str) -> None:
        told = json.loads(message)
        self.call_sid = told.get("call_sid") or self.call_sid
        match told.get("type"):
            case "ringing":
                self.ringing.set()
            case "answered":
                self.ringing.set()
                self.answered.set()
            case "ended":
                self._end(str(told.get("reason") or told.get("status") or "completed"))

    def _end(self, reason: str) -> None:
        if self.ended.is_set():
            return
        self.end_reason = reason
        for event in (self.ended, self.ringing, self.answered, self._tick):
            event.set()
        for _, said in self._clips:
            if not said.done():
                said.set_result(None)
        self._clips.clear()

    def _next_spoken(self) -> bytes:
        while self._clips:
            ulaw, said = self._clips[0]
            if self._at < len(ulaw):
                frame = ulaw[self._at : self._at + FRAME_SAMPLES]
                self._at += FRAME_SAMPLES
                return frame.ljust(FRAME_SAMPLES, b"\xff")
            self._clips.popleft()
            self._at = 0
            if not said.done():
                said.set_result(None)
        return SILENCE


@asynccontextmanager
async def telephone(phone_url: str, *, to: str, from_: str) -> AsyncIterator[Telephone]:
    """Dial ``to`` from ``from_`` (E.164; "" withholds the number) and hold the line; hangs up at the end.

    Raises:
        CommandError: when the phone network does not take the call.
    """
    asked = {"to": to} | ({"from": from_} if from_ else {})
    url = f"{phone_url}{'&' if '?' in phone_url else '?'}{urlencode(asked)}"
    try:
        socket = await connect(
            url, open_timeout=CONNECT_TIMEOUT_S, max_size=2**16, max_queue=256, compression=None, proxy=None
        )
    except (OSError, WebSocketException, TimeoutError) as error:
        raise CommandError(
            f"the phone network at {phone_url} did not take the call ({error}): is the server running?"
        ) from error
    phone = Telephone(socket)
    work = [asyncio.create_task(phone.listen()), asyncio.create_task(phone.pace())]
    try:
        yield phone
    finally:
        await phone.hang_up()
        await socket.close()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
