"""``voice-agent doctor``: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from voice_agent.cli.command import console, load_settings, run

if TYPE_CHECKING:
    from voice_agent.cli.checks import Finding


def doctor(
    port: Annotated[int, typer.Option(help="The port that `serve` is to listen on.")] = 8080,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    offline: Annotated[bool, typer.Option(help="Ask nothing outside this machine.")] = False,
) -> None:
    """Check this installation. The exit status is 1 when something essential is missing."""
    from voice_agent.cli.checks import Verdict, examine

    async def look() -> list[Finding]:
        return await examine(load_settings(), port=port, offline=offline)

    findings = run(look())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    if any(finding.verdict is Verdict.MISSING for finding in findings):
        raise typer.Exit(1)


def _show(findings: Sequence[Finding]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from voice_agent.cli.checks import Verdict

    marks = {
        Verdict.GOOD: "[green]ok[/]",
        Verdict.NOTE: "[cyan]note[/]",
        Verdict.WEAK: "[yellow]weak[/]",
        Verdict.MISSING: "[red]missing[/]",
    }
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for finding in findings:
        told = escape(finding.detail)
        if finding.remedy:
            told += f"\n[dim]-> {escape(finding.remedy)}[/]"
        table.add_row(marks[finding.verdict], f"[bold]{finding.subject}[/]", told)
    screen = console()
    screen.print(table)
    missing = sum(finding.verdict is Verdict.MISSING for finding in findings)
    screen.print(f"\n[red]{missing} essential missing[/]" if missing else "\n[green]ready to serve[/]")
