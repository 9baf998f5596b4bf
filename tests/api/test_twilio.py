"""Webhooks over HTTP: who is believed, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from tests.api.phone_kit import ORIGIN, Served, serve, voice_fields
from tests.telephony.fake_twilio import sid
from voice_agent.api.twilio import PROCESS_HEADER
from voice_agent.call.network import (
    AFTER_DIAL,
    AFTER_STREAM,
    AFTER_TRANSFER,
    AGENT,
    CONFERENCE,
    STATUS,
    STREAM,
    VOICE,
)

EVERY_WEBHOOK = [VOICE, AGENT, CONFERENCE, STATUS, STREAM, AFTER_DIAL, AFTER_STREAM, AFTER_TRANSFER]


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serve() as served:
        yield served


async def test_a_signed_call_is_answered_with_xml(served: Served) -> None:
    answer = await served.post(VOICE, voice_fields(served.office.call_sid))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.text.startswith('<?xml version="1.0" encoding="UTF-8"?><Response><Start><Stream')


async def test_whoever_passed_a_request_on_can_tell_that_a_worker_answered_it(served: Served) -> None:
    call = served.office.call_sid
    document = await served.post(VOICE, voice_fields(call))
    notice = await served.post(STATUS, {"CallSid": call, "CallStatus": "in-progress"})
    assert (document.status_code, notice.status_code) == (200, 204)
    assert [answer.headers[PROCESS_HEADER] for answer in (document, notice)] == ["w1", "w1"]


@pytest.mark.parametrize("path", EVERY_WEBHOOK)
@pytest.mark.parametrize("signature", ["", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="])
async def test_no_webhook_believes_a_request_without_a_good_signature(
    served: Served, path: str, signature: str
) -> None:
    answer = await served.post(path, voice_fields(sid("CA")), signature=signature)
    assert answer.status_code == 403
    assert served.office.sessions.items == []


async def test_fields_added_after_signing_are_not_believed(served: Served) -> None:
    fields = voice_fields(sid("CA"))
    signed = served.signature(ORIGIN + VOICE, fields)
    answer = await served.post(VOICE, {**fields, "ForwardedFrom": "+12025550111"}, signature=signed)
    assert answer.status_code == 403


async def test_the_host_header_and_forwarding_headers_play_no_part(served: Served) -> None:
    fields = voice_fields(served.office.call_sid)
    headers = {
        "Host": "evil.example.net",
        "X-Forwarded-Host": "evil.example.net",
        "X-Forwarded-Proto": "http",
        "X-Twilio-Signature": served.signature(ORIGIN + VOICE, fields),
    }
    assert (await served.http.post(VOICE, data=fields, headers=headers)).status_code == 200
    headers["X-Twilio-Signature"] = served.signature("http://evil.example.net" + VOICE, fields)
    assert (await served.http.post(VOICE, data=fields, headers=headers)).status_code == 403


async def test_a_webhook_by_get_is_signed_over_its_query(served: Served) -> None:
    target = f"{VOICE}?{urlencode(voice_fields(served.office.call_sid))}"
    headers = {"X-Twilio-Signature": served.signature(ORIGIN + target)}
    assert "<Conference" in (await served.http.get(target, headers=headers)).text
    assert (await served.http.get(target + "&x=1", headers=headers)).status_code == 403


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain", ""])
async def test_a_body_that_is_no_form_is_not_read(served: Served, kind: str) -> None:
    headers = {"X-Twilio-Signature": "x", "Content-Type": kind}
    assert (await served.http.post(VOICE, content=b"{}", headers=headers)).status_code == 415


async def test_a_body_without_end_is_not_read_to_the_end(served: Served) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10_000):
            yield b"a" * 4096

    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "x"}
    answer = await served.http.post(VOICE, content=endless(), headers=headers)
    assert answer.status_code == 413


async def test_more_fields_than_twilio_has_are_refused(served: Served) -> None:
    body = "&".join(f"f{index}=1" for index in range(300)).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "x"}
    assert (await served.http.post(VOICE, content=body, headers=headers)).status_code == 400


@pytest.mark.parametrize("path", EVERY_WEBHOOK)
async def test_a_missing_field_is_named(served: Served, path: str) -> None:
    answer = await served.post(path, {"AccountSid": sid("AC")})
    assert answer.status_code == 400
    assert "field" in answer.json()["detail"]


async def test_a_status_nobody_knows_is_refused(served: Served) -> None:
    answer = await served.post(STATUS, {"CallSid": sid("CA"), "CallStatus": "exploded"})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", [AFTER_DIAL, AFTER_STREAM, AFTER_TRANSFER, AGENT])
async def test_documents_for_calls_nobody_knows_end_them(served: Served, path: str) -> None:
    answer = await served.post(path, {"CallSid": sid("CA"), "CallStatus": "in-progress"})
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup /></Response>'


async def test_notices_are_answered_without_content(served: Served) -> None:
    await served.ring(served.office.call_sid)
    notices = {
        CONFERENCE: {
            "ConferenceSid": sid("CF"),
            "FriendlyName": served.office.session.info.conference,
            "StatusCallbackEvent": "participant-join",
            "SequenceNumber": "1",
            "CallSid": served.office.call_sid,
            "ParticipantLabel": "caller",
        },
        STATUS: {"CallSid": sid("CA"), "CallStatus": "completed"},
        STREAM: {"CallSid": sid("CA"), "StreamSid": sid("MZ"), "StreamEvent": "stream-started"},
    }
    for path, fields in notices.items():
        answer = await served.post(path, fields)
        assert (answer.status_code, answer.content) == (204, b"")
    assert "caller_joined" in served.office.session.log.items


async def test_the_agents_leg_is_known_by_its_key(served: Served) -> None:
    await served.ring(served.office.call_sid)
    leg_sid, key = await served.office.agent_sid(), await served.office.agent_key()
    in_form = await served.post(AGENT, {"CallSid": leg_sid, "s": key})
    in_query = await served.post(f"{AGENT}?s={key}", {"CallSid": leg_sid})
    assert "/twilio/media/agent" in in_form.text
    assert in_query.text == in_form.text


async def test_the_end_of_an_agents_leg_is_known_before_rest_has_named_it(served: Served) -> None:
    answer = served.office.twilio.hold("add participant")
    ringing = asyncio.create_task(served.ring(served.office.call_sid))
    key = await served.office.agent_key()
    await served.post(f"{STATUS}?s={key}", {"CallSid": sid("CA"), "CallStatus": "busy"})
    answer.set()
    await ringing
    await served.office.twilio.until("add participant", count=2)


async def test_a_repeated_webhook_over_http_starts_nothing(served: Served) -> None:
    first, again = await asyncio.gather(
        served.ring(served.office.call_sid), served.ring(served.office.call_sid)
    )
    assert first == again
    assert len(served.office.sessions.items) == 1


async def test_a_sender_who_gives_up_does_not_stop_the_call(served: Served) -> None:
    answer = served.office.twilio.hold("add participant")
    asking = asyncio.create_task(served.ring(served.office.call_sid))
    await served.office.twilio.until("add participant")
    asking.cancel()
    answer.set()
    assert "<Conference" in await served.ring(served.office.call_sid)
    assert served.office.twilio.count("add participant") == 1
