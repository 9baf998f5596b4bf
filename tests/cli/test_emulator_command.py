"""The phone network as a program of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from voice_agent.cli.phone import telephone

NUMBER = "+12025550111"


@asynccontextmanager
async def emulator(*options: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voice_agent.cli", "emulator", "--port", "0", "--json", *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ready(process: asyncio.subprocess.Process) -> dict[str, str]:
    assert process.stdout is not None
    told: dict[str, str] = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    return told


async def test_it_tells_its_addresses_and_takes_the_credentials_it_is_given() -> None:
    sid, token = "AC" + "1" * 32, "2" * 32
    async with emulator("--number", NUMBER, TWILIO_ACCOUNT_SID=sid, TWILIO_AUTH_TOKEN=token) as process:
        told = await ready(process)
        assert told["account_sid"] == sid
        assert told["numbers"] == [NUMBER]
        async with httpx.AsyncClient(base_url=told["base_url"]) as client:
            path = f"/2010-04-01/Accounts/{sid}/Calls.json"
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, auth=(sid, token))).status_code == 200


async def test_a_telephone_rings_in_it_and_hears_that_nobody_is_there() -> None:
    async with emulator("--number", NUMBER, "--lenient") as process:
        told = await ready(process)
        async with telephone(told["softphone_url"], to=NUMBER, from_="+12025550142") as phone:
            await asyncio.wait_for(phone.ended.wait(), 20)
        assert phone.call_sid.startswith("CA")
        assert phone.end_reason in ("failed", "completed")


async def test_a_number_that_does_not_exist_is_refused_by_name() -> None:
    async with emulator("--number", NUMBER) as process:
        told = await ready(process)
        async with telephone(told["softphone_url"], to="+12025550999", from_="") as phone:
            await asyncio.wait_for(phone.ended.wait(), 20)
        assert phone.call_sid == ""
        assert "+12025550999" in phone.end_reason


@pytest.mark.parametrize("how", ["signal", "stdin"])
async def test_it_ends_well_when_told_to(how: str) -> None:
    async with emulator("--stop-with-stdin") as process:
        await ready(process)
        if how == "signal":
            process.send_signal(signal.SIGTERM)
        else:
            assert process.stdin is not None
            process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_a_port_that_is_taken_is_said_in_words() -> None:
    async with emulator() as first:
        port = (await ready(first))["base_url"].rsplit(":", 1)[1]
        taken = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "voice_agent.cli", "emulator", "--port", port),
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(taken.communicate(), 30)
        assert taken.returncode == 2
        assert "cannot listen" in errors.decode()
        assert "Traceback" not in errors.decode()
