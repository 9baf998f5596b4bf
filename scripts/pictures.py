"""Takes the README's pictures: the demonstration call, made from the page of a running server.

    voice-agent serve &  python scripts/pictures.py http://127.0.0.1:8080

Needs the ``dev`` extra and a Chromium (``CHROMIUM``, or one on the path). Writes ``images/models.png``,
``images/call.png``, taken when the caller is asked to confirm, and ``images/timeline.png``. Nothing is
staged: what the practice did not understand is seen.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from voice_agent.practice.scenario import CallerLine, ScriptedCaller, demonstration

IMAGES = Path(__file__).parents[1] / "images"
PICTURED_STATE = "confirm"
LONGEST_CALL_S = 240.0
PAUSE_S = 0.9
"""Silence of the practice after which the caller answers."""

INTO_SPEECH_S = 1.2
FLAGS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required"]

SEEN = """() => ({
    onTheLine: document.getElementById("phone").dataset.state === "answered",
    sid: document.getElementById("call-view").dataset.sid,
    states: [...document.querySelectorAll(".line.state strong")]
        .flatMap((path) => path.textContent.split(" › ")).map((name) => name.replaceAll(" ", "_")),
    spoken: [...document.querySelectorAll(".line.agent .heard")].map((words) => words.textContent),
    speaking: document.querySelectorAll(".line.speaking").length,
})"""


def say(page: Page, line: CallerLine) -> None:
    """Let the patient speak; returns when the words were said."""
    page.locator(f'[data-line="{line.text}"]').click()
    page.get_by_text("Speaking…").wait_for()
    page.get_by_text("Speaking…").wait_for(state="detached")


def make_call(page: Page) -> str:
    """Follow the demonstration to its end and take the picture on the way. Returns the call's sid."""
    caller = ScriptedCaller(demonstration(date.today()).lines)
    known, spoken, answered, pictured = 0, 0, 0, False
    began = quiet_since = speaking_since = time.monotonic()
    while time.monotonic() - began < LONGEST_CALL_S:
        page.wait_for_timeout(100)
        seen: dict[str, Any] = page.evaluate(SEEN)
        if not seen["onTheLine"]:
            break
        for state in seen["states"][known:]:
            caller.entered(state)
        known = len(seen["states"])
        if not known or not seen["spoken"]:
            continue
        state = seen["states"][-1]
        if len(seen["spoken"]) != spoken or not seen["speaking"]:
            spoken, speaking_since = len(seen["spoken"]), time.monotonic()
        if seen["speaking"]:
            quiet_since = time.monotonic()
            if state == PICTURED_STATE and not pictured:
                page.screenshot(path=IMAGES / "call.png")
                pictured = True
            line = caller.into_speech(state) if quiet_since - speaking_since > INTO_SPEECH_S else None
        else:
            # What the practice takes its time to answer is not said again.
            waited = time.monotonic() - quiet_since > PAUSE_S and len(seen["spoken"]) > answered
            line = caller.answer(state, " ".join(seen["spoken"][-2:])) if waited else None
        if line is not None:
            answered = len(seen["spoken"])
            say(page, line)
            quiet_since = time.monotonic()
    if not pictured:
        sys.exit(f"the call never came to {PICTURED_STATE!r}; nothing was taken")
    return str(seen["sid"])


def main() -> None:
    """Look at the models, ring, talk; take the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("server", help="base URL of a running server on the local phone network")
    server = parser.parse_args().server.rstrip("/")
    IMAGES.mkdir(exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 940}, color_scheme="light")
        page.goto(f"{server}/models")
        page.get_by_role("article", name="Prosody").evaluate("(card) => card.scrollIntoView()")
        page.wait_for_function("[...document.images].every((image) => image.complete)")
        page.screenshot(path=IMAGES / "models.png")
        page.goto(server)
        page.get_by_text("Typed", exact=True).click()
        page.get_by_role("button", name="Call").click()
        page.locator("#phone[data-state=answered]").wait_for()
        sid = make_call(page)
        page.locator("#turns tr").first.wait_for()
        page.goto(f"{server}/api/calls/{sid}/timeline.svg?theme=light")
        page.locator("svg").first.screenshot(path=IMAGES / "timeline.png")
        browser.close()


if __name__ == "__main__":
    main()
