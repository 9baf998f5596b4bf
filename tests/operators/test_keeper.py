"""What outlives a call: escalations, who is on duty, and lines that broke off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from sqlalchemy.exc import OperationalError

from voice_agent.access.audit import AuditAction, AuditLog, RecordedEntry
from voice_agent.access.workspaces import default_workspace
from voice_agent.call import events
from voice_agent.call.log import CallLog
from voice_agent.operators.duty import OnDuty
from voice_agent.operators.escalation_records import EscalationContext, EscalationRecords
from voice_agent.operators.keeper import OperatorKeeper
from voice_agent.operators.ports import Escalation, OperatorMode
from voice_agent.operators.roster import OperatorStatus, Profile, Roster
from voice_agent.store.bus import QUEUE_SIZE, EventBus
from voice_agent.store.database import Database

ANA = uuid4()


class SlowRecords(EscalationRecords):
    """Records that take their time, or fail, when they are told to."""

    fails: Exception | None = None
    may_save: asyncio.Event | None = None

    async def save(
        self, escalation: Escalation, call_sid: str, context: EscalationContext | None = None
    ) -> None:
        if self.may_save is not None:
            await self.may_save.wait()
        if (error := self.fails) is not None:
            self.fails = None
            raise error
        await super().save(escalation, call_sid, context)


@dataclass
class Kept:
    """A keeper with everything around it."""

    keeper: OperatorKeeper
    roster: Roster
    audit: AuditLog
    duty: OnDuty
    log: CallLog
    records: SlowRecords
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
    records = SlowRecords(database, workspace)
    keeper = OperatorKeeper(bus, records, roster, duty, audit)
    await keeper.start()
    kept = Kept(keeper, roster, audit, duty, CallLog("CA1", bus), records)
    stop_waking = audit.wake(kept.woken)
    kept.log.emit(events.SessionStart(caller_id="+14155550134", called="+14155550100"))
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


async def test_a_mode_that_the_network_forced_upon_an_operator_is_in_the_audit_log(kept: Kept) -> None:
    for asked in (True, False):
        kept.log.emit(
            events.OperatorModeSwitched(operator_id=str(ANA), mode=OperatorMode.LISTEN, asked=asked)
        )
    await kept.keeper.close()
    [entry] = [item.entry for item in (await kept.audit.page()).items]
    assert (entry.action, entry.actor.kind) == (AuditAction.OPERATOR_MODE_CHANGED, "network")
    assert (entry.operator_id, entry.call_sid, entry.details) == (ANA, "CA1", {"mode": "listen"})


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


WANTED = events.EscalationRequested(
    escalation_id="e1", trigger="safety", reason="chest pain", hard=True, concept="chest_pain", similarity=0.9
)


async def test_an_escalation_tells_who_calls_and_how_sure_the_rules_were(kept: Kept) -> None:
    match = events.ConceptMatch(
        concept="chest_pain",
        similarity=0.9,
        agent_action="notify_operator",
        agent_confidence=0.8,
        agent_reasoning="said so",
    )
    kept.log.emit(events.Safety(concept_matches=[match], concern_level=3))
    kept.log.emit(WANTED)
    await kept.keeper.close()
    [record] = (await kept.records.active()).items
    context = record.context
    assert (context.caller_id, context.phone_number) == ("+14155550134", "+14155550100")
    assert (context.direction, context.agent_confidence) == ("inbound", 0.8)
    assert (context.concept, context.trigger_source) == ("chest_pain", "safety_monitor")
    assert context.started_at is not None


@pytest.mark.parametrize("failure", [OperationalError("SAVE", None, Exception("gone")), LookupError("odd")])
async def test_what_could_not_be_kept_does_not_stop_what_comes_after_it(
    kept: Kept, failure: Exception
) -> None:
    kept.records.fails = failure
    kept.log.emit(WANTED)
    kept.log.emit(WANTED.model_copy(update={"escalation_id": "e2"}))
    await kept.keeper.close()
    kept_ids = [record.escalation.escalation_id for record in (await kept.records.active()).items]
    assert kept_ids == ["e2"]


async def test_an_event_that_means_nothing_does_not_stop_those_after_it(kept: Kept) -> None:
    kept.log.emit(WANTED.model_copy(update={"status": "no such status"}))
    kept.log.emit(left("participant_hung_up"))
    assert len(await kept.left_entries(1)) == 1


async def test_a_slow_database_costs_no_event_of_the_calls(kept: Kept) -> None:
    kept.records.may_save = asyncio.Event()
    kept.log.emit(WANTED)
    for _ in range(3):  # more than a reader's queue holds, with pauses in which a reader can read
        for _ in range(QUEUE_SIZE // 2):
            kept.log.emit(events.SessionInfo(name="tick"))
        await asyncio.sleep(0)
    kept.log.emit(left("participant_hung_up"))
    kept.records.may_save.set()
    assert len(await kept.left_entries(1)) == 1
    assert (await kept.records.active()).total == 1
