"""Escalations over the published interface."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from call_script import booking_call

from tests.api.live_calls import live_call
from tests.api.platform_kit import NOW, Desk, open_desk
from voice_agent.access.roles import Role
from voice_agent.operators.escalation_records import EscalationContext
from voice_agent.operators.ports import Escalation, EscalationStatus, OperatorMode, OperatorOnCall
from voice_agent.store.database import Database


def wanted(name: str, minutes_ago: float = 10, **more: object) -> Escalation:
    """Somebody wants a person."""
    asked = Escalation(
        name, EscalationStatus.REQUESTED, "caller_request", "asked for a person", False,
        NOW - timedelta(minutes=minutes_ago),
    )  # fmt: skip
    return replace(asked, **more)  # type: ignore[arg-type]


def taken(
    escalation: Escalation, operator_id: str, wait_s: float, handle_s: float | None = None
) -> Escalation:
    """The same, once somebody came; over when ``handle_s`` is given."""
    connected = escalation.requested_at + timedelta(seconds=wait_s)
    if handle_s is None:
        return replace(
            escalation, status=EscalationStatus.CONNECTED, connected_at=connected, operator_id=operator_id
        )
    return replace(
        escalation,
        status=EscalationStatus.COMPLETED,
        connected_at=connected,
        completed_at=connected + timedelta(seconds=handle_s),
        operator_id=operator_id,
    )


async def test_every_step_of_an_escalation_is_listed_newest_first(desk: Desk) -> None:
    asked = wanted("e1")
    for step in (asked, asked, taken(asked, "x", 5), taken(asked, "x", 5, 60)):
        await desk.platform.escalations.save(step, "CA1", EscalationContext(trigger_source="context_graph"))
    async with desk.client(Role.VIEWER) as client:
        first = (await client.get(f"{desk.root}/operators/escalations", params={"limit": 2})).json()
        token = {"continuation_token": first["continuation_token"]}
        rest = (await client.get(f"{desk.root}/operators/escalations", params=token)).json()
    steps = [step["event_type"] for step in first["items"] + rest["items"]]
    assert steps == ["escalation.completed", "escalation.connected", "escalation.requested"]
    assert (first["total"], first["has_more"], rest["has_more"]) == (3, True, False)
    assert first["items"][0]["source"] == "context_graph"


async def test_an_older_copy_never_undoes_a_newer_one(desk: Desk) -> None:
    asked = wanted("e1")
    await desk.platform.escalations.save(taken(asked, "x", 5, 60), "CA1")
    await desk.platform.escalations.save(asked, "CA1")
    record = await desk.platform.escalations.of_call("CA1")
    assert record is not None
    assert record.escalation == taken(asked, "x", 5, 60)
    assert (await desk.platform.escalations.steps()).total == 1


async def test_open_escalations_are_listed_longest_waiting_first(desk: Desk) -> None:
    ana = await desk.operator()
    save = desk.platform.escalations.save
    context = EscalationContext(
        caller_id="+14155550134", direction="inbound", operator_type="clinical", risk_score=0.8
    )
    await save(wanted("e1", 10), "CA1", context)
    await save(taken(wanted("e2", 8, hard=True), str(ana.id), 30), "CA2")
    await save(taken(wanted("e3", 5), str(ana.id), 30, 60), "CA3")
    async with desk.client() as client:
        active = (await client.get(f"{desk.root}/operators/escalations/active")).json()
    first, second = active["items"]
    assert active["total"] == 2
    assert (first["escalation_id"], first["status"], first["wait_seconds"]) == ("e1", "requested", 600.0)
    assert (first["operator_type"], first["risk_score"], first["immediate"]) == ("clinical", 0.8, False)
    assert (second["operator_entity_id"], second["wait_seconds"], second["immediate"]) == (
        str(ana.id),
        30.0,
        True,
    )


async def test_an_escalation_is_over_with_its_call(desk: Desk) -> None:
    await desk.record(booking_call("CA1"))
    await desk.platform.escalations.save(wanted("e1"), "CA1")
    async with desk.client() as client:
        active = (await client.get(f"{desk.root}/operators/escalations/active")).json()
    assert active["items"] == []


@pytest.mark.parametrize(
    ("query", "buckets"),
    [
        ({}, {"requested": 1, "completed": 1}),
        ({"period": "week"}, {"requested": 2, "completed": 1}),
        ({"period": "month", "group_by": "trigger"}, {"caller_request": 3, "risk": 1}),
        ({"group_by": "operator"}, {"unassigned": 1, "operator-1": 1}),
    ],
)
async def test_escalations_are_counted(desk: Desk, query: dict[str, str], buckets: dict[str, int]) -> None:
    save = desk.platform.escalations.save
    await save(wanted("e1"), "CA1")
    await save(taken(wanted("e2"), "operator-1", 10, 20), "CA2")
    await save(wanted("e3", 3 * 24 * 60), "CA3")
    await save(wanted("e4", 20 * 24 * 60, trigger="risk"), "CA4")
    async with desk.client() as client:
        stats = (await client.get(f"{desk.root}/operators/escalations/stats", params=query)).json()
    assert {bucket["key"]: bucket["count"] for bucket in stats["buckets"]} == buckets
    assert stats["total"] == sum(buckets.values())


async def test_the_dashboard_shows_who_is_there_and_how_today_goes(desk: Desk) -> None:
    ana, bea = await desk.operator(), await desk.operator("Bea Ito")
    await desk.operator("Cleo Park")
    await desk.entrance.roster.update(bea.id, {"status": "online"})
    on_call = OperatorOnCall(str(ana.id), ana.name, OperatorMode.TAKEOVER, "CAop", NOW)
    desk.live.add(live_call("CA1", operators=(on_call,)))
    save = desk.platform.escalations.save
    await save(taken(wanted("e1", 10), str(ana.id), 20, 100), "CA1")
    await save(taken(wanted("e2", 9), str(ana.id), 40), "CA2")
    await save(wanted("e3", 2 * 24 * 60), "CA3")
    async with desk.client() as client:
        told = (await client.get(f"{desk.root}/operators/dashboard")).json()
    assert told["operators"] == {"online": 1, "busy": 1, "offline": 1, "total": 3}
    assert told["escalations_today"] == {
        "requested": 2,
        "connected": 2,
        "completed": 1,
        "avg_wait_seconds": 30.0,
        "avg_handle_time_seconds": 100.0,
    }
    assert told["active_escalations"] == 2
    assert {item["escalation_id"] for item in told["recent_escalations"]} == {"e2", "e3"}


async def test_what_an_operator_handled_is_in_the_profile_and_in_the_summary(desk: Desk) -> None:
    ana = await desk.operator()
    await desk.operator("Bea Ito")
    save = desk.platform.escalations.save
    await save(taken(wanted("e1"), str(ana.id), 20, 100), "CA1")
    await save(taken(wanted("e2"), str(ana.id), 20, 200), "CA2")
    async with desk.client() as client:
        profile = (await client.get(f"{desk.root}/operators/{ana.id}")).json()
        summary = (await client.get(f"{desk.root}/operators/performance")).json()
    assert (profile["total_escalations_handled"], profile["avg_handle_time_seconds"]) == (2, 150.0)
    assert (summary["total_operators"], summary["offline"]) == (2, 2)
    assert (summary["total_escalations_handled"], summary["avg_handle_time_seconds"]) == (2, 150.0)
    assert [item["total_escalations_handled"] for item in summary["operators"]] == [2, 0]


async def test_workspaces_do_not_see_each_others_escalations(database: Database, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        await desk.platform.escalations.save(wanted("e1"), "CA1")
        async with desk.client() as client:
            elsewhere = desk.root.replace(
                str(desk.platform.workspace_id), "0" * 8 + "-0000-4000-8000-" + "0" * 12
            )
            assert (await client.get(f"{elsewhere}/operators/escalations")).status_code == 403
