"""Nothing personal before the caller proved who they are."""

from __future__ import annotations

from talk import BORN, THURSDAY_TEN, Talk, call, starts

from voice_agent.practice.seed import MARIA, PATIENTS
from voice_agent.practice.service import Service
from voice_agent.reasoning.signals import Utterance

STRANGER = "+14155550199"


async def test_a_wrong_birthday_twice_opens_nothing_and_says_nothing_personal(service: Service) -> None:
    talk = await call(
        service,
        "when is my appointment",
        "april second nineteen eighty four",
        "march third nineteen eighty four",
    )
    assert talk.state == "not_verified"
    await talk.lines(BORN)  # too late
    for secret in ("Maria", "Rivera", "Thursday", "10 AM"):
        assert secret not in talk.said
    await talk.lines("yes", "please call me back about my appointment", "yes", "no")
    assert talk.ended
    [message] = await service.store.messages()
    assert (message.text, message.callback_phone) == ("please call me back about my appointment", MARIA.phone)
    assert message.patient_id is None


async def test_a_second_try_with_the_right_birthday_goes_on(service: Service) -> None:
    talk = await call(service, "when is my appointment", "march third nineteen eighty four", BORN)
    assert "Thursday, November 19th at 10 AM" in talk.last


async def test_an_unknown_caller_is_verified_by_name_and_birthday(service: Service) -> None:
    talk = await call(service, "when is my appointment", "maria rivera", BORN, phone=STRANGER)
    assert "Thursday, November 19th at 10 AM" in talk.last


async def test_a_withheld_number_is_verified_by_name_and_birthday(service: Service) -> None:
    talk = await call(
        service, "i need to cancel my appointment", "my name is maria rivera", BORN, "yes", phone=None
    )
    assert "cancelled" in talk.last
    assert await starts(service) == []


async def test_somebody_who_is_no_patient_can_leave_a_message_and_a_number(service: Service) -> None:
    talk = await call(
        service,
        "i'd like to book an appointment",
        *("john smith", "may fifth nineteen ninety") * 2,
        "yes",
        "i'm a new patient and i'd like an appointment",
        "four one five five five five oh one two two",
        "yes",
        "no that's it",
        phone=None,
    )
    assert talk.ended
    [message] = await service.store.messages()
    assert message.callback_phone == "+14155550122"
    assert "new patient" in message.text


async def test_a_family_is_told_apart_by_the_birthday(service: Service) -> None:
    leo = PATIENTS[6]
    talk = await call(service, "i need an appointment", "january thirtieth twenty seventeen", phone=leo.phone)
    assert "Leo" in talk.last


async def test_a_birthday_said_badly_is_read_back_before_it_counts(service: Service) -> None:
    talk = Talk(service, confidence=0.5)
    await talk.begin()
    await talk.say("i need to move my appointment")
    assert "March 2nd, 1984. Is that right?" in await talk.say(BORN)
    assert "Maria" in await talk.say("yes")


async def test_words_the_recognizer_does_not_trust_are_never_acted_on(service: Service) -> None:
    talk = await call(service, "i need to cancel my appointment", BORN)
    await talk.signal(Utterance("yes", confidence=0.2, accepted=False))
    assert talk.state == "confirm_cancel"
    assert await starts(service) == [THURSDAY_TEN]
