"""The emulator as a program: what the command line runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .config import EmulatorConfig
from .emulator import Emulator


@dataclass(frozen=True)
class Addresses:
    """Where a running emulator is found, and what to configure the application with.

    Attributes:
        base_url: the REST API, for an SDK's `client.api.base_url`.
        control_url: the JSON control API.
        softphone_url: the browser telephone's WebSocket; append `?to=…&from=…`.
        numbers: E.164 numbers that can be called.
    """

    base_url: str
    control_url: str
    softphone_url: str
    account_sid: str
    auth_token: str
    application_sid: str
    numbers: tuple[str, ...]


@asynccontextmanager
async def serve_emulator(config: EmulatorConfig) -> AsyncIterator[tuple[Emulator, Addresses]]:
    """Run an emulator for as long as the context is open. Prints nothing."""
    async with Emulator(config) as emulator:
        base = emulator.base_url
        yield (
            emulator,
            Addresses(
                base_url=base,
                control_url=f"{base}/emulator",
                softphone_url="ws" + base.removeprefix("http") + "/emulator/phone",
                account_sid=config.account_sid,
                auth_token=config.auth_token,
                application_sid=config.application_sid,
                numbers=tuple(emulator.exchange.account.numbers),
            ),
        )


def run_emulator(config: EmulatorConfig, on_ready: Callable[[Addresses], None] = lambda _: None) -> None:
    """Run an emulator until it is interrupted; `on_ready` is told the addresses."""

    async def main() -> None:
        async with serve_emulator(config) as (_, addresses):
            on_ready(addresses)
            await asyncio.Event().wait()

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        return
