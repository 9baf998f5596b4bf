"""What every command shares: a console, a way to say what the user can mend, and a way to run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from voice_agent.settings import Settings

T = TypeVar("T")

USER_ERROR = 2
"""Exit status when the user can mend it; 1 is for a command that ran and found something wrong."""


class CommandError(Exception):
    """Something the user can mend. The message says what and how; no traceback is shown."""


def console() -> Console:
    """A console on standard output."""
    return Console(highlight=False)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show a :class:`CommandError` as one red line instead of a traceback."""
    try:
        yield
    except CommandError as error:
        Console(stderr=True, highlight=False).print(f"[red]error:[/red] {escape(str(error))}")
        raise typer.Exit(USER_ERROR) from error
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(130) from interrupt


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part, with plain errors."""
    with plain_errors():
        return asyncio.run(work)


@asynccontextmanager
async def stops_with_stdin(wanted: bool) -> AsyncIterator[None]:
    """While the block runs, end this process like ``kill`` when standard input closes, if ``wanted``.

    A child process that was given a pipe so never outlives its parent, however that one died.
    """
    if not wanted:
        yield
        return

    async def watch() -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while await reader.read(1024):
            continue
        os.kill(os.getpid(), signal.SIGTERM)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


def load_settings() -> Settings:
    """The settings from the environment and ``.env``.

    Raises:
        CommandError: naming every variable whose value cannot be used.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from voice_agent.settings import Settings

    try:
        return Settings()
    except ValidationError as invalid:
        wrong = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in invalid.errors())
        raise CommandError(f"the settings cannot be used: {wrong}") from invalid
    except SettingsError as invalid:
        raise CommandError(f"the settings cannot be read: {invalid}") from invalid
