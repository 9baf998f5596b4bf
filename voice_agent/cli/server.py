"""A server of one's own for a command: a child process on free ports, gone when the command is done."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

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
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "voice_agent.cli"),
            *("serve", "--port", "0", "--json", "--stop-with-stdin"),
            stdin=asyncio.subprocess.PIPE,  # it closes when this process is gone, whatever the reason
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the command, which hangs up before it stops the server
        )
    try:
        yield await _base_url(process, log), process.pid
    finally:
        await _stop(process)


async def _base_url(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
    except TimeoutError:
        line = b""
    if not line:
        last_words = (await asyncio.to_thread(log.read_text, errors="replace"))[-LAST_WORDS:].strip()
        raise CommandError(f"the server did not start; the end of {log}:\n{last_words}")
    return str(json.loads(line)["base_url"])


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
