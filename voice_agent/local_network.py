"""The local phone network beside a server: an emulator in a process of its own, for installations without
an account.

A separate process keeps the emulator's mixer off the event loop that carries calls, and talks to us as
Twilio would: over HTTP and websockets alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0


class LocalNetworkError(Exception):
    """The emulator did not start; the message says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials of an account, real or local. ``base_url`` is "" for Twilio itself."""

    account_sid: str
    auth_token: str
    app_sid: str
    base_url: str = ""
    phone_url: str = ""
    """``ws://`` address of the emulator's softphone, "" on the real network."""


def made_up_account() -> Account:
    """Credentials that nobody else knows, of the right form."""
    return Account("AC" + secrets.token_hex(16), secrets.token_hex(16), "AP" + secrets.token_hex(16))


@asynccontextmanager
async def local_network(public_url: str, numbers: Sequence[str]) -> AsyncIterator[Account]:
    """Run an emulator that rings us at ``public_url`` for ``numbers`` (E.164), as long as the context is
    open.

    Raises:
        LocalNetworkError: it did not come up.
    """
    account = made_up_account()
    environment = {
        **os.environ,
        "TWILIO_ACCOUNT_SID": account.account_sid,
        "TWILIO_AUTH_TOKEN": account.auth_token,
        "TWILIO_APP_SID": account.app_sid,
    }
    arguments = [part for number in numbers for part in ("--number", number)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voice_agent.cli", "emulator", "--json", "--stop-with-stdin"),
        *("--port", "0", "--voice-url", f"{public_url}/twilio/voice"),
        *("--app-voice-url", f"{public_url}/twilio/agent", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        # Ctrl-C in a terminal reaches the whole group; the emulator must outlive the calls it carries.
        start_new_session=True,
    )
    try:
        addresses = await _addresses(process)
        yield Account(
            account.account_sid,
            account.auth_token,
            account.app_sid,
            base_url=str(addresses["base_url"]),
            phone_url=str(addresses["softphone_url"]),
        )
    finally:
        await _stop(process)


async def _addresses(process: asyncio.subprocess.Process) -> dict[str, object]:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await process.stdout.readline()
    except TimeoutError as error:
        raise LocalNetworkError(
            f"the local phone network gave no address in {START_TIMEOUT_S:g} s"
        ) from error
    if not line:
        raise LocalNetworkError(f"the local phone network ended at once (exit {await process.wait()})")
    addresses: dict[str, object] = json.loads(line)
    return addresses


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
