"""Every way a line can fail, and what becomes of the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from telephony.tokens import StreamGrant
from tests.call.line_kit import QUICK, Office, form, open_office, token_in
from tests.telephony.fake_twilio import sid
from voice_agent.call.events import Degraded, MediaAttached, ParticipantJoined, ParticipantLeft, SessionInfo
from voice_agent.call.ports import LegRole

TARGET = "+14155550199"


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office() as office:
        yield office


def degradations(office: Office) -> list[tuple[str, str]]:
    return [(event.part, event.rung) for event in office.events.items if isinstance(event, Degraded)]


def is_direct(document: str) -> bool:
    return "<Connect" in document and "/twilio/media/caller" in document and "<Conference" not in document


async def direct(office: Office) -> str:
    """Wait until the caller was brought to a stream on the own leg; the document."""
    update = await office.twilio.requests.until(
        lambda each: each.operation == "update call" and is_direct(each.form.get("Twiml", ""))
    )
    assert update.target == office.call_sid
    return update.form["Twiml"]


# -- the agent's leg


async def test_a_refused_agent_leg_gives_the_caller_a_stream_at_once(office: Office) -> None:
    office.twilio.fail("add participant", 400, 21218)
    document = await office.ring()
    assert is_direct(document)
    sink, _ = office.attach(document, office.call_sid, LegRole.DUPLEX)
    assert sink is not None
    assert "caller_joined" in office.session.log.items
    assert degradations(office) == [("agent_leg", "caller_stream")]
    assert office.twilio.count("update call") == 0


async def test_an_unreachable_rest_api_gives_the_caller_a_stream_at_once(office: Office) -> None:
    office.twilio.fail("add participant", 0, times=2)
    assert is_direct(await office.ring())


async def test_a_passing_overload_of_rest_is_not_noticed(office: Office) -> None:
    office.twilio.fail("add participant", 429, 20429)
    assert "<Conference" in await office.ring()
    assert office.twilio.count("add participant") == 2


async def test_the_caller_is_let_in_while_rest_is_slow_and_gets_a_stream_once_it_refuses(
    office: Office,
) -> None:
    answer = office.twilio.hold("add participant")
    office.twilio.fail("add participant", 400, 21218)
    document = await office.ring()
    assert "<Conference" in document
    office.caller_joins()
    answer.set()
    assert is_direct(await direct(office))


async def test_an_agent_leg_that_is_late_is_ended_and_the_caller_gets_a_stream(office: Office) -> None:
    await office.ring()
    office.caller_joins()
    document = await direct(office)
    assert ("agent_leg", "caller_stream") in degradations(office)
    await office.twilio.until("update call", Status="completed")
    sink, _ = office.attach(document, office.call_sid, LegRole.DUPLEX)
    assert sink is not None


async def test_a_late_agent_leg_is_sent_away(office: Office) -> None:
    await office.ring()
    office.caller_joins()
    await direct(office)
    _, document = await office.agent_leg()
    assert document == '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup /></Response>'


async def test_an_agent_leg_that_dies_is_replaced_by_a_new_generation(office: Office) -> None:
    await office.talk()
    first = await office.agent_sid()
    office.conference("participant-leave", first, "agent", ReasonParticipantLeft="participant_hung_up")
    again = await office.twilio.until("add participant", count=2)
    assert again.form["Label"] == "agent-2"
    assert f"/Conferences/{office.conference_sid}/" in again.path
    await office.agent_joins(generation=2)
    assert (LegRole.AGENT, 2) in office.session.sockets
    assert degradations(office) == []


async def test_a_second_death_of_the_agent_leg_gives_the_caller_a_stream(office: Office) -> None:
    await office.talk()
    office.leg_status(await office.agent_sid(), "failed")
    leg_sid, _ = await office.agent_joins(generation=2)
    office.leg_status(leg_sid, "completed")
    assert is_direct(await direct(office))


async def test_losing_the_agents_socket_ends_that_leg_and_adds_another(office: Office) -> None:
    await office.talk()
    leg_sid = await office.agent_sid()
    office.feed(LegRole.AGENT).on_closed("lost")
    ended = await office.twilio.until("update call", Status="completed")
    assert ended.target == leg_sid
    await office.twilio.until("add participant", count=2)


async def test_a_duplicate_label_is_answered_with_another_label(office: Office) -> None:
    office.twilio.fail("add participant", 400, 16025)
    await office.ring()
    again = await office.twilio.until("add participant", count=2)
    assert again.form["Label"] == "agent-2"


async def test_a_request_that_took_effect_twice_leaves_one_agent_leg(office: Office) -> None:
    document = await office.ring()
    office.caller_joins()
    leg_sid, mouth = await office.agent_leg()
    again = office.switchboard.agent(form(CallSid=sid("CA")), await office.agent_key())
    assert "<Hangup" in again
    assert office.switchboard.agent(form(CallSid=leg_sid), await office.agent_key()) == mouth
    assert document != mouth


async def test_an_agent_leg_in_another_conference_of_the_same_name_is_replaced(office: Office) -> None:
    await office.ring()
    office.caller_joins()
    leg_sid, _ = await office.agent_leg()
    office.conference("participant-join", leg_sid, "agent", ConferenceSid=sid("CF"))
    again = await office.twilio.until("add participant", count=2)
    assert f"/Conferences/{office.conference_sid}/" in again.path


async def test_an_agent_leg_whose_entry_no_callback_told_is_found_in_the_list(office: Office) -> None:
    await office.ring()
    office.caller_joins()
    leg_sid, document = await office.agent_leg()
    office.twilio.present[office.conference_sid] = [(office.call_sid, "caller"), (leg_sid, "agent")]
    office.attach(document, leg_sid, LegRole.AGENT)
    await office.twilio.until("list participants")
    await office.events.until(lambda e: isinstance(e, ParticipantJoined) and e.participant_role == "agent")
    assert ("agent_leg", "caller_stream") not in degradations(office)


async def test_a_muted_agent_stays_muted_in_the_next_generation(office: Office) -> None:
    await office.talk()
    await office.session.line.mute_agent(True)
    muted = await office.twilio.until("update participant")
    assert muted.form == {"Muted": "true"}
    assert muted.target == await office.agent_sid()
    office.feed(LegRole.AGENT).on_closed("lost")
    leg_sid, _ = await office.agent_joins(generation=2)
    again = await office.twilio.until("update participant", count=2)
    assert (again.target, again.form) == (leg_sid, {"Muted": "true"})


async def test_muting_is_survived_when_rest_refuses(office: Office) -> None:
    await office.talk()
    office.twilio.fail("update participant", 400, 20001)
    await office.session.line.mute_agent(True)
    assert office.session.log.all(lambda entry: entry.startswith("end")) == []


# -- the tap


async def test_a_lost_tap_is_attached_again_without_touching_the_conference(office: Office) -> None:
    await office.talk()
    office.feed(LegRole.TAP).on_closed("lost")
    request = await office.twilio.until("start stream")
    assert request.form["Track"] == "inbound_track"
    assert request.form["Url"] == "wss://voice.example.org/twilio/media/tap"
    assert request.form["Parameter1.Name"] == "t"
    office.attach_token(request.form["Parameter1.Value"], office.call_sid, LegRole.TAP)
    await office.session.sink(LegRole.TAP, 2)
    await office.events.until(lambda e: isinstance(e, SessionInfo) and e.name == "tap_reattached")
    assert office.twilio.count("update call") == 0


async def test_the_old_tap_reaches_nobody_once_a_new_one_is_asked_for(office: Office) -> None:
    old = await office.talk()
    office.feed(LegRole.TAP).on_closed("lost")
    await office.twilio.until("start stream")
    heard = len((await office.session.sink(LegRole.TAP)).media.items)
    old.on_media(40, b"\xff")
    assert len((await office.session.sink(LegRole.TAP)).media.items) == heard


async def test_a_tap_that_stops_because_the_caller_hung_up_ends_the_call(office: Office) -> None:
    await office.talk()
    office.twilio.calls[office.call_sid] = "completed"
    office.feed(LegRole.TAP).on_closed("stop")
    assert await office.session.ended() == "caller_hangup"
    assert office.twilio.count("start stream") == 0


async def test_a_call_that_ends_while_its_tap_is_attached_again_is_over(office: Office) -> None:
    await office.talk()
    office.twilio.fail("start stream", 400, 21220)
    office.feed(LegRole.TAP).on_closed("lost")
    assert await office.session.ended() == "caller_hangup"


async def test_a_stream_error_without_a_socket_brings_a_new_tap(office: Office) -> None:
    await office.ring()
    office.caller_joins()
    await office.agent_joins()
    office.switchboard.stream(
        form(CallSid=office.call_sid, StreamSid=sid("MZ"), StreamName="ear-1", StreamEvent="stream-error")
    )
    await office.twilio.until("start stream")


async def test_a_tap_that_never_opens_is_asked_for_again(office: Office) -> None:
    await office.ring()
    office.caller_joins()
    await office.agent_joins()
    await office.twilio.until("start stream")


async def test_without_any_tap_the_caller_gets_a_stream(office: Office) -> None:
    office.twilio.fail("start stream", 400, 20001, times=9)
    await office.talk()
    office.feed(LegRole.TAP).on_closed("lost")
    assert is_direct(await direct(office))
    assert degradations(office) == [("tap", "new tap"), ("tap", "caller_stream")]


async def test_silence_of_the_network_ends_the_call_as_no_inbound_audio() -> None:
    async with open_office(timings=replace(QUICK, no_audio=0.2, agent_join=5, tap_attach=5)) as office:
        document = await office.ring()
        office.caller_joins()
        await office.agent_joins()
        office.attach(document, office.call_sid, LegRole.TAP)
        assert await office.session.ended() == "no_inbound_audio"
        assert office.twilio.calls[office.call_sid] == "completed"


async def test_a_caller_who_hung_up_before_the_first_frame_was_no_failure() -> None:
    async with open_office(timings=replace(QUICK, no_audio=0.2)) as office:
        await office.ring()
        office.twilio.calls[office.call_sid] = "completed"
        assert await office.session.ended() == "caller_hangup"


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


async def test_an_operators_ear_is_let_in_beside_the_others(office: Office) -> None:
    await office.talk()
    grant = StreamGrant(office.call_sid, sid("CA"), LegRole.OPERATOR, 1)
    token = office.network.tokens.issue(grant)
    sink, _ = office.attach_token(token, grant.leg_sid, LegRole.OPERATOR)
    assert sink is not None
    assert (LegRole.OPERATOR, 1) in office.session.sockets


# -- transfer


async def transfer(office: Office) -> asyncio.Task[bool]:
    moving = asyncio.create_task(office.session.line.transfer(TARGET))
    await office.twilio.requests.until(lambda each: TARGET in each.form.get("Twiml", ""))
    return moving


async def test_an_answered_transfer_ends_the_call_here(office: Office) -> None:
    await office.talk()
    moving = await transfer(office)
    office.switchboard.status(
        form(CallSid=sid("CA"), ParentCallSid=office.call_sid, CallStatus="in-progress"), ""
    )
    assert await moving
    assert await office.session.ended() == "forwarded"
    assert office.twilio.calls[office.call_sid] == "in-progress"


async def test_a_transfer_that_nobody_answers_brings_the_caller_back(office: Office) -> None:
    await office.talk()
    moving = await transfer(office)
    document = office.switchboard.after_transfer(
        form(CallSid=office.call_sid, CallStatus="in-progress", DialCallStatus="no-answer")
    )
    assert not await moving
    sink, _ = office.attach(document, office.call_sid, LegRole.DUPLEX)
    assert sink is not None
    assert degradations(office) == [("transfer", "caller_stream")]


async def test_a_transfer_that_rest_refuses_leaves_the_caller_where_they_are(office: Office) -> None:
    await office.talk()
    office.twilio.fail("update call", 400, 21205)
    assert not await office.session.line.transfer(TARGET)
    assert degradations(office) == []
    office.feed(LegRole.TAP).on_closed("lost")
    await office.twilio.until("start stream")


async def test_a_transfer_to_no_number_is_not_tried(office: Office) -> None:
    await office.talk()
    assert not await office.session.line.transfer("reception")
    assert office.twilio.count("update call") == 0


async def test_a_transfer_without_news_has_been_answered(office: Office) -> None:
    await office.talk()
    moving = await transfer(office)
    assert await moving
    assert await office.session.ended() == "forwarded"


async def test_hanging_up_during_a_transfer_ends_the_call(office: Office) -> None:
    await office.talk()
    moving = await transfer(office)
    office.hang_up()
    assert not await moving
    assert await office.session.ended() == "caller_hangup"


async def test_a_transfer_of_a_caller_who_is_gone_fails(office: Office) -> None:
    await office.talk()
    office.twilio.calls[office.call_sid] = "completed"
    assert not await office.session.line.transfer(TARGET)
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
