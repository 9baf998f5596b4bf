"""A running practice, as its HTTP interface shows it to any client."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

import httpx
import numpy as np
import numpy.typing as npt

from telephony.g711 import decode_ulaw
from voice_agent.call.events import CallEvent, call_event_adapter
from voice_agent.cli.command import CommandError

ATTEMPTS = 10
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
GOING_ON = frozenset({"ringing", "in-progress"})


@dataclass(frozen=True, slots=True)
class Line:
    """How to ring the practice from here: the softphone's address and the practice's numbers (E.164)."""

    phone_url: str
    numbers: tuple[str, ...]


class Practice:
    """HTTP client of one server."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = httpx.AsyncClient(base_url=self.base_url, timeout=httpx.Timeout(20.0))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._http.aclose()

    async def line(self) -> Line:
        """How to ring it.

        Raises:
            CommandError: when nothing answers, or the numbers are real ones that no robot should ring.
        """
        told = await self._json("/api/line")
        if not told["phone_url"]:
            raise CommandError(f"{self.base_url} is on the public phone network: ring it with a telephone")
        return Line(told["phone_url"], tuple(told["numbers"]))

    async def spoken(self, text: str, voice: str = "adult") -> npt.NDArray[np.int16]:
        """``text`` in a patient's voice, int16 8 kHz."""
        for attempt in range(ATTEMPTS):
            reply = await self._ask("POST", "/api/voice", json={"text": text, "voice": voice})
            if reply.status_code != httpx.codes.TOO_MANY_REQUESTS:
                self._check(reply)
                return decode_ulaw(reply.content)
            await asyncio.sleep(_pause(attempt))
        raise CommandError(f"{self.base_url} is too busy to speak {text!r}: try again with fewer calls")

    async def pictures(self, call_sid: str) -> dict[str, bytes]:
        """The practice's drawings of a call that is over, by file name; none when it could not store it."""
        for attempt in range(ATTEMPTS):
            reply = await self._ask("GET", f"/api/calls/{call_sid}")
            if reply.is_success and reply.json()["status"] not in GOING_ON:
                break
            await asyncio.sleep(_pause(attempt))
        drawn = {}
        for name in ("timeline.svg", "timeline.png"):
            reply = await self._ask("GET", f"/api/calls/{call_sid}/{name}")
            if reply.is_success:
                drawn[name] = reply.content
        return drawn

    async def events(self, call_sid: str) -> AsyncIterator[CallEvent]:
        """Everything that happens in a call, from its first event to its end, each once.

        The stream is taken up again where it broke off, a bounded number of times.
        """
        last, failures = 0, 0
        while failures < ATTEMPTS:
            try:
                async for event in self._stream(call_sid, last):
                    if event.seq <= last:
                        continue
                    last, failures = event.seq, 0
                    yield event
                    if event.type == "session_end":
                        return
            except httpx.TransportError:
                pass  # counted below, like a stream that ended early
            await asyncio.sleep(_pause(failures))
            failures += 1
        raise CommandError(f"{self.base_url} stopped telling about call {call_sid} after event {last}")

    async def _stream(self, call_sid: str, last: int) -> AsyncIterator[CallEvent]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(last)} if last else {})
        timeout = httpx.Timeout(10.0, read=60.0)
        path = f"/api/calls/{call_sid}/events"
        async with self._http.stream("GET", path, headers=headers, timeout=timeout) as reply:
            if reply.status_code == httpx.codes.NOT_FOUND:
                return
            self._check(reply)
            data: list[str] = []
            async for line in reply.aiter_lines():
                if line.startswith("data:"):
                    data.append(line[5:].removeprefix(" "))
                elif not line and data:
                    yield call_event_adapter.validate_json("\n".join(data))
                    data = []

    async def _json(self, path: str) -> Any:
        reply = await self._ask("GET", path)
        self._check(reply)
        try:
            return reply.json()
        except json.JSONDecodeError as error:
            raise CommandError(
                f"{self.base_url}{path} is no voice-agent server: it answered no JSON"
            ) from error

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return await self._http.request(method, path, **more)
        except httpx.UnsupportedProtocol as error:
            raise CommandError(
                f"{self.base_url!r} is no address: give one like http://127.0.0.1:8080"
            ) from error
        except httpx.TransportError as error:
            raise CommandError(
                f"{self.base_url} does not answer: start it with `voice-agent serve`"
            ) from error

    def _check(self, reply: httpx.Response) -> None:
        if reply.is_error:
            raise CommandError(f"{reply.request.url} answered {reply.status_code}")


def _pause(attempt: int) -> float:
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)
    return longest * random.uniform(0.5, 1.0)
