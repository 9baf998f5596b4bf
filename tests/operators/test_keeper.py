"""What outlives a call: escalations, who is on duty, and lines that broke off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from voice_agent.access.audit import AuditAction, AuditLog, RecordedEntry
from voice_agent.access.workspaces import default_workspace
from voice_agent.call import events
from voice_agent.call.log import CallLog
from voice_agent.operators.duty import OnDuty
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.keeper import OperatorKeeper
from voice_agent.operators.roster import OperatorStatus, Profile, Roster
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database

ANA = uuid4()


@dataclass
class Kept:
    """A keeper with everything around it."""

    keeper: OperatorKeeper
    roster: Roster
    audit: AuditLog
    duty: OnDuty
    log: CallLog
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def left_entries(self, count: int) -> list[RecordedEntry]:
        """The entries about operators who left, as soon as there are so many."""
        async with asyncio.timeout(10):
            while True:
                self.woken.clear()
                page = await self.audit.page(actions=[AuditAction.OPERATOR_LEFT_CALL])
                if page.total >= count:
                    return page.items
                await self.woken.wait()


@pytest.fixture
async def kept(database: Database) -> AsyncIterator[Kept]:
    workspace, bus, duty = await default_workspace(database), EventBus(), OnDuty()
    roster, audit = Roster(database, workspace), AuditLog(database, workspace)
    keeper = OperatorKeeper(bus, EscalationRecords(database, workspace), roster, duty, audit)
    await keeper.start()
    kept = Kept(keeper, roster, audit, duty, CallLog("CA1", bus))
    stop_waking = audit.wake(kept.woken)
    kept.log.emit(events.SessionStart())
    yield kept
    stop_waking()
    await keeper.close()


def left(reason: str, operator: str = str(ANA), *, was_in: bool = True) -> events.OperatorLeft:
    return events.OperatorLeft(operator_id=operator, reason=reason, was_in=was_in)


async def test_a_line_that_breaks_off_is_in_the_audit_log_and_one_that_was_left_is_not_there_twice(
    kept: Kept,
) -> None:
    for event in (
        left("left"),
        left("no-answer", was_in=False),
        left("participant_hung_up"),
        left("lost", "nobody we know"),
    ):
        kept.log.emit(event)
    stranger, ana = (recorded.entry for recorded in await kept.left_entries(2))
    assert (ana.operator_id, ana.call_sid, ana.actor.kind) == (ANA, "CA1", "network")
    assert ana.details == {"reason": "participant_hung_up"}
    assert stranger.operator_id is None


async def test_who_came_online_in_another_process_is_on_duty_after_a_refresh(
    kept: Kept, database: Database
) -> None:
    other = Roster(database, await default_workspace(database))
    ana = await other.create(Profile("Ana", "ana@practice.example"))
    await other.update(ana.id, {"status": OperatorStatus.ONLINE})
    assert not await kept.duty.anyone_free()
    await kept.keeper.refresh()
    assert await kept.duty.anyone_free()
    kept.duty.engaged_elsewhere([str(ana.id)])
    assert not await kept.duty.anyone_free()
    kept.duty.engaged_elsewhere([])
    await kept.roster.update(ana.id, {"status": OperatorStatus.OFFLINE})
    assert not await kept.duty.anyone_free()


async def test_an_operator_who_says_that_they_are_busy_is_promised_to_nobody(kept: Kept) -> None:
    ana = await kept.roster.create(Profile("Ana", "ana@practice.example"))
    for status, free in (
        (OperatorStatus.BUSY, False),
        (OperatorStatus.ONLINE, True),
        (OperatorStatus.BUSY, False),
    ):
        await kept.roster.update(ana.id, {"status": status})
        assert await kept.duty.anyone_free() is free
