"""Orders to mute whose outcome is known, refused, or anybody's guess."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.call.line_kit import QUICK, Office, open_office
from voice_agent.call.ports import AddedLeg
from voice_agent.operators.ports import CallUnreachable, OperatorLeg

ANN = OperatorLeg("ann", "Ann", "client:ann")
TRIES = 2
"""Attempts of the office's REST client per order."""


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office(timings=replace(QUICK, reconcile=30.0)) as office:
        yield office


async def with_ann(office: Office) -> AddedLeg:
    await office.talk()
    leg: AddedLeg = await office.session.line.operators.add(ANN)
    office.conference("participant-join", leg.call_sid, "operator-ann", Muted="true")
    return leg


def orders(office: Office, leg_sid: str) -> list[str]:
    """The mutes that were sent for a leg, repetitions of one that had no answer left out."""
    sent = [
        r.form["Muted"]
        for r in office.twilio.requests.items
        if r.operation == "update participant" and r.target == leg_sid
    ]
    return [order for before, order in zip(["", *sent], sent, strict=False) if order != before]


async def test_an_operator_whose_unmute_had_no_answer_is_muted_again_by_order(office: Office) -> None:
    leg = await with_ann(office)
    office.twilio.fail("update participant", 503, times=TRIES)
    with pytest.raises(CallUnreachable):
        await office.session.line.operators.mute("ann", False)
    await office.session.line.operators.mute("ann", True)
    assert orders(office, leg.call_sid) == ["false", "true"]


async def test_an_operator_whose_unmute_was_refused_is_muted_still_and_no_order_is_needed(
    office: Office,
) -> None:
    leg = await with_ann(office)
    office.twilio.fail("update participant", 400, 20001)
    with pytest.raises(CallUnreachable):
        await office.session.line.operators.mute("ann", False)
    await office.session.line.operators.mute("ann", True)
    assert orders(office, leg.call_sid) == ["false"]


async def test_an_order_that_was_given_up_on_its_way_may_have_been_obeyed(office: Office) -> None:
    leg = await with_ann(office)
    answer = office.twilio.hold("update participant")
    order = asyncio.ensure_future(office.session.line.operators.mute("ann", False))
    await office.twilio.until("update participant")
    order.cancel()
    await asyncio.wait({order})
    answer.set()
    await office.session.line.operators.mute("ann", True)
    assert orders(office, leg.call_sid) == ["false", "true"]


async def test_an_agent_whose_mute_had_no_answer_is_unmuted_by_order_at_the_hand_back(office: Office) -> None:
    await office.talk()
    agent = await office.agent_sid()
    office.twilio.fail("update participant", 503, times=TRIES)
    await office.session.line.mute_agent(True)
    await office.session.line.mute_agent(False)
    assert orders(office, agent) == ["true", "false"]


async def test_an_agent_that_is_perhaps_still_muted_is_replaced(office: Office) -> None:
    await office.talk()
    await office.session.line.mute_agent(True)
    office.twilio.fail("update participant", 503, times=TRIES)
    await office.session.line.mute_agent(False)
    await office.twilio.until("add participant", Label="agent-2")


async def test_a_hand_back_in_the_moment_a_new_agent_leg_joins_leaves_it_heard(office: Office) -> None:
    await office.talk()
    line = office.session.line
    await line.mute_agent(True)
    office.leg_status(await office.agent_sid(), "failed")
    second, _ = await office.agent_leg(2)
    office.conference("participant-join", second, "agent-2")
    await line.mute_agent(False)
    await asyncio.sleep(0)
    await line.mute_agent(False)
    assert orders(office, second) == []
