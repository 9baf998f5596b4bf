"""``voice-agent safety``: checks safety rules, and tells what they make of a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voice_agent.cli.command import CommandError, console, plain_errors

if TYPE_CHECKING:
    from collections.abc import Collection

    from voice_agent.safety.loader import RuleSet

app = typer.Typer(help="Check and try safety rules.", no_args_is_help=True)

RulesFile = Annotated[Path, typer.Argument(help="A safety.yaml.", show_default=False)]


GRAPH_FILE = "graph.yaml"
"""Beside the rules of a practice lies its graph."""


@app.command()
def check(
    file: RulesFile,
    graph: Annotated[
        Path | None,
        typer.Option(
            help=f"The context graph whose states the rules speak of; else {GRAPH_FILE} beside them."
        ),
    ] = None,
) -> None:
    """Tell what is wrong with safety rules, line by line. The exit status is 1 when they cannot be used."""
    from rich.markup import escape

    from voice_agent.safety.errors import SafetyRulesError

    screen = console()
    with plain_errors():
        try:
            beside = file.parent / GRAPH_FILE
            rules = _read(file, _states(graph or beside) if graph or beside.is_file() else None)
        except SafetyRulesError as error:
            screen.print(f"[red]{escape(str(error))}[/]")
            raise typer.Exit(1) from error
    screen.print(
        f"[green]ok[/] {len(rules.concepts)} concepts, {len(rules.hard_rules)} hard rules,"
        f" {len(rules.behaviors)} behaviors"
    )


@app.command()
def judge(
    text: Annotated[str, typer.Argument(help="What a caller says.", show_default=False)],
    rules: Annotated[Path | None, typer.Option(help="A safety.yaml; the standard rules without it.")] = None,
) -> None:
    """Tell what the rules make of a sentence: which concepts, how grave, and why."""
    from rich.markup import escape

    from voice_agent.safety.errors import SafetyRulesError
    from voice_agent.safety.monitor import Rulebook, SafetyMonitor

    with plain_errors():
        try:
            rulebook = Rulebook(_read(rules))
        except SafetyRulesError as error:
            raise CommandError(str(error)) from error
    judged = SafetyMonitor(rulebook).assess(text)
    screen = console()
    screen.print(f"{judged.verdict.value} [dim]{judged.elapsed_ms:.1f} ms[/]")
    for found in judged.findings:
        screen.print(f"  {found.concept.name}, {found.level.name.lower()}: {escape(found.reason)}")


def _read(file: Path | None, states: Collection[str] | None = None) -> RuleSet:
    from voice_agent.safety.loader import load_rules

    try:
        return load_rules(file, states=states)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error


def _states(graph: Path) -> Collection[str]:
    from voice_agent.reasoning.errors import ReasoningError
    from voice_agent.reasoning.linked import link
    from voice_agent.reasoning.loader import load_graph

    try:
        return link(load_graph(graph)).places
    except OSError as error:
        raise CommandError(f"{graph} cannot be read: {error.strerror}") from error
    except ReasoningError as error:
        raise CommandError(f"{graph} cannot be used: {error}") from error
