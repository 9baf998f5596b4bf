"""``voice-agent emulator``: the local phone network alone, for an application anywhere on this machine."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from voice_agent.cli.command import CommandError, console, run, stops_with_stdin

DEFAULT_NUMBER = "+12025550100"
"""555-01xx numbers belong to nobody."""


def emulator(
    voice_url: Annotated[str, typer.Option(help="Asked for TwiML when a number is called.")] = "",
    app_voice_url: Annotated[
        str, typer.Option(help="Asked for TwiML by legs that call the application (the agent).")
    ] = "",
    number: Annotated[
        list[str] | None, typer.Option(help="A number of the account, E.164; repeat for more.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8081,
    account_sid: Annotated[str, typer.Option(envvar="TWILIO_ACCOUNT_SID", help="Made up if empty.")] = "",
    auth_token: Annotated[str, typer.Option(envvar="TWILIO_AUTH_TOKEN", help="Made up if empty.")] = "",
    app_sid: Annotated[str, typer.Option(envvar="TWILIO_APP_SID", help="Made up if empty.")] = "",
    calls_per_second: Annotated[
        float,
        typer.Option(min=0.1, help="Calls created by REST; the rest waits. A new account has 1."),
    ] = 30.0,
    lenient: Annotated[bool, typer.Option(help="Only note what breaks the contract.")] = False,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Page that may use the softphone besides loopback ones.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print addresses and credentials as one line of JSON when ready.")
    ] = False,
    stop_with_stdin: Annotated[bool, typer.Option(help="Stop when standard input closes.")] = False,
) -> None:
    """Run a local Twilio: REST, TwiML, conferences, media streams, callbacks and a softphone socket."""
    from telephony.emulator import EmulatorConfig, Limits, NumberConfig, serve_emulator

    made_up = EmulatorConfig()
    config = EmulatorConfig(
        account_sid=account_sid or made_up.account_sid,
        auth_token=auth_token or made_up.auth_token,
        application_sid=app_sid or made_up.application_sid,
        host=host,
        port=port,
        voice_url=voice_url,
        app_voice_url=app_voice_url,
        numbers=tuple(NumberConfig(phone) for phone in number or [DEFAULT_NUMBER]),
        limits=Limits(calls_per_second=calls_per_second),
        strict=not lenient,
        allowed_origins=tuple(allow_origin or ()),
    )

    async def serve() -> None:
        stopped = asyncio.Event()
        for stop in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(stop, stopped.set)
        try:
            async with serve_emulator(config) as (_, addresses), stops_with_stdin(stop_with_stdin):
                _announce(asdict(addresses), as_json=as_json)
                await stopped.wait()
        except OSError as error:
            raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from error

    run(serve())


def _announce(addresses: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(addresses))
        return
    from rich.table import Table

    table = Table(title="The local phone network", show_header=False)
    for name, value in addresses.items():
        table.add_row(name, ", ".join(value) if isinstance(value, tuple) else str(value))
    console().print(table)
