"""The caller's own leg, the ways a call ends, and what callbacks do not tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.call.line_kit import Office, degradations, direct, form, is_direct, open_office, token_in
from tests.telephony.fake_twilio import sid
from voice_agent.call.events import MediaAttached, ParticipantJoined, ParticipantLeft
from voice_agent.call.ports import LegRole


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office() as office:
        yield office


# -- the caller's own leg


async def open_direct(office: Office) -> str:
    office.twilio.fail("add participant", 400, 21218)
    document = await office.ring()
    sink, _ = office.attach(document, office.call_sid, LegRole.DUPLEX)
    assert sink is not None
    sink.on_media(0, b"\xff")
    return document


async def test_a_lost_direct_stream_is_opened_again(office: Office) -> None:
    await open_direct(office)
    office.feed(LegRole.DUPLEX).on_closed("lost")
    sink, _ = office.attach(await direct(office), office.call_sid, LegRole.DUPLEX)
    assert sink is not None
    assert (LegRole.DUPLEX, 2) in office.session.sockets


async def test_the_documents_action_opens_the_next_direct_stream_a_bounded_number_of_times(
    office: Office,
) -> None:
    await open_direct(office)
    after = form(CallSid=office.call_sid, CallStatus="in-progress")
    assert is_direct(office.switchboard.after_stream(after))
    assert is_direct(office.switchboard.after_stream(after))
    assert "<Hangup" in office.switchboard.after_stream(after)
    assert await office.session.ended() == "error"


async def test_hanging_up_on_a_direct_stream_ends_the_call(office: Office) -> None:
    await open_direct(office)
    after = form(CallSid=office.call_sid, CallStatus="completed")
    assert "<Hangup" in office.switchboard.after_stream(after)
    assert await office.session.ended() == "caller_hangup"


async def test_a_tap_that_runs_on_after_degrading_reaches_nobody(office: Office) -> None:
    document = await office.ring()
    ear, socket = office.attach(document, office.call_sid, LegRole.TAP)
    assert ear is not None
    office.caller_joins()
    office.attach(await direct(office), office.call_sid, LegRole.DUPLEX)
    ear.on_media(0, b"\xff")
    assert (await office.session.sink(LegRole.TAP)).media.items == []
    assert socket.closed == 1000


async def test_a_conference_that_ends_under_the_caller_gives_the_caller_a_stream(office: Office) -> None:
    await office.talk()
    answer = office.switchboard.after_dial(form(CallSid=office.call_sid, CallStatus="in-progress"))
    assert is_direct(answer)
    assert degradations(office) == [("conference", "caller_stream")]


async def test_a_caller_who_left_without_hanging_up_gets_a_stream(office: Office) -> None:
    await office.talk()
    office.conference(
        "participant-leave", office.call_sid, "caller", ReasonParticipantLeft="conference_ended_via_api"
    )
    assert is_direct(await direct(office))


async def test_a_caller_who_cannot_be_reached_any_more_is_let_go(office: Office) -> None:
    await office.ring()
    office.twilio.fail("update call", 503, times=99)
    office.caller_joins()
    assert await office.session.ended() == "error"


# -- hanging up


async def test_leaving_the_conference_by_hanging_up_ends_the_call(office: Office) -> None:
    await office.talk()
    office.conference(
        "participant-leave", office.call_sid, "caller", ReasonParticipantLeft="participant_hung_up"
    )
    assert await office.session.ended() == "caller_hangup"


async def test_hanging_up_while_it_rings_ends_the_agents_leg(office: Office) -> None:
    answer = office.twilio.hold("add participant")
    ringing = asyncio.create_task(office.ring())
    await office.twilio.until("add participant")
    office.hang_up("canceled")
    assert "<Hangup" in await ringing
    assert await office.session.ended() == "cancelled"
    answer.set()


async def test_hanging_up_before_the_agent_is_there_ends_the_queued_leg(office: Office) -> None:
    await office.ring()
    office.caller_joins()
    leg_sid = await office.agent_sid()
    office.hang_up()
    ended = await office.twilio.until("update call", Status="completed")
    assert ended.target == leg_sid


async def test_every_end_may_come_again_and_changes_nothing(office: Office) -> None:
    ear = await office.talk()
    agent = await office.agent_sid()
    office.hang_up()
    office.hang_up()
    ear.on_closed("stop")
    office.conference("participant-leave", agent, "agent", ReasonParticipantLeft="moderator_ended_conference")
    assert "<Hangup" in office.switchboard.after_dial(form(CallSid=office.call_sid, CallStatus="completed"))
    assert await office.session.ended() == "caller_hangup"
    await office.switchboard.close()
    office.hang_up()
    assert len(office.session.log.all(lambda entry: entry.startswith("end"))) == 1
    assert office.twilio.count("add participant") == 1


async def test_the_session_hangs_up(office: Office) -> None:
    await office.talk()
    await asyncio.gather(office.session.line.hang_up(), office.session.line.hang_up())
    assert office.twilio.calls[office.call_sid] == "completed"
    assert await office.session.ended() == "completed"


async def test_word_of_a_hang_up_that_is_ours_does_not_make_it_the_callers(
    office: Office,
) -> None:
    await office.talk()
    answer = office.twilio.hold("update call")
    hanging_up = asyncio.create_task(office.session.line.hang_up())
    await office.twilio.until("update call")
    office.feed(LegRole.AGENT).on_closed("stop")
    office.hang_up()
    answer.set()
    await hanging_up
    assert await office.session.ended() == "completed"
    assert office.twilio.count("add participant") == 1


async def test_hanging_up_on_a_call_that_is_gone_is_no_error(office: Office) -> None:
    await office.talk()
    office.twilio.calls[office.call_sid] = "completed"
    await office.session.line.hang_up()
    assert await office.session.ended() == "completed"


# -- callbacks


async def test_callbacks_out_of_order_and_twice_tell_each_thing_once(office: Office) -> None:
    await office.ring()
    operator = sid("CA")
    office.conference("participant-leave", operator, "operator-7", SequenceNumber="9")
    office.conference("participant-join", operator, "operator-7", SequenceNumber="4")
    office.conference("participant-leave", operator, "operator-7", SequenceNumber="9")
    left = office.events.all(lambda e: isinstance(e, ParticipantLeft))
    assert [(e.participant_role, e.participant_id) for e in left if isinstance(e, ParticipantLeft)] == [
        ("operator", operator)
    ]
    assert office.events.all(lambda e: isinstance(e, ParticipantJoined)) == []


async def test_a_lost_callback_of_the_callers_entry_is_made_up_for(office: Office) -> None:
    document = await office.ring()
    leg_sid, mouth = await office.agent_leg()
    office.twilio.present[office.conference_sid] = [(office.call_sid, "caller"), (leg_sid, "agent")]
    office.attach(mouth, leg_sid, LegRole.AGENT)
    office.attach(document, office.call_sid, LegRole.TAP)
    await office.session.log.until(lambda entry: entry == "caller_joined")
    await office.events.until(lambda e: isinstance(e, ParticipantJoined) and e.participant_role == "caller")


async def test_a_hang_up_that_no_callback_told_is_found_out(office: Office) -> None:
    await office.talk()
    office.twilio.calls[office.call_sid] = "completed"
    assert await office.session.ended() == "caller_hangup"


async def test_an_agent_leg_whose_end_no_callback_told_is_replaced(office: Office) -> None:
    await office.talk()
    office.twilio.present[office.conference_sid] = [(office.call_sid, "caller")]
    office.twilio.calls[await office.agent_sid()] = "completed"
    await office.twilio.until("add participant", count=2)


async def test_streams_are_told_with_their_generation(office: Office) -> None:
    await office.talk()
    attached = [(e.leg, e.generation) for e in office.events.items if isinstance(e, MediaAttached)]
    assert attached == [("agent", 1), ("caller", 1)]


async def test_a_stream_of_an_older_generation_is_not_let_in(office: Office) -> None:
    document = await office.ring()
    first = token_in(document)
    office.caller_joins()
    await office.agent_joins()
    await office.twilio.until("start stream")
    sink, _ = office.attach_token(first, office.call_sid, LegRole.TAP)
    assert sink is None
