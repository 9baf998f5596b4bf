"""Booking, moving and cancelling, and what may come in between."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest
from office import NOW, ZONE
from talk import BORN, THURSDAY_TEN, Talk, call, starts, with_tool

from voice_agent.practice.seed import PATIENTS
from voice_agent.practice.service import Service
from voice_agent.reasoning.effects import ToolStarted
from voice_agent.reasoning.signals import Utterance


async def test_booking_a_new_appointment(service: Service) -> None:
    talk = await call(service, "i'd like to make an appointment", BORN, "friday at ten thirty", "yes", "no")
    assert talk.ended
    assert await starts(service) == [THURSDAY_TEN, datetime(2026, 11, 20, 10, 30, tzinfo=ZONE)]


async def test_day_and_time_may_come_with_the_wish(service: Service) -> None:
    talk = await call(service, "i need to book an appointment for friday at nine", BORN)
    assert "That's Friday, November 20th at 9 AM" in talk.last


async def test_the_day_of_the_old_appointment_is_not_taken_for_the_new_one(service: Service) -> None:
    talk = await call(service, "i need to reschedule my appointment on thursday", BORN)
    assert "What day would work for you?" in talk.last


async def test_the_next_available_time(service: Service) -> None:
    talk = await call(service, "i'd like to make an appointment", BORN, "as soon as possible")
    assert "Wednesday, November 18th at 8:30 AM" in talk.last
    await talk.lines("the first one", "yes")
    assert (await starts(service))[0] == datetime(2026, 11, 18, 8, 30, tzinfo=ZONE)


async def test_the_only_time_in_the_wanted_part_of_the_day_is_offered_alone(service: Service) -> None:
    talk = await call(service, "i need to move my appointment", BORN, "friday afternoon")
    assert "I have 2:15 PM. Would that work for you?" in talk.last
    await talk.say("yes")
    assert await starts(service) == [datetime(2026, 11, 20, 14, 15, tzinfo=ZONE)]


async def test_cancelling(service: Service) -> None:
    talk = await call(service, "i need to cancel my appointment", BORN, "yes", "no")
    assert talk.ended
    assert await starts(service) == []


async def test_cancelling_is_asked_before_it_is_done(service: Service) -> None:
    talk = await call(service, "i need to cancel my appointment", BORN, "no keep it")
    assert "leave it as it is" in talk.last
    assert await starts(service) == [THURSDAY_TEN]


async def test_asking_when_the_appointment_is_changes_nothing(service: Service) -> None:
    talk = await call(service, "when is my appointment", BORN, "no thanks")
    assert talk.ended
    assert await starts(service) == [THURSDAY_TEN]


async def test_without_an_appointment_a_new_one_is_offered(service: Service) -> None:
    priya = PATIENTS[2]
    talk = await call(
        service, "i need to move my appointment", "july fourth nineteen ninety one", phone=priya.phone
    )
    assert "Would you like to book one?" in talk.last
    await talk.lines("yes", "friday at nine", "yes", "no")
    assert talk.ended
    [patient] = await service.store.patients_with_phone(priya.phone)
    assert len(await service.store.upcoming(patient.patient_id, NOW)) == 1


async def test_a_full_day_is_said_to_be_full_and_others_are_offered(service: Service) -> None:
    talk = await call(service, "i need to move my appointment", BORN, "wednesday november twenty fifth")
    assert "nothing is free on Wednesday, November 25th" in talk.last
    await talk.lines("the second one", "yes")
    assert await starts(service) == [datetime(2026, 11, 27, 9, tzinfo=ZONE)]


async def test_a_closed_day_is_said_to_be_closed(service: Service) -> None:
    talk = await call(service, "i need to move my appointment", BORN, "saturday")
    assert "we're closed on Saturday, November 21st" in talk.last


async def test_with_nothing_free_at_all_a_message_is_offered(service: Service) -> None:
    async def nothing(**_: Any) -> dict[str, Any]:
        return {"slots": [], "others": [], "closed": False, "part_found": False, "exact": False}

    async def slot_search(day: Any = None, at: Any = None) -> dict[str, Any]:
        return await nothing()

    talk = await call(
        with_tool(service, "slot_search", slot_search, 5), "i need to move my appointment", BORN, "friday"
    )
    assert "Would you like that?" in talk.last
    await talk.lines("yes", "please find me a time in december", "yes", "no")
    assert talk.ended
    assert len(await service.store.messages()) == 1
    assert await starts(service) == [THURSDAY_TEN]


async def test_a_slot_that_somebody_took_meanwhile_is_not_promised(service: Service) -> None:
    talk = await call(service, "i need to move my appointment", BORN, "friday", "the first one")
    [james] = await service.store.patients_with_phone(PATIENTS[1].phone)
    friday = datetime(2026, 11, 20, tzinfo=ZONE)
    [slot, *_] = await service.store.free_slots(friday, friday.replace(hour=23))
    await service.store.book(
        james.patient_id, slot.slot_id, reason="", conversation_id="other", idempotency_key="other"
    )
    said = await talk.say("yes")
    assert "that time was just taken" in said
    assert "10:30 AM" in said
    assert "all set" not in said
    assert await starts(service) == [THURSDAY_TEN]
    await talk.lines("ten thirty", "yes")
    assert await starts(service) == [datetime(2026, 11, 20, 10, 30, tzinfo=ZONE)]


@pytest.mark.parametrize("tool", ["upcoming_appointments", "slot_search", "reschedule_appointment"])
async def test_a_failing_calendar_is_admitted_and_nothing_is_promised(service: Service, tool: str) -> None:
    async def broken(
        day: Any = None, at: Any = None, appointment_id: str = "", slot_id: str = ""
    ) -> dict[str, Any]:
        raise RuntimeError("the calendar is down")

    talk = Talk(with_tool(service, tool, broken, 5))
    await talk.begin()
    for line in ("i need to move my appointment", BORN, "friday", "the first one", "yes"):
        if talk.state != "trouble":
            await talk.say(line)
    assert talk.state == "trouble"
    assert "nothing was changed" in talk.last
    assert "all set" not in talk.said
    assert await starts(service) == [THURSDAY_TEN]
    await talk.lines("yes", "please move my appointment", "yes", "no")
    assert talk.ended
    assert len(await service.store.messages()) == 1


async def test_a_calendar_that_never_answers_is_given_up(service: Service) -> None:
    async def silent(appointment_id: str, slot_id: str) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    slow = with_tool(service, "reschedule_appointment", silent, 0.05)
    talk = await call(slow, "i need to move my appointment", BORN, "friday", "the first one", "yes")
    assert talk.state == "trouble"
    assert await starts(service) == [THURSDAY_TEN]


async def test_a_caller_may_change_their_mind_from_moving_to_cancelling(service: Service) -> None:
    talk = await call(
        service, "i need to move my appointment", BORN, "friday", "actually just cancel it", "yes"
    )
    assert "cancelled" in talk.last
    assert await starts(service) == []


async def test_a_caller_may_change_their_mind_from_cancelling_to_moving(service: Service) -> None:
    talk = await call(
        service,
        "cancel my appointment",
        BORN,
        "can i move it instead",
        "friday",
        "the first one",
        "yes",
        "no",
    )
    assert talk.ended
    assert await starts(service) == [datetime(2026, 11, 20, 9, tzinfo=ZONE)]


async def test_a_caller_may_leave_everything_as_it_is(service: Service) -> None:
    talk = await call(service, "i need to move my appointment", BORN, "friday", "never mind", "no")
    assert talk.ended
    assert await starts(service) == [THURSDAY_TEN]


async def test_two_wishes_in_one_call(service: Service) -> None:
    talk = await call(
        service,
        "cancel my appointment",
        BORN,
        "yes",
        "yes",
        "i need a new appointment",
        "friday at nine",
        "yes",
        "no",
    )
    assert talk.ended
    assert talk.said.count("date of birth") == 1  # once is enough
    assert await starts(service) == [datetime(2026, 11, 20, 9, tzinfo=ZONE)]


@pytest.mark.parametrize("turns", range(1, 6))
async def test_hanging_up_in_the_middle_leaves_no_half_booking(service: Service, turns: int) -> None:
    lines = ("i need to move my thursday appointment", BORN, "friday", "the first one", "yes")
    talk = await call(service, *lines[:turns])
    await talk.conversation.close()
    expected = THURSDAY_TEN if turns < len(lines) else datetime(2026, 11, 20, 9, tzinfo=ZONE)
    assert await starts(service) == [expected]


async def test_hanging_up_while_the_calendar_writes_leaves_the_appointment_whole(service: Service) -> None:
    talk = await call(service, "i need to move my appointment", BORN, "friday", "the first one")
    steps = talk.conversation.step(Utterance("yes"))
    async for effect in steps:
        if isinstance(effect, ToolStarted):
            break
    await steps.aclose()  # type: ignore[attr-defined]
    await talk.conversation.close()
    assert await starts(service) == [datetime(2026, 11, 20, 9, tzinfo=ZONE)]
