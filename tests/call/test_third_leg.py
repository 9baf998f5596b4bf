"""Operators' legs on the line: asked for, believed, tapped, and gone, whatever the callbacks do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.call.line_kit import QUICK, Office, degradations, form, open_office
from tests.telephony.fake_twilio import Asked, sid
from tests.telephony.recorder import Recorder
from voice_agent.call.events import Degraded, MediaAttached, ParticipantJoined
from voice_agent.call.ports import AddedLeg, LegRole
from voice_agent.operators.ports import CallUnreachable, ConnectionMethod, OperatorError, OperatorLeg

ANN = OperatorLeg("ann", "Ann", "client:ann")
BOB = OperatorLeg("bob", "Bob", "+12025550177", ConnectionMethod.PHONE)
TIMINGS = replace(QUICK, operator_entry=0.05, reconcile=30.0)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office(timings=TIMINGS) as office:
        yield office


def called(office: Office, label: str) -> list[Asked]:
    return office.twilio.requests.all(
        lambda each: each.operation == "add participant" and each.form.get("Label") == label
    )


async def invite(office: Office, operator: OperatorLeg = ANN) -> AddedLeg:
    """The operator's leg rings."""
    added: AddedLeg = await office.session.line.operators.add(operator)
    office.twilio.calls[added.call_sid] = "ringing"
    return added


async def invited(office: Office, operator: OperatorLeg = ANN) -> AddedLeg:
    await office.talk()
    return await invite(office, operator)


async def came_in(office: Office, leg: AddedLeg, label: str = "operator-ann") -> None:
    office.conference("participant-join", leg.call_sid, label, Muted="true")
    await office.session.operators.told.until(lambda each: each[0] == "joined" and each[2] == leg.call_sid)


def told(office: Office) -> Recorder[tuple[str, ...]]:
    return office.session.operators.told


async def test_a_leg_is_asked_for_muted_without_a_beep_and_without_power_over_the_conference(
    office: Office,
) -> None:
    leg = await invited(office)
    [asked] = called(office, "operator-ann")
    assert (
        asked.form.items()
        >= {
            "To": "client:ann",
            "Muted": "true",
            "Beep": "false",
            "EndConferenceOnExit": "false",
            "StartConferenceOnEnter": "false",
            "JitterBufferSize": "small",
        }.items()
    )
    assert f"/Conferences/{office.conference_sid}/" in asked.path
    assert leg.conference_sid == office.conference_sid
    assert told(office).items == []


async def test_the_entry_is_told_once_however_often_the_callback_comes(office: Office) -> None:
    leg = await invited(office)
    for _ in range(3):
        office.conference("participant-join", leg.call_sid, "operator-ann", SequenceNumber="9")
    assert told(office).items == [("joined", "ann", leg.call_sid)]
    [joined] = [
        e
        for e in office.events.items
        if isinstance(e, ParticipantJoined) and e.participant_role == "operator"
    ]
    assert (joined.operator_entity_id, joined.display_name) == ("ann", "Ann")


async def test_an_entry_that_no_callback_told_is_found_in_the_list(office: Office) -> None:
    leg = await invited(office)
    office.twilio.present[office.conference_sid] = [(leg.call_sid, "operator-ann")]
    office.leg_status(leg.call_sid, "in-progress")
    await told(office).until(lambda each: each == ("joined", "ann", leg.call_sid))


async def test_a_ringing_leg_in_the_list_is_not_in_yet(office: Office) -> None:
    leg = await invited(office)
    office.twilio.statuses[leg.call_sid] = "ringing"
    office.twilio.present[office.conference_sid] = [(leg.call_sid, "operator-ann")]
    office.leg_status(leg.call_sid, "in-progress")
    await office.twilio.until("list participants")
    await invite(office, BOB)
    assert told(office).items == []


async def test_a_late_entry_after_the_leave_changes_nothing(office: Office) -> None:
    leg = await invited(office)
    office.conference("participant-leave", leg.call_sid, "operator-ann", SequenceNumber="9")
    office.conference("participant-join", leg.call_sid, "operator-ann", SequenceNumber="8")
    assert told(office).items == [("left", "ann", "left the conference", "may return")]


@pytest.mark.parametrize("status", ["no-answer", "busy", "failed", "canceled"])
async def test_a_leg_that_is_not_answered_is_told_with_the_reason(office: Office, status: str) -> None:
    leg = await invited(office)
    office.leg_status(leg.call_sid, status)
    office.conference(
        "participant-leave",
        leg.call_sid,
        "operator-ann",
        ReasonParticipantLeft="participant_add_failed",
    )
    assert told(office).items == [("left", "ann", status, "may return")]


async def test_a_leg_of_which_nothing_is_heard_is_given_up() -> None:
    from voice_agent.call import third_leg

    timings = replace(TIMINGS, operator_overdue=0.1 - third_leg.RING_S)
    async with open_office(timings=timings) as office:
        leg = await invited(office)
        await told(office).until(lambda each: each == ("left", "ann", "never came", "may return"))
        ended = await office.twilio.until("update call", Status="completed")
        assert ended.target == leg.call_sid


async def test_status_callbacks_that_overtake_the_rest_answer_are_understood(office: Office) -> None:
    await office.talk()
    answer = office.twilio.hold("add participant")
    adding = asyncio.ensure_future(office.session.line.operators.add(ANN))
    asked = await office.twilio.until("add participant", count=2)
    key = dict(asked.pairs)["StatusCallback"].partition("?s=")[2]
    early = sid("CA")
    office.switchboard.status(form(CallSid=early, CallStatus="in-progress"), key)
    office.conference("participant-join", early, "operator-ann")
    assert told(office).items == [("joined", "ann", early)]
    answer.set()
    added = await adding
    # REST tells of another leg: its request took effect twice, and one is enough.
    assert added.call_sid == early
    ended = await office.twilio.until("update call", Status="completed")
    assert ended.target != early


async def test_a_refused_leg_raises_and_leaves_nothing(office: Office) -> None:
    await office.talk()
    office.twilio.fail("add participant", 400, 21211)
    with pytest.raises(CallUnreachable):
        await office.session.line.operators.add(ANN)
    assert told(office).items == []
    await invite(office)
    [_, again] = [*called(office, "operator-ann"), *called(office, "operator-ann-2")]
    assert again.form["Label"] == "operator-ann-2"


async def test_a_request_that_breaks_in_an_unforeseen_way_leaves_the_operator_free_to_come(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.talk()

    async def breaks(*_: object, **__: object) -> None:
        raise KeyError("call_sid")

    with monkeypatch.context() as network:
        network.setattr(office.network.rest, "add_participant", breaks)
        with pytest.raises(CallUnreachable):
            await office.session.line.operators.add(ANN)
    await came_in(office, await invite(office), "operator-ann-2")


async def test_callbacks_of_an_operators_leg_find_their_process() -> None:
    async with open_office(timings=TIMINGS, process="p2") as office:
        await invited(office)
        [asked] = called(office, "operator-ann")
        key = dict(asked.pairs)["StatusCallback"].partition("?s=")[2]
        assert key.startswith("p2.")
        assert office.session.line.holds_key(key)


async def test_two_requests_at_once_make_one_leg(office: Office) -> None:
    await office.talk()
    first, second = await asyncio.gather(
        office.session.line.operators.add(ANN), office.session.line.operators.add(ANN)
    )
    assert first == second
    assert len(called(office, "operator-ann")) == 1


async def test_an_id_that_cannot_stand_in_a_path_is_refused(office: Office) -> None:
    await office.talk()
    with pytest.raises(OperatorError):
        await office.session.line.operators.add(replace(ANN, operator_id="ann/../x"))


async def test_nobody_can_join_a_caller_without_a_conference(office: Office) -> None:
    office.twilio.fail("add participant", 400, 21218)
    await office.ring()
    assert not office.session.line.operators.reachable
    with pytest.raises(CallUnreachable):
        await office.session.line.operators.add(ANN)


async def test_orders_to_mute_do_not_overtake_each_other(office: Office) -> None:
    leg = await invited(office)
    await came_in(office, leg)
    line = office.session.line
    answer = office.twilio.hold("update participant")
    orders = [
        asyncio.ensure_future(line.operators.mute("ann", muted)) for muted in (False, True, False, True)
    ]
    await office.twilio.until("update participant")
    await asyncio.sleep(0)
    assert office.twilio.count("update participant") == 1
    answer.set()
    await asyncio.gather(*orders)
    sent = [r.form["Muted"] for r in office.twilio.requests.items if r.operation == "update participant"]
    assert sent == ["false", "true"]


async def test_a_leg_that_is_not_in_cannot_be_unmuted(office: Office) -> None:
    await invited(office)
    with pytest.raises(CallUnreachable):
        await office.session.line.operators.mute("ann", False)
    assert office.twilio.count("update participant") == 0


async def test_the_operators_tap_is_one_way_single_use_and_attributed(office: Office) -> None:
    leg = await invited(office)
    await came_in(office, leg)
    asked = await office.twilio.until("start stream")
    assert asked.path.split("/")[-2] == leg.call_sid
    assert asked.form["Track"] == "inbound_track"
    token = asked.form["Parameter1.Value"]
    sink, _ = office.attach_token(token, leg.call_sid, LegRole.OPERATOR)
    assert sink is not None
    sink.on_media(20, b"\xff" * 160)
    [(who, remembered)] = office.session.operators.sinks.items
    assert who == "ann"
    assert remembered.media.items == [(20, b"\xff" * 160)]
    assert [e.generation for e in office.events.items if isinstance(e, MediaAttached) and e.leg == "operator"]


async def test_a_lost_operators_tap_is_attached_again_without_touching_the_conference(
    office: Office,
) -> None:
    leg = await invited(office)
    await came_in(office, leg)
    asked = await office.twilio.until("start stream")
    sink, _ = office.attach_token(asked.form["Parameter1.Value"], leg.call_sid, LegRole.OPERATOR)
    assert sink is not None
    sink.on_closed("lost")
    again = await office.twilio.until("start stream", count=2)
    assert again.form["Name"] != asked.form["Name"]
    old, _ = office.attach_token(again.form["Parameter1.Value"], leg.call_sid, LegRole.OPERATOR)
    assert old is not None
    assert told(office).items == [("joined", "ann", leg.call_sid)]
    assert office.twilio.count("add participant") == 2


async def test_a_tap_that_breaks_off_again_and_again_is_attached_again_every_time(office: Office) -> None:
    leg = await invited(office)
    await came_in(office, leg)
    for count in range(1, 6):
        asked = await office.twilio.until("start stream", count=count)
        sink, _ = office.attach_token(asked.form["Parameter1.Value"], leg.call_sid, LegRole.OPERATOR)
        assert sink is not None
        sink.on_media(20, b"\xff" * 160)
        sink.on_closed("lost")
    await office.twilio.until("start stream", count=6)
    assert degradations(office) == []


async def test_an_operator_who_cannot_be_tapped_is_named_with_the_cause(office: Office) -> None:
    leg = await invited(office)
    office.twilio.fail("start stream", 400, 20001, times=TIMINGS.tap_tries)
    await came_in(office, leg)
    degraded = await office.events.until(lambda e: isinstance(e, Degraded))
    assert isinstance(degraded, Degraded)
    assert degraded.part == "operator_tap"
    assert degraded.reason.startswith("ann is not heard: start stream: HTTP 400, code 20001")


async def test_streams_that_bring_no_audio_are_given_up(office: Office) -> None:
    leg = await invited(office)
    await came_in(office, leg)
    for count in range(1, TIMINGS.tap_tries + 1):
        asked = await office.twilio.until("start stream", count=count)
        sink, _ = office.attach_token(asked.form["Parameter1.Value"], leg.call_sid, LegRole.OPERATOR)
        assert sink is not None
        sink.on_closed("lost")
    degraded = await office.events.until(lambda e: isinstance(e, Degraded))
    assert isinstance(degraded, Degraded)
    assert degraded.reason == "ann is not heard: the stream ended without audio"


async def test_removing_an_operator_ends_the_leg_and_tells_nobody(office: Office) -> None:
    leg = await invited(office)
    await came_in(office, leg)
    office.session.line.operators.remove("ann")
    ended = await office.twilio.until("update call", Status="completed")
    assert ended.target == leg.call_sid
    office.conference("participant-leave", leg.call_sid, "operator-ann")
    office.leg_status(leg.call_sid, "completed")
    assert told(office).items == [("joined", "ann", leg.call_sid)]


async def test_a_leg_that_comes_in_after_it_was_removed_is_sent_away_again(office: Office) -> None:
    leg = await invited(office)
    office.session.line.operators.remove("ann")
    await office.twilio.until("update call", Status="completed")
    office.twilio.calls[leg.call_sid] = "in-progress"
    office.conference("participant-join", leg.call_sid, "operator-ann")
    again = await office.twilio.until("update call", count=2, Status="completed")
    assert again.target == leg.call_sid
    assert told(office).items == []


async def test_the_callers_hang_up_ends_a_leg_that_still_rings(office: Office) -> None:
    leg = await invited(office)
    office.hang_up()
    assert await office.session.ended() == "caller_hangup"
    ended = await office.twilio.requests.until(
        lambda each: each.operation == "update call" and each.target == leg.call_sid
    )
    assert ended.form["Status"] == "completed"


async def test_the_end_of_the_conference_is_the_end_for_operators(office: Office) -> None:
    leg = await invited(office)
    await came_in(office, leg)
    assert office.session.line.operators.reachable
    office.switchboard.after_dial(form(CallSid=office.call_sid, CallStatus="in-progress"))
    assert not office.session.line.operators.reachable
    assert told(office).items[-1] == ("left", "ann", "the conference ended", "for good")


async def test_while_a_person_speaks_the_caller_is_not_moved_for_the_agents_sake(office: Office) -> None:
    leg = await invited(office)
    await came_in(office, leg)
    await office.session.line.mute_agent(True)
    first = await office.agent_sid()
    office.leg_status(first, "failed")
    second, _ = await office.agent_leg(3)
    office.leg_status(second, "failed")
    await office.events.until(lambda e: getattr(e, "name", "") == "agent_leg_lost", count=2)
    await asyncio.sleep(0.1)
    assert not [r for r in office.twilio.requests.items if "Twiml" in r.form]
    await office.session.line.mute_agent(False)
    await office.twilio.requests.until(lambda each: "Connect" in each.form.get("Twiml", ""))


async def test_an_agent_that_cannot_be_unmuted_is_replaced(office: Office) -> None:
    await office.talk()
    line = office.session.line
    await line.mute_agent(True)
    office.twilio.fail("update participant", 400, 20001)
    await line.mute_agent(False)
    again = await office.twilio.until("add participant", Label="agent-2")
    assert again.form["Label"] == "agent-2"
