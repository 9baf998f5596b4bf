"""Passwords and browser sessions."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.access.conftest import Clock
from voice_agent.access.authenticator import Authenticator
from voice_agent.access.entrance import Entrance
from voice_agent.access.errors import WeakPassword
from voice_agent.access.keys import ApiKeys
from voice_agent.access.passwords import Passwords
from voice_agent.access.roles import Permission, Role
from voice_agent.access.sessions import BrowserSessions
from voice_agent.operators.roster import OperatorRole, Profile, Roster
from voice_agent.store.database import Database

ANA = Profile("Ana Duarte", "ana@practice.example", OperatorRole.SUPERVISOR)
PASSWORD = "correct horse battery"


@pytest.fixture
def authenticator(entrance: Entrance, database: Database, clock: Clock) -> Authenticator:
    roster = Roster(database, entrance.workspace_id)
    return Authenticator(
        ApiKeys(database, clock), Passwords(database), BrowserSessions(database, clock), roster
    )


async def test_an_operator_logs_in_with_address_and_password(
    entrance: Entrance, authenticator: Authenticator
) -> None:
    ana = await entrance.roster.create(ANA)
    await entrance.passwords.set(ana.id, PASSWORD)
    entered = await authenticator.log_in_with_password("ANA@practice.example", PASSWORD)
    assert entered is not None
    principal = await authenticator.by_session(entered.secret)
    assert principal == entered.principal
    assert (principal.name, principal.role, principal.operator_id) == ("Ana Duarte", Role.SUPERVISOR, ana.id)
    assert principal.may(Permission.AUDIT_READ)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ana@practice.example", "wrong horse battery"),
        ("ana@practice.example", ""),
        ("ana@practice.example", "x" * 300),
        ("bea@practice.example", PASSWORD),
        ("nobody@practice.example", PASSWORD),
        ("", ""),
    ],
)
async def test_nobody_logs_in_with_less(
    entrance: Entrance, authenticator: Authenticator, email: str, password: str
) -> None:
    ana = await entrance.roster.create(ANA)
    await entrance.roster.create(Profile("Bea", "bea@practice.example"))
    await entrance.passwords.set(ana.id, PASSWORD)
    assert await authenticator.log_in_with_password(email, password) is None


async def test_passwords_are_stored_as_argon2id_and_only_so(entrance: Entrance, database: Database) -> None:
    ana = await entrance.roster.create(ANA)
    await entrance.passwords.set(ana.id, PASSWORD)
    async with database.reading() as session:
        stored = (await session.execute(text("SELECT hash FROM operator_passwords"))).scalar_one()
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in stored


async def test_short_passwords_are_refused(entrance: Entrance) -> None:
    ana = await entrance.roster.create(ANA)
    with pytest.raises(WeakPassword, match="12"):
        await entrance.passwords.set(ana.id, "hunter2")


async def test_a_new_password_ends_the_sessions_of_the_old_one(
    entrance: Entrance, authenticator: Authenticator
) -> None:
    ana = await entrance.roster.create(ANA)
    await entrance.passwords.set(ana.id, PASSWORD)
    entered = await authenticator.log_in_with_password(ANA.email, PASSWORD)
    assert entered is not None
    await entrance.passwords.set(ana.id, "another long password")
    assert await authenticator.by_session(entered.secret) is None


async def test_a_session_runs_out_when_nobody_is_there(
    entrance: Entrance, authenticator: Authenticator, clock: Clock
) -> None:
    key = await entrance.keys.create(entrance.workspace_id, name="k", role=Role.VIEWER)
    entered = await authenticator.log_in_with_key(key.secret)
    assert entered is not None
    for _ in range(3):
        clock.wind(timedelta(minutes=29))
        assert await authenticator.by_session(entered.secret) is not None
    clock.wind(timedelta(minutes=31))
    assert await authenticator.by_session(entered.secret) is None


async def test_a_session_runs_out_even_when_somebody_is_there(
    entrance: Entrance, authenticator: Authenticator, clock: Clock
) -> None:
    key = await entrance.keys.create(entrance.workspace_id, name="k", role=Role.VIEWER)
    entered = await authenticator.log_in_with_key(key.secret)
    assert entered is not None
    for _ in range(35):
        clock.wind(timedelta(minutes=20))
        assert await authenticator.by_session(entered.secret) is not None
    clock.wind(timedelta(minutes=20))
    assert await authenticator.by_session(entered.secret) is None


async def test_revoking_a_key_ends_the_sessions_that_it_opened(
    entrance: Entrance, authenticator: Authenticator
) -> None:
    key = await entrance.keys.create(entrance.workspace_id, name="k", role=Role.ADMIN)
    entered = await authenticator.log_in_with_key(key.secret)
    assert entered is not None
    await entrance.keys.revoke(entrance.workspace_id, str(key.key.id))
    assert await authenticator.by_session(entered.secret) is None


async def test_a_changed_role_counts_at_once(entrance: Entrance, authenticator: Authenticator) -> None:
    ana = await entrance.roster.create(ANA)
    await entrance.passwords.set(ana.id, PASSWORD)
    entered = await authenticator.log_in_with_password(ANA.email, PASSWORD)
    assert entered is not None
    await entrance.roster.update(ana.id, {"role": OperatorRole.OPERATOR})
    principal = await authenticator.by_session(entered.secret)
    assert principal is not None
    assert not principal.may(Permission.AUDIT_READ)


async def test_logging_in_again_ends_the_browsers_former_session(
    entrance: Entrance, authenticator: Authenticator
) -> None:
    key = await entrance.keys.create(entrance.workspace_id, name="k", role=Role.ADMIN)
    first = await authenticator.log_in_with_key(key.secret)
    assert first is not None
    second = await authenticator.log_in_with_key(key.secret, instead_of=first.secret)
    assert second is not None
    assert second.secret != first.secret
    assert await authenticator.by_session(first.secret) is None
    assert await authenticator.by_session(second.secret) is not None


async def test_logging_out_ends_the_session(entrance: Entrance, authenticator: Authenticator) -> None:
    key = await entrance.keys.create(entrance.workspace_id, name="k", role=Role.ADMIN)
    entered = await authenticator.log_in_with_key(key.secret)
    assert entered is not None
    for _ in range(2):
        await authenticator.log_out(entered.secret)
    assert await authenticator.by_session(entered.secret) is None


async def test_the_database_holds_no_session(
    entrance: Entrance, authenticator: Authenticator, database: Database
) -> None:
    key = await entrance.keys.create(entrance.workspace_id, name="k", role=Role.ADMIN)
    entered = await authenticator.log_in_with_key(key.secret)
    assert entered is not None
    async with database.reading() as session:
        rows = str((await session.execute(text("SELECT * FROM browser_sessions"))).all())
    assert entered.secret not in rows


@pytest.mark.parametrize("secret", ["", "x", "é" * 50, "\0", str(UUID(int=7)), "x" * 5000])
async def test_a_made_up_session_is_none(authenticator: Authenticator, secret: str) -> None:
    assert await authenticator.by_session(secret) is None
