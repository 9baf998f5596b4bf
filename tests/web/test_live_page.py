"""One call as the page shows it, while it runs and afterwards."""

from __future__ import annotations

import pytest
from example_call import (
    BEGINNING,
    END,
    GREETING,
    MIDDLE,
    NOT_UNDERSTOOD,
    OFFER,
    UNHEARD_OFFER,
    answered,
)
from playwright.sync_api import Locator, Page, expect
from scripted_practice import CALL_SID, ScriptedPractice

from voice_agent.call.events import (
    AgentTranscript,
    AgentTranscriptDelta,
    BargeIn,
    Degraded,
    SessionStart,
    SpeechStarted,
    StateTransition,
    UserTranscript,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def live(page: Page, practice: ScriptedPractice) -> Page:
    """The page of a call that has just begun."""
    page.goto(f"{practice.url}/calls/{CALL_SID}")
    return page


def transcript(page: Page) -> Locator:
    return page.get_by_role("log", name="Conversation")


def test_words_appear_as_they_are_spoken_and_become_final_in_place(
    live: Page, practice: ScriptedPractice
) -> None:
    practice.emit(*BEGINNING)
    partial = transcript(live).locator(".line.caller")
    expect(partial.locator(".partial")).to_have_text("i'd like to move")
    practice.emit(MIDDLE[0])
    expect(partial).to_have_count(1)
    expect(partial.locator(".partial")).to_have_count(0)
    expect(partial).to_contain_text("I'd like to move my appointment with Doctor Osei, please.")


def test_words_that_came_to_nothing_leave_the_page(live: Page, practice: ScriptedPractice) -> None:
    practice.emit(*BEGINNING)
    expect(transcript(live).locator(".partial")).to_have_count(1)
    practice.emit(SpeechStarted(t=9.0))
    expect(transcript(live).locator(".partial")).to_have_count(0)


def test_what_the_caller_did_not_hear_is_struck_out(live: Page, practice: ScriptedPractice) -> None:
    practice.emit(*BEGINNING, *MIDDLE)
    line = transcript(live).locator(".line.agent", has_text=OFFER)
    expect(line.locator(".heard")).to_have_text(OFFER)
    expect(line.locator("s.unheard")).to_have_text(f"not heard: {UNHEARD_OFFER}")
    assert "line-through" in line.locator("s").evaluate("(node) => getComputedStyle(node).textDecoration")


def test_a_sentence_on_its_way_is_told_from_one_that_was_heard(
    live: Page, practice: ScriptedPractice
) -> None:
    practice.emit(*BEGINNING[:4])
    line = transcript(live).locator(".line.agent", has_text=GREETING)
    expect(line.locator(".pending")).to_have_count(1)
    practice.emit(*BEGINNING[4:])
    expect(line.locator(".heard")).to_have_text(GREETING)
    expect(line.locator(".pending")).to_have_count(0)


def test_words_are_text_and_never_markup(live: Page, practice: ScriptedPractice) -> None:
    words = "<img src=x onerror=alert(1)>"
    practice.emit(SessionStart(caller_id=words), UserTranscript(transcript=words))
    expect(transcript(live).locator(".line.caller")).to_contain_text(words)
    assert live.locator("img[src=x]").count() == 0


def test_what_happened_between_the_words_is_marked(live: Page, practice: ScriptedPractice) -> None:
    practice.emit(*BEGINNING, *MIDDLE)
    log = transcript(live)
    expect(log.locator(".line.barge")).to_contain_text("voice stopped after 212 ms")
    expect(log.locator(".line.caller", has_text="Tuesday morning.")).to_contain_text("interrupts")
    expect(log.locator(".line.caller", has_text=NOT_UNDERSTOOD)).to_contain_text("not understood")
    expect(log.locator(".line.tool")).to_contain_text("find appointments patient: Maria Alvarez · 38 ms")
    expect(log.locator(".line.warn", has_text="open slots")).to_contain_text("the calendar did not answer")
    expect(live.get_by_role("list", name="Alerts")).to_contain_text("stt: now embedded")


def test_moves_through_the_graph_without_a_word_between_them_are_one_line(
    live: Page, practice: ScriptedPractice
) -> None:
    practice.emit(
        SessionStart(),
        StateTransition(from_state="greet", to_state="look_up"),
        StateTransition(from_state="look_up", to_state="ask_date", annotation="not known"),
        UserTranscript(transcript="March"),
        StateTransition(from_state="ask_date", to_state="offer"),
    )
    expect(transcript(live).locator(".line.state")).to_contain_text(["look up › ask date not known", "offer"])


def test_lines_stand_in_the_order_in_which_they_were_heard(live: Page, practice: ScriptedPractice) -> None:
    practice.emit(
        SessionStart(),
        AgentTranscriptDelta(utterance_id="1", text="We have nine, ten or two.", t=10.0),
        AgentTranscriptDelta(utterance_id="2", text="Which one works for you?", t=10.0),
        AgentTranscriptDelta(utterance_id="3", text="Or another day?", t=10.0),
        answered("1", "We have nine, ten or two.", 10.2, 13.0, 1),
        UserTranscript(transcript="mm-hmm", is_backchannel=True, start=12.4, end=12.8, t=13.1),
        answered("2", "Which one works for you?", 13.1, 14.9, 1),
        UserTranscript(transcript="the first", start=15.0, end=15.8, t=16.0),
        AgentTranscript(utterance_id="3", text="", heard="", unheard="Or another day?", start=16.1, t=16.1),
    )
    expect(transcript(live).get_by_role("listitem")).to_contain_text(
        ["We have nine", "mm-hmm", "Which one", "Or another day?", "the first"]
    )


def test_what_an_interruption_made_unheard_stands_before_it(live: Page, practice: ScriptedPractice) -> None:
    practice.emit(
        SessionStart(),
        AgentTranscriptDelta(utterance_id="1", text="We have nine, ten or two.", t=10.0),
        AgentTranscriptDelta(utterance_id="2", text="Which one works for you?", t=10.0),
        UserTranscript(transcript="no", final=False, start=11.2, t=11.4),
        BargeIn(interrupted_text="We have nine, ten or two.", t=11.5),
        AgentTranscript(
            utterance_id="1", text="", heard="We have", unheard="nine", start=10.2, end=11.5, interrupted=True
        ),
        AgentTranscript(utterance_id="2", text="", heard="", unheard="Which one", start=11.5, end=11.5),
        UserTranscript(transcript="no monday", start=11.2, end=12.0, is_barge_in=True),
    )
    expect(transcript(live).get_by_role("listitem")).to_contain_text(
        ["We have", "Which one", "no monday", "Barge-in"]
    )


def test_the_same_alert_is_counted_and_not_repeated(live: Page, practice: ScriptedPractice) -> None:
    again = Degraded(part="tts", rung="flite", reason="no answer")
    practice.emit(SessionStart(), again, again, again)
    alerts = live.get_by_role("list", name="Alerts").get_by_role("listitem")
    expect(alerts).to_have_count(1)
    expect(alerts).to_contain_text("tts: now flite no answer (3 times)")


def test_figures_follow_the_call(live: Page, practice: ScriptedPractice) -> None:
    practice.emit(*BEGINNING, *MIDDLE)
    expect(live.locator(".tile", has_text="Response")).to_contain_text("655 ms")
    expect(live.locator(".tile", has_text="Response")).to_contain_text("median 648 ms of 4")
    expect(live.locator(".tile", has_text="Response").locator("rect.slow")).to_have_count(1)
    expect(live.locator(".tile", has_text="Hearing")).to_contain_text("70 ms")
    expect(live.locator("#fact-turns")).to_have_text("4")
    expect(live.locator("#fact-barge-ins")).to_have_text("1")
    expect(live.locator("#fact-state")).to_have_text("book appointment")


def test_the_graph_shows_where_the_call_is(live: Page, practice: ScriptedPractice) -> None:
    practice.emit(*BEGINNING)
    expect(live.get_by_title("Context graph, now in greet caller")).to_be_visible()
    practice.emit(*MIDDLE)
    picture = live.get_by_title("Context graph, now in book appointment")
    expect(picture).to_be_visible()
    expect(live.locator("#graph iframe")).to_have_count(1)
    inside = picture.content_frame
    expect(inside.locator(".now")).to_have_text("book_appointment")
    expect(inside.locator(".now")).to_be_in_viewport()
    assert live.evaluate("scrollY") == 0
    expect(inside.locator("desc")).to_have_text(
        "front_desk: greet_caller,find_appointment,offer_times,book_appointment"
    )


def test_after_a_broken_connection_nothing_is_missing_and_nothing_comes_twice(
    page: Page, practice: ScriptedPractice
) -> None:
    practice.drop_after = 3
    practice.emit(*BEGINNING, *MIDDLE, *END)
    page.goto(f"{practice.url}/calls/{CALL_SID}")
    expect(page.locator("#call-pill")).to_have_text("ended")
    expect(page.locator("#events li")).to_have_count(len(BEGINNING) + len(MIDDLE) + len(END))
    expect(page.locator("#feed-problem")).to_be_hidden()
    assert practice.resumed_from == [0, 3]


def test_a_call_that_is_not_known_yet_is_waited_for(page: Page, practice: ScriptedPractice) -> None:
    practice.refusals = 2
    practice.emit(*BEGINNING)
    page.goto(f"{practice.url}/calls/{CALL_SID}")
    expect(page.locator("#events li")).to_have_count(len(BEGINNING))
    assert practice.refusals == 0


def test_lost_events_are_admitted(page: Page, practice: ScriptedPractice) -> None:
    practice.emit(*BEGINNING)
    del practice.events[2:5]
    page.goto(f"{practice.url}/calls/{CALL_SID}")
    expect(page.get_by_text("3 events were not received.")).to_be_visible()


def test_when_the_call_is_over_its_recording_timeline_and_turns_are_there(
    live: Page, practice: ScriptedPractice
) -> None:
    practice.emit(*BEGINNING, *MIDDLE, *END)
    expect(live.get_by_text("Ended: caller hung up.")).to_be_visible()
    expect(live.get_by_role("img", name="Timeline of the call")).to_be_visible()
    expect(live.get_by_label("Recording, caller left, practice right")).to_be_visible()
    rows = live.locator("#turns tr")
    expect(rows).to_have_count(5)
    expect(rows.nth(2)).to_contain_text("Tuesday morning.")
    expect(rows.nth(2)).to_contain_text("1130 ms")
    expect(live.locator("#captured div")).to_have_text(["patientMaria Alvarez"])
    expect(live.locator("#fact-length")).to_have_text("0:34")


def test_a_turn_is_played_from_its_beginning(live: Page, practice: ScriptedPractice) -> None:
    practice.emit(*BEGINNING, *END)
    expect(live.get_by_label("Recording, caller left, practice right")).to_be_visible()
    live.get_by_role("button", name="Play from 0:00.2").click()
    player = live.locator("#recording-player")
    expect(player).to_have_js_property("paused", False)
    assert player.evaluate("(audio) => audio.currentTime") >= 0.2


def test_the_list_of_calls_leads_to_each(page: Page, practice: ScriptedPractice) -> None:
    practice.calls = [
        {
            "call_sid": CALL_SID,
            "status": "completed",
            "started_at": "2026-11-20T09:30:00Z",
            "caller_id": "+15550100123",
            "phone_number": "+15550100100",
            "duration_seconds": 95.0,
            "turns": 7,
            "completion_reason": "caller_hangup",
        },
        {
            "call_sid": "CA2",
            "status": "in-progress",
            "started_at": "2026-11-20T09:29:00Z",
            "caller_id": None,
            "duration_seconds": 3.0,
            "turns": 0,
        },
    ]
    page.goto(f"{practice.url}/calls")
    rows = page.get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("+1 555-010-0123")
    expect(rows.nth(1)).to_contain_text("1:35")
    expect(rows.nth(1).get_by_role("cell").nth(4)).to_have_text("7")
    expect(rows.nth(1)).to_contain_text("caller hung up")
    expect(rows.nth(2)).to_contain_text("withheld")
    expect(rows.nth(2)).to_contain_text("live")
    expect(page.get_by_role("status")).to_have_text("2 calls, 1 running")
    rows.nth(1).get_by_role("link").click()
    expect(page).to_have_url(f"{practice.url}/calls/{CALL_SID}")
