"""A local server that speaks the OpenAI chat protocol as told: well, slowly, brokenly, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@dataclass
class ModelServer:
    """Answers request after request from its script; the last answer serves all further ones."""

    answers: list[Answer] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request, body)


def chooses(option: str, **fields: str) -> Answer:
    """A navigation that picks an option."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        arguments = json.dumps({"option": option, "fields": fields})
        call = {"id": "c1", "type": "function", "function": {"name": "choose", "arguments": arguments}}
        return web.json_response(
            _whole({"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")
        )

    return answer


def thinks(text: str) -> Answer:
    """A plain answer that is not streamed."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.json_response(_whole({"role": "assistant", "content": text}, "stop"))

    return answer


def says(*pieces: str, gate: asyncio.Event | None = None) -> Answer:
    """A streamed reply; after the first piece it waits for ``gate`` when there is one."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = await _stream(request)
        for index, piece in enumerate(pieces):
            if index == 1 and gate is not None:
                await gate.wait()
            await _send(response, {"role": "assistant", "content": piece}, None)
        await _send(response, {}, "stop")
        await response.write(b"data: [DONE]\n\n")
        return response

    return answer


def calls(tool: str, **arguments: Any) -> Answer:
    """A streamed tool call."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = await _stream(request)
        function = {"name": tool, "arguments": json.dumps(arguments)}
        call = {"index": 0, "id": "c1", "type": "function", "function": function}
        await _send(response, {"role": "assistant", "content": None, "tool_calls": [call]}, None)
        await _send(response, {}, "tool_calls")
        await response.write(b"data: [DONE]\n\n")
        return response

    return answer


def breaks_off(text: str) -> Answer:
    """Streams some text, then cuts the connection."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = await _stream(request)
        await _send(response, {"role": "assistant", "content": text}, None)
        assert request.transport is not None
        request.transport.abort()
        return response

    return answer


def garbage() -> Answer:
    """Bytes that are no answer."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.Response(body=b"\x00\xff<html>", content_type="text/event-stream")

    return answer


def fails(status: int) -> Answer:
    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.json_response({"error": {"message": "no"}}, status=status)

    return answer


def never() -> Answer:
    """Takes the request and says nothing."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    return answer


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    return response


async def _send(response: web.StreamResponse, delta: dict[str, Any], finish: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())


def _whole(message: dict[str, Any], finish: str) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }
