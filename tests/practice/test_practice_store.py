import asyncio
from datetime import date, datetime, timedelta

import pytest
from office import NOW, PRACTICE, ZONE

from voice_agent.practice.records import NoSuchRecord, Slot
from voice_agent.practice.seed import MARIA, PATIENTS, clear, fully_booked_day, seed
from voice_agent.practice.store import VOICE_CONFIDENCE, PracticeStore
from voice_agent.store.database import Database

JAMES = PATIENTS[1]


async def patient_id(store: PracticeStore, phone: str) -> str:
    return (await store.patients_with_phone(phone))[0].patient_id


async def friday_slots(store: PracticeStore) -> list[Slot]:
    friday = datetime(2026, 11, 20, tzinfo=ZONE)
    return await store.free_slots(friday, friday + timedelta(days=1))


async def book(store: PracticeStore, patient: str, slot: str, key: str) -> bool:
    return (await store.book(patient, slot, reason="", conversation_id="c", idempotency_key=key)) is not None


async def test_maria_has_her_appointment_on_thursday_at_ten(store: PracticeStore) -> None:
    [appointment] = await store.upcoming(await patient_id(store, MARIA.phone), NOW)
    assert appointment.start == datetime(2026, 11, 19, 10, tzinfo=ZONE)
    assert appointment.start.tzinfo == ZONE
    assert appointment.provider == "Dr. Chen"


async def test_seeding_again_changes_nothing(database: Database, store: PracticeStore) -> None:
    before = await store.free_slots(NOW, NOW + timedelta(days=60), limit=1000)
    await seed(database, practice=PRACTICE, zone=ZONE, today=NOW.date())
    assert await store.free_slots(NOW, NOW + timedelta(days=60), limit=1000) == before
    assert len(await store.upcoming(await patient_id(store, MARIA.phone), NOW)) == 1


async def test_seeding_on_a_later_day_adds_days_and_keeps_a_moved_appointment(
    database: Database, store: PracticeStore
) -> None:
    maria = await patient_id(store, MARIA.phone)
    [appointment] = await store.upcoming(maria, NOW)
    [slot, *_] = await friday_slots(store)
    await store.reschedule(maria, appointment.appointment_id, slot.slot_id)
    later = NOW.date() + timedelta(days=1)
    await seed(database, practice=PRACTICE, zone=ZONE, today=later)
    [moved] = await store.upcoming(maria, NOW)
    assert moved.start == slot.start


async def test_a_cleared_practice_can_be_seeded_afresh(database: Database, store: PracticeStore) -> None:
    await clear(database, practice=PRACTICE)
    assert await store.patients_with_phone(MARIA.phone) == []
    await seed(database, practice=PRACTICE, zone=ZONE, today=NOW.date())
    assert len(await store.upcoming(await patient_id(store, MARIA.phone), NOW)) == 1


async def test_another_practice_sees_nothing_of_this_one(database: Database, store: PracticeStore) -> None:
    other = PracticeStore(database, "elsewhere", ZONE)
    maria = await patient_id(store, MARIA.phone)
    [slot, *_] = await friday_slots(store)
    assert await other.patients_with_phone(MARIA.phone) == []
    assert await other.upcoming(maria, NOW) == []
    assert await other.free_slots(NOW, NOW + timedelta(days=30)) == []
    with pytest.raises(NoSuchRecord):
        await book(other, maria, slot.slot_id, "k")


async def test_a_family_shares_a_phone(store: PracticeStore) -> None:
    found = await store.patients_with_phone("+14155550188")
    assert [p.first_name for p in found] == ["Elena", "Leo"]


async def test_one_day_has_nothing_free(store: PracticeStore) -> None:
    day = datetime.combine(fully_booked_day(NOW.date()), datetime.min.time(), ZONE)
    assert await store.free_slots(day, day + timedelta(days=1)) == []


async def test_a_booked_slot_is_no_longer_free(store: PracticeStore) -> None:
    slots = await friday_slots(store)
    assert await book(store, await patient_id(store, JAMES.phone), slots[0].slot_id, "k1")
    assert await friday_slots(store) == slots[1:]


async def test_one_slot_is_never_booked_twice_however_many_try_at_once(store: PracticeStore) -> None:
    [slot, *_] = await friday_slots(store)
    patients = [await patient_id(store, p.phone) for p in PATIENTS[:5]]
    outcomes = await asyncio.gather(*(book(store, p, slot.slot_id, f"k{p}") for p in patients))
    assert sorted(outcomes) == [False, False, False, False, True]


async def test_the_same_booking_made_twice_at_once_is_one_booking(store: PracticeStore) -> None:
    [slot, *_] = await friday_slots(store)
    james = await patient_id(store, JAMES.phone)
    before = len(await store.upcoming(james, NOW))
    outcomes = await asyncio.gather(*(book(store, james, slot.slot_id, "same") for _ in range(4)))
    assert outcomes == [True] * 4
    assert len(await store.upcoming(james, NOW)) == before + 1


async def test_moving_frees_the_old_time_and_takes_the_new_one(store: PracticeStore) -> None:
    maria = await patient_id(store, MARIA.phone)
    [appointment] = await store.upcoming(maria, NOW)
    [slot, *others] = await friday_slots(store)
    moved = await store.reschedule(maria, appointment.appointment_id, slot.slot_id)
    assert moved is not None
    assert moved.start == slot.start
    assert await friday_slots(store) == others
    thursday = datetime(2026, 11, 19, tzinfo=ZONE)
    free = await store.free_slots(thursday, thursday + timedelta(days=1))
    assert appointment.slot_id in [s.slot_id for s in free]


async def test_moving_to_a_taken_slot_leaves_everything_as_it_was(store: PracticeStore) -> None:
    maria = await patient_id(store, MARIA.phone)
    [appointment] = await store.upcoming(maria, NOW)
    [slot, *_] = await friday_slots(store)
    await book(store, await patient_id(store, JAMES.phone), slot.slot_id, "k1")
    assert await store.reschedule(maria, appointment.appointment_id, slot.slot_id) is None
    assert await store.upcoming(maria, NOW) == [appointment]


async def test_moving_twice_to_the_same_slot_is_moving_once(store: PracticeStore) -> None:
    maria = await patient_id(store, MARIA.phone)
    [appointment] = await store.upcoming(maria, NOW)
    [slot, *_] = await friday_slots(store)
    first = await store.reschedule(maria, appointment.appointment_id, slot.slot_id)
    assert await store.reschedule(maria, appointment.appointment_id, slot.slot_id) == first


async def test_cancelling_frees_the_slot_and_may_be_done_twice(store: PracticeStore) -> None:
    maria = await patient_id(store, MARIA.phone)
    [appointment] = await store.upcoming(maria, NOW)
    for _ in range(2):
        await store.cancel(maria, appointment.appointment_id, reason="asked to")
    assert await store.upcoming(maria, NOW) == []
    assert await book(store, await patient_id(store, JAMES.phone), appointment.slot_id, "k1")


async def test_a_cancelled_appointment_cannot_be_moved(store: PracticeStore) -> None:
    maria = await patient_id(store, MARIA.phone)
    [appointment] = await store.upcoming(maria, NOW)
    [slot, *_] = await friday_slots(store)
    await store.cancel(maria, appointment.appointment_id, reason="")
    with pytest.raises(NoSuchRecord):
        await store.reschedule(maria, appointment.appointment_id, slot.slot_id)


@pytest.mark.parametrize("identifier", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
async def test_what_does_not_exist_is_named_as_such(store: PracticeStore, identifier: str) -> None:
    maria = await patient_id(store, MARIA.phone)
    [slot, *_] = await friday_slots(store)
    with pytest.raises(NoSuchRecord):
        await book(store, maria, identifier, "k")
    with pytest.raises(NoSuchRecord):
        await store.reschedule(maria, identifier, slot.slot_id)
    assert await store.patient(identifier) is None


async def test_nobody_touches_the_appointment_of_another_patient(store: PracticeStore) -> None:
    [appointment] = await store.upcoming(await patient_id(store, MARIA.phone), NOW)
    james = await patient_id(store, JAMES.phone)
    [slot, *_] = await friday_slots(store)
    with pytest.raises(NoSuchRecord):
        await store.cancel(james, appointment.appointment_id, reason="")
    with pytest.raises(NoSuchRecord):
        await store.reschedule(james, appointment.appointment_id, slot.slot_id)


async def test_insurance_details_are_kept_once_at_the_confidence_of_the_phone(store: PracticeStore) -> None:
    maria = await patient_id(store, MARIA.phone)
    for _ in range(2):
        await store.save_insurance(
            maria, carrier="Blue Shield", member_id="W204177", conversation_id="c", idempotency_key="k"
        )
    [insurance] = await store.insurance(maria)
    assert (insurance.carrier, insurance.member_id) == ("Blue Shield", "W204177")
    assert (insurance.confidence, insurance.source) == (VOICE_CONFIDENCE, "voice") == (0.5, "voice")


async def test_a_message_is_kept_once(store: PracticeStore) -> None:
    for _ in range(2):
        await store.take_message(
            "please call me",
            callback_phone=MARIA.phone,
            patient_id=None,
            conversation_id="c",
            idempotency_key="k",
        )
    [message] = await store.messages()
    assert (message.kind, message.text, message.callback_phone) == ("message", "please call me", MARIA.phone)


async def test_verification_counts_failures_until_somebody_is_verified(store: PracticeStore) -> None:
    maria = await patient_id(store, MARIA.phone)
    assert (await store.record_verification("c", None)).failures == 1
    assert (await store.record_verification("c", None)).failures == 2
    assert (await store.record_verification("c", maria)).patient_id == maria
    assert (await store.verification("c")).patient_id == maria
    assert (await store.verification("other")).patient_id is None


def test_the_calendar_is_the_same_every_time_and_knows_no_weekend() -> None:
    from voice_agent.practice.seed import calendar

    days = [day for day, _ in calendar(date(2026, 11, 17))]
    assert days == [day for day, _ in calendar(date(2026, 11, 17))]
    assert all(day.weekday() < 5 for day in days)
    assert min(days) == date(2026, 11, 18)
