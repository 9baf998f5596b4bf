"""Twilio's own SDK against the emulator, both directions judged by Twilio's own OpenAPI description."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from telephony.emulator import Emulator, EventKind, PhoneBehaviour

from .conference_app import ConferenceApp

SPEC = Path(__file__).parent / "twilio_spec" / "twilio_api_v2010_trimmed.json"
PATIENT = "+12025550170"
NUMBER = "+12025550100"
JSON = "application/json"
STAY = '<Response><Pause length="60"/></Response>'


@pytest.fixture(scope="module")
def openapi() -> OpenAPI:
    return OpenAPI.from_file_path(str(SPEC))


class JudgedHttpClient(AsyncTwilioHttpClient):
    """Validates what the SDK sends and what the emulator answers."""

    def __init__(self, openapi: OpenAPI) -> None:
        super().__init__(timeout=5)
        self._openapi = openapi
        self.judged: list[str] = []

    async def request(self, method: str, url: str, params: Any = None, data: Any = None, **rest: Any) -> Any:  # type: ignore[override]
        response = await super().request(method, url, params=params, data=data, **rest)
        # aiohttp's doseq mirrors what the SDK puts on the wire: repeated keys for lists.
        request = MockRequest(
            "https://api.twilio.com",
            method.lower(),
            urlsplit(url).path,
            args=dict(params or {}),
            headers={"Authorization": "Basic eDp5"},
            data=urlencode(data or {}, doseq=True).encode() if method == "POST" else None,
            content_type="application/x-www-form-urlencoded" if method == "POST" else "",
        )
        self._openapi.validate_request(request)
        if response.status_code < 400 and response.text:
            reply = MockResponse(
                response.text.encode(), response.status_code, content_type="application/json"
            )
            self._openapi.validate_response(request, reply)
        self.judged.append(f"{method} {urlsplit(url).path.split('/', 4)[-1]}")
        return response


@pytest.fixture
async def client(emulator: Emulator, openapi: OpenAPI) -> AsyncIterator[Client]:
    http = JudgedHttpClient(openapi)
    client = Client(emulator.config.account_sid, emulator.config.auth_token, http_client=http)
    client.api.base_url = emulator.base_url
    yield client
    assert http.judged
    await http.close()


async def test_calls(emulator: Emulator, client: Client) -> None:
    emulator.register_phone(PATIENT)
    call = await client.calls.create_async(
        to=PATIENT,
        from_=NUMBER,
        twiml=STAY,
        status_callback="http://127.0.0.1:1/x",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
        machine_detection="Enable",
        async_amd="true",
        async_amd_status_callback="http://127.0.0.1:1/y",
        record=True,
        recording_channels="dual",
        timeout=20,
        time_limit=600,
    )
    assert call.status == "queued"
    assert call.queue_time == "0"
    await emulator.exchange.legs[call.sid].answered
    call = await call.fetch_async()
    assert call.status == "in-progress"
    assert call.start_time.tzinfo is not None
    listed = await client.calls.list_async(to=PATIENT, status="in-progress", limit=5)
    assert [item.sid for item in listed] == [call.sid]
    recording = (await client.recordings.list_async(limit=5))[0]
    assert (recording.source, recording.channels) == ("OutboundAPI", 2)
    call = await client.calls(call.sid).update_async(status="completed")
    assert call.status == "completed"
    assert call.duration == "0"
    with pytest.raises(TwilioRestException) as refused:
        await client.calls(call.sid).update_async(twiml=STAY)
    assert (refused.value.status, refused.value.code) == (400, 21220)
    assert await client.calls(call.sid).delete_async()
    emulator.assert_no_violations()


async def test_conferences_and_participants(emulator: Emulator, client: Client, app: ConferenceApp) -> None:
    app.add_agent = False
    await emulator.place_call()
    created = await client.conferences("call-x").participants.create_async(
        to=f"app:{emulator.config.application_sid}?s=1",
        from_="client:agent",
        label="agent",
        beep="false",
        muted=False,
        jitter_buffer_size="small",
        early_media=True,
        end_conference_on_exit=False,
        conference_status_callback=app.url + "/conf",
        conference_status_callback_event=["start", "end", "join", "leave"],
    )
    assert created.status == "queued"
    joined = await emulator.log.wait_for(
        EventKind.PARTICIPANT_JOINED, lambda event: event.call_sid == created.call_sid
    )
    assert joined.details["label"] == "agent"
    conference = await client.conferences(created.conference_sid).fetch_async()
    assert (conference.friendly_name, conference.status) == ("call-x", "init")
    participants = await client.conferences(conference.sid).participants.list_async()
    assert [p.label for p in participants] == ["agent"]
    member = client.conferences(conference.sid).participants("agent")
    assert (await member.fetch_async()).muted is False
    assert (await member.update_async(muted=True)).muted is True
    assert (await member.update_async(hold=True)).hold is True
    assert (await member.update_async(end_conference_on_exit=True)).end_conference_on_exit is True
    assert [c.sid for c in await client.conferences.list_async(friendly_name="call-x")] == [conference.sid]
    assert await member.delete_async()
    ended = await client.conferences(conference.sid).fetch_async()
    assert ended.status == "completed"
    assert ended.reason_conference_ended == "participant-with-end-conference-on-exit-kicked"
    with pytest.raises(TwilioRestException) as gone:
        await member.fetch_async()
    assert (gone.value.status, gone.value.code) == (404, 20404)
    emulator.assert_no_violations()


async def test_streams_and_recordings(emulator: Emulator, client: Client, app: ConferenceApp) -> None:
    app.answers["/voice"] = lambda _: '<Pause length="60"/>'
    call = await emulator.place_call()
    await call.answered()
    stream = await client.calls(call.sid).streams.create_async(
        url=f"{app.socket_url}/media/tap",
        name="ear",
        track="both_tracks",
        parameter1_name="t",
        parameter1_value="x",
    )
    assert (stream.status, stream.name) == ("in-progress", "ear")
    ear = await app.stream("/media/tap")
    assert ear.start["customParameters"] == {"t": "x"}
    stopped = await client.calls(call.sid).streams("ear").update_async(status="stopped")
    assert stopped.status == "stopped"
    recordings = client.calls(call.sid).recordings
    recording = await recordings.create_async(
        recording_channels="dual", recording_status_callback_event=["completed"]
    )
    paused = (
        await client.calls(call.sid)
        .recordings("Twilio.CURRENT")
        .update_async(status="paused", pause_behavior="skip")
    )
    assert (paused.sid, paused.status) == (recording.sid, "paused")
    done = await client.calls(call.sid).recordings(recording.sid).update_async(status="stopped")
    assert done.status in ("completed", "absent")
    assert (await client.recordings(recording.sid).fetch_async()).call_sid == call.sid
    assert await client.recordings(recording.sid).delete_async()
    emulator.assert_no_violations()


async def test_messages(emulator: Emulator, client: Client, app: ConferenceApp) -> None:
    message = await client.messages.create_async(
        to=PATIENT, from_=NUMBER, body="hello", status_callback=app.url + "/sms"
    )
    assert (message.status, message.num_segments) == ("queued", "1")
    await app.webhook("/sms", 3)
    assert app.events("/sms", "MessageStatus") == ["queued", "sent", "delivered"]
    fetched = await client.messages(message.sid).fetch_async()
    assert fetched.status == "delivered"
    assert len(await client.messages.list_async(to=PATIENT)) == 1
    assert (await client.messages(message.sid).update_async(body="")).body == ""
    assert await client.messages(message.sid).delete_async()
    scheduled = await client.messages.create_async(
        to=PATIENT,
        messaging_service_sid="MG" + "1" * 32,
        body="later",
        schedule_type="fixed",
        send_at="2030-01-01T00:00:00Z",  # type: ignore[arg-type]
    )
    assert scheduled.status == "scheduled"
    assert (await client.messages(scheduled.sid).update_async(status="canceled")).status == "canceled"
    emulator.assert_no_violations()


async def test_numbers_and_applications(emulator: Emulator, client: Client) -> None:
    application = await client.applications.create_async(
        friendly_name="practice", voice_url="https://app.example/a", voice_method="POST"
    )
    application = await client.applications(application.sid).update_async(friendly_name="renamed")
    assert application.friendly_name == "renamed"
    offers = await client.available_phone_numbers("US").local.list_async(area_code=415, voice_enabled=True)
    bought = await client.incoming_phone_numbers.create_async(
        phone_number=offers[0].phone_number, voice_application_sid=application.sid
    )
    assert bought.voice_application_sid == application.sid
    bought = await client.incoming_phone_numbers(bought.sid).update_async(
        voice_url="https://app.example/v", sms_url="https://app.example/s", status_callback=""
    )
    assert bought.voice_url == "https://app.example/v"
    assert len(await client.incoming_phone_numbers.list_async(phone_number=bought.phone_number)) == 1
    assert await client.incoming_phone_numbers(bought.sid).delete_async()
    assert await client.applications(application.sid).delete_async()
    with pytest.raises(TwilioException, match="HTTP 404"):
        await client.available_phone_numbers("ZZ").local.list_async()
    emulator.assert_no_violations()


async def test_lists_come_in_pages(emulator: Emulator, client: Client) -> None:
    emulator.register_phone(PATIENT, PhoneBehaviour(after_s=10.0))
    for _ in range(5):
        await client.calls.create_async(to=PATIENT, from_=NUMBER, twiml=STAY)
    listed = await client.calls.list_async(page_size=2)
    assert len({call.sid for call in listed}) == 5


async def test_the_sdks_capital_false_is_caught(emulator: Emulator, client: Client) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await client.conferences("r").participants.create_async(
            to=PATIENT,
            from_=NUMBER,
            beep=False,  # type: ignore[arg-type]
        )
    assert refused.value.status == 400
    assert "'false'" in emulator.violations[0].message


async def test_a_wrong_token_is_20003(emulator: Emulator, openapi: OpenAPI) -> None:
    http = JudgedHttpClient(openapi)
    client = Client(emulator.config.account_sid, "wrong", http_client=http)
    client.api.base_url = emulator.base_url
    with pytest.raises(TwilioRestException) as refused:
        await client.calls.create_async(to=PATIENT, from_=NUMBER, twiml=STAY)
    await http.close()
    assert (refused.value.status, refused.value.code) == (401, 20003)
