"""Calls come in, find their session, and leave nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.call.line_kit import CALLED, CALLER, Office, open_office
from voice_agent.call.ports import LegRole


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office() as office:
        yield office


async def test_the_agents_leg_is_asked_for_before_the_caller_is_let_in(office: Office) -> None:
    document = await office.ring()
    asked = office.twilio.requests.items[0]
    assert asked.operation == "add participant"
    assert asked.form["Label"] == "agent"
    assert f">{office.session.info.conference}</Conference>" in document
    assert office.session.info.caller == CALLER
    assert office.session.info.called == CALLED


async def test_both_sockets_reach_the_session_of_their_call(office: Office) -> None:
    ear = await office.talk()
    sink = await office.session.sink(LegRole.TAP)
    ear.on_media(20, b"\x7f")
    assert sink.media.items[-1] == (20, b"\x7f")
    assert office.session.log.items == ["prewarm", "caller_joined"]
    assert (LegRole.AGENT, 1) in office.session.sockets


async def test_hanging_up_ends_the_session_and_leaves_no_task(office: Office) -> None:
    await office.talk()
    office.hang_up()
    assert await office.session.ended() == "caller_hangup"
    await office.switchboard.close()
    assert office.switchboard.active_calls == 0
    left = {task.get_name() for task in asyncio.all_tasks() if office.call_sid in task.get_name()}
    assert left == set()


async def test_a_repeated_webhook_gets_the_same_document_and_starts_nothing(office: Office) -> None:
    first, again = await asyncio.gather(office.ring(), office.ring())
    assert first == again == await office.ring()
    assert office.twilio.count("add participant") == 1
    assert len(office.sessions.items) == 1
