"""The REST client on the wire: what is sent, what is repeated, what is raised."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import pytest

from telephony.errors import CallGone, RestError, RestUnavailable
from telephony.rest import MAX_TWIML_CHARS, TwilioRest
from telephony.twiml import StreamTarget
from telephony.webhook import CallStatus
from tests.telephony.fake_twilio import ACCOUNT, APP, TOKEN, FakeTwilio, sid


@pytest.fixture
async def twilio() -> AsyncIterator[FakeTwilio]:
    async with FakeTwilio().serving() as twilio:
        yield twilio


@pytest.fixture
async def rest(twilio: FakeTwilio) -> AsyncIterator[TwilioRest]:
    rest = TwilioRest(ACCOUNT, TOKEN, base_url=twilio.url, timeout_s=0.3, attempts=3, first_wait_s=0.001)
    yield rest
    await rest.aclose()


async def add(rest: TwilioRest) -> str:
    added = await rest.add_agent_leg(
        "call-x",
        from_="+12025550100",
        app_sid=APP,
        key="k-1",
        label="agent",
        conference_callback="https://h.example/conference",
        status_callback="https://h.example/status?s=k-1",
    )
    return added.call_sid


async def test_the_agents_leg_is_asked_for_exactly_so(rest: TwilioRest, twilio: FakeTwilio) -> None:
    leg_sid = await add(rest)
    request = await twilio.until("add participant")
    assert request.path == f"/2010-04-01/Accounts/{ACCOUNT}/Conferences/call-x/Participants.json"
    events = [
        ("ConferenceStatusCallbackEvent", e)
        for e in ["start", "end", "join", "leave", "mute", "hold", "modify"]
    ]
    progress = [("StatusCallbackEvent", e) for e in ("initiated", "ringing", "answered", "completed")]
    assert sorted(request.pairs) == sorted(
        [
            ("From", "+12025550100"),
            ("To", f"app:{APP}?s=k-1"),
            ("Label", "agent"),
            ("Beep", "false"),
            ("JitterBufferSize", "small"),
            ("EarlyMedia", "true"),
            ("Muted", "false"),
            ("StartConferenceOnEnter", "true"),
            ("EndConferenceOnExit", "false"),
            ("ConferenceStatusCallback", "https://h.example/conference"),
            ("StatusCallback", "https://h.example/status?s=k-1"),
            *events,
            *progress,
        ]
    )
    assert leg_sid in twilio.calls


async def test_an_operators_leg_may_come_in_muted(rest: TwilioRest, twilio: FakeTwilio) -> None:
    await rest.add_participant(
        "CF" + "1" * 32,
        from_="+12025550100",
        to="client:operator_7",
        label="operator-7",
        conference_callback="https://h.example/conference",
        muted=True,
        start_conference_on_enter=False,
        timeout_s=20,
    )
    form = (await twilio.until("add participant")).form
    assert (form["Muted"], form["StartConferenceOnEnter"], form["Timeout"]) == ("true", "false", "20")
    assert "StatusCallback" not in form


async def test_participants_are_listed_changed_and_removed(rest: TwilioRest, twilio: FakeTwilio) -> None:
    conference = sid("CF")
    twilio.present[conference] = [("CA1", "caller"), ("CA2", "agent")]
    listed = await rest.participants(conference)
    assert [(each.call_sid, each.label) for each in listed] == [("CA1", "caller"), ("CA2", "agent")]
    await rest.update_participant(conference, "CA2", muted=False)
    assert (await twilio.until("update participant")).form == {"Muted": "false"}
    await rest.update_participant(conference, "CA1", hold=True)
    assert (await twilio.until("update participant", Hold="true")).form == {"Hold": "true"}
    await rest.remove_participant(conference, "CA2")
    assert (await twilio.until("remove participant")).target == "CA2"


async def test_a_tap_is_started_with_its_token(rest: TwilioRest, twilio: FakeTwilio) -> None:
    target = StreamTarget("wss://h.example/m", "ear-2", "tok", "https://h.example/stream")
    stream_sid = await rest.start_tap("CA1", target)
    assert stream_sid.startswith("MZ")
    assert (await twilio.until("start stream")).form == {
        "Url": "wss://h.example/m",
        "Name": "ear-2",
        "Track": "inbound_track",
        "StatusCallback": "https://h.example/stream",
        "Parameter1.Name": "t",
        "Parameter1.Value": "tok",
    }


@pytest.mark.parametrize(("status", "code"), [(429, 20429), (500, 0), (502, 0), (503, 20503), (0, 0)])
async def test_what_may_pass_is_tried_again(
    rest: TwilioRest, twilio: FakeTwilio, status: int, code: int
) -> None:
    twilio.fail("add participant", status, code, times=2)
    await add(rest)
    assert twilio.count("add participant") == 3


async def test_tries_are_bounded(rest: TwilioRest, twilio: FakeTwilio) -> None:
    twilio.fail("add participant", 503, times=99)
    with pytest.raises(RestUnavailable):
        await add(rest)
    assert twilio.count("add participant") == 3


@pytest.mark.parametrize(("status", "code"), [(400, 21218), (401, 20003), (400, 16025)])
async def test_what_will_not_pass_is_not_tried_again(
    rest: TwilioRest, twilio: FakeTwilio, status: int, code: int
) -> None:
    twilio.fail("add participant", status, code)
    with pytest.raises(RestError) as error:
        await add(rest)
    assert (error.value.status, error.value.code) == (status, code)
    assert str(code) in str(error.value)
    assert twilio.count("add participant") == 1


@pytest.mark.parametrize(("status", "code"), [(400, 21220), (404, 20404), (404, 0)])
async def test_a_call_that_is_gone_is_told_as_such(
    rest: TwilioRest, twilio: FakeTwilio, status: int, code: int
) -> None:
    twilio.fail("update call", status, code)
    with pytest.raises(CallGone):
        await rest.update_call_twiml("CA1", "<Response/>")


async def test_ending_what_has_ended_is_no_error(rest: TwilioRest, twilio: FakeTwilio) -> None:
    twilio.calls["CA1"] = "completed"
    await rest.complete_call("CA1")
    twilio.fail("remove participant", 404, 20404)
    await rest.remove_participant(sid("CF"), "CA1")
    twilio.fail("fetch call", 404, 20404)
    assert await rest.call_status("CA1") is CallStatus.COMPLETED


async def test_an_answer_that_does_not_come_is_not_waited_for(rest: TwilioRest, twilio: FakeTwilio) -> None:
    twilio.hold("fetch call")
    begun = time.monotonic()
    with pytest.raises(RestUnavailable):
        await rest.call_status("CA1")
    assert time.monotonic() - begun < 5
    assert twilio.count("fetch call") == 3


async def test_nobody_listening_is_an_error_of_ours() -> None:
    rest = TwilioRest(ACCOUNT, TOKEN, base_url="http://127.0.0.1:1", attempts=2, first_wait_s=0.001)
    with pytest.raises(RestUnavailable, match="no answer"):
        await rest.call_status("CA1")
    await rest.aclose()


async def test_edges_and_regions_of_the_environment_do_not_bend_the_address(
    twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    rest = TwilioRest(ACCOUNT, TOKEN, base_url=twilio.url + "/", attempts=1)
    assert await rest.call_status("CA1") is CallStatus.IN_PROGRESS
    await rest.aclose()


async def test_a_cancelled_request_is_not_tried_again(rest: TwilioRest, twilio: FakeTwilio) -> None:
    twilio.hold("fetch call")
    asking = asyncio.create_task(rest.call_status("CA1"))
    await twilio.until("fetch call")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert twilio.count("fetch call") == 1


async def test_twiml_that_is_too_long_is_refused_here(rest: TwilioRest, twilio: FakeTwilio) -> None:
    with pytest.raises(ValueError, match="4000"):
        await rest.update_call_twiml("CA1", "x" * (MAX_TWIML_CHARS + 1))
    assert twilio.requests.items == []


async def test_neither_errors_nor_logs_hold_a_number(
    rest: TwilioRest, twilio: FakeTwilio, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    twilio.fail("add participant", 503)
    twilio.fail("add participant", 400, 21211)
    with caplog.at_level(logging.DEBUG), pytest.raises(RestError) as error:
        await add(rest)
    printed = capsys.readouterr()
    assert "2025550100" not in str(error.value) + caplog.text + printed.out + printed.err
