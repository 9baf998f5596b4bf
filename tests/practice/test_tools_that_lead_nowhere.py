"""Which answers of the practice's tools a caller has reason to be annoyed at."""

from __future__ import annotations

from datetime import date, datetime

from office import Persons, context

from voice_agent.call.feelings import led_nowhere
from voice_agent.practice.seed import MARIA, fully_booked_day
from voice_agent.practice.tools import PracticeTools

FRIDAY = date(2026, 11, 20)
SUNDAY = datetime(2026, 11, 22, 12, 0)


async def test_what_worked_is_no_failure_whatever_it_says_besides(tools: PracticeTools) -> None:
    asked = context()
    found = await tools.slot_search(FRIDAY, context=asked)
    assert [
        led_nowhere(output)
        for output in (
            await tools.find_patient_by_phone(context=asked),
            await tools.verify_identity(MARIA.birth_date, context=asked),
            await tools.opening_hours(context=context(now=SUNDAY)),
            await tools.upcoming_appointments(context=asked),
            found,
            await tools.book_appointment(found["slots"][0]["slot_id"], context=asked),
            await tools.save_insurance("Aetna", "W1", context=asked),
            await tools.take_message("please call back", context=asked),
        )
    ] == [False] * 8


async def test_nothing_found_and_a_plain_no_lead_nowhere(tools: PracticeTools, persons: Persons) -> None:
    asked = context()
    persons.available = False
    full = fully_booked_day(asked.now.date())
    assert led_nowhere(await tools.verify_identity(date(1984, 3, 3), context=asked))
    assert led_nowhere(await tools.slot_search(full, context=asked))
    assert led_nowhere(await tools.request_person(context=asked))
    assert led_nowhere([])
    assert not led_nowhere({})
