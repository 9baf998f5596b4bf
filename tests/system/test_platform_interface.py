"""A real call, seen through the published interface, while it goes on and afterwards."""

from __future__ import annotations

import asyncio

import httpx

from tests.api.platform_kit import Judge
from tests.system.conftest import MARIA, System
from voice_agent.access.roles import Role

GREETING = "how can I help you today"


async def test_a_call_is_answered_for_by_the_published_interface(system: System) -> None:
    entrance = system.application.entrance
    key = await entrance.keys.create(entrance.workspace_id, name="test", role=Role.ADMIN)
    judge = Judge()
    async with httpx.AsyncClient(
        base_url=f"{system.application.ready.base_url}/platform/v1/{entrance.workspace_id}/",
        headers={"Authorization": f"Bearer {key.secret}"},
        event_hooks={"response": [judge]},
    ) as client:
        call = await system.ring()
        await system.said(GREETING)
        await call.hang_up()
        await system.ended(call)
        [listed] = (await _once_ended(client))["items"]
        assert (listed["caller_id"], listed["completion_reason"]) == (MARIA, "caller_hangup")
        sid = listed["call_sid"]
        detail = (await client.get(f"calls/{sid}")).json()
        assert GREETING in detail["turns"][0]["agent_transcript"]
        for part in ("timeline", "intelligence", "metrics"):
            assert (await client.get(f"calls/{sid}/{part}")).status_code == 200
        metadata = (await client.get(f"recordings/{sid}/metadata")).json()
        assert metadata["duration_seconds"] > 1
        urls = (await client.get(f"recordings/{sid}/urls")).json()
        async with httpx.AsyncClient(base_url=system.application.ready.base_url) as stranger:
            sound = await stranger.get(urls["inbound_url"])
        assert len(sound.content) == metadata["inbound_size_bytes"]
    assert len(judge.judged) >= 7


async def _once_ended(client: httpx.AsyncClient) -> dict[str, list[dict[str, str]]]:
    """The list of calls, as soon as the end of the call is on record."""
    async with asyncio.timeout(10):
        while True:
            found: dict[str, list[dict[str, str]]] = (
                await client.get("calls", params={"status": "completed"})
            ).json()
            if found["items"]:
                return found
