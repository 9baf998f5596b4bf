"""The audit log, the default workspace and the signing key."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.access.conftest import Clock
from voice_agent.access.audit import AuditAction, AuditEntry, AuditLog
from voice_agent.access.entrance import Entrance, open_entrance
from voice_agent.access.errors import AccessError
from voice_agent.access.principal import Actor, ActorKind
from voice_agent.access.signing_key import signing_key
from voice_agent.access.workspaces import default_workspace
from voice_agent.store.database import Database

BY = Actor(ActorKind.API_KEY, uuid4(), "console")


@pytest.fixture
def audit(entrance: Entrance, database: Database, clock: Clock) -> AuditLog:
    return AuditLog(database, entrance.workspace_id, clock)


async def test_an_entry_comes_back_as_it_went_in(audit: AuditLog) -> None:
    entry = AuditEntry(
        AuditAction.OPERATOR_JOINED_CALL, BY, uuid4(), "CA1", "192.0.2.1", {"mode": "listen", "names": ["a"]}
    )
    await audit.record(entry)
    assert [item.entry for item in (await audit.page()).items] == [entry]


@pytest.mark.parametrize("change", ["UPDATE audit_log SET ip = ''", "DELETE FROM audit_log"])
async def test_the_database_refuses_to_change_the_log(
    audit: AuditLog, database: Database, change: str
) -> None:
    await audit.record(AuditEntry(AuditAction.LOGGED_IN, BY))
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.session() as session:
            await session.execute(text(change))
    assert (await audit.page()).total == 1


async def test_the_log_is_read_newest_first_by_operator_and_action(audit: AuditLog) -> None:
    ana, bea = uuid4(), uuid4()
    for operator in (ana, bea, ana):
        await audit.record(AuditEntry(AuditAction.OPERATOR_WRAP_UP, BY, operator))
    await audit.record(AuditEntry(AuditAction.OPERATOR_LEFT_CALL, BY, ana))
    found = await audit.page(operator_id=ana, actions=[AuditAction.OPERATOR_WRAP_UP], limit=1)
    assert (found.total, len(found.items)) == (2, 1)
    assert found.continuation_token is not None
    rest = await audit.page(
        operator_id=ana,
        actions=[AuditAction.OPERATOR_WRAP_UP],
        limit=1,
        continuation_token=found.continuation_token,
    )
    assert (rest.items[0].id < found.items[0].id, rest.continuation_token) == (True, None)


async def test_workspaces_have_logs_of_their_own(audit: AuditLog, database: Database) -> None:
    await audit.record(AuditEntry(AuditAction.LOGGED_IN, BY))
    assert (await AuditLog(database, uuid4()).page()).items == []


async def test_whoever_waits_for_entries_is_woken(audit: AuditLog) -> None:
    woken = asyncio.Event()
    stop = audit.wake(woken)
    await audit.record(AuditEntry(AuditAction.LOGGED_IN, BY))
    await asyncio.wait_for(woken.wait(), 5)
    woken.clear()
    stop()
    await audit.record(AuditEntry(AuditAction.LOGGED_OUT, BY))
    assert not woken.is_set()
    assert [item.entry.action for item in await audit.after(0)] == ["login.accepted", "logout"]


async def test_there_is_one_default_workspace_whoever_asks_first(database: Database) -> None:
    found = await asyncio.gather(*(default_workspace(database) for _ in range(5)))
    assert len(set(found)) == 1


async def test_the_signing_key_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    keys = {await asyncio.to_thread(signing_key, "", tmp_path) for _ in range(3)}
    assert len(keys) == 1
    assert len(keys.pop()) >= 32
    assert stat.S_IMODE(os.stat(tmp_path / "signing.key").st_mode) == 0o600


async def test_a_signing_key_that_could_be_guessed_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="SECRET_KEY"):
        await open_entrance(database, tmp_path, secret_key="secret")


async def test_a_storage_for_rates_that_is_not_there_is_said(database: Database, tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="RATE_LIMIT_STORAGE"):
        await open_entrance(database, tmp_path, rate_limit_storage="carrier+pigeon://loft")
