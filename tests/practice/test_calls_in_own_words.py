"""Callers who do not speak as a graph would like it: asides, corrections, several things in one breath."""

from __future__ import annotations

import pytest
from talk import BORN, call

from voice_agent.practice.service import Service


async def test_courtesies_alarm_nobody(service: Service) -> None:
    talk = await call(service, "move my appointment", "thanks", BORN, "thanks", "tuesday", "thanks", "thanks")
    assert talk.escalations == []
    assert "911" not in talk.said


async def test_a_day_of_a_month_is_no_place_in_the_list_that_was_offered(service: Service) -> None:
    talk = await call(service, "move my appointment", BORN, "friday", "what about december first")
    assert "On Tuesday, December 1st, I have" in talk.last


async def test_a_moment_is_no_place_in_the_list_that_was_offered(service: Service) -> None:
    talk = await call(service, "move my appointment", BORN, "friday", "um give me one second")
    assert talk.state == "offer"


@pytest.mark.parametrize(
    "words",
    [
        "no please call me at two one two five five five one two one two",
        "two one two five five five one two one two would be better",
        "no use two one two five five five one two one two",
    ],
)
async def test_another_number_is_the_answer_to_whether_this_one_will_do(service: Service, words: str) -> None:
    talk = await call(service, "can i leave a message", "please call me about my bill", words)
    assert "2 1 2, 5 5 5, 1 2 1 2. Is that right?" in talk.last
    await talk.say("yes")
    [message] = await service.store.messages()
    assert (message.text, message.callback_phone) == ("please call me about my bill", "+12125551212")


@pytest.mark.parametrize("words", ["no please use another number", "no another one please"])
async def test_a_polite_no_is_a_no(service: Service, words: str) -> None:
    talk = await call(service, "can i leave a message", "please call me about my bill", words)
    assert "What number can we call you back at?" in talk.last


async def test_what_is_put_right_in_a_message_does_not_replace_the_rest(service: Service) -> None:
    talk = await call(service, "can i leave a message", "please call me about my bill from may")
    await talk.lines("sorry i meant the bill from june", "yes")
    [message] = await service.store.messages()
    assert message.text == "please call me about my bill from may. the bill from june"


@pytest.mark.parametrize(
    "words",
    [
        "maria rivera march second nineteen eighty four",
        "maria rivera born on march second nineteen eighty four",
        "it's maria rivera and my birthday is march second nineteen eighty four",
        "march second nineteen eighty four my name is maria rivera",
    ],
)
async def test_name_and_date_of_birth_in_one_breath(service: Service, words: str) -> None:
    talk = await call(service, "when is my appointment", words, phone=None)
    assert "Thanks, Maria. Your appointment" in talk.last


@pytest.mark.parametrize(
    "words",
    [
        "oh no i didn't want that",
        "no that's wrong",
        "wait no that was a mistake can you undo that",
        "no my sister needs something too",
        "no the name on it was not right",
    ],
)
async def test_a_no_with_more_than_that_hangs_up_on_nobody(service: Service, words: str) -> None:
    talk = await call(service, "i need to cancel my appointment", BORN, "yes", words)
    assert not talk.ended


@pytest.mark.parametrize(
    "words",
    ["no that's all for today thank you so much", "no i'm good thanks have a nice day", "um no that was it"],
)
async def test_a_no_with_courtesies_ends_the_call(service: Service, words: str) -> None:
    talk = await call(service, "i need to cancel my appointment", BORN, "yes", words)
    assert talk.ended


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("move my appointment", BORN, "friday", "the first one", "okay bye"), "nothing was changed"),
        (("cancel my appointment", BORN, "goodbye"), "nothing was changed"),
        (("can i leave a message", "bye bye"), "I took no message"),
    ],
)
async def test_who_leaves_in_the_middle_hears_that_nothing_was_done(
    service: Service, lines: tuple[str, ...], said: str
) -> None:
    talk = await call(service, *lines)
    assert talk.ended
    assert said in talk.last


@pytest.mark.parametrize(
    "words",
    [
        "how much does a visit cost",
        "do you take aetna",
        "i have a headache should i take ibuprofen or tylenol",
        "is the doctor in today",
        "i'm a new patient",
        "this is doctor patel's office i'm calling about a referral for a patient",
    ],
)
async def test_what_only_the_staff_can_answer_becomes_a_message(service: Service, words: str) -> None:
    talk = await call(service, words)
    assert "I can take a message for them" in talk.last or "What would you like me to tell" in talk.last
    assert talk.state == "message"


async def test_a_message_is_kept_when_the_caller_leaves_before_the_last_question(service: Service) -> None:
    talk = await call(service, "can i leave a message", "please call me about my bill", "bye")
    assert "I've passed that on" in talk.last
    assert not talk.ended


@pytest.mark.parametrize("words", ["my husband died last week", "this is ridiculous", "you are useless"])
async def test_grief_and_anger_are_answered_and_nothing_is_started(service: Service, words: str) -> None:
    talk = await call(service, words)
    assert "sorry" in talk.last
    assert "didn't get that" not in talk.last
    assert talk.state == "greet"


@pytest.mark.parametrize(
    "words", ["can you speak up", "i can't hear you", "what was the last thing you said"]
)
async def test_what_was_not_heard_is_said_again(service: Service, words: str) -> None:
    talk = await call(service, "move my appointment", BORN)
    asked = talk.last
    assert await talk.say(words) == asked


async def test_hours_are_told_while_a_message_is_taken(service: Service) -> None:
    talk = await call(service, "can i leave a message", "please call me about my bill")
    assert "8 AM to 5 PM" in await talk.say("when are you open")
    assert talk.state == "message"


async def test_of_two_wishes_in_one_breath_the_second_is_taken_up_when_the_first_is_done(
    service: Service,
) -> None:
    talk = await call(
        service,
        "i need to cancel my appointment on thursday and book a new appointment for next monday",
        BORN,
    )
    assert "You also wanted to book an appointment" in await talk.say("yes")
    assert "On Monday, November 23rd, I have" in await talk.say("yes please")


async def test_a_second_wish_can_be_declined(service: Service) -> None:
    talk = await call(
        service, "i need to cancel my appointment and i have a question about my bill", BORN, "yes"
    )
    assert await talk.say("no not anymore") == "Is there anything else I can help you with?"


async def test_what_is_told_and_what_is_done_are_both_served(service: Service) -> None:
    talk = await call(service, "what are your hours and can i move my appointment to friday")
    assert "8 AM to 5 PM" in talk.last
    assert "On Friday, November 20th, I have" in await talk.say(BORN)


async def test_a_moment_to_think_is_no_wish(service: Service) -> None:
    talk = await call(service, "um let me see")
    assert talk.state == "greet"


async def test_words_that_share_nothing_with_a_wish_are_not_taken_for_it(service: Service) -> None:
    talk = await call(
        service, "move my appointment", BORN, "friday", "oh wait actually can i keep the old one"
    )
    assert "automated assistant" not in talk.last


@pytest.mark.parametrize("year", ["eighty four", "um nineteen eighty four", BORN])
async def test_a_date_of_birth_may_come_in_pieces(service: Service, year: str) -> None:
    talk = await call(service, "move my appointment", "it's march second")
    assert "I have march second so far" in talk.last
    assert "Thanks, Maria" in await talk.say(year)


async def test_a_member_id_may_come_in_pieces(service: Service) -> None:
    talk = await call(service, "i have a new insurance card", BORN, "blue shield", "x y z")
    assert "I have X Y Z so far" in talk.last
    assert "X Y Z, 9 4 4, 7. Is that right?" in await talk.say("nine four four seven")


async def test_a_day_put_right_in_the_same_breath(service: Service) -> None:
    talk = await call(service, "i'd like to move my appointment to monday no wait wednesday", BORN)
    assert "On Wednesday, November 18th, I have" in talk.last


async def test_a_day_named_ahead_that_may_be_two_is_asked_about(service: Service) -> None:
    talk = await call(service, "i'd like to move my appointment to tuesday", BORN)
    assert "Did you mean Tuesday, November 17th or Tuesday, November 24th?" in talk.last


async def test_the_old_appointment_may_be_kept_after_all(service: Service) -> None:
    talk = await call(
        service, "move my appointment", BORN, "friday", "oh wait actually can i keep the old one"
    )
    assert "I'll leave everything as it is" in talk.last


async def test_a_number_that_is_a_time_on_offer_means_the_time(service: Service) -> None:
    talk = await call(service, "move my appointment", BORN, "monday", "half past two")
    assert "I have 2 PM, 3:30 PM, or 10:30 AM" in talk.last
    assert "Monday, November 23rd at 2 PM" in await talk.say("two")


@pytest.mark.parametrize("before", [("monday",), ("monday", "nine")], ids=["offered", "to be confirmed"])
async def test_a_time_named_late_is_looked_for(service: Service, before: tuple[str, ...]) -> None:
    talk = await call(
        service, "move my appointment", BORN, *before, "actually half past three would be better"
    )
    assert "Monday, November 23rd at 3:30 PM with Dr. Chen. Shall I book that?" in talk.last


@pytest.mark.parametrize("words", ["i have to bring my two kids along is that okay", "half past four"])
async def test_nothing_is_booked_by_words_that_are_no_yes(service: Service, words: str) -> None:
    talk = await call(service, "move my appointment", BORN, "monday", "nine", words)
    assert talk.tools("reschedule_appointment") == []


async def test_who_asks_for_a_time_that_is_taken_hears_so(service: Service) -> None:
    talk = await call(service, "move my appointment to next tuesday at eleven", BORN)
    assert "11 AM isn't free that day. On Tuesday, November 24th, I have 9:30 AM" in talk.last


async def test_who_has_several_appointments_hears_of_the_next_two(service: Service) -> None:
    talk = await call(
        service, "when is my appointment", "november twenty third fifty seven", phone="+14155550147"
    )
    assert "on Tuesday, November 24th at 11 AM, and the one after that is on Monday" in talk.last


@pytest.mark.parametrize(
    ("day", "offered"),
    [("thursday", "November 26th"), ("tuesday", "November 24th"), ("december first", "December 1st")],
)
async def test_a_day_of_the_week_that_was_asked_about(service: Service, day: str, offered: str) -> None:
    talk = await call(service, "book an appointment", BORN, "next week")
    assert "Which day would you like, from Monday, November 23rd to Friday, November 27th?" in talk.last
    assert offered in await talk.say(day)


@pytest.mark.parametrize("words", ["i want a person", "nurse please", "someone real please"])
async def test_a_person_who_is_wanted_in_few_words_is_no_emergency(service: Service, words: str) -> None:
    talk = await call(service, words)
    assert talk.escalations == []
    assert "911" not in talk.said


@pytest.mark.parametrize("words", ["is that with doctor chen", "what time was that"])
async def test_what_was_read_back_may_be_asked_about(service: Service, words: str) -> None:
    talk = await call(service, "move my appointment", BORN, "monday", "ten thirty", words)
    assert "Monday, November 23rd at 10:30 AM with Dr. Chen. Shall I book that?" in talk.last


async def test_a_bare_no_is_no_message(service: Service) -> None:
    talk = await call(service, "can i leave a message", "no")
    assert talk.state == "anything_else"
    assert await service.store.messages() == []


@pytest.mark.parametrize(
    "words", ["monday thank you", "monday and what are your hours", "monday thanks a lot"]
)
async def test_an_answer_counts_whatever_is_said_with_it(service: Service, words: str) -> None:
    talk = await call(service, "book an appointment", BORN, words)
    assert "On Monday, November 23rd, I have" in talk.last
