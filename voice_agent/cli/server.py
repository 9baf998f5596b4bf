"""A server of one's own for a command: a child process on free ports, gone when the command is done."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from voice_agent.child import ChildError, child
from voice_agent.cli.command import CommandError

START_TIMEOUT_S = 90.0
"""The first start compiles and migrates; on a slow disk that takes a while."""

STOP_TIMEOUT_S = 20.0
LAST_WORDS = 1500
"""Characters of the log that an error message shows."""

LOCAL_ONLY = dict.fromkeys(
    ("TWILIO_ACCOUNT_SID", "TWILIO_API_BASE_URL", "PUBLIC_BASE_URL", "VOICE_AGENT_DATABASE_URL"), ""
)
"""Settings of a server that must not touch a real account or a shared database."""


@asynccontextmanager
async def own_server(
    data_dir: Path, log: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[str, int]]:
    """Run ``voice-agent serve`` on free loopback ports; yields its base URL and process id.

    Args:
        data_dir: holds its database, whatever the environment says; its phone network is the local one.
        log: file that its output goes to.
        settings: further environment variables.

    Raises:
        CommandError: when it does not start, with the end of its log.
    """
    environment = {**os.environ, **LOCAL_ONLY, "VOICE_AGENT_DATA_DIR": str(data_dir), **(settings or {})}
    log.parent.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        with log.open("wb") as errors:
            try:
                server = await stack.enter_async_context(
                    child(
                        ("serve", "--port", "0"),
                        environment,
                        start_timeout_s=START_TIMEOUT_S,
                        stop_timeout_s=STOP_TIMEOUT_S,
                        errors=errors,
                    )
                )
            except ChildError as error:
                last_words = (await asyncio.to_thread(log.read_text, errors="replace"))[-LAST_WORDS:].strip()
                raise CommandError(
                    f"the server did not start: {error}; the end of {log}:\n{last_words}"
                ) from error
        yield str(server.told["base_url"]), server.pid
