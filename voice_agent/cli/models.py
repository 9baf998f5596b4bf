"""``voice-agent models``: larger speech models for this machine, listed, fetched and checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voice_agent.cli.command import CommandError, console, load_settings, plain_errors

if TYPE_CHECKING:
    from models.local import Shelf
    from models.local.download import Progress

app = typer.Typer(help="Larger speech models for this machine.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A model's name, as `models list` shows it.")]


@app.command("list")
def list_models() -> None:
    """What can be fetched, and what is here."""
    from rich.table import Table

    from models.local import MODELS

    with plain_errors():
        shelf = _shelf()
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("name", "task", "model", "licence", "download", "here"):
            table.add_column(heading)
        for model in MODELS:
            size, standing = f"{model.size / 1e6:.0f} MB", shelf.standing(model).value
            table.add_row(model.name, model.task.value, model.title, model.licence, size, standing)
        console().print(table)
        console().print(f"[dim]in {shelf.folder}[/]")


@app.command("pull")
def pull(
    name: Name,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A folder that holds the published files; nothing is fetched then."),
    ] = None,
    mirror: Annotated[
        str, typer.Option(help="Address of a folder that serves the files instead of their makers.")
    ] = "",
) -> None:
    """Fetch a model, or check and unpack what was placed by hand. Goes on where it was cut off."""
    from models.local import MODELS, model_named
    from models.local.pull import pull as pull_model

    with plain_errors(), _model_errors():
        model, shelf = model_named(name, MODELS), _shelf()
        with _bar() as progress:
            place = pull_model(model, shelf, source=source, mirror=mirror, progress=progress)
        variable = {"recognizer": "VOICE_AGENT_STT", "voice": "VOICE_AGENT_TTS"}[model.task.value]
        console().print(f"[green]ready[/] in {place}. To use it: {variable}={model.name}")


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="A model's name; all that are here without.")] = "",
) -> None:
    """Read every byte of what is here and compare. The exit status is 1 when something differs."""
    from models.local import MODELS, Standing, model_named

    with plain_errors(), _model_errors():
        shelf = _shelf()
        wanted = (
            [model_named(name, MODELS)]
            if name
            else [m for m in MODELS if shelf.standing(m) is not Standing.ABSENT]
        )
        if not wanted:
            console().print(f"no model is in {shelf.folder}")
        sound = True
        for model in wanted:
            wrong = shelf.damage(model)
            sound = sound and not wrong
            console().print(f"{model.name}: " + ("; ".join(wrong) if wrong else "[green]as published[/]"))
        if not sound:
            raise typer.Exit(1)


def _shelf() -> Shelf:
    from models.local import Shelf

    return Shelf(load_settings().models_dir.absolute())


@contextmanager
def _model_errors() -> Iterator[None]:
    from models.model_file import ModelError

    try:
        yield
    except ModelError as error:
        raise CommandError(str(error)) from error


@contextmanager
def _bar() -> Iterator[Progress]:
    """A bar for each file that is being fetched."""
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bars: dict[str, TaskID] = {}
    with Bars(*columns, console=console()) as shown:

        def advance(file: str, done: int, total: int) -> None:
            if file not in bars:
                bars[file] = shown.add_task(file, total=total)
            shown.update(bars[file], completed=done)

        yield advance
