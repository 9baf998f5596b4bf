"""Requests for TwiML: what they carry, how long they may take, and what happens when they fail."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from telephony.emulator import CallStatus, Emulator, FaultKind, HttpReply, NumberConfig, Switches
from telephony.emulator.tones import PLAY_HZ

from .conference_app import ConferenceApp
from .conftest import Launch
from .sound import seconds_with
from .virtual_world import VirtualWorld

NUMBER = "+12025550100"
SID = "AP" + "1" * 32


def numbered(**urls: str) -> tuple[NumberConfig, ...]:
    return (NumberConfig(NUMBER, **urls),)


async def test_an_inbound_call_carries_the_documented_fields(emulator: Emulator, app: ConferenceApp) -> None:
    app.answers["/voice"] = lambda _: "<Hangup/>"
    call = await emulator.place_call(from_="+12025550123")
    await call.ended()
    webhook = app.at("/voice")[0]
    assert webhook.method == "POST"
    assert webhook.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert webhook.headers["I-Twilio-Idempotency-Token"]
    assert webhook.signature_fits
    fields = dict(webhook.fields)
    assert {key: fields[key] for key in ("From", "Caller", "To", "Called")} == {
        "From": "+12025550123",
        "Caller": "+12025550123",
        "To": NUMBER,
        "Called": NUMBER,
    }
    assert fields["CallSid"] == call.sid
    assert fields["CallStatus"] == "ringing"
    assert fields["Direction"] == "inbound"
    assert fields["ApiVersion"] == "2010-04-01"
    assert fields["AccountSid"] == emulator.config.account_sid
    assert fields["FromCountry"] == "US"


async def test_a_get_webhook_signs_the_url_with_its_query(launch: Launch, app: ConferenceApp) -> None:
    emulator = await launch(numbers=numbered(voice_url=app.url + "/voice?a=b", voice_method="GET"))
    app.answers["/voice"] = lambda _: "<Hangup/>"
    await (await emulator.place_call()).ended()
    webhook = app.at("/voice")[0]
    assert webhook.method == "GET"
    assert webhook["a"] == "b"
    assert webhook["CallStatus"] == "ringing"
    assert webhook.signature_fits


async def test_an_application_gets_the_parameters_of_its_address(
    emulator: Emulator, app: ConferenceApp
) -> None:
    await emulator.place_call()
    webhook = await app.webhook("/agent")
    assert webhook["s"] == "opaque"
    assert webhook["ApplicationSid"] == emulator.config.application_sid
    assert webhook["Direction"] == "outbound-api"
    assert webhook["To"] == f"app:{emulator.config.application_sid}"


async def test_a_client_call_brings_its_parameters_as_fields(emulator: Emulator, app: ConferenceApp) -> None:
    app.answers["/agent"] = lambda _: "<Hangup/>"
    call = await emulator.place_call(
        f"app:{emulator.config.application_sid}",
        "client:operator_7",
        parameters={"conf": "call-1", "mode": "listen"},
    )
    await call.ended()
    webhook = app.at("/agent")[0]
    assert (webhook["conf"], webhook["mode"]) == ("call-1", "listen")
    assert (webhook["From"], webhook["To"], webhook["CallStatus"]) == ("client:operator_7", "", "ringing")


async def test_a_number_with_an_application_ignores_its_own_url(launch: Launch, app: ConferenceApp) -> None:
    emulator = await launch(
        application_sid="AP" + "1" * 32, numbers=numbered(voice_application_sid="AP" + "1" * 32)
    )
    app.answers["/agent"] = lambda _: "<Hangup/>"
    await (await emulator.place_call()).ended()
    assert len(app.at("/agent")) == 1
    assert app.at("/voice") == []


async def test_relative_urls_resolve_against_the_current_document() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = "<Redirect>deep/er/one?x=1</Redirect>"
        world.twiml["/deep/er/one"] = '<Redirect method="GET">two</Redirect>'
        world.twiml["/deep/er/two"] = "<Redirect>/three</Redirect>"
        world.twiml["/three"] = "<Hangup/>"
        call = await world.emulator.place_call()
        await world.run(call.ended())
        assert [path for path, _, _ in world.requests] == ["/voice", "/deep/er/one", "/deep/er/two", "/three"]
        assert [request.method for request in world.raw_requests] == ["POST", "POST", "GET", "POST"]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (HttpReply(500, "text/xml", b"<Response/>"), 11200),
        (HttpReply(403, "text/plain", b"no"), 11200),
        (HttpReply(200, "text/html", b"<Response/>"), 12300),
        (HttpReply(200, "text/xml", b"<Response>"), 12100),
        (HttpReply(200, "text/xml", b"<Response>" + b" " * 70_000 + b"</Response>"), 11750),
    ],
)
async def test_a_useless_answer_goes_to_the_fallback_with_its_code(reply: HttpReply, code: int) -> None:
    numbers = numbered(
        voice_url="https://app.example/voice", voice_fallback_url="https://app.example/fallback"
    )
    async with VirtualWorld(numbers=numbers) as world:
        world.replies["/voice"] = reply
        world.twiml["/fallback"] = "<Hangup/>"
        call = await world.emulator.place_call()
        await world.run(call.ended())
        fallback = world.at("/fallback")[0]
        assert fallback["ErrorCode"] == str(code)
        assert fallback["ErrorUrl"] == "https://app.example/voice"
        assert fallback["CallSid"] == call.sid
        assert [n.code for n in world.emulator.log.notifications] == [code]


async def test_without_a_fallback_the_caller_hears_that_the_application_failed() -> None:
    async with VirtualWorld() as world:
        call = await world.emulator.place_call()
        world.replies["/voice"] = HttpReply(500, "text/xml", b"")
        assert await world.run(call.ended()) is CallStatus.COMPLETED
        assert seconds_with(call.heard, PLAY_HZ) > 2.5


async def test_an_answer_after_fifteen_seconds_is_too_late() -> None:
    numbers = numbered(
        voice_url="https://app.example/voice", voice_fallback_url="https://app.example/fallback"
    )
    async with VirtualWorld(numbers=numbers) as world:
        world.twiml["/voice"] = "<Say>late</Say>"
        world.twiml["/fallback"] = "<Hangup/>"
        world.emulator.faults.add(FaultKind.SLOW_WEBHOOK, "/voice", 20.0)
        call = await world.emulator.place_call()
        await world.run(call.ended())
        assert world.clock.monotonic() == pytest.approx(15.0, abs=0.5)
        assert world.at("/fallback")[0]["ErrorCode"] == "11200"


async def test_an_answer_just_in_time_is_taken() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = "<Hangup/>"
        world.emulator.faults.add(FaultKind.SLOW_WEBHOOK, "/voice", 14.0)
        call = await world.emulator.place_call()
        await world.run(call.ended())
        assert world.emulator.log.notifications == []


@pytest.mark.parametrize(
    ("fragment", "switches", "attempts"),
    [
        ("", Switches(), 2),
        ("#rc=3", Switches(), 4),
        ("#rc=0", Switches(), 1),
        ("", Switches(webhook_retries=4), 5),
    ],
)
async def test_an_unreachable_server_is_tried_again_as_often_as_ordered(
    fragment: str, switches: Switches, attempts: int
) -> None:
    numbers = numbered(voice_url="https://app.example/voice" + fragment)
    async with VirtualWorld(numbers=numbers, switches=switches) as world:
        world.emulator.faults.add(FaultKind.UNREACHABLE_WEBHOOK, "/voice", times=None)
        call = await world.emulator.place_call()
        await world.run(call.ended())
        applied = [e for e in world.emulator.log.events if e.kind == "fault.applied"]
        assert len(applied) == attempts
        assert world.emulator.log.notifications[0].code == 11205


async def test_a_server_error_is_tried_again_only_when_the_policy_says_so() -> None:
    for fragment, attempts in (("#rc=2&rp=5xx", 3), ("#rc=2&rp=4xx", 1), ("#rc=2&rp=all", 3)):
        numbers = numbered(voice_url="https://app.example/voice" + fragment)
        async with VirtualWorld(numbers=numbers) as world:
            world.replies["/voice"] = HttpReply(503, "text/plain", b"")
            call = await world.emulator.place_call()
            await world.run(call.ended())
            assert len(world.at("/voice")) == attempts


async def test_the_fragment_shortens_the_time_limit_and_is_not_sent() -> None:
    async with VirtualWorld(numbers=numbered(voice_url="https://app.example/voice#rt=500&tt=500")) as world:
        world.twiml["/voice"] = "<Hangup/>"
        world.emulator.faults.add(FaultKind.SLOW_WEBHOOK, "/voice", 1.0)
        call = await world.emulator.place_call()
        await world.run(call.ended())
        assert world.emulator.log.notifications[0].code == 11200
        assert "#" not in world.raw_requests[0].url


async def test_an_override_out_of_range_is_a_violation() -> None:
    async with VirtualWorld(numbers=numbered(voice_url="https://app.example/voice#rc=9")) as world:
        world.twiml["/voice"] = "<Hangup/>"
        call = await world.emulator.place_call()
        await world.run(call.ended())
        assert "rc=9" in world.emulator.violations[0].message


async def test_a_schema_warning_is_a_violation_and_the_rest_runs() -> None:
    async with VirtualWorld() as world:
        world.twiml["/voice"] = "<Speak>hello</Speak><Hangup/>"
        call = await world.emulator.place_call()
        assert await world.run(call.ended()) is CallStatus.COMPLETED
        assert [v.code for v in world.emulator.violations] == [12200]


async def test_over_real_http_a_closed_port_is_11205(launch: Launch, app: ConferenceApp) -> None:
    emulator = await launch(numbers=numbered(voice_url="http://127.0.0.1:1/voice#rc=0"))
    call = await emulator.place_call()
    await call.answered()
    await call.hang_up()
    assert [n.code for n in emulator.log.notifications] == [11205]


async def test_over_real_http_a_hanging_server_is_11200(launch: Launch, app: ConferenceApp) -> None:
    emulator = await launch(numbers=numbered(voice_url=app.url + "/hang#rt=200&tt=200"))
    app.hold["/hang"] = asyncio.Event()
    call = await emulator.place_call()
    await call.answered()
    assert [n.code for n in emulator.log.notifications] == [11200]
    app.hold["/hang"].set()


async def test_a_rejected_webhook_uses_the_fallback(launch: Launch, app: ConferenceApp) -> None:
    emulator = await launch(
        numbers=numbered(voice_url=app.url + "/voice", voice_fallback_url=app.url + "/fallback")
    )
    app.answers["/voice"] = lambda _: web.Response(status=403)
    app.answers["/fallback"] = lambda _: "<Hangup/>"
    await (await emulator.place_call()).ended()
    assert app.at("/fallback")[0]["ErrorCode"] == "11200"
    assert app.at("/fallback")[0].signature_fits
