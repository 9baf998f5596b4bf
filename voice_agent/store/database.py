"""One database for everything the practice keeps: SQLite by default, PostgreSQL by one URL.

Tables live with the feature that owns them and inherit from :class:`Base`; :mod:`voice_agent.store.tables`
imports them all for Alembic. Code above this module uses :meth:`Database.session` to write and
:meth:`Database.reading` to read, and never asks which of the two it talks to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Connection, DateTime, Dialect, Integer, MetaData, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from voice_agent.store.migrate import upgrade_to_head

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA busy_timeout=30000",
    "PRAGMA foreign_keys=ON",
)
"""Readers beside one writer; a commit survives a crash of the process; a busy file is waited for, in ms."""

CONNECT_TIMEOUT_S = 5
"""A database that does not answer is reported as away after this long."""


READ_ONLY = "read_only"
"""Execution option of connections that only read."""


class StoreError(Exception):
    """Something about keeping data failed."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on both databases (SQLite itself forgets the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store as UTC; a naive time is refused.

        Raises:
            StoreError: for a naive time, of which nobody can tell the instant.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise StoreError(f"{value!r} has no time zone; use datetime.now(UTC) or attach one")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Document = JSON().with_variant(JSONB(), "postgresql")
"""A JSON value."""

RowId = BigInteger().with_variant(Integer(), "sqlite")
"""A key that the database counts by itself; SQLite does that only for a column called INTEGER."""


class Base(DeclarativeBase):
    """What every table inherits from. The names of constraints are the same on both databases.

    Columns annotated with these types need nothing else: ``datetime`` (aware UTC), ``dict[str, Any]``,
    ``list[str]`` and ``list[dict[str, Any]]`` (JSON).
    """

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: Document,
        list[str]: Document,
        list[dict[str, Any]]: Document,
    }


class Database:
    """The async engine of one process, its sessions and its schema."""

    def __init__(self, url: str) -> None:
        """``url`` names its async driver: ``sqlite+aiosqlite:///...`` or ``postgresql+psycopg://...``."""
        self.url: URL = make_url(url)
        backend = self.url.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise StoreError(
                f"database {backend!r} is not supported; use sqlite+aiosqlite or postgresql+psycopg"
            )
        self.is_sqlite = backend == "sqlite"
        if self.is_sqlite:
            if self.url.database in (None, "", ":memory:"):
                raise StoreError("an in-memory SQLite is lost between connections; give a file")
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
            # The driver's own transactions begin too late (at the first write); ours begin where they begin.
            self.engine = create_async_engine(
                self.url, hide_parameters=True, connect_args={"isolation_level": None}
            )
            event.listen(self.engine.sync_engine, "connect", _set_sqlite_pragmas)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        else:
            self.engine = create_async_engine(
                self.url,
                hide_parameters=True,  # values of rows are patients' data: never in a message
                pool_pre_ping=True,
                pool_size=5,
                max_overflow=5,
                pool_timeout=CONNECT_TIMEOUT_S,
                connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
            )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._readers = async_sessionmaker(
            self.engine.execution_options(**{READ_ONLY: True}), expire_on_commit=False
        )

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A writing transaction: committed when the block ends well, rolled back when it raises.

        On SQLite it is the only writer from its beginning on, so that what it read cannot have changed when
        it writes; keep it short.
        """
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A transaction that only reads; it never waits for a writer."""
        async with self._readers() as session, session.begin():
            yield session

    async def migrate(self) -> None:
        """Bring the schema to the newest revision. Several processes may do it at the same time."""
        await asyncio.to_thread(upgrade_to_head, self.url)

    async def healthy(self) -> bool:
        """Whether the database answers within :data:`CONNECT_TIMEOUT_S` seconds."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S), self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Close every connection. Using the database afterwards opens new ones."""
        await self.engine.dispose()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that first reads and then writes fails at once when somebody else wrote in
    # between (SQLITE_BUSY_SNAPSHOT), whatever the timeout: writers take their place when they begin.
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _set_sqlite_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
