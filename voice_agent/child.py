"""A command of ours in a process of its own: it says in one line where it is reached, and ends with us."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, Any


class ChildError(Exception):
    """The command did not start; the message says how that was seen."""


@dataclass(frozen=True, slots=True)
class Child:
    """A command that runs: its process id, and what it said of itself."""

    pid: int
    told: Mapping[str, Any]


@asynccontextmanager
async def child(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    start_timeout_s: float,
    stop_timeout_s: float,
    errors: IO[bytes] | None = None,
) -> AsyncIterator[Child]:
    """Run ``voice-agent ARGUMENTS`` as long as the context is open.

    Args:
        arguments: a command that knows ``--json`` and ``--stop-with-stdin``, and its own arguments.
        errors: takes what it writes to standard error; None: it goes where ours goes.

    Raises:
        ChildError: it ended, or said nothing in ``start_timeout_s``.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voice_agent.cli", *arguments, "--json", "--stop-with-stdin"),
        stdin=asyncio.subprocess.PIPE,  # it closes when this process is gone, whatever the reason
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        env=dict(environment),
        start_new_session=True,  # Ctrl-C in a terminal is for us: the child goes last
    )
    try:
        yield Child(process.pid, await _told(process, start_timeout_s))
    finally:
        await _stop(process, stop_timeout_s)


async def _told(process: asyncio.subprocess.Process, timeout_s: float) -> dict[str, Any]:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(timeout_s):
            line = await process.stdout.readline()
    except TimeoutError as error:
        raise ChildError(f"it gave no address in {timeout_s:g} s") from error
    if not line:
        raise ChildError(f"it ended at once (exit {await process.wait()})")
    told: dict[str, Any] = json.loads(line)
    return told


async def _stop(process: asyncio.subprocess.Process, timeout_s: float) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(timeout_s):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
