"""Calls come in, find their session, and leave nothing behind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from tests.call.line_kit import CALLED, CALLER, Office, RememberingSession, form, open_office
from tests.telephony.fake_twilio import sid
from voice_agent.call.events import SessionInfo
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


async def test_a_webhook_that_comes_after_the_end_opens_nothing(office: Office) -> None:
    await office.talk()
    office.hang_up()
    await office.session.ended()
    await office.switchboard.close()
    assert await office.ring() == '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup /></Response>'
    assert len(office.sessions.items) == 1


async def test_a_hang_up_that_overtakes_the_webhook_of_its_call_opens_nothing(office: Office) -> None:
    office.hang_up("canceled")
    assert "<Hangup />" in await office.ring()
    assert office.sessions.items == []


@pytest.mark.parametrize("address", ["anonymous", "+266696687", "", "client:browser", "sip:desk@pbx.example"])
async def test_a_withheld_caller_has_no_number(office: Office, address: str) -> None:
    await office.ring(From=address)
    assert office.session.info.caller is None


async def test_the_sessions_name_for_the_conference_tells_nothing_about_the_caller(office: Office) -> None:
    await office.ring()
    name = office.session.info.conference
    assert re.fullmatch(r"call-[A-Za-z0-9_-]{20,}", name)
    assert CALLER.removeprefix("+") not in name


async def test_two_calls_do_not_meet(office: Office) -> None:
    await office.talk()
    first, office.call_sid = office.session, sid("CA")
    document = await office.ring(From="+14155550124")
    second = office.session
    assert first.info.conference != second.info.conference
    ear, _ = office.attach(document, office.call_sid, LegRole.TAP)
    assert ear is not None
    ear.on_media(7, b"\x01")
    assert (await second.sink(LegRole.TAP)).media.items == [(7, b"\x01")]
    assert (await first.sink(LegRole.TAP)).media.items == [(0, b"\xff" * 160)]
    office.hang_up()
    assert await second.ended() == "caller_hangup"
    assert first.log.all(lambda entry: entry.startswith("end")) == []


async def test_calls_beyond_the_limit_hear_the_busy_tone_and_the_others_go_on(office: Office) -> None:
    for _ in range(3):
        office.call_sid = sid("CA")
        await office.ring()
    office.call_sid = sid("CA")
    assert '<Reject reason="busy" />' in await office.ring()
    assert office.switchboard.active_calls == 3
    refused = await office.events.until(lambda e: isinstance(e, SessionInfo) and e.name == "call_refused")
    assert refused.call_sid == office.call_sid


async def test_refused_calls_are_forwarded_where_somebody_else_can_take_them() -> None:
    async with open_office(forward_to="+14155550188") as office:
        office.admission.drain()
        document = await office.ring()
        assert "<Dial>+14155550188</Dial>" in document
        assert "<Say" in document


async def test_draining_lets_calls_end_by_themselves(office: Office) -> None:
    await office.talk()
    office.admission.drain()
    idle = asyncio.create_task(office.switchboard.wait_idle())
    office.hang_up()
    await asyncio.wait_for(idle, 5)
    assert office.switchboard.active_calls == 0
    assert await office.session.ended() == "caller_hangup"


async def test_closing_hangs_up_and_waits_until_calls_are_stored(office: Office) -> None:
    await office.talk()
    stored = asyncio.Event()
    office.session.before_end = stored.wait
    closing = asyncio.create_task(office.switchboard.close())
    await office.twilio.until("update call", Status="completed")
    assert not closing.done()
    stored.set()
    await asyncio.wait_for(closing, 5)
    assert office.session.log.items[-1] == "end completed"


async def test_a_session_that_cannot_end_is_let_go(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice_agent.call.switchboard.SESSION_END_TIMEOUT_S", 0.05)
    await office.talk()
    office.session.before_end = asyncio.Event().wait
    office.hang_up()
    await asyncio.wait_for(office.switchboard.wait_idle(), 5)
    assert office.switchboard.active_calls == 0


class UnpreparedSession(RememberingSession):
    async def prewarm(self) -> None:
        raise RuntimeError("no database")


async def test_a_failing_prewarm_does_not_stop_the_call() -> None:
    async with open_office(session=UnpreparedSession) as office:
        await office.talk()
        assert "caller_joined" in office.session.log.items


async def test_callbacks_about_nobody_are_taken_and_forgotten(office: Office) -> None:
    switchboard = office.switchboard
    switchboard.status(form(CallSid=sid("CA"), CallStatus="completed", ParentCallSid=sid("CA")), "key")
    switchboard.stream(form(CallSid=sid("CA"), StreamEvent="stream-error"))
    switchboard.conference(
        form(ConferenceSid=sid("CF"), FriendlyName="x", StatusCallbackEvent="conference-end")
    )
    assert switchboard.active_calls == 0


async def test_a_call_is_found_by_its_sid(office: Office) -> None:
    await office.talk()
    assert office.switchboard.session(office.call_sid) is office.session
    assert office.switchboard.line(office.call_sid) is office.session.line
    assert office.switchboard.session(sid("CA")) is None
    assert office.switchboard.line(sid("CA")) is None
