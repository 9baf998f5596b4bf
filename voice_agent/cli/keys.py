"""``voice-agent keys``: API keys of this installation, made and closed on its own machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from voice_agent.cli.command import CommandError, console, load_settings, run

if TYPE_CHECKING:
    from voice_agent.access.entrance import Entrance
    from voice_agent.access.keys import ApiKey

Kind = TypeVar("Kind", bound=StrEnum)

app = typer.Typer(help="API keys and roles.", no_args_is_help=True)


@asynccontextmanager
async def own_entrance() -> AsyncIterator[Entrance]:
    """Who may come into this installation; its database is brought up to date first.

    Raises:
        CommandError: for anything that the user can mend.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from voice_agent.access.entrance import open_entrance
    from voice_agent.access.errors import AccessError
    from voice_agent.operators.ports import OperatorError
    from voice_agent.store.database import Database, StoreError

    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        database = Database(settings.effective_database_url)
    except StoreError as error:
        raise CommandError(str(error)) from error
    try:
        await database.migrate()
        yield await open_entrance(
            database, settings.data_dir, secret_key=settings.secret_key.get_secret_value()
        )
    except (AccessError, OperatorError) as error:
        raise CommandError(str(error)) from error
    except (SQLAlchemyError, OSError) as error:
        raise CommandError(
            f"the database cannot be used ({type(error).__name__}): see `voice-agent doctor`"
        ) from error
    finally:
        await database.close()


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    role: Annotated[str, typer.Option(help="admin, supervisor, operator or viewer.")] = "admin",
    scope: Annotated[
        list[str] | None, typer.Option(help="Narrow the role to this permission; may be repeated.")
    ] = None,
    days: Annotated[int, typer.Option(min=0, max=3650, help="Days until it expires; 0 is never.")] = 0,
    operator: Annotated[str, typer.Option(help="E-mail of the operator in whose name it acts.")] = "",
    plain: Annotated[bool, typer.Option(help="Print the key alone, for scripts.")] = False,
) -> None:
    """Make a key and show it, this once."""
    from voice_agent.access.audit import AuditAction, AuditEntry
    from voice_agent.access.principal import Actor, ActorKind
    from voice_agent.access.roles import Permission, Role

    async def make() -> None:
        wanted = _one_of(Role, role, "role")
        scopes = [_one_of(Permission, text, "scope") for text in scope or []]
        async with own_entrance() as entrance:
            found = await entrance.roster.with_email(operator) if operator else None
            if operator and found is None:
                raise CommandError(
                    f"there is no operator {operator}: add one with `voice-agent operators add`"
                )
            made = await entrance.keys.create(
                entrance.workspace_id,
                name=name,
                role=wanted,
                scopes=scopes,
                lifetime=timedelta(days=days) if days else None,
                operator_id=found.id if found else None,
            )
            await entrance.audit.record(
                AuditEntry(
                    AuditAction.KEY_CREATED,
                    Actor(ActorKind.COMMAND_LINE),
                    details={"key_id": str(made.key.id), "role": str(wanted)},
                )
            )
        if plain:
            typer.echo(made.secret)
            return
        screen = console()
        screen.print(f"[bold]{made.secret}[/]", soft_wrap=True)
        screen.print("Keep it now: it is stored nowhere and cannot be shown again.", style="yellow")
        screen.print(f"role {wanted}, workspace {entrance.workspace_id}", style="dim")

    run(make())


@app.command("list")
def list_keys() -> None:
    """All keys, without their secrets."""

    async def show() -> None:
        from rich.table import Table

        async with own_entrance() as entrance:
            keys = await entrance.keys.all_of(entrance.workspace_id)
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("id", "key", "name", "role", "created", "last used", "state"):
            table.add_column(heading)
        for key in keys:
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
            table.add_row(
                str(key.id),
                f"{key.prefix}…",
                key.name,
                key.role,
                f"{key.created_at:%Y-%m-%d}",
                used,
                _state(key),
            )
        console().print(table)

    run(show())


@app.command("revoke")
def revoke(key: Annotated[str, typer.Argument(help="Its id, or its first twelve characters.")]) -> None:
    """Close a key for good; browsers that logged in with it are logged out."""

    async def close() -> None:
        from voice_agent.access.audit import AuditAction, AuditEntry
        from voice_agent.access.principal import Actor, ActorKind

        async with own_entrance() as entrance:
            closed = await entrance.keys.revoke(entrance.workspace_id, key)
            await entrance.audit.record(
                AuditEntry(
                    AuditAction.KEY_REVOKED,
                    Actor(ActorKind.COMMAND_LINE),
                    details={"key_id": str(closed.id)},
                )
            )
        console().print(f"{closed.prefix}… ({closed.name}) opens nothing any more.")

    run(close())


@app.command("roles")
def roles() -> None:
    """Print which role may do what."""
    from rich.table import Table

    from voice_agent.access.roles import Role, role_table

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("permission")
    for role in Role:
        table.add_column(role, justify="center")
    for permission, held in role_table():
        table.add_row(permission, *("yes" if held[role] else "-" for role in Role))
    console().print(table)


def _state(key: ApiKey) -> str:
    from voice_agent.store.moments import utc_now

    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "good"
    return f"until {key.expires_at:%Y-%m-%d}" if key.is_good(utc_now()) else "expired"


def _one_of(kinds: type[Kind], text: str, what: str) -> Kind:
    try:
        return kinds(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no {what}; there are {', '.join(kinds)}") from error
