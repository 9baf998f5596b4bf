"""Facts and instructions for live calls, and recordings, over the published interface."""

from __future__ import annotations

import io
import time
import wave
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import numpy as np
import pytest
import time_machine
from call_script import booking_call

from tests.api.live_calls import live_call
from tests.api.platform_kit import Desk
from voice_agent.access.roles import Role
from voice_agent.call.recorder import CallRecorder, RecordingInfo, Track
from voice_agent.operators.ports import DeliveryStatus

SID = "CA" + "1" * 32
OTHER = "CA" + "2" * 32


async def record_sound(folder: Path, call_sid: str = SID) -> None:
    """Half a second of both tracks."""
    info = RecordingInfo(call_sid, service_id="dr_chen")
    recorder = CallRecorder(folder / "recordings" / call_sid, info=info)
    recorder.write(Track.CALLER, 0, np.full(4000, 900, np.int16))
    recorder.write(Track.AGENT, 0, np.full(4000, -900, np.int16))
    await recorder.close()


async def test_a_message_reaches_a_live_call(desk: Desk) -> None:
    desk.live.add(live_call(SID))
    async with desk.client(Role.SUPERVISOR) as client:
        told = await client.post(f"{desk.root}/sessions/{SID}/inject", json={"message": "The lab has called"})
        assert told.json() == {"call_sid": SID, "status": "delivered"}
        desk.live.delivery = DeliveryStatus.QUEUED
        body = {"message": "Offer Friday", "event_type": "guidance", "sender": "Front desk"}
        queued = await client.post(f"{desk.root}/sessions/{SID}/inject", json=body)
        assert queued.json()["status"] == "queued_no_subscriber"
        desk.live.delivery = DeliveryStatus.FAILED
        assert (await client.post(f"{desk.root}/sessions/{SID}/inject", json=body)).status_code == 503
        gone = await client.post(f"{desk.root}/sessions/CAgone/inject", json=body)
    assert gone.status_code == 404
    assert desk.live.asked[:2] == [
        ("inject", "The lab has called", "external_event", "System"),
        ("inject", "Offer Friday", "guidance", "Front desk"),
    ]


async def test_what_was_injected_is_not_in_the_log(desk: Desk) -> None:
    desk.live.add(live_call(SID))
    async with desk.client() as client:
        await client.post(f"{desk.root}/sessions/{SID}/inject", json={"message": "she has asthma"})
    page = await desk.entrance.audit.page()
    assert page.items[0].entry.details["characters"] == len("she has asthma")
    assert "asthma" not in repr(page)


async def test_text_sessions_are_not_offered(desk: Desk) -> None:
    async with desk.client() as client:
        body = {"service_id": str(uuid4()), "channel_kind": "sms"}
        assert (await client.post(f"{desk.root}/sessions/start", json=body)).status_code == 503


async def test_metadata_tell_what_was_recorded(desk: Desk, tmp_path: Path) -> None:
    await record_sound(tmp_path)
    async with desk.client(Role.OPERATOR) as client:
        told = (await client.get(f"{desk.root}/recordings/{SID}/metadata")).json()
        missing = await client.get(f"{desk.root}/recordings/{OTHER}/metadata")
    assert (told["call_sid"], told["direction"]) == (SID, "inbound")
    assert told["duration_seconds"] == 0.5
    assert told["inbound_sample_rate"] == 8000
    assert missing.status_code == 404


async def test_links_open_without_a_key_until_an_hour_is_over(desk: Desk, tmp_path: Path) -> None:
    await record_sound(tmp_path)
    async with desk.client() as client:
        urls = (await client.get(f"{desk.root}/recordings/{SID}/urls")).json()
    assert urls["status"] == "available"
    async with desk.client(None) as stranger:
        for name in ("inbound_url", "outbound_url", "stereo_url"):
            sound = await stranger.get(urls[name])
            assert (sound.status_code, sound.headers["content-type"]) == (200, "audio/wav")
        with wave.open(io.BytesIO((await stranger.get(urls["stereo_url"])).content)) as stereo:
            assert (stereo.getnchannels(), stereo.getnframes()) == (2, 4000)
        assert (await stranger.get(urls["metadata_url"])).json()["call_sid"] == SID
        part = await stranger.get(urls["inbound_url"], headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, b"RIFF")
        assert (await stranger.head(urls["inbound_url"])).content == b""
        with time_machine.travel(time.time() + 3601):
            assert (await stranger.get(urls["inbound_url"])).status_code == 401


async def test_a_link_opens_nothing_but_its_own_file(desk: Desk, tmp_path: Path) -> None:
    await record_sound(tmp_path)
    await record_sound(tmp_path, OTHER)
    async with desk.client() as client:
        url = (await client.get(f"{desk.root}/recordings/{SID}/urls")).json()["inbound_url"]
    signature = urlsplit(url).query
    others = [
        f"{desk.root}/recordings/{SID}/download/outbound.wav?{signature}",
        f"{desk.root}/recordings/{OTHER}/download/inbound.wav?{signature}",
        f"/platform/v1/{uuid4()}/recordings/{SID}/download/inbound.wav?{signature}",
        f"{desk.root}/recordings/{SID}/download/inbound.wav?{signature}x",
        f"{desk.root}/recordings/{SID}/download/inbound.wav?signature=x",
        f"{desk.root}/recordings/{SID}/download/inbound.wav",
    ]
    async with desk.client(None) as stranger:
        for path in others:
            assert (await stranger.get(path)).status_code == 401, path


@pytest.mark.parametrize("name", ["secret.txt", "..%2F..%2Fsigning.key", "inbound.mp3"])
async def test_no_other_file_can_be_had(desk: Desk, tmp_path: Path, name: str) -> None:
    await record_sound(tmp_path)
    async with desk.client() as client:
        refused = await client.get(f"{desk.root}/recordings/{SID}/download/{name}")
    assert refused.status_code in (400, 404)


async def test_every_download_is_in_the_log(desk: Desk, tmp_path: Path) -> None:
    await record_sound(tmp_path)
    async with desk.client(Role.OPERATOR) as client:
        await client.get(f"{desk.root}/recordings/{SID}/download/inbound.wav")
    [entry] = [item.entry for item in (await desk.entrance.audit.page()).items]
    assert (entry.action, entry.call_sid, entry.ip) == ("recording.downloaded", SID, "127.0.0.1")
    assert (entry.actor.name, entry.details) == ("operator", {"file": "inbound.wav"})


async def test_viewers_hear_no_recordings(desk: Desk, tmp_path: Path) -> None:
    await record_sound(tmp_path)
    async with desk.client(Role.VIEWER) as client:
        assert (await client.get(f"{desk.root}/recordings/{SID}/urls")).status_code == 403
        assert (await client.get(f"{desk.root}/recordings/{SID}/metadata")).status_code == 403


async def test_the_call_tells_where_its_recording_is(desk: Desk, tmp_path: Path) -> None:
    await desk.record(booking_call(SID))
    async with desk.client() as client:
        shown: httpx.Response = await client.get(f"{desk.root}/calls/{SID}")
    assert shown.json()["recording_path"] is None
    assert shown.json()["has_recording"] is False
