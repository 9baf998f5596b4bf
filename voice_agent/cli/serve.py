"""``voice-agent serve``: the whole system on this machine."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voice_agent.cli.allocator import return_large_blocks
from voice_agent.cli.command import CommandError, console, load_settings, run, stops_with_stdin

if TYPE_CHECKING:
    from voice_agent.app import Ready
    from voice_agent.settings import Role


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the addresses as one line of JSON when ready.")
    ] = False,
    role: Annotated[
        str, typer.Option(help="all, calls or console: what this process does (VOICE_AGENT_ROLE).")
    ] = "",
    stop_with_stdin: Annotated[bool, typer.Option(help="Stop when standard input closes.")] = False,
) -> None:
    """Start everything: database, local phone network, calls and the page."""

    return_large_blocks()

    async def start() -> None:
        settings = load_settings()
        if role:
            settings = settings.model_copy(update={"role": _role(role)})
        os.environ.setdefault("LOGURU_LEVEL", "WARNING")  # or pipecat greets on standard error when imported
        from voice_agent.app import serve as serve_application
        from voice_agent.surroundings import StartError

        announce = _as_json if as_json else _as_panel
        try:
            async with stops_with_stdin(stop_with_stdin):
                await serve_application(settings, host=host, port=port, announce=announce)
        except StartError as error:
            raise CommandError(str(error)) from error

    run(start())


def _role(name: str) -> Role:
    from voice_agent.settings import Role

    try:
        return Role(name)
    except ValueError as error:
        raise CommandError(f"--role {name}: take one of {', '.join(Role)}") from error


def _as_json(ready: Ready) -> None:
    typer.echo(json.dumps(asdict(ready)))


def _as_panel(ready: Ready) -> None:
    from rich.panel import Panel

    numbers = ", ".join(ready.numbers)
    called = Path(sys.argv[0])
    program = os.path.relpath(called) if called.name == "voice-agent" else "voice-agent"
    lines = [
        f"Open [bold cyan]{ready.base_url}[/] and call the practice at [bold]{numbers}[/] from the page."
    ]
    if ready.emulator_url:
        lines += [
            "No Twilio account is set: the phone network is the local one, and no call costs anything.",
            f"A robot patient calls:  [bold]{program} demo --server {ready.base_url}[/]",
            f'Your own words:         [bold]{program} call --server {ready.base_url} --say "Hello"[/]',
        ]
    else:
        lines.append(f"Ring [bold]{numbers}[/] from any phone; the call appears on the page.")
    console().print(Panel("\n".join(lines), title="The practice is open", expand=False, padding=(1, 2)))
