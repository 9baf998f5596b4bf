"""``voice-agent call``: rings the practice with recordings or typed words, and shows and keeps the call."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voice_agent.cli.command import CommandError, console, run

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from voice_agent.cli.placing import FollowedCall

LAST_ANSWER_S = 20.0
"""How long the agent may take to answer the last words before the receiver is put down."""

HANGS_UP_BY_ITSELF_S = 3.0
"""What an agent that has said goodbye may take to put its receiver down."""

TURN_TIMEOUT_S = 60.0


def call(
    wav: Annotated[
        list[Path] | None, typer.Option(help="Recording to play, any WAV; repeat for further turns.")
    ] = None,
    say: Annotated[
        list[str] | None, typer.Option(help="Words to speak, in a synthetic voice; repeat for further turns.")
    ] = None,
    from_: Annotated[str, typer.Option("--from", help='Caller\'s number, E.164; "" withholds it.')] = "",
    to: Annotated[str, typer.Option(help="The practice's number; by default its first.")] = "",
    report: Annotated[Path, typer.Option(help="Folder for what the call leaves behind.")] = Path(
        "reports/call"
    ),
    server: Annotated[
        str, typer.Option(help="Address of a running server; without it one is started for this call.")
    ] = "",
) -> None:
    """Place a call: each recording or sentence is played when the agent has finished speaking."""
    run(_place(wav or [], say or [], from_, to, report, server))


async def _place(
    wav: Sequence[Path], say: Sequence[str], from_: str, to: str, report: Path, server: str
) -> None:
    from voice_agent.cli.live import watched_call
    from voice_agent.cli.placing import placed_call
    from voice_agent.cli.practice import Practice
    from voice_agent.cli.report import write_report
    from voice_agent.cli.wav import read_wav

    if bool(wav) == bool(say):
        raise CommandError('give either --wav FILE or --say "some words", once per turn')
    recordings = [read_wav(path) for path in wav]
    async with some_server(server, report) as address, Practice(address) as practice:
        line = await practice.line()
        turns = recordings or [await practice.spoken(text) for text in say]
        ring = partial(placed_call, practice, line.phone_url, to=to or line.numbers[0], from_=from_)
        with watched_call() as on_event:
            async with ring(on_event=on_event) as placed:
                await _talk(placed, turns)
        pictures = await practice.pictures(placed.phone.call_sid)
        summary = write_report(report, placed.recording(), pictures)
    outcome = f"{summary['completion_reason']} after {summary['duration_seconds']} s"
    console().print(f"{outcome}; see [bold]{report}[/]")


async def _talk(call: FollowedCall, turns: Sequence[npt.NDArray[np.int16]]) -> None:
    for turn in turns:
        if not await call.until(lambda: call.agent_finished, TURN_TIMEOUT_S):
            return
        await call.phone.say(turn)
        call.begin_turn()
    if await call.until(lambda: call.agent_finished, LAST_ANSWER_S):
        await call.until(call.phone.ended.is_set, HANGS_UP_BY_ITSELF_S)


@asynccontextmanager
async def some_server(address: str, folder: Path) -> AsyncIterator[str]:
    """The server at ``address``, or one of one's own that logs into ``folder`` and forgets everything."""
    from voice_agent.cli.server import own_server

    if address:
        yield address
        return
    console().print("[dim]starting a practice for this call (or use a running one: --server)[/]")
    with tempfile.TemporaryDirectory(prefix="voice-agent-") as data:
        async with own_server(Path(data), folder / "server.log") as (base_url, _):
            yield base_url
