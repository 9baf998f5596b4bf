"""Ringing the practice from the page: fake microphone, recordings, typed words, the keyboard alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from scripted_practice import CALL_SID, MARIA, NUMBER, ScriptedPractice, wav

from telephony.g711 import decode_ulaw
from voice_agent.call.events import AgentTranscript, MediaAttached, SessionStart

pytestmark = pytest.mark.browser

PATIENCE_S = 15.0


def until(page: Page, condition: Callable[[], bool], what: str) -> None:
    """Let the page work on until ``condition`` holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {PATIENCE_S} s")
        page.wait_for_timeout(20)


def strength(practice: ScriptedPractice, hertz: float) -> float:
    """How strongly ``hertz`` sounds in the caller's loudest 100 ms, relative to full scale."""
    audio = decode_ulaw(b"".join(practice.phone.frames)).astype(float) / 32768
    blocks = audio[: len(audio) // 800 * 800].reshape(-1, 800)
    probe = np.exp(-2j * np.pi * hertz * np.arange(800) / 8000)
    return float(np.abs(blocks @ probe).max() / 400) if len(blocks) else 0.0


def choose_recording(page: Page, tmp_path: Path, start: str) -> None:
    recording = tmp_path / "patient.wav"
    recording.write_bytes(wav(1, 1.0, 1200.0))
    page.get_by_text("Recording", exact=True).first.click()
    page.get_by_label("Recorded patient").set_input_files(recording)
    page.get_by_label("Speaks").select_option(start)


def call(page: Page) -> None:
    page.get_by_role("button", name="Call").click()
    expect(page.locator("#phone")).to_have_attribute("data-state", "answered")


def test_a_recorded_patient_is_answered_and_heard(
    page: Page, practice: ScriptedPractice, tmp_path: Path
) -> None:
    page.goto(practice.url)
    choose_recording(page, tmp_path, "answer")
    call(page)
    until(page, lambda: strength(practice, 1200.0) > 0.2, "the recording on the line")
    assert practice.phone.dialled == [(NUMBER, MARIA.number)]


def test_a_recorded_patient_lets_the_practice_greet_first(
    page: Page, practice: ScriptedPractice, tmp_path: Path
) -> None:
    page.goto(practice.url)
    choose_recording(page, tmp_path, "greeting")
    call(page)
    until(page, lambda: len(practice.phone.frames) > 25, "half a second of call")
    before = strength(practice, 1200.0)
    practice.emit(SessionStart(), AgentTranscript(utterance_id="1", text="Hello.", heard="Hello."))
    until(page, lambda: strength(practice, 1200.0) > 0.2, "the recording after the greeting")
    assert before < 0.01


def test_a_file_that_is_no_audio_is_named(page: Page, practice: ScriptedPractice, tmp_path: Path) -> None:
    page.goto(practice.url)
    choose_recording(page, tmp_path, "answer")
    page.get_by_label("Recorded patient").set_input_files(
        {"name": "letter.wav", "mimeType": "audio/wav", "buffer": b"Dear doctor"}
    )
    call(page)
    expect(page.get_by_role("alert")).to_contain_text("letter.wav is not audio")


def test_calling_as_a_recording_without_one_asks_for_it(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    page.get_by_text("Recording", exact=True).first.click()
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose a recording first")
    assert practice.phone.dialled == []


def test_the_microphone_is_sent_in_frames_of_20_ms(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    call(page)

    def beeped() -> bool:
        audio = decode_ulaw(b"".join(practice.phone.frames))
        return bool(len(audio) > 8000 and np.abs(audio.astype(int)).max() > 1000)

    until(page, beeped, "the fake microphone's beep")
    assert {len(frame) for frame in practice.phone.frames} == {160}


def test_a_muted_microphone_sends_silence(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    call(page)
    page.get_by_role("button", name="Mute microphone").click()
    expect(page.get_by_role("button", name="Mute microphone")).to_have_attribute("aria-pressed", "true")
    until(page, lambda: len(practice.phone.frames) > 10, "frames")
    practice.phone.frames.clear()
    until(page, lambda: len(practice.phone.frames) > 110, "two seconds of call")
    later = decode_ulaw(b"".join(practice.phone.frames[10:])).astype(int)
    assert np.abs(later).max() < 100


def test_without_a_microphone_the_page_says_so_and_typed_words_still_speak(
    page: Page, practice: ScriptedPractice
) -> None:
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    page.goto(practice.url)
    call(page)
    expect(page.get_by_role("alert")).to_contain_text("Allow it in the address bar")
    page.get_by_label("Say this as the patient").fill("I have a cough")
    page.keyboard.press("Enter")
    until(page, lambda: strength(practice, 600.0) > 0.2, "the spoken words on the line")
    assert practice.voice.asked[0][0] == "I have a cough"


def test_a_ready_made_sentence_is_spoken(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    page.get_by_text("Typed", exact=True).click()
    call(page)
    page.get_by_role("button", name="Can I speak to a person?").click()
    until(page, lambda: strength(practice, 600.0) > 0.2, "the sentence on the line")
    assert practice.voice.asked[0][0] == "Can I speak to a person?"


def test_the_practice_is_heard(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    page.get_by_text("Typed", exact=True).click()
    call(page)
    level = "Number(document.getElementById('meter-practice').style.getPropertyValue('--level'))"
    until(page, lambda: page.evaluate(level) > 0.7, "the practice's tone on the meter")


def test_keys_are_pressed_with_the_mouse(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    call(page)
    for name in ("4", "2", "hash"):
        page.get_by_role("button", name=name, exact=True).click()
    until(page, lambda: practice.phone.digits == "42#", "the keys on the line")


def test_a_call_is_made_with_the_keyboard_alone(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    for _ in range(page.locator("header.site a").count() + 2):  # and the number, and this field
        page.keyboard.press("Tab")
    expect(page.get_by_label("Calling as")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="Microphone")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Typed")).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("Say this as the patient")).to_be_focused()
    page.keyboard.type("Good morning")
    page.keyboard.press("Enter")
    until(page, lambda: len(practice.voice.asked) == 1, "the spoken words")
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="1", exact=True)).to_be_focused()
    page.keyboard.type("09*")
    until(page, lambda: practice.phone.digits == "09*", "the keys on the line")
    page.keyboard.press("Escape")
    until(page, practice.phone.hung_up.is_set, "hanging up")
    expect(page.get_by_text("Call ended: you hung up.")).to_be_visible()
    expect(page.get_by_role("button", name="Call")).to_be_focused()


def test_a_withheld_number_is_anonymous(page: Page, practice: ScriptedPractice) -> None:
    page.goto(practice.url)
    page.get_by_label("Calling as").select_option("Number withheld")
    call(page)
    assert practice.phone.dialled == [(NUMBER, "anonymous")]


def test_a_busy_practice_can_be_rung_again(page: Page, practice: ScriptedPractice) -> None:
    practice.answers = False
    page.goto(practice.url)
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_text("Call ended: busy.")).to_be_visible()
    practice.answers = True
    call(page)


def test_nobody_is_rung_while_the_microphone_is_still_asked_for(
    page: Page, practice: ScriptedPractice
) -> None:
    page.add_init_script("navigator.mediaDevices.getUserMedia = () => new Promise(() => {})")
    page.goto(practice.url)
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_text("Calling…")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Call ended: you hung up.")).to_be_visible()
    assert practice.phone.dialled == []


def test_a_network_that_is_down_ends_the_call(page: Page, practice: ScriptedPractice) -> None:
    page.route_web_socket("**/emulator/phone*", lambda socket: socket.close())
    page.goto(practice.url)
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_text("Call ended: the line was lost.")).to_be_visible()


def test_on_the_public_network_the_next_call_appears_by_itself(
    page: Page, public_practice: ScriptedPractice
) -> None:
    page.goto(public_practice.url)
    expect(page.get_by_role("link", name="+1 555-010-0100")).to_be_visible()
    expect(page.get_by_text("Waiting for a call…")).to_be_visible()
    public_practice.calls = [{"call_sid": CALL_SID, "status": "in-progress"}]
    public_practice.emit(SessionStart(caller_id="+15550100123"), MediaAttached(leg="caller"))
    expect(page.get_by_role("heading", name="+1 555-010-0123")).to_be_visible()
    expect(page.get_by_text("A call is on the line.")).to_be_visible()
