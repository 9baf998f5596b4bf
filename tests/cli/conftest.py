"""Fixtures of the command line's tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn

from tests.cli.fake_practice import FakePractice


@pytest.fixture
async def fake_practice() -> AsyncIterator[FakePractice]:
    """A running fake practice; set its attributes before the call."""
    practice = FakePractice()
    config = uvicorn.Config(
        practice.app(), host="127.0.0.1", port=0, log_level="error", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    practice.base_url = f"http://127.0.0.1:{port}"
    yield practice
    server.should_exit = True
    await serving
