"""Logging in with a real browser: keyboard alone, a strict policy, and axe-core's rules."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Page, expect
from test_accessibility import violations

from voice_agent.access.entrance import open_entrance
from voice_agent.operators.roster import Profile
from voice_agent.store.database import Database
from voice_agent.web.login import login_router
from voice_agent.web.pages import PracticeNumber, Site, pages_router

pytestmark = pytest.mark.browser

SITE = Site("Brookside Family Practice", (PracticeNumber("+15550100100", "Front desk"),))
PASSWORD = "correct horse battery"


class Office:
    """A served practice with one operator, in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._app = FastAPI()
        self._server = uvicorn.Server(uvicorn.Config(self._app, log_level="error", lifespan="off"))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="office")

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)

    async def _run(self) -> None:
        database = Database(f"sqlite+aiosqlite:///{self._folder / 'voice_agent.db'}")
        entrance = await open_entrance(database, self._folder)
        ana = await entrance.roster.create(Profile("Ana Duarte", "ana@practice.example"))
        await entrance.passwords.set(ana.id, PASSWORD)
        self._app.include_router(pages_router(SITE))
        self._app.include_router(login_router(SITE, entrance.guard, entrance.audit, home="/login"))
        self._ready.set()
        await self._server.serve(sockets=[self._socket])
        await database.close()


@pytest.fixture
def office(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Office]:
    shutil.copy(migrated_sqlite, tmp_path / "voice_agent.db")
    office = Office(tmp_path)
    office.start()
    yield office
    office.stop()


def test_an_operator_logs_in_and_out_without_a_mouse(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/login")
    page.get_by_label("E-mail").focus()
    page.keyboard.type("ana@practice.example")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are logged in")).to_be_visible()
    expect(page.get_by_text("Ana Duarte · operator")).to_be_visible()
    page.get_by_role("button", name="Log out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_form_its_complaint_and_the_welcome_keep_the_rules(
    page: Page, office: Office, axe_source: str, theme: str
) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto(f"{office.url}/login")
    assert violations(page, axe_source) == []
    page.get_by_label("E-mail").fill("ana@practice.example")
    page.get_by_label("Password").fill("wrong horse battery")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("is not known")
    assert violations(page, axe_source) == []
    page.get_by_label("E-mail").fill("ana@practice.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="You are logged in")).to_be_visible()
    assert violations(page, axe_source) == []


def test_the_form_fits_a_telephone(page: Page, office: Office) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{office.url}/login")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
