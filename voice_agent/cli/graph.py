"""``voice-agent graph``: checks and draws a context graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voice_agent.cli.command import CommandError, console, plain_errors

if TYPE_CHECKING:
    from voice_agent.reasoning.loader import LoadedGraph

app = typer.Typer(help="Check and draw context graphs.", no_args_is_help=True)

GraphFile = Annotated[Path, typer.Argument(help="Context graph, YAML or JSON.", show_default=False)]


@app.command()
def check(file: GraphFile) -> None:
    """Tell what is wrong with a graph, line by line. The exit status is 1 when it cannot run."""
    from rich.markup import escape

    from voice_agent.reasoning.problems import Severity

    with plain_errors():
        loaded = _read(file)
    screen = console()
    for problem in loaded.problems:
        color = "red" if problem.severity is Severity.ERROR else "yellow"
        screen.print(f"[{color}]{problem.severity}[/] {escape(f'{file}:{problem.line}: {problem.path}')}")
        screen.print(f"    {escape(problem.message)}\n    [dim]-> {escape(problem.remedy)}[/]")
    if not loaded.usable:
        raise typer.Exit(1)
    assert loaded.graph is not None
    screen.print(f"[green]ok[/] {len(loaded.graph.states)} states")


@app.command()
def draw(
    file: GraphFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="SVG file to write.")] = Path("graph.svg"),
) -> None:
    """Draw a graph as an SVG picture."""
    with plain_errors():
        loaded = _read(file)
        if loaded.graph is None:
            raise CommandError(f"{file} cannot be drawn: voice-agent graph check {file} tells why")
        from voice_agent.reasoning.drawing import draw_graph

        try:
            output.write_text(draw_graph(loaded.graph))
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}") from error
    console().print(f"wrote {output}")


def _read(file: Path) -> LoadedGraph:
    from voice_agent.reasoning.loader import read_graph

    try:
        return read_graph(file.read_bytes())
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
