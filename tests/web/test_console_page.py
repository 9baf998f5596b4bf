"""The console's own page: what it renders, what its policy lets in, and the script that comes along."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException
from fastapi.testclient import TestClient

from voice_agent.web.console import Desk, console_router
from voice_agent.web.pages import PracticeNumber, Site, pages_router

VENDOR = Path(__file__).parents[2] / "voice_agent" / "web" / "static" / "vendor"
NUMBERS = (PracticeNumber("+15550100100", "Front desk"),)
LOCAL = Site("Brookside", NUMBERS, phone_url="ws://10.0.0.1:9/p")
PUBLIC = Site("Brookside", NUMBERS)
DESK = Desk("ws-1", "op-1", 'Dana "<b>" Whitfield', "tok&en")


def client(site: Site) -> TestClient:
    def whose(cookie: Annotated[str, Header()] = "") -> Desk:
        if not cookie:
            raise HTTPException(303, headers={"Location": "/login?next=/console"})
        return DESK

    app = FastAPI()
    app.include_router(pages_router(site))
    app.include_router(console_router(site, whose))
    return TestClient(app, headers={"Cookie": "session=1"}, follow_redirects=False)


def test_who_is_not_signed_in_is_sent_to_do_so() -> None:
    response = client(LOCAL).get("/console", headers={"Cookie": ""})
    assert (response.status_code, response.headers["location"]) == (303, "/login?next=/console")


def test_the_page_carries_the_desk_as_text() -> None:
    html = client(LOCAL).get("/console").text
    assert '<meta name="csrf-token" content="tok&amp;en">' in html
    assert 'data-platform="/platform/v1/ws-1" data-operator="op-1"' in html
    assert "Dana &#34;&lt;b&gt;&#34; Whitfield" in html


def test_the_page_is_kept_by_no_cache() -> None:
    assert client(LOCAL).get("/console").headers["cache-control"] == "no-store"


def test_on_the_local_network_the_policy_lets_in_the_softphone_alone() -> None:
    policy = client(LOCAL).get("/console").headers["content-security-policy"]
    assert "connect-src 'self' ws://10.0.0.1:9;" in policy
    assert "twilio" not in policy
    assert "unsafe" not in policy


def test_on_an_account_the_policy_lets_in_twilio_and_no_script_of_it() -> None:
    policy = client(PUBLIC).get("/console").headers["content-security-policy"]
    assert "connect-src 'self' https://*.twilio.com wss://*.twilio.com;" in policy
    assert "media-src 'self' https://sdk.twilio.com;" in policy
    assert "script-src" not in policy
    assert "default-src 'self';" in policy


def test_the_console_has_no_inline_script_or_style() -> None:
    html = client(LOCAL).get("/console").text
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html) == []


def test_every_asset_of_the_console_is_served() -> None:
    site = client(LOCAL)
    assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', site.get("/console").text)
    assert "/static/js/pages/console.js" in assets
    assert {asset: site.get(asset).status_code for asset in assets} == dict.fromkeys(assets, 200)


def test_vendored_files_are_the_ones_that_were_checked() -> None:
    lines = (VENDOR / "vendor.lock").read_text(encoding="utf-8").splitlines()
    locked = {parts[0]: parts[-1] for line in lines if not line.startswith("#") and (parts := line.split())}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.suffix == ".js"
    }
    assert found == locked
    assert "twilio.min.js" in found


def test_every_element_that_a_module_asks_for_is_on_the_page_once() -> None:
    scripts = VENDOR.parent / "js"
    modules = [*(scripts / "console").glob("*.js"), scripts / "pages" / "console.js"]
    wanted = {
        name
        for path in modules
        for name in re.findall(r'byId\("([^"]+)"\)', path.read_text(encoding="utf-8"))
    }
    ids = re.findall(r'\bid="([^"]+)"', client(LOCAL).get("/console").text)
    assert len(wanted) > 40
    assert {name: ids.count(name) for name in wanted} == dict.fromkeys(wanted, 1)
