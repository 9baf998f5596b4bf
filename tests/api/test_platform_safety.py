"""The safety policy and the monitor concepts, read as published (every answer goes through the judge)."""

from __future__ import annotations

from uuid import uuid4

from tests.api.platform_kit import Desk
from voice_agent.access.roles import Role
from voice_agent.safety.loader import load_rules


async def test_the_policy_is_what_the_rules_say(desk: Desk) -> None:
    async with desk.client(Role.VIEWER) as client:
        answer = await client.get(f"{desk.root}/safety/config")
    told = answer.json()
    assert answer.status_code == 200
    assert (told["triage_enabled"], told["triage_model"], told["triage_max_history_turns"]) == (
        True,
        "embedded",
        10,
    )
    assert (told["accumulation_mild_threshold"], told["accumulation_fast_track_level"]) == (1, 3)
    assert "joint_commission_suicide_risk" in told["applied_template_ids"]
    assert desk.judge.judged == [f"GET {desk.root}/safety/config"]


async def test_the_concepts_come_page_by_page_and_each_can_be_had_alone(desk: Desk) -> None:
    names: list[str] = []
    token = 0
    async with desk.client(Role.VIEWER) as client:
        while token is not None:
            query = {"limit": 7, "continuation_token": token}
            page = (await client.get(f"{desk.root}/monitor-concepts", params=query)).json()
            names += [item["name"] for item in page["items"]]
            token = page["continuation_token"]
            assert page["has_more"] is (token is not None)
            assert page["total"] == len(load_rules().concepts)
        last = page["items"][-1]
        alone = await client.get(f"{desk.root}/monitor-concepts/{last['id']}")
        beyond = await client.get(f"{desk.root}/monitor-concepts", params={"continuation_token": 1000})
    assert names == [concept.name for concept in load_rules().concepts]
    assert alone.json() == last
    assert (beyond.json()["items"], beyond.json()["has_more"]) == ([], False)


async def test_a_concept_tells_whom_it_calls_and_why(desk: Desk) -> None:
    async with desk.client() as client:
        page = (await client.get(f"{desk.root}/monitor-concepts", params={"limit": 20})).json()
    told = next(item for item in page["items"] if item["name"] == "suicide_risk")
    [meant] = [concept for concept in load_rules().concepts if concept.name == "suicide_risk"]
    assert told["escalation"]["operator_type"] == "crisis_counselor"
    assert told["escalation"]["regulatory_basis"] == meant.escalation.regulatory_basis
    assert (told["threshold"], told["standalone_threshold"]) == (meant.threshold, meant.standalone_threshold)
    assert told["has_embedding"] is True


async def test_a_concept_that_is_not_there_is_not_found(desk: Desk) -> None:
    async with desk.client() as client:
        answer = await client.get(f"{desk.root}/monitor-concepts/{uuid4()}")
    assert answer.status_code == 404


async def test_who_has_no_key_reads_no_rules(desk: Desk) -> None:
    async with desk.client() as client:
        answer = await client.get(f"{desk.root}/safety/config", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
