"""Logging in and out, over HTTP and in a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.access.entrance import Entrance, open_entrance
from voice_agent.access.limits import RateSettings
from voice_agent.access.principal import Principal
from voice_agent.access.roles import Permission, Role
from voice_agent.operators.roster import Profile
from voice_agent.store.database import Database
from voice_agent.web.login import login_router, own_path
from voice_agent.web.pages import PracticeNumber, Site

SITE = Site("Brookside Family Practice", (PracticeNumber("+15550100100", "Front desk"),))
PASSWORD = "correct horse battery"


@pytest.fixture
async def entrance(database: Database, tmp_path: Path) -> Entrance:
    entrance = await open_entrance(
        database, tmp_path, public_base_url="https://voice.example", rates=RateSettings(login="5/minute")
    )
    ana = await entrance.roster.create(Profile("Ana Duarte", "ana@practice.example"))
    await entrance.passwords.set(ana.id, PASSWORD)
    return entrance


def browser(
    entrance: Entrance, base_url: str = "http://127.0.0.1", client: str = "127.0.0.1"
) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(login_router(SITE, entrance.guard, entrance.audit))
    may_read = entrance.guard.authorize(Permission.CALLS_READ)

    @app.get("/who")
    async def who(principal: Principal = Depends(may_read)) -> str:  # noqa: B008
        return principal.name

    transport = httpx.ASGITransport(app, client=(client, 4000))
    return httpx.AsyncClient(transport=transport, base_url=base_url)


@pytest.fixture
async def visitor(entrance: Entrance) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(entrance) as client:
        yield client


def hidden(page: httpx.Response, name: str) -> str:
    """A hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return found[1]


async def log_in(visitor: httpx.AsyncClient, path: str = "/login", **fields: str) -> httpx.Response:
    """Open the form and send it."""
    page = await visitor.get(path)
    token = {"form_token": hidden(page, "form_token"), "next": hidden(page, "next")}
    return await visitor.post("/login", data=token | fields)


async def actions(entrance: Entrance) -> list[str]:
    """What is in the audit log, oldest first."""
    return [item.entry.action for item in await entrance.audit.after(0)]


async def test_an_operator_logs_in_goes_where_they_wanted_and_logs_out(
    entrance: Entrance, visitor: httpx.AsyncClient
) -> None:
    entered = await log_in(
        visitor, "/login?next=/calls%3Fday%3D2", email="ana@practice.example", password=PASSWORD
    )
    assert (entered.status_code, entered.headers["location"]) == (303, "/calls?day=2")
    assert (await visitor.get("/who")).json() == "Ana Duarte"
    page = await visitor.get("/login")
    assert "You are logged in" in page.text
    left = await visitor.post("/logout", data={"csrf_token": hidden(page, "csrf_token")})
    assert (left.status_code, left.headers["location"]) == (303, "/login")
    assert (await visitor.get("/who")).status_code == 401
    assert await actions(entrance) == ["login.accepted", "logout"]


async def test_a_key_logs_in_too(entrance: Entrance, visitor: httpx.AsyncClient) -> None:
    key = await entrance.keys.create(entrance.workspace_id, name="first key", role=Role.ADMIN)
    entered = await log_in(visitor, api_key=key.secret)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert (await visitor.get("/who")).json() == "first key"


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "ana@practice.example", "password": "wrong horse battery"},
        {"email": "bea@practice.example", "password": PASSWORD},
        {"api_key": "vak_wrong"},
        {},
    ],
)
async def test_whoever_is_not_known_stays_outside(
    entrance: Entrance, visitor: httpx.AsyncClient, fields: dict[str, str]
) -> None:
    refused = await log_in(visitor, **fields)
    assert refused.status_code == 401
    assert "is not known" in refused.text
    assert (await visitor.get("/who")).status_code == 401
    assert await actions(entrance) == ["login.refused"]


async def test_the_answer_repeats_nothing_that_was_typed(visitor: httpx.AsyncClient) -> None:
    refused = await log_in(visitor, email="ana@practice.example", password="my secret password")
    assert "my secret password" not in refused.text


async def test_a_form_from_elsewhere_is_refused(visitor: httpx.AsyncClient) -> None:
    await visitor.get("/login")
    fields = {"email": "ana@practice.example", "password": PASSWORD}
    for token in ("", "x", "é"):
        refused = await visitor.post("/login", data={**fields, "form_token": token})
        assert (refused.status_code, "voice_agent" in refused.cookies) == (403, False)


async def test_a_form_without_its_cookie_is_refused(entrance: Entrance, visitor: httpx.AsyncClient) -> None:
    token = hidden(await visitor.get("/login"), "form_token")
    async with browser(entrance) as other:
        refused = await other.post(
            "/login", data={"email": "ana@practice.example", "password": PASSWORD, "form_token": token}
        )
    assert refused.status_code == 403


async def test_logging_out_from_elsewhere_changes_nothing(visitor: httpx.AsyncClient) -> None:
    await log_in(visitor, email="ana@practice.example", password=PASSWORD)
    assert (await visitor.post("/logout", data={"csrf_token": "x"})).status_code == 403
    assert (await visitor.get("/who")).status_code == 200


async def test_every_log_in_begins_a_new_session(visitor: httpx.AsyncClient) -> None:
    fields = {"email": "ana@practice.example", "password": PASSWORD}
    page = await visitor.get("/login")
    await visitor.post("/login", data={**fields, "form_token": hidden(page, "form_token")})
    first = visitor.cookies["voice_agent"]
    visitor.cookies.set("voice_agent_form", "t" * 20)
    await visitor.post("/login", data={**fields, "form_token": "t" * 20})
    second = visitor.cookies["voice_agent"]
    assert first != second
    visitor.cookies.set("voice_agent", first)
    assert (await visitor.get("/who", headers={"Cookie": f"voice_agent={first}"})).status_code == 401


async def test_attempts_are_limited_per_address_and_per_account(entrance: Entrance) -> None:
    async with browser(entrance) as one:
        wrong = {"email": "ana@practice.example", "password": "wrong horse battery"}
        codes = [(await log_in(one, **wrong)).status_code for _ in range(6)]
        refused = await log_in(one, **wrong)
    assert codes == [401] * 5 + [429]
    assert int(refused.headers["Retry-After"]) >= 1
    async with browser(entrance, client="127.0.0.2") as other:
        same_account = await log_in(other, email="ana@practice.example", password=PASSWORD)
        assert same_account.status_code == 429
        key = await entrance.keys.create(entrance.workspace_id, name="k", role=Role.ADMIN)
        assert (await log_in(other, api_key=key.secret)).status_code == 303


async def test_over_plain_http_from_afar_nobody_can_log_in(entrance: Entrance) -> None:
    for base_url, client in (("http://voice.lan", "127.0.0.1"), ("http://127.0.0.1", "192.0.2.7")):
        async with browser(entrance, base_url, client) as visitor:
            page = await visitor.get("/login")
            assert "needs https" in page.text
            assert "<form" not in page.text
            refused = await visitor.post("/login", data={"api_key": "vak_x"})
            assert (refused.status_code, refused.cookies) == (403, httpx.Cookies())


async def test_over_https_the_cookie_is_bound_to_the_host(entrance: Entrance) -> None:
    key = await entrance.keys.create(entrance.workspace_id, name="k", role=Role.ADMIN)
    for base_url in ("https://voice.example", "http://voice.example"):  # the second: behind a proxy
        async with browser(entrance, base_url, "192.0.2.7") as visitor:
            page = await visitor.get("/login")
            form = page.headers["set-cookie"]
            cookie = form.partition(";")[0]
            entered = await visitor.post(
                "/login",
                data={"api_key": key.secret, "form_token": hidden(page, "form_token")},
                headers={"Cookie": cookie},
            )
        assert form.startswith("__Host-voice_agent_form=")
        assert "SameSite=strict" in form
        session = next(c for c in entered.headers.get_list("set-cookie") if "__Host-voice_agent=" in c)
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(session.split("; "))
        assert "Domain" not in session


async def test_the_page_may_load_and_run_nothing_foreign(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/login")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text
    assert 'style="' not in page.text


@pytest.mark.parametrize(
    "wish",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "calls",
        "/a\r\nb",
    ],
)
def test_nobody_is_sent_to_another_site(wish: str) -> None:
    assert own_path(wish, "/") == "/"


@given(st.text())
def test_wherever_one_is_sent_it_is_a_path_of_this_site(wish: str) -> None:
    path = own_path(wish, "/")
    assert path.startswith("/")
    assert not path.startswith("//")
    assert httpx.URL("http://127.0.0.1").join(path).host == "127.0.0.1"
