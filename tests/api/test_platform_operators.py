"""Operators over the published interface."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import jwt
import pytest
from call_script import booking_call

from tests.api.live_calls import live_call
from tests.api.platform_kit import Desk, open_desk
from voice_agent.access.limits import RateSettings
from voice_agent.access.roles import Role
from voice_agent.api.platform.platform import BrowserPhones
from voice_agent.operators.ports import CallUnreachable, DeliveryStatus, OperatorBusy
from voice_agent.operators.roster import OperatorRole
from voice_agent.store.database import Database

SID = "CA" + "1" * 32
ANA = {"name": "Ana Duarte", "email": "ana@practice.example", "skills": ["spanish"]}


async def test_a_new_operator_is_offline_and_can_be_found(desk: Desk) -> None:
    async with desk.client() as client:
        made = await client.post(f"{desk.root}/operators", json=ANA)
        assert made.status_code == 201
        ana = made.json()
        assert (ana["status"], ana["role"], ana["type"]) == ("offline", "operator", "clinical")
        assert ana["connection_method"] == "browser"
        assert ana["total_escalations_handled"] == 0
        found = await client.get(f"{desk.root}/operators/{ana['id']}")
    assert found.json() == ana


async def test_the_list_comes_in_pages_of_at_most_twenty(desk: Desk) -> None:
    names = [f"Operator {letter}" for letter in "ABCDE"]
    for name in names:
        await desk.operator(name)
    async with desk.client() as client:
        seen, token = [], 0
        while token is not None:
            page = (
                await client.get(f"{desk.root}/operators", params={"limit": 2, "continuation_token": token})
            ).json()
            assert page["total"] == 5
            assert page["has_more"] == (page["continuation_token"] is not None)
            seen += [operator["name"] for operator in page["items"]]
            token = page["continuation_token"]
        assert seen == names
        too_many = await client.get(f"{desk.root}/operators", params={"limit": 21})
    assert too_many.status_code == 422


async def test_changing_a_status_is_seen_in_the_log_and_in_the_profile(desk: Desk) -> None:
    ana = await desk.operator()
    async with desk.client() as client:
        changed = await client.patch(f"{desk.root}/operators/{ana.id}", json={"status": "online"})
        assert changed.json()["status"] == "online"
        log = (await client.get(f"{desk.root}/operators/audit-log")).json()["items"]
    assert [entry["event_type"] for entry in log] == ["operator.status_changed"]
    assert log[0]["data"]["status"] == "online"
    assert log[0]["data"]["operator_id"] == str(ana.id)
    assert log[0]["data"]["actor"]["name"] == "admin"


async def test_null_leaves_a_field_as_it_is_but_empties_the_phone_number(desk: Desk) -> None:
    ana = await desk.operator(phone_number="+14155550101")
    async with desk.client() as client:
        changed = await client.patch(
            f"{desk.root}/operators/{ana.id}", json={"name": None, "phone_number": None}
        )
    assert changed.json()["name"] == "Ana Duarte"
    assert changed.json()["phone_number"] is None


async def test_an_address_belongs_to_one_operator_whatever_its_case(desk: Desk) -> None:
    async with desk.client() as client:
        await client.post(f"{desk.root}/operators", json=ANA)
        again = await client.post(f"{desk.root}/operators", json={**ANA, "email": "ANA@practice.example"})
    assert again.status_code == 422
    assert again.json()["detail"][0]["loc"] == ["body", "email"]


async def test_what_is_wrong_with_a_request_is_told_without_repeating_it(desk: Desk) -> None:
    async with desk.client() as client:
        refused = await client.post(f"{desk.root}/operators", json={**ANA, "phone_number": "secret words"})
    assert refused.status_code == 422
    assert "secret words" not in refused.text


async def test_an_operator_nobody_knows_is_404(desk: Desk) -> None:
    async with desk.client() as client:
        assert (await client.get(f"{desk.root}/operators/{uuid4()}")).status_code == 404
        body = {"call_sid": SID, "outcome": "resolved"}
        gone = await client.post(f"{desk.root}/operators/{uuid4()}/wrap-up", json=body)
    assert gone.status_code == 404


async def test_joining_rings_the_operators_browser_and_marks_them_busy(desk: Desk) -> None:
    ana = await desk.operator()
    desk.live.add(live_call(SID))
    async with desk.client() as client:
        joined = await client.post(
            f"{desk.root}/operators/{ana.id}/join-call", json={"call_sid": SID, "mode": "listen"}
        )
        assert joined.json() == {
            "conference_sid": "CF" + "1" * 32,
            "participant_call_sid": "CAoperator",
            "mode": "listen",
            "operator_entity_id": str(ana.id),
        }
        busy = (await client.get(f"{desk.root}/operators/{ana.id}")).json()
        twice = await client.post(f"{desk.root}/operators/{ana.id}/join-call", json={"call_sid": SID})
    [(_, leg, mode)] = desk.live.asked
    assert (leg.address, mode) == (f"client:operator_{ana.id.hex}", "listen")
    assert (busy["status"], busy["active_call_sid"]) == ("busy", SID)
    assert busy["last_call_at"] is not None
    assert twice.status_code == 409


async def test_an_operator_on_the_telephone_is_rung_there(desk: Desk) -> None:
    ana = await desk.operator(connection_method="phone", phone_number="+14155550101")
    bea = await desk.operator("Bea Ito", connection_method="phone")
    desk.live.add(live_call(SID))
    async with desk.client() as client:
        await client.post(f"{desk.root}/operators/{ana.id}/join-call", json={"call_sid": SID})
        unreachable = await client.post(f"{desk.root}/operators/{bea.id}/join-call", json={"call_sid": SID})
    assert desk.live.asked[0][1].address == "+14155550101"
    assert desk.live.asked[0][2] == "takeover"
    assert unreachable.status_code == 422


async def test_every_command_reaches_the_call_and_the_log(desk: Desk) -> None:
    ana = await desk.operator()
    desk.live.add(live_call(SID))
    path = f"{desk.root}/operators/{ana.id}"
    async with desk.client() as client:
        await client.post(f"{path}/join-call", json={"call_sid": SID})
        switched = await client.post(f"{path}/switch-mode", json={"call_sid": SID, "mode": "listen"})
        assert switched.json() == {"mode": "listen"}
        told = await client.post(
            f"{path}/send-guidance", json={"call_sid": SID, "message": "Offer Friday to Mrs Rivera"}
        )
        assert told.json() == {"call_sid": SID, "status": "delivered"}
        left = await client.post(f"{path}/leave-call", json={"call_sid": SID})
        assert left.json() == {"success": True}
        body = {"call_sid": SID, "outcome": "resolved", "notes": "Booked for Mrs Rivera"}
        assert (await client.post(f"{path}/wrap-up", json=body)).json() == {"success": True}
        log = (await client.get(f"{desk.root}/operators/audit-log")).json()["items"]
    assert [entry["event_type"] for entry in reversed(log)] == [
        "operator.joined_call",
        "operator.mode_switched",
        "operator.guidance_sent",
        "operator.left_call",
        "operator.wrap_up",
    ]
    assert "Rivera" not in str(log)
    assert [asked[0] for asked in desk.live.asked] == ["join", "switch", "guide", "leave"]


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(OperatorBusy("Bea is in charge"), 409), (CallUnreachable("no answer from the network"), 503)],
)
async def test_a_call_that_refuses_an_operator_says_so(
    desk: Desk, refusal: OperatorBusy | CallUnreachable, status: int
) -> None:
    ana = await desk.operator()
    desk.live.add(live_call(SID))
    desk.live.refusal = refusal
    async with desk.client() as client:
        refused = await client.post(f"{desk.root}/operators/{ana.id}/join-call", json={"call_sid": SID})
        log = (await client.get(f"{desk.root}/operators/audit-log")).json()
    assert refused.status_code == status
    assert refused.json() == {"detail": str(refusal)}
    assert log["items"] == []


async def test_commands_to_a_call_that_is_over_are_404(desk: Desk) -> None:
    ana = await desk.operator()
    commands = {
        "access-token": {},
        "join-call": {},
        "switch-mode": {"mode": "listen"},
        "leave-call": {},
        "send-guidance": {"message": "hello"},
    }
    async with desk.client() as client:
        for command, body in commands.items():
            refused = await client.post(
                f"{desk.root}/operators/{ana.id}/{command}", json={"call_sid": "CAgone", **body}
            )
            assert refused.status_code == 404, command


async def test_guidance_that_could_not_be_delivered_is_told(desk: Desk) -> None:
    ana = await desk.operator()
    desk.live.add(live_call(SID))
    desk.live.delivery = DeliveryStatus.FAILED
    async with desk.client() as client:
        told = await client.post(
            f"{desk.root}/operators/{ana.id}/send-guidance", json={"call_sid": SID, "message": "hello"}
        )
    assert told.json()["status"] == "failed"


async def test_a_browser_listens_on_the_local_network_without_a_token(desk: Desk) -> None:
    ana = await desk.operator()
    desk.live.add(live_call(SID))
    async with desk.client() as client:
        told = await client.post(f"{desk.root}/operators/{ana.id}/access-token", json={"call_sid": SID})
    identity = f"operator_{ana.id.hex}"
    assert told.json() == {
        "token": "",
        "identity": identity,
        "conference_sid": "CF" + "1" * 32,
        "connect_params": {"phone_url": f"ws://127.0.0.1:9/emulator/phone?listen=client:{identity}"},
    }


async def test_a_briefing_has_six_sections_and_names_who_calls(desk: Desk) -> None:
    ana = await desk.operator()
    await desk.record(booking_call(SID)[:-1])
    desk.live.add(live_call(SID, caller_phone="+14155550101"))
    async with desk.client() as client:
        briefing = await client.post(f"{desk.root}/operators/{ana.id}/briefing", json={"call_sid": SID})
    sections = {section["title"]: section["content"] for section in briefing.json()["sections"]}
    assert list(sections) == [
        "Situation summary",
        "Patient context",
        "Risk assessment",
        "Key issues",
        "Recommended actions",
        "Prior interactions",
    ]
    assert "+14155550101" in sections["Patient context"]
    assert "I need to see Doctor Rivera on Tuesday." in sections["Situation summary"]


async def test_a_briefing_for_nobody_or_of_no_call_is_400(desk: Desk) -> None:
    ana = await desk.operator()
    async with desk.client() as client:
        for operator in (ana.id, uuid4()):
            refused = await client.post(
                f"{desk.root}/operators/{operator}/briefing", json={"call_sid": "CAgone"}
            )
            assert refused.status_code == 400


async def test_the_queue_shows_live_calls_with_their_reasons(desk: Desk) -> None:
    desk.live.add(live_call("CAcalm"))
    desk.live.add(
        live_call("CAloud", risk_score=0.8, risk_level="escalate", valence=-0.6, caller_phone="anonymous")
    )
    desk.live.add(live_call("CAodd", direction="sideways", risk_score=0.1))
    async with desk.client(Role.VIEWER) as client:
        told = (await client.get(f"{desk.root}/operators/queue")).json()
    assert told["total_active"] == 3
    first = told["queue"][0]
    assert (first["call_sid"], first["risk_level"]) == ("CAloud", "critical")
    assert first["priority_reasons"] == ["high_risk", "negative_emotion"]
    assert first["caller_phone"] is None
    assert first["service_name"] == "Dr. Chen's office"
    odd = next(item for item in told["queue"] if item["call_sid"] == "CAodd")
    assert (odd["direction"], odd["data_quality_flags"]) == ("inbound", ["invalid_direction"])


async def test_on_an_account_the_browser_gets_a_signed_token(database: Database, tmp_path: Path) -> None:
    phones = BrowserPhones("", "AC1", "SK1", "s" * 32, "AP1")
    async with open_desk(database, tmp_path, phones=phones) as desk, desk.client() as client:
        ana = await desk.operator()
        desk.live.add(live_call(SID))
        told = await client.post(f"{desk.root}/operators/{ana.id}/access-token", json={"call_sid": SID})
    claims = jwt.decode(told.json()["token"], "s" * 32, algorithms=["HS256"])
    assert claims["grants"]["identity"] == told.json()["identity"] == f"operator_{ana.id.hex}"
    assert told.json()["connect_params"] == {}


async def test_without_an_api_key_of_the_account_browsers_are_503(database: Database, tmp_path: Path) -> None:
    phones = BrowserPhones("", "AC1", app_sid="AP1")
    async with open_desk(database, tmp_path, phones=phones) as desk, desk.client() as client:
        ana = await desk.operator()
        desk.live.add(live_call(SID))
        refused = await client.post(f"{desk.root}/operators/{ana.id}/access-token", json={"call_sid": SID})
    assert refused.status_code == 503
    assert "TWILIO_API_KEY_SID" in refused.json()["detail"]


async def test_operators_act_in_their_own_name_only(desk: Desk) -> None:
    ana, bea = await desk.operator(), await desk.operator("Bea Ito")
    desk.live.add(live_call(SID))
    keys, workspace = desk.entrance.keys, desk.platform.workspace_id
    made = await keys.create(workspace, name="ana", role=Role.OPERATOR, operator_id=ana.id)
    async with desk.client(key=made.secret) as client:
        for path, status in (
            (f"{desk.root}/operators/{ana.id}", 200),
            (f"{desk.root}/operators/{bea.id}", 403),
        ):
            assert (await client.post(f"{path}/join-call", json={"call_sid": SID})).status_code == status
            assert (await client.patch(path, json={"status": "online"})).status_code == status
            assert (await client.post(f"{path}/briefing", json={"call_sid": SID})).status_code in (
                status,
                400,
            )
        assert (
            await client.patch(f"{desk.root}/operators/{ana.id}", json={"role": "admin"})
        ).status_code == 403


async def test_nobody_makes_an_operator_more_powerful_than_themselves(desk: Desk) -> None:
    chief = await desk.operator("Chief", role=OperatorRole.ADMIN)
    ana = await desk.operator()
    async with desk.client(Role.SUPERVISOR) as client:
        assert (await client.post(f"{desk.root}/operators", json={**ANA, "role": "admin"})).status_code == 403
        path = f"{desk.root}/operators/{ana.id}"
        assert (await client.patch(path, json={"role": "admin"})).status_code == 403
        assert (await client.patch(path, json={"role": "supervisor"})).status_code == 200
        taken_over = await client.patch(
            f"{desk.root}/operators/{chief.id}", json={"email": "me@practice.example"}
        )
    assert taken_over.status_code == 403


@pytest.mark.parametrize(
    ("role", "status"), [(Role.VIEWER, 403), (Role.OPERATOR, 403), (Role.SUPERVISOR, 200)]
)
async def test_the_log_is_for_supervisors(desk: Desk, role: Role, status: int) -> None:
    async with desk.client(role) as client:
        assert (await client.get(f"{desk.root}/operators/audit-log")).status_code == status


async def test_briefings_are_limited_more_strictly(database: Database, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, rates=RateSettings(briefing="1/minute")) as desk:
        ana = await desk.operator()
        async with desk.client() as client:
            path = f"{desk.root}/operators/{ana.id}"
            codes = [
                (await client.post(f"{path}/briefing", json={"call_sid": "x"})).status_code for _ in range(2)
            ]
            assert codes == [400, 429]
            assert (await client.get(path)).status_code == 200
