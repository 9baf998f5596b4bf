"""The local phone network beside a server: an emulator in a process of its own, for installations without
an account.

A separate process keeps the emulator's mixer off the event loop that carries calls, and talks to us as
Twilio would: over HTTP and websockets alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from voice_agent.child import ChildError, child

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
    numbered = [part for number in numbers for part in ("--number", number)]
    async with AsyncExitStack() as stack:
        try:
            emulator = await stack.enter_async_context(
                child(
                    [
                        *("emulator", "--port", "0", "--voice-url", f"{public_url}/twilio/voice"),
                        *("--app-voice-url", f"{public_url}/twilio/agent", *numbered),
                    ],
                    environment,
                    start_timeout_s=START_TIMEOUT_S,
                    stop_timeout_s=STOP_TIMEOUT_S,
                )
            )
        except ChildError as error:
            raise LocalNetworkError(f"the local phone network did not start: {error}") from error
        yield replace(
            account,
            base_url=str(emulator.told["base_url"]),
            phone_url=str(emulator.told["softphone_url"]),
        )
