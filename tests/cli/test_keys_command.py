"""Keys and operators from the command line."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voice_agent.access.entrance import open_entrance
from voice_agent.access.roles import Permission, Role
from voice_agent.cli import app
from voice_agent.store.database import Database


@pytest.fixture
def runner(tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    (tmp_path / "voice_agent.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("VOICE_AGENT_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("VOICE_AGENT_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def opens(folder: Path, secret: str) -> tuple[Role, tuple[Permission, ...]] | None:
    """What a key opens."""

    async def find() -> tuple[Role, tuple[Permission, ...]] | None:
        database = Database(f"sqlite+aiosqlite:///{folder / 'voice_agent.db'}")
        key = await (await open_entrance(database, folder)).keys.find(secret)
        await database.close()
        return (key.role, key.scopes) if key else None

    return asyncio.run(find())


def test_a_key_is_made_shown_once_listed_and_revoked(runner: CliRunner, tmp_path: Path) -> None:
    secret = runner.invoke(app, ["keys", "create", "--name", "console", "--plain"]).output.strip()
    assert opens(tmp_path, secret) == (Role.ADMIN, ())
    listed = runner.invoke(app, ["keys", "list"], env={"COLUMNS": "200"}).output
    assert secret not in listed
    assert secret[:12] in listed
    revoked = runner.invoke(app, ["keys", "revoke", secret[:12]])
    assert revoked.exit_code == 0
    assert opens(tmp_path, secret) is None
    assert "revoked" in runner.invoke(app, ["keys", "list"], env={"COLUMNS": "200"}).output


def test_a_key_can_be_narrowed(runner: CliRunner, tmp_path: Path) -> None:
    wanted = ["--role", "viewer", "--scope", "calls:read", "--days", "7", "--plain"]
    secret = runner.invoke(app, ["keys", "create", *wanted]).output.strip()
    assert opens(tmp_path, secret) == (Role.VIEWER, (Permission.CALLS_READ,))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["create", "--role", "king"], "admin, supervisor, operator, viewer"),
        (["create", "--scope", "fly"], "calls:read"),
        (["create", "--role", "viewer", "--scope", "keys:manage"], "may not keys:manage"),
        (["create", "--operator", "nobody@practice.example"], "operators add"),
        (["revoke", "vak_nothing"], "keys list"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(runner: CliRunner, arguments: list[str], told: str) -> None:
    result = runner.invoke(app, ["keys", *arguments], env={"COLUMNS": "300"})
    assert result.exit_code == 2
    assert told in result.output


def test_the_roles_can_be_printed(runner: CliRunner) -> None:
    printed = runner.invoke(app, ["keys", "roles"]).output
    assert "operators:act-for-others" in printed
    assert "supervisor" in printed


def test_an_operator_is_added_with_a_password_that_is_not_shown(runner: CliRunner, tmp_path: Path) -> None:
    add = ["operators", "add", "--email", "ana@practice.example", "--name", "Ana", "--password-stdin"]
    first = runner.invoke(app, add, input="correct horse battery\n", env={"COLUMNS": "200"})
    assert "added; the password is set" in first.output
    again = runner.invoke(app, add, input="another long password\n", env={"COLUMNS": "200"})
    assert "was there already; the password is set" in again.output
    assert "correct horse" not in first.output + again.output
    with sqlite3.connect(tmp_path / "voice_agent.db") as database:
        [(count,)] = database.execute("SELECT count(*) FROM operators")
        actions = [row[0] for row in database.execute("SELECT action FROM audit_log ORDER BY id")]
    assert count == 1
    assert actions == ["operator.registered", "password.set", "password.set"]
    assert "ana@practice.example" in runner.invoke(app, ["operators", "list"], env={"COLUMNS": "200"}).output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--email", "ana"], "no e-mail"), (["--email", "a@b.example", "--role", "king"], "king")],
)
def test_an_operator_needs_what_operators_have(runner: CliRunner, arguments: list[str], told: str) -> None:
    result = runner.invoke(app, ["operators", "add", *arguments], env={"COLUMNS": "300"})
    assert result.exit_code == 2
    assert told in result.output


def test_a_short_password_adds_nobody(runner: CliRunner, tmp_path: Path) -> None:
    add = ["operators", "add", "--email", "ana@practice.example", "--password-stdin"]
    result = runner.invoke(app, add, input="hunter2\n", env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "12 to 256" in result.output
    assert "hunter2" not in result.output
    with sqlite3.connect(tmp_path / "voice_agent.db") as database:
        assert database.execute("SELECT count(*) FROM operators").fetchone() == (0,)
