"""Who is in a conference, whatever the order of the news."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telephony.roster import ConferenceRoster, Joined, Left, Member
from telephony.webhook import ConferenceCallback, ConferenceEvent

CALLER = Member("CF1", "CA1", "caller")
AGENT = Member("CF1", "CA2", "agent")


def told(
    event: ConferenceEvent, sequence: int, member: Member = CALLER, reason: str = ""
) -> ConferenceCallback:
    return ConferenceCallback(
        member.conference_sid, "call-x", event, sequence, member.call_sid, member.label, reason
    )


def test_joining_and_leaving_are_told_once() -> None:
    roster = ConferenceRoster()
    assert roster.apply(told(ConferenceEvent.JOIN, 1)) == Joined(CALLER)
    assert roster.apply(told(ConferenceEvent.JOIN, 1)) is None
    assert roster.present == (CALLER,)
    assert roster.apply(told(ConferenceEvent.LEAVE, 5, reason="participant_hung_up")) == Left(
        CALLER, "participant_hung_up"
    )
    assert roster.apply(told(ConferenceEvent.LEAVE, 5)) is None
    assert roster.present == ()


def test_a_join_that_comes_after_its_own_leave_changes_nothing() -> None:
    roster = ConferenceRoster()
    assert roster.apply(told(ConferenceEvent.LEAVE, 5)) == Left(CALLER, "")
    assert roster.apply(told(ConferenceEvent.JOIN, 2)) is None
    assert roster.present == ()


def test_numbers_of_one_leg_say_nothing_about_another() -> None:
    roster = ConferenceRoster()
    roster.apply(told(ConferenceEvent.JOIN, 9))
    assert roster.apply(told(ConferenceEvent.JOIN, 2, AGENT)) == Joined(AGENT)


def test_a_leave_without_a_label_keeps_the_one_known() -> None:
    roster = ConferenceRoster()
    roster.apply(told(ConferenceEvent.JOIN, 1, AGENT))
    assert roster.apply(told(ConferenceEvent.LEAVE, 2, Member("CF1", "CA2", ""))) == Left(AGENT, "")


def test_a_list_makes_up_for_a_lost_join() -> None:
    roster = ConferenceRoster()
    assert roster.add_listed([CALLER, AGENT]) == [Joined(CALLER), Joined(AGENT)]
    assert roster.add_listed([CALLER]) == []
    assert roster.apply(told(ConferenceEvent.JOIN, 1)) is None
    assert roster.apply(told(ConferenceEvent.LEAVE, 2)) == Left(CALLER, "")


def test_an_old_list_does_not_bring_back_who_has_left() -> None:
    roster = ConferenceRoster()
    roster.apply(told(ConferenceEvent.LEAVE, 2))
    assert roster.add_listed([CALLER]) == []


def test_a_leg_found_ended_stays_out() -> None:
    roster = ConferenceRoster()
    roster.add_listed([AGENT])
    assert roster.drop(AGENT, "found ended") == Left(AGENT, "found ended")
    assert roster.apply(told(ConferenceEvent.JOIN, 1, AGENT)) is None
    assert roster.present == ()


@given(st.data())
def test_the_last_word_holds_in_every_order_of_arrival(data: st.DataObject) -> None:
    events = data.draw(
        st.lists(st.sampled_from([ConferenceEvent.JOIN, ConferenceEvent.LEAVE]), min_size=1, max_size=8)
    )
    callbacks = [told(event, number) for number, event in enumerate(events)]
    doubled = callbacks + data.draw(st.lists(st.sampled_from(callbacks), max_size=4))
    roster = ConferenceRoster()
    for callback in data.draw(st.permutations(doubled)):
        roster.apply(callback)
    assert (CALLER in roster.present) == (events[-1] is ConferenceEvent.JOIN)
