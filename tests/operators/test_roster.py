"""The roster of operators, and calls of which none is live."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from voice_agent.access.workspaces import default_workspace
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.no_live_calls import NoLiveCalls
from voice_agent.operators.ports import (
    ConnectionMethod,
    Escalation,
    EscalationStatus,
    LiveCalls,
    NoSuchCall,
    OperatorError,
    OperatorLeg,
    OperatorMode,
)
from voice_agent.operators.roster import EmailTaken, NoSuchOperator, Profile, Roster
from voice_agent.store.database import Database


@pytest.fixture
async def roster(database: Database) -> Roster:
    return Roster(database, await default_workspace(database))


async def test_two_at_once_cannot_take_the_same_address(roster: Roster) -> None:
    made = await asyncio.gather(
        *(roster.create(Profile("Ana", "ana@practice.example")) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in made) == ["EmailTaken", "EmailTaken", "Operator"]


async def test_an_address_cannot_be_changed_to_somebody_elses(roster: Roster) -> None:
    await roster.create(Profile("Ana", "ana@practice.example"))
    bea = await roster.create(Profile("Bea", "bea@practice.example"))
    with pytest.raises(EmailTaken):
        await roster.update(bea.id, {"email": "Ana@Practice.Example"})
    assert (await roster.get(bea.id)).email == "bea@practice.example"


async def test_only_what_a_profile_has_can_be_changed(roster: Roster) -> None:
    ana = await roster.create(Profile("Ana", "ana@practice.example"))
    with pytest.raises(OperatorError, match="workspace_id"):
        await roster.update(ana.id, {"workspace_id": uuid4()})


async def test_a_status_carries_the_time_since_which_it_holds(roster: Roster) -> None:
    ana = await roster.create(Profile("Ana", "ana@practice.example"))
    _, renamed = await roster.update(ana.id, {"name": "Ana D."})
    assert renamed.last_status_change == ana.last_status_change
    before, online = await roster.update(ana.id, {"status": "online"})
    assert (before.status, online.status) == ("offline", "online")
    assert online.last_status_change > ana.last_status_change


async def test_operators_of_another_workspace_are_not_there(roster: Roster, database: Database) -> None:
    ana = await roster.create(Profile("Ana", "ana@practice.example"))
    with pytest.raises(NoSuchOperator):
        await Roster(database, UUID(int=1)).get(ana.id)


async def test_operators_are_rung_where_they_are(roster: Roster) -> None:
    browser = await roster.create(Profile("Ana", "ana@practice.example"))
    phone = ConnectionMethod.PHONE
    desk = await roster.create(
        Profile("Bea", "bea@practice.example", connection_method=phone, phone_number="+14155550101")
    )
    nowhere = await roster.create(Profile("Cleo", "cleo@practice.example", connection_method=phone))
    assert browser.address == f"client:operator_{browser.id.hex}"
    assert (desk.address, nowhere.address) == ("+14155550101", "")


@pytest.mark.parametrize(
    "change", ["UPDATE escalation_events SET event_type = ''", "DELETE FROM escalation_events"]
)
async def test_the_database_refuses_to_change_what_happened_to_escalations(
    database: Database, change: str
) -> None:
    records = EscalationRecords(database, await default_workspace(database))
    now = datetime.now(UTC)
    await records.save(Escalation("e1", EscalationStatus.REQUESTED, "risk", "", False, now), "CA1")
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.session() as session:
            await session.execute(text(change))


async def test_without_calls_every_command_says_that_there_is_none() -> None:
    calls: LiveCalls = NoLiveCalls()
    assert calls.active() == []
    leg = OperatorLeg("o", "Ana", "client:operator_o")
    for command in (
        calls.join("CA1", leg, OperatorMode.LISTEN),
        calls.switch("CA1", "o", OperatorMode.LISTEN),
        calls.leave("CA1", "o"),
        calls.guide("CA1", "o", "hello"),
        calls.inject("CA1", "hello", "guidance", "System"),
    ):
        with pytest.raises(NoSuchCall, match="CA1"):
            await command
