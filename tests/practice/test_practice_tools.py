from datetime import date, datetime, time

import pytest
from office import HOURS, NOW, ZONE, Persons, context

from voice_agent.practice.records import NotVerified
from voice_agent.practice.seed import MARIA, PATIENTS, SeededPatient, fully_booked_day
from voice_agent.practice.store import PracticeStore
from voice_agent.practice.tools import PracticeTools

BORN = MARIA.birth_date
FRIDAY = date(2026, 11, 20)
ELENA, LEO = PATIENTS[5], PATIENTS[6]


async def test_the_calling_number_tells_only_whether_it_is_known(tools: PracticeTools) -> None:
    assert await tools.find_patient_by_phone(context=context()) == {"known": True, "withheld": False}
    stranger = context(phone="+14155550199")
    assert await tools.find_patient_by_phone(context=stranger) == {"known": False, "withheld": False}
    assert await tools.find_patient_by_phone(context=context(phone=None)) == {
        "known": False,
        "withheld": True,
    }


async def test_number_and_date_of_birth_verify_a_patient(tools: PracticeTools) -> None:
    result = await tools.verify_identity(BORN, context=context())
    assert (result["verified"], result["first_name"]) == (True, "Maria")


async def test_a_wrong_date_of_birth_verifies_nobody_and_names_nobody(tools: PracticeTools) -> None:
    result = await tools.verify_identity(date(1984, 3, 3), context=context())
    assert result == {"verified": False, "locked": False}


async def test_after_two_wrong_answers_even_the_right_one_does_not_help(tools: PracticeTools) -> None:
    for day in (3, 4):
        last = await tools.verify_identity(date(1984, 3, day), context=context())
    assert last == {"verified": False, "locked": True}
    assert await tools.verify_identity(BORN, context=context()) == {"verified": False, "locked": True}


@pytest.mark.parametrize("name", ["maria rivera", "Maria Rivera", "mariah riviera"])
@pytest.mark.parametrize("phone", [None, "+14155550199"])
async def test_from_an_unknown_number_name_and_date_of_birth_verify(
    tools: PracticeTools, name: str, phone: str | None
) -> None:
    result = await tools.verify_identity(BORN, name, context=context(phone=phone))
    assert result["verified"]


async def test_from_an_unknown_number_the_date_of_birth_alone_does_not(tools: PracticeTools) -> None:
    result = await tools.verify_identity(BORN, context=context(phone=None))
    assert not result["verified"]
    result = await tools.verify_identity(BORN, "someone else", context=context(phone=None))
    assert not result["verified"]


@pytest.mark.parametrize("person", [ELENA, LEO], ids=lambda person: person.first_name)
async def test_the_date_of_birth_tells_a_family_apart(tools: PracticeTools, person: SeededPatient) -> None:
    result = await tools.verify_identity(person.birth_date, context=context(phone=person.phone))
    assert result["first_name"] == person.first_name


async def test_nothing_personal_happens_before_verification(
    tools: PracticeTools, store: PracticeStore
) -> None:
    [maria] = await store.patients_with_phone(MARIA.phone)
    [appointment] = await store.upcoming(maria.patient_id, NOW)
    slot = (await tools.slot_search(FRIDAY, context=context()))["slots"][0]["slot_id"]
    with pytest.raises(NotVerified):
        await tools.upcoming_appointments(context=context())
    with pytest.raises(NotVerified):
        await tools.book_appointment(slot, context=context())
    with pytest.raises(NotVerified):
        await tools.reschedule_appointment(appointment.appointment_id, slot, context=context())
    with pytest.raises(NotVerified):
        await tools.cancel_appointment(appointment.appointment_id, context=context())
    with pytest.raises(NotVerified):
        await tools.save_insurance("Aetna", "W1", context=context())
    assert await store.upcoming(maria.patient_id, NOW) == [appointment]


async def test_verification_holds_for_its_own_conversation_only(tools: PracticeTools) -> None:
    await tools.verify_identity(BORN, context=context(conversation="c1"))
    assert (await tools.upcoming_appointments(context=context(conversation="c1")))["appointments"]
    with pytest.raises(NotVerified):
        await tools.upcoming_appointments(context=context(conversation="c2"))


async def test_slots_of_a_day_and_the_next_ones_after_it(tools: PracticeTools) -> None:
    found = await tools.slot_search(FRIDAY, context=context())
    assert [s["start"].time() for s in found["slots"]] == [time(9), time(10, 30), time(14, 15)]
    assert found["others"][0]["start"].date() == date(2026, 11, 23)
    days = [s["start"].date() for s in found["others"]]
    assert len(days) == len(set(days))
    assert not found["closed"]


async def test_the_part_of_the_day_and_the_wanted_time_choose_among_slots(tools: PracticeTools) -> None:
    afternoon = await tools.slot_search(FRIDAY, "afternoon", context=context())
    assert [s["start"].time() for s in afternoon["slots"]] == [time(14, 15)]
    near_ten = await tools.slot_search(FRIDAY, at=time(10), context=context())
    assert near_ten["slots"][0]["start"].time() == time(10, 30)
    assert not near_ten["exact"]
    assert (await tools.slot_search(FRIDAY, time(10, 30), context=context()))["exact"]
    monday = date(2026, 11, 23)
    assert (await tools.slot_search(monday, "morning", context=context()))["part_found"]
    james = (await tools.slot_search(monday, "afternoon", context=context()))["slots"]
    assert [s["start"].time() for s in james] == [time(14), time(15, 30)]


async def test_without_anything_in_the_wanted_part_of_the_day_the_rest_is_offered(
    tools: PracticeTools, store: PracticeStore
) -> None:
    [james] = await store.patients_with_phone(PATIENTS[1].phone)
    [afternoon] = (await tools.slot_search(FRIDAY, "afternoon", context=context()))["slots"]
    await store.book(
        james.patient_id, afternoon["slot_id"], reason="", conversation_id=None, idempotency_key="other"
    )
    found = await tools.slot_search(FRIDAY, "afternoon", context=context())
    assert not found["part_found"]
    assert [s["start"].time() for s in found["slots"]] == [time(9), time(10, 30)]


async def test_a_full_day_has_no_slots_but_others_are_offered(tools: PracticeTools) -> None:
    found = await tools.slot_search(fully_booked_day(NOW.date()), context=context())
    assert found["slots"] == []
    assert found["others"]
    assert not found["closed"]


async def test_the_office_is_closed_at_the_weekend(tools: PracticeTools) -> None:
    found = await tools.slot_search(date(2026, 11, 21), context=context())
    assert found["closed"]
    assert found["slots"] == []


async def test_without_a_day_the_next_times_are_found_and_none_is_past(tools: PracticeTools) -> None:
    found = await tools.slot_search(context=context())
    starts = [s["start"] for s in found["slots"]]
    assert starts == sorted(starts)
    assert starts[0] > NOW


async def test_a_slot_booked_by_somebody_else_is_said_to_be_gone(
    tools: PracticeTools, store: PracticeStore
) -> None:
    await tools.verify_identity(BORN, context=context())
    [appointment] = (await tools.upcoming_appointments(context=context()))["appointments"]
    slot = (await tools.slot_search(FRIDAY, context=context()))["slots"][0]["slot_id"]
    [james] = await store.patients_with_phone(PATIENTS[1].phone)
    await store.book(james.patient_id, slot, reason="", conversation_id=None, idempotency_key="other")
    gone = {"booked": False, "appointment": None}
    assert await tools.book_appointment(slot, context=context()) == gone
    moved = await tools.reschedule_appointment(appointment["appointment_id"], slot, context=context())
    assert moved == gone


async def test_a_whole_visit_to_the_calendar(tools: PracticeTools) -> None:
    await tools.verify_identity(BORN, context=context())
    [before] = (await tools.upcoming_appointments(context=context()))["appointments"]
    slot = (await tools.slot_search(FRIDAY, context=context()))["slots"][0]
    moved = await tools.reschedule_appointment(before["appointment_id"], slot["slot_id"], context=context())
    assert moved["booked"]
    assert moved["appointment"]["start"] == datetime(2026, 11, 20, 9, tzinfo=ZONE)
    await tools.cancel_appointment(before["appointment_id"], context=context())
    assert (await tools.upcoming_appointments(context=context()))["appointments"] == []
    booked = await tools.book_appointment(slot["slot_id"], "cough", context=context(key="k2"))
    assert booked["appointment"]["reason"] == "cough"


async def test_a_message_notes_who_called(tools: PracticeTools, store: PracticeStore) -> None:
    result = await tools.take_message("call me back", context=context())
    assert result["callback_phone"] == MARIA.phone
    [message] = await store.messages()
    assert message.patient_id is None  # nobody was verified
    await tools.verify_identity(BORN, context=context())
    await tools.take_message("again", kind="callback", context=context(key="k2"))
    assert {m.patient_id is None for m in await store.messages()} == {True, False}


async def test_a_person_is_there_or_not(tools: PracticeTools, persons: Persons) -> None:
    assert await tools.request_person(context=context()) == {
        "available": False,
        "operator": False,
        "open_now": True,
    }
    persons.available = True
    night = context(now=NOW.replace(hour=23))
    assert await tools.request_person(context=night) == {
        "available": True,
        "operator": True,
        "open_now": False,
    }


async def test_opening_hours_know_the_day(tools: PracticeTools) -> None:
    said = await tools.opening_hours(context=context())
    assert said["text"] == "Monday to Friday from 8 AM to 5 PM"
    assert (said["open_now"], said["today"]) == (True, "open today from 8 AM to 5 PM")
    sunday = await tools.opening_hours(context=context(now=datetime(2026, 11, 22, 10, tzinfo=ZONE)))
    assert (sunday["open_now"], sunday["today"]) == (False, "closed today")


def test_hours_with_a_gap_are_said_in_groups() -> None:
    hours = HOURS.model_copy(update={"wednesday": None})
    assert hours.in_words() == (
        "Monday to Tuesday from 8 AM to 5 PM and Thursday to Friday from 8 AM to 5 PM"
    )


def test_every_tool_has_a_schema_without_the_patient(tools: PracticeTools) -> None:
    for tool in tools.registry():
        assert "patient_id" not in tool.schema["properties"]
        assert tool.description.endswith((".", "?", "there."))
