"""A process that could have company and has none: everything as on SQLite."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.system.conftest import whole_system
from tests.system.operators_kit import GREETING, operator
from voice_agent.call.events import SessionStart
from voice_agent.operators.ports import NoSuchCall, OperatorMode
from voice_agent.store.database import Database

pytestmark = pytest.mark.postgres


async def test_a_call_is_taken_over_and_ends_on_record(postgres: Database, tmp_path: Path) -> None:
    url = postgres.url.render_as_string(hide_password=False)
    async with whole_system(tmp_path, database_url=url, stt="stub", max_loop_lag_ms=5000) as system:
        live = system.application.live
        call = await system.ring()
        await system.said(GREETING)
        start = next(event for event in system.seen if isinstance(event, SessionStart))
        async with httpx.AsyncClient(base_url=system.application.ready.base_url, trust_env=False) as client:
            assert (await client.get("/healthz")).json()["process"] == start.process != ""
            figures = (await client.get("/metrics")).text
            assert "voice_link_dropped_messages 0.0" in figures
            assert "voice_link_lost_messages 0.0" in figures
            assert re.search(r"^voice_events_recorded [1-9]", figures, re.MULTILINE)
            assert "voice_events_lost 0.0" in figures
            assert "voice_database_away 0.0" in figures
        [seen] = live.active()
        assert (seen.call_sid, seen.caller_name) == (call.sid, "Maria")
        person = operator(system)
        await person.join(call, OperatorMode.TAKEOVER)
        await person.mode(OperatorMode.TAKEOVER)
        assert not await system.application.duty.anyone_free()
        await person.leave(call)
        await system.said("back on the line")
        await call.hang_up()
        await system.ended(call)
        with pytest.raises(NoSuchCall):
            await live.join(call.sid, person.leg, OperatorMode.LISTEN)
        assert len({(e.call_sid, e.seq) for e in system.seen}) == len(system.seen)
        system.emulator.assert_no_violations()
