"""Fixtures of the command line's tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from socket import socket

import pytest
import uvicorn

from tests.cli.fake_practice import FakePractice


class TellingServer(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@pytest.fixture
async def fake_practice() -> AsyncIterator[FakePractice]:
    """A running fake practice; set its attributes before the call."""
    practice = FakePractice()
    server = TellingServer(
        uvicorn.Config(practice.app(), host="127.0.0.1", port=0, log_level="error", ws="websockets-sansio")
    )
    serving = asyncio.create_task(server.serve())
    await asyncio.wait_for(server.listening.wait(), 20)
    port = server.servers[0].sockets[0].getsockname()[1]
    practice.base_url = f"http://127.0.0.1:{port}"
    yield practice
    server.should_exit = True
    await serving
