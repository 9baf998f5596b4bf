"""Persons, messages, questions, emergencies, and calls in which nothing useful is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from office import Persons
from talk import BORN, Talk, call

from voice_agent.practice.seed import MARIA
from voice_agent.practice.service import Service
from voice_agent.practice.tools import PracticeTools
from voice_agent.reasoning.effects import Escalate
from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.reasoner import Situation, ToolCaller, Usage
from voice_agent.reasoning.signals import NotReached


async def test_nobody_there_is_admitted_and_a_message_is_taken(service: Service) -> None:
    talk = await call(service, "can i talk to a person")
    assert "nobody is free" in talk.last
    assert talk.escalations == []
    await talk.lines("yes", "i have a question about my medication", "yes", "no")
    assert talk.ended
    [message] = await service.store.messages()
    assert message.text == "i have a question about my medication"


async def test_a_person_who_is_there_takes_over(service: Service, persons: Persons) -> None:
    persons.available = True
    talk = await call(service, "let me speak to somebody please")
    assert talk.escalations == ["caller asked for a person"]
    assert talk.state == "hand_over"


async def test_a_person_at_another_number_is_reached_by_transfer(service: Service, persons: Persons) -> None:
    async def answers() -> bool:
        return True

    facts = {"practice": {**service.engine.facts["practice"], "forward_to": "+14155550177"}}
    own = service.settings
    tools = PracticeTools(service.store, own.opening_hours, own.zone, persons, answers).registry()
    forwarding = replace(service, engine=replace(service.engine, facts=facts), tools=tools)
    talk = await call(forwarding, "can i talk to a person")
    assert talk.transfers == ["+14155550177"]


async def test_a_person_may_be_asked_for_in_the_middle(service: Service, persons: Persons) -> None:
    persons.available = True
    talk = await call(service, "i need to move my appointment", BORN, "can i talk to a real person")
    assert talk.escalations == ["caller asked for a person"]


async def test_a_message_with_another_number(service: Service) -> None:
    talk = await call(
        service,
        "i need a prescription refill",
        "a refill for my blood pressure pills",
        "no",
        "four one five five five five oh one two two",
        "yes",
        "no",
    )
    assert talk.ended
    [message] = await service.store.messages()
    assert (message.text, message.callback_phone) == ("a refill for my blood pressure pills", "+14155550122")


@pytest.mark.parametrize("words", ["the second monday thank you", "thank you", "okay thank you very much"])
async def test_thanks_in_the_middle_do_not_end_the_call(service: Service, words: str) -> None:
    talk = await call(service, "i need to move my appointment")
    asked = talk.state
    await talk.say(words)
    assert talk.state == asked
    assert not talk.ended


@pytest.mark.parametrize("words", ["thank you", "no thanks", "thank you goodbye", "that's all thank you"])
async def test_thanks_when_nothing_is_left_to_do_end_it(service: Service, words: str) -> None:
    talk = await call(service, "i need to cancel my appointment", BORN, "yes")
    assert talk.state == "anything_else"
    await talk.say(words)
    assert talk.ended


@pytest.mark.parametrize("words", ["thank you", "okay thanks so much", "thank you bye"])
async def test_thanks_into_the_goodbye_are_answered_with_one(service: Service, words: str) -> None:
    talk = await call(service, "i need to cancel my appointment", BORN, "yes")
    await talk.say("no that's all")
    said = await talk.say(words, barge_in=True)
    assert talk.ended
    assert "anything else" not in said
    assert said.lower().count("goodbye") <= 1


async def test_hours_and_place_need_no_verification(service: Service) -> None:
    talk = await call(service)
    assert "Monday to Friday from 8 AM to 5 PM" in await talk.say("what are your hours")
    assert "2120 Juniper Street" in await talk.say("where are you located")
    assert talk.state == "greet"


async def test_the_agent_says_what_it_is(service: Service) -> None:
    talk = await call(service, "am i talking to a robot")
    assert "automated assistant" in talk.last


@pytest.mark.parametrize(
    "text",
    ["i have chest pain", "i can't breathe", "i think i'm having a heart attack", "she passed out",
     "i took too many pills", "there's a pain in my chest", "he is not breathing"],
)  # fmt: skip
@pytest.mark.parametrize(
    "before", [(), ("i need to move my appointment", BORN, "friday")], ids=["first", "middle"]
)
async def test_an_emergency_is_sent_to_911_at_once(
    service: Service, text: str, before: tuple[str, ...]
) -> None:
    talk = await call(service, *before, text)
    assert "hang up and call 911" in talk.last
    told, wanted = [effect for effect in talk.effects if isinstance(effect, Escalate)]
    assert (told.trigger, told.hard, wanted.hard) == ("safety", False, True)
    assert [m.kind for m in await service.store.messages()] == ["urgent"]


@pytest.mark.parametrize("text", ["i want to kill myself", "i don't want to live anymore", "i feel suicidal"])
async def test_a_crisis_is_met_with_help_at_once(service: Service, text: str) -> None:
    talk = await call(service, text)
    assert "988" in talk.last
    assert "911" in talk.last
    assert set(talk.escalations) == {"caller may want to hurt themselves"}


@pytest.mark.parametrize("text", ["my knee hurts", "i have a cold", "my son has a fever", "i have back pain"])
async def test_not_every_ache_is_an_emergency(service: Service, text: str) -> None:
    talk = await call(service, text)
    assert talk.escalations == []


async def test_the_emergency_can_be_taken_back(service: Service) -> None:
    talk = await call(service, "i have chest pain")
    await talk.signal(NotReached("operator"))
    await talk.lines("no it's not an emergency", "i need an appointment", BORN)
    assert talk.state == "first_day"


async def test_the_caller_is_told_honestly_that_nobody_comes_to_an_emergency(service: Service) -> None:
    talk = await call(service, "i need to move my appointment", BORN, "she passed out")
    assert await talk.signal(NotReached("operator")) == (
        "I've left word with our staff, but nobody can come to the phone right now, so please don't wait"
        " for us. If you don't need 911, just tell me, and we'll go on."
    )


class Careless(EmbeddedReasoner):
    """A model that would talk everything away, if it were asked."""

    @property
    def rephrases(self) -> bool:
        return True

    async def engage(
        self, situation: Situation, draft: tuple[str, ...], call_tool: ToolCaller
    ) -> AsyncIterator[str | Usage]:
        yield "That is nothing, take an aspirin."


async def test_no_model_can_talk_an_emergency_away(service: Service) -> None:
    talk = await call(replace(service, reasoner=Careless()), "i need an appointment and i have chest pain")
    assert "hang up and call 911" in talk.last
    assert "aspirin" not in talk.last
    assert "please don't wait for us" in await talk.signal(NotReached("operator"))


async def test_chest_pain_said_in_passing_is_heard(service: Service) -> None:
    talk = await call(service, "i'd like an appointment because of this pressure in my chest since breakfast")
    assert "hang up and call 911" in talk.last
    assert talk.state == "emergency_told"


async def test_talk_of_the_chest_is_not_an_emergency(service: Service) -> None:
    talk = await call(service, "i need to move my chest x ray appointment", BORN)
    assert talk.escalations == []
    assert "911" not in talk.said


async def test_a_company_nobody_knows_is_noted_as_another_one(service: Service) -> None:
    lines = ("acme health", "another company", "x y z one two three four", "yes", "no")
    talk = await call(service, "i have new insurance", BORN, *lines)
    assert talk.ended
    [maria] = await service.store.patients_with_phone(MARIA.phone)
    [insurance] = await service.store.insurance(maria.patient_id)
    assert (insurance.carrier, insurance.member_id) == ("another company", "XYZ1234")


async def test_the_card_may_not_be_at_hand(service: Service) -> None:
    talk = await call(service, "i have new insurance", BORN, "blue shield", "i don't have the card yet")
    assert "bring the new card" in talk.last
    [maria] = await service.store.patients_with_phone(MARIA.phone)
    assert await service.store.insurance(maria.patient_id) == []


async def test_a_silent_caller_is_asked_twice_and_then_let_go(service: Service) -> None:
    talk = await call(service)
    assert "still there" in await talk.silence(1)
    assert await talk.silence(2)
    await talk.silence(3)
    assert talk.ended == "timeout"


async def test_gibberish_never_ends_or_escalates_a_call_by_itself(service: Service) -> None:
    talk = await call(service, "flurb gnarg zip", "wibble wobble", "xyzzy plugh")
    assert not talk.ended
    assert talk.escalations == []
    assert "someone" in talk.last
    await talk.say("yes")
    assert "nobody is free" in talk.last


async def test_the_greeting_comes_alone_and_the_call_may_end_after_it(service: Service) -> None:
    talk = await call(service, "sorry wrong number goodbye")
    assert talk.ended == "terminal_state"


SAYINGS = (
    "i need to move my appointment", "cancel my appointment", "i'd like to book",
    BORN, "march third nineteen ninety",
    "friday", "wednesday", "next week", "saturday", "the first one", "nine o'clock", "yes", "no", "maybe",
    "no friday", "actually cancel it", "i lost my insurance card", "blue shield",
    "w two zero four one seven seven",
    "i want to leave a message", "please call me", "can i talk to a person", "what are your hours", "mm hmm",
    "never mind", "start over", "can you repeat that", "hold on", "none of those", "gibberish wobble", "um",
    "four one five five five five oh one two two", "something else", "as soon as possible", "that's all",
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.sampled_from(SAYINGS), max_size=14))
async def test_whatever_is_said_a_promise_is_kept_and_nothing_personal_is_said_too_soon(
    service: Service, lines: list[str]
) -> None:
    [maria] = await service.store.patients_with_phone(MARIA.phone)
    conversation = f"fuzz-{uuid4()}"
    talk = Talk(service, conversation=conversation)
    await talk.begin()
    for line in lines:
        if talk.ended or talk.transfers:
            break
        await talk.say(line)
    verified = (await service.store.verification(conversation)).patient_id == maria.patient_id
    if not verified:
        assert "Maria" not in talk.said
        assert "Dr. Chen on" not in talk.said
    promised = talk.said.count("You're all set for")
    written = [t for name in ("book_appointment", "reschedule_appointment") for t in talk.tools(name)]
    assert promised == sum(t.succeeded and t.output["booked"] for t in written)
    await talk.conversation.close()
