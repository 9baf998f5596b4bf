"""The demonstration by text signals: the appointment is moved, the insurance noted, the call ends."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from office import NOW, ZONE
from talk import Talk

from voice_agent.practice.scenario import CallerLine, Manner, ScriptedCaller, demonstration
from voice_agent.practice.seed import MARIA, calendar
from voice_agent.practice.service import Service
from voice_agent.reasoning.effects import Navigation

BORN = "march second nineteen eighty four"
FRIDAY_NINE = datetime(2026, 11, 20, 9, tzinfo=ZONE)
FRIDAY_TEN_THIRTY = datetime(2026, 11, 20, 10, 30, tzinfo=ZONE)


async def records(service: Service) -> tuple[list[datetime], list[tuple[str, str, float]]]:
    """When Maria's appointments are, and the insurance details noted for her."""
    [maria] = await service.store.patients_with_phone(MARIA.phone)
    appointments = await service.store.upcoming(maria.patient_id, NOW)
    insurance = await service.store.insurance(maria.patient_id)
    return [a.start for a in appointments], [(i.carrier, i.member_id, i.confidence) for i in insurance]


async def test_the_call_of_the_demonstration(service: Service, talk: Talk) -> None:
    assert talk.last == "Hi, this is Dr. Chen's office, how can I help you today?"
    assert "date of birth" in await talk.say("I need to move my Thursday appointment.")
    assert "Maria" not in talk.said
    said = await talk.say("March second, nineteen eighty four.")
    assert "Thursday, November 19th at 10 AM" in said
    assert "8:30 AM, 10 AM, or 1:30 PM" in await talk.say("Wednesday, please.")
    said = await talk.interrupt("No, Friday.")
    assert "Friday, November 20th" in said
    assert "9 AM, 10:30 AM, or 2:15 PM" in said
    await talk.say("Mm-hmm.")
    assert talk.state == "offer"
    assert "Friday, November 20th at 9 AM" in await talk.say("The first one.")
    assert "You're all set for Friday, November 20th at 9 AM" in await talk.say("Yes, please.")
    assert "insurance company" in await talk.say("I lost my insurance card.")
    assert "member ID" in await talk.say("Blue Shield.")
    assert "W 2 0, 4 1 7, 7" in await talk.say("W, two, zero, four, one, seven, seven.")
    assert "anything else" in await talk.say("Yes.")
    assert "oodbye" in await talk.say("No, that's all. Thank you.")
    assert talk.ended == "terminal_state"
    assert await records(service) == ([FRIDAY_NINE], [("Blue Shield", "W204177", 0.5)])


CARD = ("blue shield", "w two zero four one seven seven", "yes")

VARIATIONS: dict[str, tuple[str, ...]] = {
    "the short way": (
        "i need to move my thursday appointment to friday", BORN, "nine am", "yes please",
        "i lost my insurance card", *CARD, "no that's all",
    ),
    "politely": (
        "hi good afternoon i'd like to reschedule my appointment on thursday please",
        "sure it's march second nineteen eighty four", "could we do wednesday", "!sorry i meant friday",
        "the nine o'clock please", "yes that's right thank you", "oh and i have a new insurance card",
        "it's with blue shield", "it's w two oh four one seven seven", "that's correct",
        "no thank you goodbye",
    ),
    "insurance first": (
        "i have a new insurance card", BORN, *CARD, "yes i also need to move my thursday appointment",
        "friday", "the first one", "yes", "nope that's it",
    ),
    "insurance in the middle": (
        "i need to reschedule", BORN, "actually i also lost my insurance card", *CARD, "wednesday",
        "!no friday",
        "nine o'clock", "yes", "no that's everything thank you",
    ),
    "insurance while times are offered": (
        "can i change my appointment", "three two eighty four", "friday", "i have new insurance by the way",
        *CARD, "the first one", "yes please", "bye",
    ),
    "no correcting word": (
        "i can't make it on thursday can i come another day", "oh three oh two eighty four",
        "how about wednesday", "!how about friday instead", "the earliest one", "sounds good",
        "my insurance changed", *CARD, "no",
    ),
    "the correction comes at the end": (
        "i need to push back my appointment", BORN, "wednesday", "the first one", "no friday", "nine am",
        "yes book it", "i need to update my insurance", *CARD, "that's all thanks",
    ),
    "misheard member id": (
        "i'd like to move my appointment", BORN, "friday", "the first one", "yes", "i lost my insurance card",
        "blue shield", "w two zero four one seven eight", "no w two zero four one seven seven", "yes",
        "no thanks",
    ),
    "wrong birthday at first": (
        "i need to move my thursday appointment", "april second nineteen eighty four", BORN, "friday at nine",
        "yes", "i lost my insurance card", *CARD, "no that's all",
    ),
    "questions in between": (
        "what are your hours", "i need to move my thursday appointment", "where are you located", BORN,
        "what time do you close", "wednesday", "!wait no friday", "can you repeat that", "the first one",
        "yes",
        "i got a new insurance card", "blue shield", "hold on", "double u two zero four one double seven",
        "yes",
        "no that's all thank you",
    ),
    "in pieces": (
        "hello", "my appointment on thursday i need to move it", "it's march", BORN, "um", "friday please",
        "nine", "yes", "my insurance card i lost it", *CARD, "no",
    ),
    "typed": (
        "Reschedule, please!", "3/2/84", "Nov 18", "!no, 11/20", "9:00 am", "yes", "New insurance card",
        "Blue Shield", "W204177", "yes", "no, that's all",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lines", VARIATIONS.values(), ids=VARIATIONS.keys())
async def test_other_words_and_another_order_lead_to_the_same_end(
    service: Service, talk: Talk, lines: tuple[str, ...]
) -> None:
    for line in lines:
        await (talk.interrupt(line[1:]) if line.startswith("!") else talk.say(line))
    assert talk.ended == "terminal_state", "\n".join(talk.transcript)
    assert await records(service) == ([FRIDAY_NINE], [("Blue Shield", "W204177", 0.5)])
    assert talk.escalations == []


async def test_the_scripted_caller_gets_what_she_wants(service: Service, talk: Talk) -> None:
    scenario = demonstration(NOW.date())
    caller = ScriptedCaller(scenario.lines)
    told = 0
    manners = []
    for _ in range(30):
        for state in talk.states[told:]:
            caller.entered(state)
        told = len(talk.states)
        if talk.ended:
            break
        line = caller.into_speech(talk.state) or caller.answer(talk.state, talk.last)
        assert line is not None, f"nothing to say in {talk.state} to {talk.last!r}"
        manners.append(line.manner)
        if line.manner is Manner.INTERRUPTION:
            await talk.interrupt(line.text)
        elif line.manner is Manner.ANSWER:
            await talk.say(line.text)
    assert talk.ended == "terminal_state"
    assert manners.count(Manner.INTERRUPTION) == manners.count(Manner.BACKCHANNEL) == 1
    [start], [insurance] = await records(service)
    assert start.date() == scenario.new_day
    assert insurance == (scenario.carrier, scenario.member_id, 0.5)


@pytest.mark.parametrize("ahead", range(7))
def test_on_any_day_of_the_week_the_demonstration_has_times_to_offer(ahead: int) -> None:
    today = date(2026, 11, 16) + timedelta(days=ahead)
    scenario = demonstration(today)
    bookable = {day for day, _ in calendar(today)}
    assert scenario.new_day in bookable
    assert today < scenario.new_day <= today + timedelta(days=7)


@pytest.mark.parametrize("ahead", range(7))
async def test_the_scripted_caller_succeeds_on_any_day(service: Service, ahead: int) -> None:
    now = NOW + timedelta(days=7 + ahead)
    later = replace(service, clock=lambda: now)
    await later.seed()
    scenario = demonstration(now.date())
    caller = ScriptedCaller(scenario.lines)
    talk = Talk(later)
    await talk.begin()
    told = 0
    for _ in range(30):
        for state in talk.states[told:]:
            caller.entered(state)
        told = len(talk.states)
        if talk.ended:
            break
        line = caller.answer(talk.state, talk.last)
        assert line is not None, "\n".join(talk.transcript)
        await talk.say(line.text)
    assert talk.ended == "terminal_state", "\n".join(talk.transcript)
    [maria] = await service.store.patients_with_phone(MARIA.phone)
    [appointment] = await service.store.upcoming(maria.patient_id, now)
    assert appointment.start.date() == scenario.new_day
    await talk.conversation.close()


def test_a_line_is_said_again_until_it_was_understood() -> None:
    wish = CallerLine("I need to move my appointment.", ("greet",), done_by="identify")
    caller = ScriptedCaller((wish, CallerLine("Bye.", ("greet",))))
    assert caller.answer("greet", "How can I help?") is wish
    caller.entered("greet")
    assert caller.answer("greet", "Sorry, I didn't get that.") is wish
    caller.entered("identify")
    again = caller.answer("greet", "How can I help?")
    assert again is not None
    assert again.text == "Bye."


def test_an_interruption_that_was_not_understood_becomes_an_answer() -> None:
    caller = ScriptedCaller(
        (
            CallerLine("No, Friday.", ("offer",), manner=Manner.INTERRUPTION, done_by="search"),
            CallerLine("Mm-hmm.", ("offer",), manner=Manner.BACKCHANNEL),
            CallerLine("The first one.", ("offer",)),
        )
    )
    spoken = caller.into_speech("offer")
    assert spoken is not None
    assert spoken.text == "No, Friday."
    assert caller.into_speech("offer") is None  # no murmuring while the interruption is open
    repeated = caller.answer("offer", "Sorry?")
    assert repeated is spoken
    caller.entered("search")
    murmured = caller.into_speech("offer")
    assert murmured is not None
    assert murmured.manner is Manner.BACKCHANNEL
    chosen = caller.answer("offer", "Which one?")
    assert chosen is not None
    assert chosen.text == "The first one."


async def test_every_answer_is_there_within_milliseconds(talk: Talk) -> None:
    began = time.perf_counter()
    lines = ("i need to move my thursday appointment", BORN, "friday", "the first one", "yes", "no")
    await talk.lines(*lines)
    steps = [effect.total_ms for effect in talk.effects if isinstance(effect, Navigation)]
    assert len(steps) == len(lines) + 1
    assert sorted(steps)[len(steps) // 2] < 150, steps
    assert time.perf_counter() - began < 5
