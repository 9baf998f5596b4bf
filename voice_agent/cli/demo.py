"""``voice-agent demo``: a robot patient calls over real audio, and what happened is checked afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voice_agent.cli.command import console, run

if TYPE_CHECKING:
    from voice_agent.cli.demo_checks import Check
    from voice_agent.cli.practice import Practice
    from voice_agent.practice.scenario import Scenario


def demo(
    runs: Annotated[int, typer.Option(min=1, help="Calls to make, one after the other.")] = 1,
    report: Annotated[Path, typer.Option(help="Folder for what the calls leave behind.")] = Path(
        "reports/demo"
    ),
    server: Annotated[
        str,
        typer.Option(help="Address of a running server on the local phone network; its page shows the call."),
    ] = "",
) -> None:
    """Let a robot patient call, reschedule, interrupt and give insurance details; then check everything.

    The exit status is 0 when every check of every call passed.
    """
    if not run(_demonstrate(runs, report, server)):
        raise typer.Exit(1)


async def _demonstrate(runs: int, report: Path, server: str) -> bool:
    passed = True
    for number in range(1, runs + 1):
        folder = report if runs == 1 else report / str(number)
        if runs > 1:
            console().rule(f"call {number} of {runs}")
        checks = await (_on_running_server(folder, server) if server else _on_own_server(folder))
        _show(checks, folder)
        passed = passed and all(check.passed for check in checks)
    return passed


async def _on_running_server(folder: Path, server: str) -> Sequence[Check]:
    from voice_agent.cli.practice import Practice

    async with Practice(server) as practice:
        return await _call(practice, _scenario(), folder)


async def _on_own_server(folder: Path) -> Sequence[Check]:
    """On a server that knows nothing of earlier calls, so that its records can be checked too."""
    from voice_agent.cli.demo_checks import check_records
    from voice_agent.cli.practice import Practice
    from voice_agent.cli.server import own_server
    from voice_agent.settings import Settings

    console().print("[dim]starting a practice of its own (or use a running one: --server)[/]")
    scenario = _scenario()
    with tempfile.TemporaryDirectory(prefix="voice-agent-demo-") as data:
        async with (
            own_server(Path(data), folder / "server.log") as (address, _),
            Practice(address) as practice,
        ):
            checks = await _call(practice, scenario, folder)
        settings = Settings(data_dir=Path(data), database_url="")
        return [*checks, *await check_records(settings, scenario)]


def _scenario() -> Scenario:
    from datetime import datetime

    from voice_agent.practice.scenario import demonstration
    from voice_agent.practice.service import EXAMPLE_FOLDER, SERVICE_FILE
    from voice_agent.practice.settings import load_settings

    zone = load_settings(EXAMPLE_FOLDER / SERVICE_FILE).zone
    return demonstration(datetime.now(zone).date())


async def _call(practice: Practice, scenario: Scenario, folder: Path) -> Sequence[Check]:
    from voice_agent.cli.demo_checks import check_call
    from voice_agent.cli.live import watched_call
    from voice_agent.cli.patient import DENIAL, Patient
    from voice_agent.cli.placing import placed_call
    from voice_agent.cli.report import write_report
    from voice_agent.practice.scenario import Manner, ScriptedCaller

    line = await practice.line()
    voice = {}
    for each in (*scenario.lines, DENIAL):
        # A murmur takes half a second; read out at leisure it would be an interruption.
        manner = "hurried" if each.manner is Manner.BACKCHANNEL else "adult"
        voice[each.text] = await practice.spoken(each.text, manner)
    number = line.numbers[0]
    with watched_call() as on_event:
        async with placed_call(
            practice, line.phone_url, to=number, from_=scenario.caller.phone, on_event=on_event
        ) as placed:
            patient = Patient(placed, ScriptedCaller(scenario.lines), voice, scenario.member_id)
            await patient.talk()
    pictures = await practice.pictures(placed.phone.call_sid)
    summary = write_report(folder, placed.recording(), pictures)
    return check_call(patient, scenario, summary)


def _show(checks: Sequence[Check], folder: Path) -> None:
    from rich.markup import escape

    screen = console()
    screen.print()
    for check in checks:
        mark = "[green]ok  [/]" if check.passed else "[red]FAIL[/]"
        detail = f" [dim]{escape(check.detail)}[/]" if check.detail else ""
        screen.print(f"{mark} {escape(check.name)}{detail}")
    screen.print(f"\nsee [bold]{folder}[/]: timeline.png, transcript.txt, stereo.wav, summary.json")
