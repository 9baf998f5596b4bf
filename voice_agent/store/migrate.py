"""Runs the schema's revisions, from the package itself: no ``alembic.ini``, no command line.

Several processes of one installation start at the same moment. On PostgreSQL an advisory lock lets one of
them migrate while the others wait; on SQLite a lock file beside the database does the same within one
machine.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

MIGRATION_LOCK = 7_106_220_251
"""Key of the PostgreSQL advisory lock; any constant that nothing else in the database uses."""


def alembic_config(connection: Connection) -> Config:
    """The Alembic environment inside the package, bound to an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade_to_head(url: URL) -> None:
    """Blocking upgrade to the newest revision; a database that is already there is left as it is."""
    sync_url = url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url
    engine = create_engine(sync_url, poolclass=NullPool)
    try:
        with _only_one_process(url, engine.connect()) as connection:
            command.upgrade(alembic_config(connection), "head")
            connection.commit()
    finally:
        engine.dispose()


@contextmanager
def _only_one_process(url: URL, connection: Connection) -> Iterator[Connection]:
    with connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET lock_timeout = '120s'"))
            # A session lock, not a transaction one: Alembic commits in between.
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
            try:
                yield connection
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
                connection.commit()
        else:
            with Path(f"{url.database}.migrating").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                connection.exec_driver_sql("PRAGMA busy_timeout=30000")
                yield connection
