"""API keys and roles."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from tests.access.conftest import Clock
from voice_agent.access.entrance import Entrance
from voice_agent.access.errors import AccessError, NoSuchKey
from voice_agent.access.keys import ApiKeys
from voice_agent.access.roles import GRANTS, Permission, Role, granted, outranks, role_table
from voice_agent.store.database import Database


@pytest.fixture
def keys(database: Database, clock: Clock) -> ApiKeys:
    return ApiKeys(database, clock)


async def test_a_key_opens_and_a_wrong_one_does_not(entrance: Entrance, keys: ApiKeys) -> None:
    made = await keys.create(entrance.workspace_id, name="console", role=Role.ADMIN)
    found = await keys.find(made.secret)
    assert found is not None
    assert found.id == made.key.id
    for wrong in ("", "vak_", made.secret[:-1], made.secret + "x", made.secret.upper(), "vak_" + "é" * 300):
        assert await keys.find(wrong) is None


async def test_the_database_holds_no_key(entrance: Entrance, keys: ApiKeys, database: Database) -> None:
    made = await keys.create(entrance.workspace_id, name="console", role=Role.ADMIN)
    async with database.reading() as session:
        rows = str((await session.execute(text("SELECT * FROM api_keys"))).all())
    assert made.secret not in rows
    assert made.secret.removeprefix("vak_")[:20] not in rows
    assert made.key.prefix in rows


def test_two_keys_are_never_the_same_and_hold_256_bits() -> None:
    from voice_agent.access.credentials import new_key

    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert min(len(key) for key in keys) == len("vak_") + 43


async def test_an_expired_key_opens_nothing(entrance: Entrance, keys: ApiKeys, clock: Clock) -> None:
    made = await keys.create(
        entrance.workspace_id, name="a day", role=Role.VIEWER, lifetime=timedelta(days=1)
    )
    clock.wind(timedelta(hours=23, minutes=59))
    assert await keys.find(made.secret) is not None
    clock.wind(timedelta(minutes=1))
    assert await keys.find(made.secret) is None
    assert await keys.get(made.key.id) is None


@pytest.mark.parametrize("by", ["id", "prefix"])
async def test_a_revoked_key_opens_nothing_and_stays_on_the_list(
    entrance: Entrance, keys: ApiKeys, by: str
) -> None:
    made = await keys.create(entrance.workspace_id, name="lost", role=Role.ADMIN)
    for _ in range(2):
        await keys.revoke(entrance.workspace_id, str(getattr(made.key, by)))
    assert await keys.find(made.secret) is None
    [listed] = await keys.all_of(entrance.workspace_id)
    assert listed.revoked_at is not None


async def test_revoking_a_key_that_is_not_there_is_said(entrance: Entrance, keys: ApiKeys) -> None:
    with pytest.raises(NoSuchKey, match="keys list"):
        await keys.revoke(entrance.workspace_id, "vak_nothing")


async def test_the_last_use_is_noted_once_a_minute(entrance: Entrance, keys: ApiKeys, clock: Clock) -> None:
    made = await keys.create(entrance.workspace_id, name="console", role=Role.ADMIN)
    first = clock()
    await keys.find(made.secret)
    clock.wind(timedelta(seconds=30))
    await keys.find(made.secret)
    [listed] = await keys.all_of(entrance.workspace_id)
    assert listed.last_used_at == first
    clock.wind(timedelta(minutes=2))
    await keys.find(made.secret)
    [listed] = await keys.all_of(entrance.workspace_id)
    assert listed.last_used_at == clock()


async def test_scopes_narrow_a_role_and_never_widen_it(entrance: Entrance, keys: ApiKeys) -> None:
    made = await keys.create(
        entrance.workspace_id, name="dashboard", role=Role.OPERATOR, scopes=[Permission.CALLS_READ]
    )
    assert granted(made.key.role, made.key.scopes) == {Permission.CALLS_READ}
    with pytest.raises(AccessError, match="keys:manage"):
        await keys.create(entrance.workspace_id, name="x", role=Role.VIEWER, scopes=[Permission.KEYS_MANAGE])


async def test_a_key_that_is_over_at_once_is_refused(entrance: Entrance, keys: ApiKeys) -> None:
    with pytest.raises(AccessError, match="longer lifetime"):
        await keys.create(entrance.workspace_id, name="x", role=Role.VIEWER, lifetime=timedelta(0))


def test_every_role_may_all_that_the_next_lower_one_may() -> None:
    for higher, lower in pairwise(Role):
        assert GRANTS[higher] > GRANTS[lower]
        assert outranks(higher, lower)
        assert not outranks(lower, higher)


def test_the_table_of_roles_names_every_permission() -> None:
    table = dict(role_table())
    assert set(table) == set(Permission)
    assert table[Permission.RECORDINGS_READ] == {
        Role.ADMIN: True,
        Role.SUPERVISOR: True,
        Role.OPERATOR: True,
        Role.VIEWER: False,
    }
