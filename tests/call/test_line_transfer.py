"""Connecting the caller to somebody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.call.line_kit import Office, degradations, form, open_office
from tests.telephony.fake_twilio import sid
from voice_agent.call.ports import LegRole
from voice_agent.call.transfer import TransferResult

TARGET = "+14155550199"


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office() as office:
        yield office


async def transfer(office: Office) -> asyncio.Task[TransferResult]:
    moving = asyncio.create_task(office.session.line.transfer(TARGET))
    await office.twilio.requests.until(lambda each: TARGET in each.form.get("Twiml", ""))
    return moving


async def test_an_answered_transfer_ends_the_call_here(office: Office) -> None:
    await office.talk()
    moving = await transfer(office)
    office.switchboard.status(
        form(CallSid=sid("CA"), ParentCallSid=office.call_sid, CallStatus="in-progress"), ""
    )
    assert (await moving).answered
    assert await office.session.ended() == "forwarded"
    assert office.twilio.calls[office.call_sid] == "in-progress"


async def test_a_transfer_that_nobody_answers_brings_the_caller_back(office: Office) -> None:
    await office.talk()
    moving = await transfer(office)
    document = office.switchboard.after_transfer(
        form(CallSid=office.call_sid, CallStatus="in-progress", DialCallStatus="no-answer")
    )
    assert not (await moving).answered
    sink, _ = office.attach(document, office.call_sid, LegRole.DUPLEX)
    assert sink is not None
    assert degradations(office) == [("transfer", "caller_stream")]


async def test_a_transfer_that_rest_refuses_leaves_the_caller_where_they_are(office: Office) -> None:
    await office.talk()
    office.twilio.fail("update call", 400, 21205)
    assert not (await office.session.line.transfer(TARGET)).answered
    assert degradations(office) == []
    office.feed(LegRole.TAP).on_closed("lost")
    await office.twilio.until("start stream")


async def test_a_transfer_to_no_number_is_not_tried(office: Office) -> None:
    await office.talk()
    assert not (await office.session.line.transfer("reception")).answered
    assert office.twilio.count("update call") == 0


async def test_a_transfer_without_news_has_been_answered(office: Office) -> None:
    await office.talk()
    moving = await transfer(office)
    assert (await moving).answered
    assert await office.session.ended() == "forwarded"


async def test_hanging_up_during_a_transfer_ends_the_call(office: Office) -> None:
    await office.talk()
    moving = await transfer(office)
    office.hang_up()
    assert not (await moving).answered
    assert await office.session.ended() == "caller_hangup"


async def test_a_transfer_of_a_caller_who_is_gone_fails(office: Office) -> None:
    await office.talk()
    office.twilio.calls[office.call_sid] = "completed"
    assert not (await office.session.line.transfer(TARGET)).answered
    assert await office.session.ended() == "caller_hangup"


async def test_the_callers_words_reach_nobody_here_once_transferred(office: Office) -> None:
    ear = await office.talk()
    sink = await office.session.sink(LegRole.TAP)
    heard = len(sink.media.items)
    moving = await transfer(office)
    office.switchboard.status(
        form(CallSid=sid("CA"), ParentCallSid=office.call_sid, CallStatus="in-progress"), ""
    )
    await moving
    ear.on_media(40, b"\xff")
    assert len(sink.media.items) == heard
