"""The agent's leg and the caller's tap: every way they can fail, and what becomes of the caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.call.line_kit import QUICK, Office, degradations, direct, form, is_direct, open_office
from tests.telephony.fake_twilio import sid
from voice_agent.call.events import ParticipantJoined, SessionInfo
from voice_agent.call.ports import LegRole


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office() as office:
        yield office


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
