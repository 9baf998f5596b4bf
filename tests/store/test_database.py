from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Connection, column, insert, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from voice_agent.store.database import Database, StoreError, UtcDateTime

THINGS = table("things", column("n"), column("at", UtcDateTime()))


@pytest.fixture
async def things(database: Database) -> Database:
    """A database with one small table beside the product's."""
    kind = "TEXT" if database.is_sqlite else "TIMESTAMPTZ"
    async with database.session() as session:
        await session.execute(text(f"CREATE TABLE things (n INTEGER, at {kind})"))
    return database


async def _count(database: Database) -> int:
    async with database.reading() as session:
        return len((await session.execute(select(THINGS.c.n))).all())


async def test_a_block_that_ends_well_is_committed(things: Database) -> None:
    async with things.session() as session:
        await session.execute(insert(THINGS).values(n=1))
    assert await _count(things) == 1


async def test_a_block_that_raises_is_rolled_back(things: Database) -> None:
    async def failing(session: AsyncSession) -> None:
        await session.execute(insert(THINGS).values(n=1))
        raise KeyError("the work failed")

    with pytest.raises(KeyError):
        async with things.session() as session:
            await failing(session)
    assert await _count(things) == 0


async def test_a_reader_does_not_wait_for_a_writer(things: Database) -> None:
    async with things.session() as session:
        await session.execute(insert(THINGS).values(n=1))
        assert await asyncio.wait_for(_count(things), 5) == 0
    assert await _count(things) == 1


async def test_writers_that_read_first_take_turns_instead_of_failing(things: Database) -> None:
    async def add() -> None:
        async with things.session() as session:
            await session.execute(select(THINGS.c.n))
            await session.execute(insert(THINGS).values(n=0))

    await asyncio.gather(*(add() for _ in range(20)))
    assert await _count(things) == 20


async def test_times_come_back_aware_and_in_utc(things: Database) -> None:
    kolkata = datetime(2026, 11, 20, 15, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    async with things.session() as session:
        await session.execute(insert(THINGS).values(n=1, at=kolkata))
    async with things.reading() as session:
        (at,) = (await session.execute(select(THINGS.c.at))).scalars()
    assert at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    assert at.utcoffset() == timedelta(0)


async def test_a_time_without_zone_is_refused(things: Database) -> None:
    with pytest.raises(Exception, match="no time zone"):
        async with things.session() as session:
            await session.execute(insert(THINGS).values(n=1, at=datetime(2026, 11, 20)))


async def test_sqlite_keeps_a_write_ahead_log_and_checks_foreign_keys(database: Database) -> None:
    if not database.is_sqlite:
        return
    async with database.reading() as session:
        found = [
            (await session.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        ]
    assert found == ["wal", 1, 30000, 1]


async def test_a_closed_database_opens_again_on_use(database: Database) -> None:
    await database.close()
    assert await database.healthy()


async def test_a_database_that_is_away_is_unhealthy() -> None:
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    assert not await database.healthy()
    await database.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [("mysql+aiomysql://host/name", "not supported"), ("sqlite+aiosqlite:///:memory:", "give a file")],
)
def test_an_unusable_url_is_refused_with_the_remedy(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        Database(url)


async def test_migrating_twice_changes_nothing(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    await database.migrate()
    before = await _tables(database)
    await database.migrate()
    assert await _tables(database) == before
    assert "call_events" in before
    await database.close()


async def test_several_processes_may_migrate_at_the_same_moment(empty_database_url: str) -> None:
    code = (
        "import asyncio, sys\n"
        "from voice_agent.store.database import Database\n"
        "asyncio.run(Database(sys.argv[1]).migrate())\n"
    )
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, empty_database_url, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    complaints = [(await asyncio.wait_for(process.communicate(), 60))[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], complaints
    database = Database(empty_database_url)
    assert "call_events" in await _tables(database)
    await database.close()


async def test_the_revisions_make_exactly_the_tables_that_the_code_declares(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        from voice_agent.store.tables import metadata

        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


def test_every_revision_is_part_of_the_package() -> None:
    from voice_agent.store import migrations

    folder = Path(str(migrations.__file__)).parent
    assert (folder / "env.py").is_file()
    assert list((folder / "versions").glob("[0-9]*.py"))


async def _tables(database: Database) -> set[str]:
    from sqlalchemy import inspect

    async with database.engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_the_schema_can_be_taken_back_to_nothing_and_made_again(empty_database_url: str) -> None:
    def take_back(connection: Connection) -> None:
        from alembic import command

        from voice_agent.store.migrate import alembic_config

        command.downgrade(alembic_config(connection), "base")

    database = Database(empty_database_url)
    await database.migrate()
    whole = await _tables(database)
    async with database.engine.begin() as connection:
        await connection.run_sync(take_back)
    assert await _tables(database) == {"alembic_version"}
    await database.migrate()
    assert await _tables(database) == whole
    await database.close()
