from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, update

from voice_agent.fleet.register import DEAD_AFTER_S, Register, Standing
from voice_agent.fleet.tables import CallWorkerRow
from voice_agent.store.database import Database

pytestmark = pytest.mark.postgres

STANDING = Standing(calls=3, room=57, hears=True, operators=("op1",))


def register(database: Database, name: str, standing: Standing | None = STANDING) -> Register:
    """One whose beats the test makes itself."""
    said = None if standing is None else lambda: standing
    return Register(database, name, f"http://{name}", said, beat_s=3600)


async def grow_old(database: Database, name: str, seconds: float) -> None:
    async with database.session() as session:
        await session.execute(
            update(CallWorkerRow)
            .where(CallWorkerRow.id == name)
            .values(seen_at=func.now() - timedelta(seconds=seconds))
        )


async def test_everybody_sees_how_the_workers_stand_and_consoles_are_none(postgres: Database) -> None:
    worker, console = register(postgres, "w1"), register(postgres, "c1", None)
    await worker.start()
    await console.start()
    [seen] = console.workers
    assert (seen.id, seen.url, seen.standing, seen.alive) == ("w1", "http://w1", STANDING, True)
    await worker.close()
    await console.beat()
    assert console.workers == ()
    await console.close()


async def test_a_silent_worker_gets_no_calls_and_is_claimed_by_exactly_one(postgres: Database) -> None:
    worker, others = register(postgres, "w1"), [register(postgres, f"c{n}", None) for n in range(4)]
    await worker.beat()
    assert not any(await asyncio.gather(*(each.claim("w1") for each in others)))
    await grow_old(postgres, "w1", DEAD_AFTER_S + 1)
    await others[0].beat()
    assert not others[0].workers[0].alive
    claims = await asyncio.gather(*(each.claim("w1") for each in others))
    assert sorted(claims) == [False, False, False, True]
    await others[claims.index(True)].settle("w1")
    await others[0].beat()
    assert others[0].workers == ()


async def test_a_worker_that_was_only_slow_is_back_with_its_next_beat(postgres: Database) -> None:
    worker, console = register(postgres, "w1"), register(postgres, "c1", None)
    await worker.beat()
    await grow_old(postgres, "w1", DEAD_AFTER_S + 1)
    assert await console.claim("w1")
    await worker.beat()
    await console.beat()
    assert console.workers[0].alive
    assert not await console.claim("w1")


async def test_what_a_dead_claimant_left_undone_is_claimed_again(postgres: Database) -> None:
    worker, console = register(postgres, "w1"), register(postgres, "c1", None)
    await worker.beat()
    await grow_old(postgres, "w1", 600)
    assert await console.claim("w1")
    assert not await console.claim("w1")
    async with postgres.session() as session:
        await session.execute(update(CallWorkerRow).values(gone_at=func.now() - timedelta(seconds=120)))
    assert await console.claim("w1")


async def test_without_a_database_the_last_picture_holds(postgres: Database) -> None:
    worker = register(postgres, "w1")
    await worker.beat()
    assert worker.seeing_s > 0
    blind = register(Database("postgresql+psycopg://nobody@127.0.0.1:1/none"), "c1", None)
    await blind.beat()
    assert (blind.workers, blind.seeing_s, blind.beats) == ((), 0.0, 0)
