from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from scripted_desk import ScriptedDesk
from scripted_practice import ScriptedPractice

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]

PATIENCE_MS = 30_000
"""Nothing is waited for that long but on a machine with much else to do."""


def _chromium() -> str:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path:
        return path
    remedy = "no Chromium found: install Debian's package `chromium` or name a browser in CHROMIUM"
    if os.environ.get("CI") == "true":
        pytest.fail(remedy)
    pytest.skip(remedy)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = _chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[ScriptedPractice]:
    practice = ScriptedPractice(tmp_path)
    practice.start()
    yield practice
    practice.stop()


@pytest.fixture
def public_practice(tmp_path: Path) -> Iterator[ScriptedPractice]:
    """The same, with numbers on the public phone network."""
    practice = ScriptedPractice(tmp_path, public_network=True)
    practice.start()
    yield practice
    practice.stop()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ScriptedDesk]:
    desk = ScriptedDesk(tmp_path)
    desk.start()
    yield desk
    desk.stop()


def is_complaint(message: ConsoleMessage) -> bool:
    """Whether the browser blames the page. A server that refuses or goes away is part of some tests."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page whose console must stay clean: no error and no breach of the content security policy."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def axe_source() -> str:
    return (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
