"""What peers of a WebSocket notice of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.api.phone_kit import until
from voice_agent.api.server import HttpServer


@asynccontextmanager
async def taken_by(application: Any) -> AsyncIterator[ClientConnection]:
    """A client's connection to a server with that WebSocket application."""
    server = HttpServer("127.0.0.1", 0)
    await server.start(application)
    try:
        async with connect(f"ws://127.0.0.1:{server.port}/", compression=None, ping_interval=None) as client:
            yield client
    finally:
        await server.stop()


async def test_messages_come_in_order_however_many_arrive_at_once() -> None:
    taken: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            taken.append(message["text"])
            if len(taken) % 7 == 0:
                await asyncio.sleep(0)
            if len(taken) == 500:
                await send({"type": "websocket.send", "text": "all"})

    async with taken_by(application) as client, asyncio.timeout(20):
        for number in range(500):
            await client.send(str(number))
        assert await client.recv() == "all"
    assert taken == [str(number) for number in range(500)]


async def test_a_peer_is_held_back_while_the_application_is_behind() -> None:
    may_go_on = asyncio.Event()
    taken = 0

    async def application(scope: Any, receive: Any, send: Any) -> None:
        nonlocal taken
        await receive()
        await send({"type": "websocket.accept"})
        await may_go_on.wait()
        while (await receive())["type"] == "websocket.receive":
            taken += 1
            if taken == 30_000:
                await send({"type": "websocket.send", "text": "all"})

    async with taken_by(application) as client, asyncio.timeout(30):

        async def send_all() -> None:
            for _ in range(30_000):
                await client.send("x" * 1000)

        sending = asyncio.create_task(send_all())
        await until(lambda: sending.done() or client.transport.get_write_buffer_size() > 32_768)
        assert not sending.done()
        may_go_on.set()
        assert await client.recv() == "all"
        await sending
