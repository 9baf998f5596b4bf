"""What the REST API refuses, and what it lets pass but counts against the application."""

from __future__ import annotations

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.emulator import Emulator, PhoneBehaviour, VirtualClock
from telephony.emulator.events import EventLog
from telephony.emulator.rest import RestRequest
from telephony.emulator.rest_params import CREATE_CALL, RestError, checked

from .conference_app import ConferenceApp
from .conftest import Launch
from .virtual_world import NUMBER, VirtualWorld

PATIENT = "+12025550170"
TWIML = "<Response><Hangup/></Response>"
APP = "AP" + "0" * 32
CALL = {"To": PATIENT, "From": NUMBER, "Twiml": TWIML}
PARTICIPANT = {"To": PATIENT, "From": NUMBER}


def without(form: dict[str, str], *names: str, **more: str) -> dict[str, str]:
    return {**{k: v for k, v in form.items() if k not in names}, **more}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (without(CALL, "To"), 21201),
        (without(CALL, "From"), 21212),
        (without(CALL, "Twiml"), 21205),
        (without(CALL, "Twiml", Url="not a url"), 21205),
        (without(CALL, "Twiml", Url="ftp://h/x"), 21205),
        (without(CALL, To="555"), 21211),
        (without(CALL, To=f"{PATIENT}?a=b"), 21211),
        (without(CALL, To=f"app:{APP}"), 21211),
        (without(CALL, From="+12025550199"), 21210),
        (without(CALL, From="client:somebody"), 21212),
        (without(CALL, To="+882123456789"), 21215),
        (without(CALL, "Twiml", ApplicationSid=APP), 21218),
        (without(CALL, Twiml="<Response>"), 12100),
        (without(CALL, Twiml="<Response>" + " " * 4000 + "</Response>"), 20001),
        (without(CALL, Timeout="601"), 20001),
        (without(CALL, MachineDetection="Detect"), 20001),
        (without(CALL, MachineDetectionTimeout="2"), 20001),
        (without(CALL, AsyncAmd="True"), 20001),
        (without(CALL, RecordingChannels="stereo"), 20001),
        (without(CALL, SendDigits="x"), 20001),
        (without(CALL, StatusCallbackEvent="done"), 20001),
        (without(CALL, Method="PUT"), 20001),
    ],
)
async def test_a_call_with_a_wrong_parameter_is_refused(form: dict[str, str], code: int) -> None:
    async with VirtualWorld(geo_blocked=("+882",)) as world:
        status, body = world.rest("POST", "/Calls.json", **form)
        assert (status, body["code"]) == (400, code)
        assert body["status"] == 400
        assert body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
        assert body["message"]
        assert world.emulator.exchange.legs == {}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (without(PARTICIPANT, Beep="loud"), 20001),
        (without(PARTICIPANT, Beep="False"), 20001),
        (without(PARTICIPANT, JitterBufferSize="tiny"), 20001),
        (without(PARTICIPANT, Muted="yes"), 20001),
        (without(PARTICIPANT, Timeout="4"), 20001),
        (without(PARTICIPANT, MaxParticipants="251"), 20001),
        (without(PARTICIPANT, Label="x" * 129), 20001),
        (without(PARTICIPANT, CallSidToCoach="CA1"), 20001),
        (without(PARTICIPANT, Coaching="true"), 20001),
        (without(PARTICIPANT, ConferenceStatusCallbackEvent="everything"), 20001),
        (without(PARTICIPANT, To=f"app:{APP}", From="client:x"), 21218),
        (without(PARTICIPANT, From="client:x"), 21212),
    ],
)
async def test_a_participant_with_a_wrong_parameter_is_refused(form: dict[str, str], code: int) -> None:
    async with VirtualWorld() as world:
        status, body = world.rest("POST", "/Conferences/room/Participants.json", **form)
        assert (status, body["code"]) == (400, code)


async def test_events_may_be_repeated_or_in_one_spaced_value() -> None:
    async with VirtualWorld() as world:
        for events in (["start", "end"], "start end"):
            world.participant("room", PATIENT, ConferenceStatusCallbackEvent=events)
        world.emulator.assert_no_violations()


async def test_an_unknown_parameter_passes_but_is_a_violation() -> None:
    async with VirtualWorld() as world:
        world.create("/Calls.json", **CALL, Recordd="true")
        assert "'Recordd'" in world.emulator.violations[0].message
        with pytest.raises(AssertionError, match="Recordd"):
            world.emulator.assert_no_violations()


async def test_a_participant_update_has_no_status() -> None:
    async with VirtualWorld() as world:
        _, room = await world.room("alice")
        world.rest("POST", f"/Conferences/{room}/Participants/alice.json", Status="completed")
        assert "'Status'" in world.emulator.violations[0].message


async def test_two_sources_of_twiml_are_a_violation() -> None:
    async with VirtualWorld() as world:
        world.create("/Calls.json", **CALL, Url="https://app.example/x")
        assert "exactly one" in world.emulator.violations[0].message


async def test_a_single_parameter_given_twice_is_a_violation() -> None:
    async with VirtualWorld() as world:
        world.create("/Calls.json", **without(CALL, Timeout=["10", "20"]))  # type: ignore[arg-type]
        assert "2 times" in world.emulator.violations[0].message


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/Calls/CA1.json", 404, 20404),
        ("GET", "/Nothing.json", 404, 20404),
        ("PUT", "/Calls.json", 405, 20004),
        ("GET", "/Conferences/CF1.json", 404, 20404),
        ("POST", "/Conferences/CF" + "0" * 32 + "/Participants.json", 404, 20404),
        ("GET", "/Calls.json?PageSize=x", 400, 20001),
    ],
)
async def test_what_is_not_there_is_an_error_with_a_body(
    method: str, path: str, status: int, code: int
) -> None:
    async with VirtualWorld() as world:
        got, body = world.rest(method, path, **(PARTICIPANT if method == "POST" else {}))
        assert (got, body["code"]) == (status, code)


@pytest.mark.parametrize("header", ["", "Basic ????", "Bearer x", "Basic QUM6eA=="])
async def test_without_credentials_there_is_nothing(header: str) -> None:
    async with VirtualWorld() as world:
        account = world.emulator.config.account_sid
        path = f"/2010-04-01/Accounts/{account}/Calls.json"
        reply = world.emulator.rest(RestRequest("GET", path, authorization=header))
        assert reply.status == 401
        assert reply.body is not None
        assert reply.body["code"] == 20003
        assert [v.code for v in world.emulator.violations] == [20003]


async def test_an_api_key_is_as_good_as_the_token(launch: Launch) -> None:
    emulator = await launch(api_keys={"SK1": "secret"})
    url = f"{emulator.base_url}/2010-04-01/Accounts/{emulator.config.account_sid}/Calls.json"
    key = aiohttp.BasicAuth("SK1", "secret")
    async with aiohttp.ClientSession() as session, session.get(url, auth=key) as reply:
        assert reply.status == 200
        assert (await reply.json())["calls"] == []


async def test_a_json_body_is_a_violation(emulator: Emulator, app: ConferenceApp) -> None:
    url = f"{emulator.base_url}/2010-04-01/Accounts/{emulator.config.account_sid}/Calls.json"
    auth = aiohttp.BasicAuth(emulator.config.account_sid, emulator.config.auth_token)
    async with aiohttp.ClientSession() as session, session.post(url, json=CALL, auth=auth) as reply:
        assert reply.status == 400
    assert "content type" in emulator.violations[0].message


async def test_pages_link_to_each_other() -> None:
    async with VirtualWorld() as world:
        for _ in range(5):
            world.create("/Calls.json", **CALL)
        _, first = world.rest("GET", "/Calls.json?PageSize=2&To=%2B12025550170")
        assert (len(first["calls"]), first["page"], first["previous_page_uri"]) == (2, 0, None)
        prefix = f"/2010-04-01/Accounts/{world.emulator.config.account_sid}"
        _, second = world.rest("GET", first["next_page_uri"].removeprefix(prefix))
        _, third = world.rest("GET", second["next_page_uri"].removeprefix(prefix))
        assert third["next_page_uri"] is None
        sids = [call["sid"] for page in (first, second, third) for call in page["calls"]]
        assert len(set(sids)) == 5


async def test_calls_are_filtered_by_every_documented_field() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT)
        world.create("/Calls.json", **CALL)
        await world.pass_time(1.0)
        found = {
            "Status=completed": 1,
            "Status=busy": 0,
            "From=%2B12025550100": 1,
            "To=%2B12025550199": 0,
            "StartTime%3E=2026-01-05": 1,
            "StartTime%3C=2026-01-04": 0,
            "EndTime=2026-01-05": 1,
            "ParentCallSid=CA1": 0,
        }
        for query, count in found.items():
            assert len(world.rest("GET", f"/Calls.json?{query}")[1]["calls"]) == count, query


async def test_a_participant_is_found_by_label_and_by_call_sid() -> None:
    async with VirtualWorld() as world:
        phones, room = await world.room("alice")
        by_label = world.rest("GET", f"/Conferences/{room}/Participants/alice.json")[1]
        by_sid = world.rest("GET", f"/Conferences/{room}/Participants/{phones['alice'].sid}.json")[1]
        assert by_label == by_sid
        assert (by_label["status"], by_label["queue_time"]) == ("connected", None)


async def test_a_participant_on_its_way_is_listed_and_can_be_removed() -> None:
    async with VirtualWorld() as world:
        world.emulator.register_phone(PATIENT, PhoneBehaviour(after_s=10.0))
        created = world.participant("room", PATIENT, Label="op")
        await world.pass_time(1.0)
        listing = f"/Conferences/{created['conference_sid']}/Participants"
        assert [p["status"] for p in world.rest("GET", f"{listing}.json")[1]["participants"]] == ["ringing"]
        assert world.rest("DELETE", f"{listing}/op.json")[0] == 204
        assert world.rest("GET", f"{listing}.json")[1]["participants"] == []
        leg = world.emulator.exchange.legs[created["call_sid"]]
        assert leg.status == "canceled"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*CREATE_CALL, "Unknown"]), st.text(max_size=20) | st.sampled_from(["true"])
        )
    )
)
def test_any_form_is_accepted_or_refused_with_a_rest_error(fields: list[tuple[str, str]]) -> None:
    log = EventLog(VirtualClock(), strict=True)
    try:
        form = checked(fields, CREATE_CALL, log, "Calls create")
    except RestError:
        return
    for name, value in fields:
        if name in CREATE_CALL:
            assert value in form.all(name)
            assert CREATE_CALL[name].problem(value) is None
