from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.web.pages import Caller, PracticeNumber, Site, pages_router
from voice_agent.web.shell import readable_number

WEB = Path(__file__).parents[2] / "voice_agent" / "web"
DESK = PracticeNumber("+15550100100", "Front desk")
SITE = Site(
    "Brookside",
    (DESK,),
    (Caller("+15550100123", "Maria <b>Alvarez</b>"),),
    ('I\'m "ill".',),
    "ws://10.0.0.1:9/p",
)


def client(site: Site = SITE) -> TestClient:
    app = FastAPI()
    app.include_router(pages_router(site))
    return TestClient(app)


@pytest.mark.parametrize("path", ["/", "/calls", "/calls/CA12"])
def test_every_page_forbids_foreign_content_and_allows_the_phone_line(path: str) -> None:
    policy = client().get(path).headers["content-security-policy"]
    assert "default-src 'self'; connect-src 'self' ws://10.0.0.1:9;" in policy
    assert "unsafe" not in policy


def test_without_a_local_network_pages_connect_to_their_own_origin_alone() -> None:
    policy = client(Site("Brookside", (DESK,))).get("/").headers["content-security-policy"]
    assert "connect-src 'self';" in policy


@pytest.mark.parametrize("path", ["/", "/calls", "/calls/CA12"])
def test_no_page_has_inline_script_or_style(path: str) -> None:
    html = client().get(path).text
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html) == []


@pytest.mark.parametrize("path", ["/", "/calls", "/calls/CA12"])
def test_every_asset_a_page_names_is_served(path: str) -> None:
    site = client()
    assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', site.get(path).text)
    assert len(assets) >= 4
    assert {asset: site.get(asset).status_code for asset in assets} == dict.fromkeys(assets, 200)


def test_every_module_imports_only_modules_that_exist() -> None:
    modules = sorted((WEB / "static" / "js").rglob("*.js"))
    missing = [
        f"{module.name} imports {name}"
        for module in modules
        for name in re.findall(r'from "(\.[^"]+)"', module.read_text(encoding="utf-8"))
        if not (module.parent / name).is_file()
    ]
    assert len(modules) > 10
    assert missing == []


def test_nothing_comes_from_another_host() -> None:
    files = [
        path for kind in ("*.js", "*.css", "*.html") for path in WEB.rglob(kind) if "vendor" not in path.parts
    ]
    foreign = [
        path.name
        for path in files
        if re.search(r"https?://(?!www\.w3\.org/)", path.read_text(encoding="utf-8"))
    ]
    assert len(files) > 15
    assert foreign == []


def test_names_and_sentences_are_text_and_never_markup() -> None:
    html = client().get("/").text
    assert "Maria &lt;b&gt;Alvarez&lt;/b&gt;" in html
    assert 'data-line="I&#39;m &#34;ill&#34;."' in html


def test_an_unchanged_asset_is_not_sent_again() -> None:
    site = client()
    first = site.get("/static/css/base.css")
    again = site.get("/static/css/base.css", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)


@pytest.mark.parametrize(
    "path", ["/static/", "/static/nothing.js", "/static/..%2fpages.py", "/static/%2e%2e/pages.py"]
)
def test_only_assets_are_served_below_static(path: str) -> None:
    assert client().get(path).status_code == 404


@pytest.mark.parametrize("sid", ["CA%3Cscript%3E", "CA%20", "C" * 65, "%22"])
def test_a_call_has_a_plain_name(sid: str) -> None:
    assert client().get(f"/calls/{sid}").status_code == 422


def test_on_the_public_network_the_page_says_which_number_to_ring() -> None:
    html = client(Site("Brookside", (DESK,))).get("/").text
    assert 'href="tel:+15550100100">+1 555-010-0100</a>' in html
    assert 'id="hang-up"' not in html


def test_a_site_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one practice number"):
        Site("Brookside", ())


def test_a_softphone_address_that_is_no_websocket_is_refused() -> None:
    with pytest.raises(ValueError, match="http://phone"):
        Site("Brookside", (DESK,), phone_url="http://phone")


@given(st.text())
def test_any_number_can_be_shown(number: str) -> None:
    assert readable_number(number) or not number
