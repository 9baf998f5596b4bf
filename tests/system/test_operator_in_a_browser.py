"""A person at the console steps into a live call and out of it again: a real browser with a real (if fake)
microphone, the whole practice, and a caller who wants a person.

The voice in the microphone is made up here. To hear a recorded one instead, name its WAV file in
``OPERATOR_VOICE`` (16 bit, mono, 8 or 16 kHz).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import wave
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from models.speech import SAMPLE_RATE, Delivery, Pcm
from models.tts.espeak import EspeakVoice
from telephony.emulator import EventKind, PhoneCall
from telephony.g711 import decode_ulaw
from tests.system.conftest import System, whole_system
from tests.system.operators_kit import GREETING
from voice_agent.access.audit import AuditAction
from voice_agent.access.roles import Role
from voice_agent.call import events
from voice_agent.operators.ports import OperatorMode
from voice_agent.operators.roster import Profile

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PATIENCE_MS = 30_000
SPOKEN = "Hello Maria, this is Dana at the front desk."
WISHES = (
    "Can I talk to a real person?",
    "I want to speak with a person, please.",
    "Let me talk to a human.",
    "Give me an operator, please.",
)
ANSWER_S = 15.0
"""The agent has answered by then, or has not understood."""
PAUSE_S = 1.5
"""Between two repetitions of what the operator says."""
HAND_BACK_S = 1.115
"""One turn: the published target from mouth to ear."""

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)


async def _operators_voice(folder: Path) -> Path:
    """A sentence, repeated, for the browser's fake microphone."""
    if given := os.environ.get("OPERATOR_VOICE"):
        return Path(given)
    voice = EspeakVoice()
    await voice.start()
    chunks = [chunk async for chunk in voice.synthesize(SPOKEN, Delivery(pitch=0.7))]
    await voice.close()
    path = folder / "operator.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        silence = np.zeros(int(PAUSE_S * SAMPLE_RATE), np.int16)
        file.writeframes(np.concatenate([*chunks, silence]).astype("<i2").tobytes())
    return path


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with whole_system(tmp_path, max_loop_lag_ms=5000) as running_system:
        yield running_system


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "install Debian's package `chromium`, or name a browser in CHROMIUM"
    microphone = f"--use-file-for-fake-audio-capture={await _operators_voice(tmp_path)}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, microphone])
        yield browser
        await browser.close()


async def _sit_down(system: System, browser: Browser) -> Page:
    """Dana logs in at the console and is online."""
    entrance = system.application.entrance
    dana = await entrance.roster.create(Profile("Dana Whitfield", "dana@practice.example"))
    key = await entrance.keys.create(
        entrance.workspace_id, name="Dana", role=Role.OPERATOR, operator_id=dana.id
    )
    page = await browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{system.application.ready.base_url}/login?next=/console")
    await page.locator('input[name="api_key"]').fill(key.secret)
    await page.locator('form:has(input[name="api_key"]) button').first.click()
    await page.wait_for_url("**/console")
    await page.get_by_text("Online", exact=True).click()
    async with asyncio.timeout(20):
        while not await system.application.duty.anyone_free():
            await page.wait_for_timeout(50)
    return page


async def _asks_for_a_person(system: System, call: PhoneCall) -> events.EscalationRequested:
    """The caller asks, and asks again when not understood."""
    asked = asyncio.create_task(
        system.wait_for(lambda e: isinstance(e, events.EscalationRequested), PATIENCE_MS / 1000 * len(WISHES))
    )
    for words in WISHES:
        voice = [chunk async for chunk in system.voice.synthesize(words, Delivery())]
        await call.play(np.concatenate(voice))
        done, _ = await asyncio.wait({asked}, timeout=ANSWER_S)
        if done:
            found: events.EscalationRequested = asked.result()
            return found
    asked.cancel()
    raise AssertionError(f"none of {WISHES} was understood:\n{system.story()}")


def _in_order(record: Sequence[events.CallEvent], *steps: Any) -> list[events.CallEvent]:
    """The first events that fit, each after the one before."""
    found: list[events.CallEvent] = []
    rest = iter(record)
    for number, step in enumerate(steps):
        event = next((event for event in rest if step(event)), None)
        assert event is not None, f"step {number} of the call is missing, or came too early"
        found.append(event)
    return found


def _loudness(pcm: Pcm) -> float:
    return float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2))) if len(pcm) else 0.0


def _samples(path: Path) -> bytes:
    content = path.read_bytes()
    return content[content.index(b"data") + 8 :]


async def test_an_operator_listens_guides_takes_over_speaks_and_hands_back(
    system: System, browser: Browser
) -> None:
    page = await _sit_down(system, browser)
    title = page.locator("#floor-title")
    call = await system.ring()
    await system.said(GREETING)
    wanted = await _asks_for_a_person(system, call)
    assert "person" in wanted.reason

    row = page.get_by_role("list", name="Queue").get_by_role("listitem").first
    await expect(row.locator(".name")).to_have_text("Maria", timeout=PATIENCE_MS)
    await expect(row.locator(".chip.urgent")).to_have_text("Wants a person", timeout=PATIENCE_MS)
    await row.click()
    await page.get_by_role("button", name="Brief me").click()
    await expect(page.locator("#briefing")).to_contain_text("Situation summary", timeout=PATIENCE_MS)

    await page.get_by_role("button", name="Listen").click()
    await expect(title).to_have_text("Agent speaks, you listen muted", timeout=PATIENCE_MS)
    await page.get_by_label("Guide the agent").fill("say: the laboratory has sent your results")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#guidance-sent .outcome").first).to_contain_text(
        "Delivered", timeout=PATIENCE_MS
    )

    heard_before = len(call.heard)
    await page.get_by_role("button", name="Take over").click()
    await expect(title).to_have_text("You are speaking to the caller", timeout=PATIENCE_MS)
    spoken = await system.wait_for(
        lambda e: isinstance(e, events.UserTranscript) and e.speaker_role == "operator" and e.final, 30
    )
    await expect(page.locator("#transcript .line.operator").first).to_be_visible(timeout=PATIENCE_MS)
    assert _loudness(call.heard[heard_before:]) > 100

    handed_back_at = len(call.heard)
    await page.get_by_role("button", name="Hand back").click()
    await expect(title).to_have_text("Agent speaks, you listen muted", timeout=PATIENCE_MS)
    await system.said("back on the line", 30)
    assert _loudness(call.heard[handed_back_at:]) > 100
    await page.get_by_role("button", name="Leave").click()
    await system.wait_for(lambda e: isinstance(e, events.EscalationCompleted))
    await page.get_by_text("Resolved", exact=True).click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#wrap-up")).to_be_hidden(timeout=PATIENCE_MS)
    await call.hang_up()
    await system.ended(call)

    record = system.seen
    steps = _in_order(
        record,
        lambda e: isinstance(e, events.SessionStart),
        lambda e: isinstance(e, events.EscalationRequested),
        lambda e: isinstance(e, events.OperatorJoined),
        lambda e: isinstance(e, events.Guidance) and e.status == "delivered",
        lambda e: isinstance(e, events.SpeakerMuted) and e.muted,
        lambda e: isinstance(e, events.EscalationConnected),
        lambda e: isinstance(e, events.OperatorModeSwitched) and e.mode is OperatorMode.TAKEOVER,
        lambda e: e is spoken,
        lambda e: isinstance(e, events.EscalationHandedBack),
        lambda e: isinstance(e, events.SpeakerMuted) and not e.muted,
        lambda e: isinstance(e, events.AgentTranscript) and "back on the line" in e.heard,
        lambda e: isinstance(e, events.OperatorLeft),
        lambda e: isinstance(e, events.EscalationCompleted),
        lambda e: isinstance(e, events.SessionEnd),
    )
    muted, connected, returned, line = (steps[n].t for n in (4, 5, 9, 10))
    agents_line = steps[10]
    assert isinstance(agents_line, events.AgentTranscript)
    assert connected - muted <= 0.5  # the network's answer, on whatever machine this runs
    assert agents_line.start - returned <= HAND_BACK_S
    assert line >= returned
    await _recording_holds(system, call.sid, connected, returned)

    audit = await system.application.entrance.audit.page(limit=50)
    actions = [item.entry.action for item in reversed(audit.items) if item.entry.call_sid == call.sid]
    assert actions == [
        AuditAction.BRIEFING_VIEWED,
        AuditAction.OPERATOR_ACCESS_TOKEN_GENERATED,
        AuditAction.OPERATOR_JOINED_CALL,
        AuditAction.OPERATOR_GUIDANCE_SENT,
        AuditAction.OPERATOR_MODE_SWITCHED,
        AuditAction.OPERATOR_MODE_SWITCHED,
        AuditAction.OPERATOR_LEFT_CALL,
        AuditAction.OPERATOR_WRAP_UP,
    ]
    assert not system.emulator.log.of_kind(EventKind.VIOLATION)


async def _recording_holds(system: System, call_sid: str, begin: float, end: float) -> None:
    """While the operator spoke, the practice's side of the recording is heard and the caller's is silent."""
    folder = system.application.settings.recordings_dir / call_sid
    practice = np.frombuffer(_samples(folder / "outbound.wav"), np.int16)
    caller = decode_ulaw(_samples(folder / "inbound.wav"))
    while_speaking = slice(int(begin * SAMPLE_RATE), int(end * SAMPLE_RATE))
    assert _loudness(practice[while_speaking]) > 100
    assert _loudness(caller[while_speaking]) < 50
