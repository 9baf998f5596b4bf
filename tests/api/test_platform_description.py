"""Our own description against the published one, and requests at random: only known answers come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.live_calls import live_call
from tests.api.platform_kit import SPEC, open_desk
from voice_agent.access.limits import RateSettings
from voice_agent.access.roles import Role
from voice_agent.api.platform.app import platform_app
from voice_agent.store.database import Database

PUBLISHED: dict[str, Any] = json.loads(SPEC.read_text())
UNLIMITED = RateSettings("1000000/second", *["100000/second"] * 5)


def operations(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation by ``METHOD path``."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    async def describe() -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("description")
        database = Database(f"sqlite+aiosqlite:///{folder / 'd.db'}")
        await database.migrate()
        async with open_desk(database, folder) as desk:
            description = platform_app(desk.platform).openapi()
        await database.close()
        return description

    return asyncio.run(describe())


def test_every_published_operation_is_there_and_no_other(ours: dict[str, Any]) -> None:
    assert set(operations(ours)) == set(operations(PUBLISHED))


@pytest.mark.parametrize("name", sorted(operations(PUBLISHED)))
def test_an_operation_is_asked_as_published(ours: dict[str, Any], name: str) -> None:
    mine, theirs = operations(ours)[name], operations(PUBLISHED)[name]
    assert mine["operationId"] == theirs["operationId"]

    def parameters(operation: dict[str, Any]) -> dict[tuple[str, str], tuple[bool, Any]]:
        return {
            (p["in"], p["name"]): (p.get("required", False), p["schema"].get("default"))
            for p in operation.get("parameters", [])
        }

    extra = {("header", "Last-Event-ID"), ("header", "Range"), ("query", "signature")}
    mine_parameters = {key: value for key, value in parameters(mine).items() if key not in extra}
    assert mine_parameters == parameters(theirs)
    assert ("requestBody" in mine) == ("requestBody" in theirs)
    success = {code for code in theirs["responses"] if code.startswith("2")}
    assert {code for code in mine["responses"] if code.startswith("2")} == success


def fields(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found: dict[str, Any] = description["components"]["schemas"][name]
        return fields(description, found)
    return schema


@pytest.mark.parametrize(
    "name", sorted(name for name, o in operations(PUBLISHED).items() if "requestBody" in o)
)
def test_a_body_has_the_published_fields(ours: dict[str, Any], name: str) -> None:
    def body(description: dict[str, Any]) -> dict[str, Any]:
        content = operations(description)[name]["requestBody"]["content"]["application/json"]
        return fields(description, content["schema"])

    mine, theirs = body(ours), body(PUBLISHED)
    assert set(mine["properties"]) == set(theirs["properties"])
    assert set(mine.get("required", [])) == set(theirs.get("required", []))


TEXT = st.text(max_size=30)
NUMBERS = st.integers(-(2**70), 2**70).map(str)
DATES = st.sampled_from(["2026-11-20", "0001-01-01", "9999-12-31", "0", "99999-01-01", "-1", "2026-02-30"])
VALUE = st.one_of(TEXT, NUMBERS, DATES, st.sampled_from(["true", "day", "status", "", "\0", "null", "1e400"]))
READS = sorted(
    (name.split()[1], [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"])
    for name, operation in operations(PUBLISHED).items()
    if name.startswith("GET") and not name.endswith("/events/stream")
)
WRITES = sorted(name for name, o in operations(PUBLISHED).items() if "requestBody" in o)
KNOWN = {200, 201, 400, 404, 405, 409, 422, 503}

JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


class Asker:
    """One running interface that is asked over and over."""

    def __init__(self, runner: asyncio.Runner, client: httpx.AsyncClient, root: str, operator: str) -> None:
        self._runner = runner
        self._client = client
        self._root = root
        self._operator = operator

    def ask(self, method: str, template: str, segment: str, **more: Any) -> httpx.Response:
        path = template.replace("/v1/{workspace_id}", self._root).replace("{operator_id}", self._operator)
        for name in ("{call_sid}", "{call_id}", "{filename}"):
            path = path.replace(name, segment)
        return self._runner.run(self._client.request(method, path, **more))


@pytest.fixture
def asker(database_url: str, tmp_path: Path) -> Iterator[Asker]:
    with asyncio.Runner() as runner:
        database = Database(database_url)
        context = open_desk(database, tmp_path, rates=UNLIMITED)
        desk = runner.run(context.__aenter__())
        desk.live.add(live_call("CAlive"))
        operator = runner.run(desk.operator())
        transport = httpx.ASGITransport(desk.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {desk.keys[Role.ADMIN]}"}
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)
        yield Asker(runner, client, desk.root, str(operator.id))
        runner.run(client.aclose())
        runner.run(context.__aexit__(None, None, None))
        runner.run(database.close())


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(data=st.data())
def test_no_query_is_an_error_of_ours(asker: Asker, data: st.DataObject) -> None:
    template, names = data.draw(st.sampled_from(READS))
    query = data.draw(st.dictionaries(st.sampled_from(names), VALUE)) if names else {}
    segment = data.draw(
        st.sampled_from(["CAlive", "CAgone", "a b", "%00", "x" * 200, "metadata.json", "%2e%2e"])
    )
    answer = asker.ask("GET", template, segment, params=query)
    assert answer.status_code in KNOWN, (template, query, answer.text)
    assert answer.headers["content-type"].startswith("application/json")


@FUZZ
@given(data=st.data())
def test_no_body_is_an_error_of_ours(asker: Asker, data: st.DataObject) -> None:
    method, template = data.draw(st.sampled_from(WRITES)).split()
    schema = fields(
        PUBLISHED,
        operations(PUBLISHED)[f"{method} {template}"]["requestBody"]["content"]["application/json"]["schema"],
    )
    body = {name: plausible(name) for name in schema.get("required", [])}
    body |= data.draw(st.dictionaries(st.sampled_from(sorted(schema["properties"])), JSON_VALUE, max_size=3))
    answer = asker.ask(method, template, "CAlive", content=json.dumps(body).encode())
    assert answer.status_code in KNOWN, (template, body, answer.text)


@FUZZ
@given(content=st.binary(max_size=60) | st.sampled_from([b'"\\ud800"', b'{"email": "\\ud800"}', b"[" * 2000]))
def test_no_bytes_are_an_error_of_ours(asker: Asker, content: bytes) -> None:
    answer = asker.ask("POST", "/v1/{workspace_id}/operators", "", content=content)
    assert answer.status_code in KNOWN, answer.text


def plausible(name: str) -> Any:
    """A value that is good enough for a required field."""
    values: dict[str, Any] = {
        "call_sid": "CAlive",
        "mode": "listen",
        "outcome": "resolved",
        "email": f"{uuid4().hex}@practice.example",
        "phone_to": "+14155550134",
        "channel_kind": "sms",
        "service_id": str(uuid4()),
    }
    return values.get(name, "words")
