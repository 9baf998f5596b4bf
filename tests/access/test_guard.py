"""The door of protected routes, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog
from fastapi import Depends, FastAPI

from voice_agent.access.entrance import Entrance, open_entrance
from voice_agent.access.guard import CSRF_HEADER
from voice_agent.access.limits import Rate, RateSettings
from voice_agent.access.principal import Principal
from voice_agent.access.roles import Permission, Role
from voice_agent.store.database import Database


def door(entrance: Entrance) -> FastAPI:
    """One thing to read and one to do."""
    app = FastAPI()
    may_read = entrance.guard.authorize(Permission.CALLS_READ)
    may_manage = entrance.guard.authorize(Permission.KEYS_MANAGE, rate=Rate.COMMAND)

    @app.get("/v1/{workspace_id}/thing")
    async def read(workspace_id: str, principal: Principal = Depends(may_read)) -> str:  # noqa: B008
        return principal.name

    @app.post("/thing")
    async def do(principal: Principal = Depends(may_manage)) -> str:  # noqa: B008
        return principal.name

    return app


def client(entrance: Entrance, *, base_url: str = "http://127.0.0.1", **more: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(door(entrance), client=("127.0.0.1", 4000))
    return httpx.AsyncClient(transport=transport, base_url=base_url, **more)


async def new_key(entrance: Entrance, role: Role = Role.ADMIN) -> dict[str, str]:
    made = await entrance.keys.create(entrance.workspace_id, name=f"{role} key", role=role)
    return {"Authorization": f"Bearer {made.secret}"}


async def test_a_key_lets_in_and_says_who_it_is(entrance: Entrance) -> None:
    async with client(entrance, headers=await new_key(entrance)) as http:
        answer = await http.get(f"/v1/{entrance.workspace_id}/thing")
    assert (answer.status_code, answer.json()) == (200, "admin key")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer vak_x"},
     {"Authorization": "Basic dmFrOng="}, {"Authorization": "Bearer " + "x" * 4000}],
)  # fmt: skip
async def test_nobody_is_401_with_a_challenge(entrance: Entrance, headers: dict[str, str]) -> None:
    async with client(entrance, headers=headers) as http:
        refused = await http.get(f"/v1/{entrance.workspace_id}/thing")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


async def test_somebody_who_may_not_is_403(entrance: Entrance) -> None:
    async with client(entrance, headers=await new_key(entrance, Role.SUPERVISOR)) as http:
        assert (await http.post("/thing")).status_code == 403


async def test_a_key_opens_its_own_workspace_only(entrance: Entrance) -> None:
    async with client(entrance, headers=await new_key(entrance)) as http:
        assert (await http.get(f"/v1/{uuid4()}/thing")).status_code == 403


async def test_too_many_requests_are_429_with_a_time_to_wait(database: Database, tmp_path: Path) -> None:
    entrance = await open_entrance(database, tmp_path, rates=RateSettings(command="2/minute"))
    async with client(entrance, headers=await new_key(entrance)) as http:
        codes = [(await http.post("/thing")).status_code for _ in range(3)]
        refused = await http.post("/thing")
        assert (await http.get(f"/v1/{entrance.workspace_id}/thing")).status_code == 200
    assert codes == [200, 200, 429]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


async def test_guessing_keys_is_slowed_down_even_for_a_right_one(database: Database, tmp_path: Path) -> None:
    entrance = await open_entrance(database, tmp_path, rates=RateSettings(refused="3/minute"))
    right = await new_key(entrance)
    path = f"/v1/{entrance.workspace_id}/thing"
    async with client(entrance) as http:
        wrong = [(await http.get(path, headers={"Authorization": f"Bearer vak_{n}"})) for n in range(4)]
        assert [answer.status_code for answer in wrong] == [401, 401, 401, 429]
        assert (await http.get(path, headers=right)).status_code == 429


async def session_cookie(entrance: Entrance) -> tuple[str, str]:
    """A session's cookie and its token."""
    made = await entrance.keys.create(entrance.workspace_id, name="browser", role=Role.ADMIN)
    entered = await entrance.guard.authenticator.log_in_with_key(made.secret)
    assert entered is not None
    assert entered.principal.csrf_token is not None
    return entered.secret, entered.principal.csrf_token


async def test_a_cookie_lets_a_browser_read(entrance: Entrance) -> None:
    secret, _ = await session_cookie(entrance)
    async with client(entrance, cookies={"voice_agent": secret}) as http:
        assert (await http.get(f"/v1/{entrance.workspace_id}/thing")).json() == "browser"


async def test_a_browser_changes_nothing_without_its_sessions_token(entrance: Entrance) -> None:
    secret, token = await session_cookie(entrance)
    _, others = await session_cookie(entrance)
    async with client(entrance, cookies={"voice_agent": secret}) as http:
        assert (await http.post("/thing")).status_code == 403
        for wrong in ("", "x", token[:-1], others):
            assert (await http.post("/thing", headers={CSRF_HEADER: wrong})).status_code == 403
        assert (await http.post("/thing", headers={CSRF_HEADER: token})).status_code == 200


async def test_a_wrong_key_is_not_made_good_by_a_cookie(entrance: Entrance) -> None:
    secret, _ = await session_cookie(entrance)
    async with client(entrance, cookies={"voice_agent": secret}) as http:
        refused = await http.get(
            f"/v1/{entrance.workspace_id}/thing", headers={"Authorization": "Bearer vak_wrong"}
        )
    assert refused.status_code == 401


async def test_over_https_only_the_host_cookie_counts(entrance: Entrance) -> None:
    secret, _ = await session_cookie(entrance)
    path = f"/v1/{entrance.workspace_id}/thing"
    async with client(entrance, base_url="https://voice.example") as http:
        plain = await http.get(path, headers={"Cookie": f"voice_agent={secret}"})
        host = await http.get(path, headers={"Cookie": f"__Host-voice_agent={secret}"})
    assert (plain.status_code, host.status_code) == (401, 200)


async def test_no_secret_is_ever_logged(entrance: Entrance, caplog: pytest.LogCaptureFixture) -> None:
    headers = await new_key(entrance)
    with structlog.testing.capture_logs() as logs, caplog.at_level("DEBUG"):
        async with client(entrance) as http:
            await http.get(f"/v1/{entrance.workspace_id}/thing", headers=headers)
            await http.get(f"/v1/{uuid4()}/thing", headers=headers)
            await http.get("/v1/x/thing", headers={"Authorization": "Bearer vak_wrong_secret"})
    told = str(logs) + caplog.text
    assert headers["Authorization"].removeprefix("Bearer ") not in told
    assert "vak_wrong_secret" not in told
