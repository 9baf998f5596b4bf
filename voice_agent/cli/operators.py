"""``voice-agent operators``: people who log in with a password."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from voice_agent.cli.command import CommandError, console, run
from voice_agent.cli.keys import own_entrance

app = typer.Typer(help="Operators and their passwords.", no_args_is_help=True)


@app.command("add")
def add(
    email: Annotated[str, typer.Option(help="Address; it is also what they log in with.")],
    name: Annotated[str, typer.Option(help="As shown to others; the address when left out.")] = "",
    role: Annotated[str, typer.Option(help="operator, supervisor or admin.")] = "operator",
    kind: Annotated[
        str, typer.Option("--type", help="clinical, administrative or crisis_counselor.")
    ] = "clinical",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add an operator, or give one who is there a new password."""
    from voice_agent.access.audit import AuditAction, AuditEntry
    from voice_agent.access.passwords import require_strength
    from voice_agent.access.principal import Actor, ActorKind
    from voice_agent.operators.roster import OperatorRole, OperatorType, Profile

    async def save() -> None:
        if "@" not in email:
            raise CommandError(f"{email!r} is no e-mail address")
        try:
            profile = Profile(name or email, email, OperatorRole(role), OperatorType(kind))
        except ValueError as error:
            raise CommandError(f"{error}; see `voice-agent operators add --help`") from error
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
        by = Actor(ActorKind.COMMAND_LINE)
        async with own_entrance() as entrance:
            if password_stdin:
                require_strength(password)
            operator = await entrance.roster.with_email(email)
            is_new = operator is None
            if operator is None:
                operator = await entrance.roster.create(profile)
                await entrance.audit.record(
                    AuditEntry(
                        AuditAction.OPERATOR_REGISTERED, by, operator.id, details={"role": str(operator.role)}
                    )
                )
            if password_stdin:
                await entrance.passwords.set(operator.id, password)
                await entrance.audit.record(AuditEntry(AuditAction.PASSWORD_SET, by, operator.id))
        done = "added" if is_new else "was there already"
        with_password = "; the password is set" if password_stdin else ""
        console().print(f"{operator.email} ({operator.role}) {done}{with_password}. id {operator.id}")

    run(save())


@app.command("list")
def list_operators() -> None:
    """All operators."""

    async def show() -> None:
        from rich.table import Table

        async with own_entrance() as entrance:
            everybody = await entrance.roster.everybody()
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("id", "name", "e-mail", "role", "type", "status"):
            table.add_column(heading)
        for operator in everybody:
            table.add_row(
                str(operator.id), operator.name, operator.email, operator.role, operator.type, operator.status
            )
        console().print(table)

    run(show())
