"""An operator on a call: listening, taking over, handing back, guiding, and what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from example_call import BEGINNING, MIDDLE
from playwright.sync_api import Locator, Page, expect
from scripted_desk import BRIEFING, JOHN, ME, ScriptedDesk, call
from scripted_practice import CALL_SID

from voice_agent.call.emotion_events import RecentBurst
from voice_agent.call.events import (
    EmotionMeasured,
    EscalationCompleted,
    EscalationRequested,
    Guidance,
    OperatorJoined,
    OperatorModeSwitched,
    RiskScored,
    SessionEnd,
    UserTranscript,
    VoiceContextApplied,
)
from voice_agent.operators.ports import DeliveryStatus, OperatorMode

pytestmark = pytest.mark.browser

PATIENCE_S = 30.0
SILENCE = b"\xff" * 160


def until(page: Page, condition: Callable[[], bool], what: str) -> None:
    """Let the page work on until ``condition`` holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {PATIENCE_S} s")
        page.wait_for_timeout(20)


def hears_operator(page: Page, desk: ScriptedDesk) -> None:
    """Wait until the microphone (which beeps) reaches the network."""
    begin = len(desk.phone.frames)
    until(page, lambda: any(f != SILENCE for f in desk.phone.frames[begin:]), "the operator's voice")


def hears_silence(page: Page, desk: ScriptedDesk) -> None:
    """Listen for more than the two seconds between the microphone's beeps."""
    begin = len(desk.phone.frames)
    until(page, lambda: len(desk.phone.frames) >= begin + 120, "2.4 s on the line")
    assert all(frame == SILENCE for frame in desk.phone.frames[begin : begin + 120])


def title(page: Page) -> Locator:
    return page.locator("#floor-title")


@pytest.fixture
def on_desk(page: Page, desk: ScriptedDesk) -> Page:
    """The console with Maria's call opened."""
    desk.emit(*BEGINNING, *MIDDLE)
    page.goto(f"{desk.url}/console")
    page.get_by_role("button", name="Maria Alvarez").click()
    expect(page.get_by_role("heading", name="Maria Alvarez")).to_be_visible()
    expect(title(page)).to_have_text("The agent speaks. You are not on this call.")
    return page


@pytest.fixture
def listening(on_desk: Page) -> Page:
    on_desk.get_by_role("button", name="Listen").click()
    expect(title(on_desk)).to_have_text("Agent speaks, you listen muted")
    return on_desk


@pytest.fixture
def speaking(on_desk: Page) -> Page:
    on_desk.get_by_role("button", name="Take over").click()
    expect(title(on_desk)).to_have_text("You are speaking to the caller")
    return on_desk


def test_a_call_is_taken_over_and_handed_back_with_the_keyboard_alone(page: Page, desk: ScriptedDesk) -> None:
    page.goto(f"{desk.url}/console")
    expect(page.locator("#queue li")).to_have_count(3)
    desk.queue = [JOHN, call(escalation_active=True)]
    desk.happen("call.escalated", call_sid=CALL_SID, escalation_id="E1", trigger="caller", reason="asked")
    expect(page.locator("#queue .escalated")).to_have_count(1)
    page.keyboard.press("Alt+Shift+U")
    expect(page.get_by_role("heading", name="Maria Alvarez")).to_be_visible()
    page.keyboard.press("Alt+Shift+L")
    expect(title(page)).to_have_text("Agent speaks, you listen muted")
    page.keyboard.press("Alt+Shift+O")
    expect(title(page)).to_have_text("You are speaking to the caller")
    hears_operator(page, desk)
    page.keyboard.press("Alt+Shift+H")
    expect(title(page)).to_have_text("Agent speaks, you listen muted")
    hears_silence(page, desk)
    page.keyboard.press("Alt+Shift+X")
    expect(page.get_by_role("heading", name="What came of your call with Maria Alvarez?")).to_be_visible()
    assert [(name, body.get("mode")) for _, name, body in desk.asked.requests if name != "access-token"] == [
        ("join-call", "listen"),
        ("switch-mode", "takeover"),
        ("switch-mode", "listen"),
        ("leave-call", None),
    ]
    assert desk.asked.of("switch-mode")[0]["participant_call_sid"] == "CAop"


def test_tab_and_enter_are_enough_as_well(on_desk: Page) -> None:
    on_desk.locator("#desk").focus()
    on_desk.keyboard.press("Tab")
    expect(on_desk.get_by_role("button", name="Listen")).to_be_focused()
    on_desk.keyboard.press("Enter")
    expect(title(on_desk)).to_have_text("Agent speaks, you listen muted")
    expect(on_desk.get_by_role("button", name="Take over")).to_be_focused()
    on_desk.keyboard.press("Enter")
    expect(title(on_desk)).to_have_text("You are speaking to the caller")
    expect(on_desk.get_by_role("button", name="Hand back")).to_be_focused()


def test_a_listener_is_not_heard_even_if_the_network_forgets_to_mute(
    listening: Page, desk: ScriptedDesk
) -> None:
    hears_silence(listening, desk)
    expect(listening.get_by_text("You, muted")).to_be_visible()


def test_the_microphone_is_live_as_soon_as_the_floor_is_the_operators(
    speaking: Page, desk: ScriptedDesk
) -> None:
    hears_operator(speaking, desk)
    expect(speaking.get_by_text("You, live")).to_be_visible()
    assert desk.asked.of("join-call") == [{"call_sid": CALL_SID, "mode": "takeover"}]


def test_meters_show_both_sides(speaking: Page) -> None:
    for meter in ("#meter-me", "#meter-call"):
        speaking.wait_for_function(
            "(id) => Number(document.querySelector(id).style.getPropertyValue('--level')) > 0.3", arg=meter
        )


def test_who_hands_back_is_silent_before_the_server_answers(speaking: Page, desk: ScriptedDesk) -> None:
    desk.refusals_of["switch-mode"] = [(503, "the process of this call did not answer")]
    speaking.get_by_role("button", name="Hand back").click()
    problem = speaking.get_by_role("alert").filter(has_text="did not answer")
    expect(problem).to_contain_text("try again in a few seconds")
    expect(title(speaking)).to_have_text("You are speaking to the caller")
    hears_operator(speaking, desk)
    speaking.get_by_role("button", name="Hand back").click()
    expect(title(speaking)).to_have_text("Agent speaks, you listen muted")
    expect(problem).to_be_hidden()


def test_a_takeover_that_fails_leaves_the_listener_muted(listening: Page, desk: ScriptedDesk) -> None:
    desk.refusals_of["switch-mode"] = [(409, "Sam Reyes has taken over this call")]
    listening.get_by_role("button", name="Take over").click()
    expect(listening.locator("#desk-problem")).to_contain_text("Sam Reyes has taken over this call")
    expect(title(listening)).to_have_text("Agent speaks, you listen muted")
    hears_silence(listening, desk)


def test_who_is_busy_elsewhere_can_leave_that_call_from_here(on_desk: Page, desk: ScriptedDesk) -> None:
    desk.refusals_of["join-call"] = [(409, "Dana Whitfield is on CA2 already")]
    desk.operator["active_call_sid"] = "CA2"
    on_desk.get_by_role("button", name="Listen").click()
    expect(on_desk.locator("#desk-problem")).to_contain_text("you are on another call")
    expect(title(on_desk)).to_have_text("The agent speaks. You are not on this call.")
    assert desk.phone.hung_up.wait(5)
    on_desk.get_by_role("button", name="Leave the other call").click()
    expect(on_desk.locator("#desk-problem")).to_be_hidden()
    assert desk.asked.of("leave-call") == [{"call_sid": "CA2"}]


def test_a_phone_network_that_is_away_is_named_and_the_line_is_put_down(
    on_desk: Page, desk: ScriptedDesk
) -> None:
    desk.refusals_of["join-call"] = [(503, "")]
    on_desk.get_by_role("button", name="Take over").click()
    expect(on_desk.locator("#desk-problem")).to_contain_text("The phone network or the call's own process")
    assert desk.phone.hung_up.wait(5)
    on_desk.get_by_role("button", name="Take over").click()
    expect(title(on_desk)).to_have_text("You are speaking to the caller")


def test_without_a_microphone_nobody_takes_over(on_desk: Page, desk: ScriptedDesk) -> None:
    on_desk.evaluate(
        """() => {
            navigator.mediaDevices.getUserMedia = async () => {
                throw new DOMException("no", "NotAllowedError");
            };
        }"""
    )
    on_desk.get_by_role("button", name="Take over").click()
    expect(on_desk.locator("#desk-problem")).to_contain_text("Allow it in the address bar")
    assert desk.asked.of("join-call") == []


def test_a_line_that_is_cut_is_admitted(speaking: Page, desk: ScriptedDesk) -> None:
    desk.hang_up_operator()
    expect(speaking.locator("#desk-problem")).to_contain_text("Your line was closed (completed).")
    expect(title(speaking)).to_have_text("The agent speaks. You are not on this call.")
    expect(speaking.get_by_role("heading", name="What came of your call")).to_be_visible()


def test_when_the_caller_hangs_up_the_operator_is_off_the_line(speaking: Page, desk: ScriptedDesk) -> None:
    desk.emit(SessionEnd(completion_reason="caller_hangup", duration_seconds=61.0, t=61.0))
    expect(title(speaking)).to_have_text("This call is over")
    assert desk.phone.hung_up.wait(5)
    expect(speaking.get_by_role("textbox", name="Guide the agent")).to_be_disabled()
    expect(speaking.get_by_role("heading", name="What came of your call")).to_be_visible()


def test_what_came_of_the_call_is_recorded(speaking: Page, desk: ScriptedDesk) -> None:
    speaking.keyboard.press("Alt+Shift+X")
    form = speaking.get_by_role("form", name="What came of your call with Maria Alvarez?")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("status")).to_have_text("Choose what came of it.")
    form.get_by_text("Transferred").click()
    form.get_by_label("Notes").fill("Put through to the nurse line.")
    desk.refusals_of["wrap-up"] = [(503, "")]
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("status")).to_contain_text("Not saved.")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    assert desk.asked.of("wrap-up")[-1] == {
        "call_sid": CALL_SID,
        "outcome": "transferred",
        "notes": "Put through to the nurse line.",
    }


def test_another_call_can_be_read_while_on_one_and_gone_back_from(speaking: Page) -> None:
    speaking.get_by_role("button", name="John Okafor").click()
    expect(title(speaking)).to_have_text("You are on another call")
    expect(speaking.locator("#floor-detail")).to_contain_text("With Maria Alvarez.")
    speaking.get_by_role("button", name="Go to that call").click()
    expect(title(speaking)).to_have_text("You are speaking to the caller")


def test_another_operator_who_speaks_is_named(on_desk: Page, desk: ScriptedDesk) -> None:
    desk.emit(
        OperatorJoined(operator_id="another", name="Sam Reyes", t=30.0),
        OperatorModeSwitched(operator_id="another", mode=OperatorMode.TAKEOVER, t=30.2),
        UserTranscript(transcript="Hello Maria, this is Sam.", speaker_role="operator", start=31, t=33.0),
    )
    expect(title(on_desk)).to_have_text("Sam Reyes is speaking to the caller")
    expect(on_desk.get_by_role("button", name="Take over")).to_be_hidden()
    log = on_desk.get_by_role("log", name="Conversation")
    expect(log.locator(".line.operator .speaker")).to_have_text("Operator")
    desk.emit(OperatorModeSwitched(operator_id="another", mode=OperatorMode.LISTEN, t=40.0))
    expect(title(on_desk)).to_have_text("The agent speaks. You are not on this call.")


def test_why_a_person_is_wanted_stands_above_the_conversation(on_desk: Page, desk: ScriptedDesk) -> None:
    desk.emit(EscalationRequested(trigger="caller_request", reason="asked for a nurse twice", t=30.0))
    alerts = on_desk.get_by_role("list", name="Alerts")
    expect(alerts).to_contain_text("A person is wanted: caller request asked for a nurse twice")
    desk.emit(EscalationCompleted(trigger="caller", reason="", t=90.0))
    expect(alerts).not_to_contain_text("A person is wanted")


def test_guidance_that_reached_the_agent_stands_in_the_conversation(
    on_desk: Page, desk: ScriptedDesk
) -> None:
    desk.emit(Guidance(message="Mention the copay waiver", status=DeliveryStatus.DELIVERED, t=30.0))
    note = on_desk.get_by_role("log", name="Conversation").locator(".line.note.operator")
    expect(note).to_have_text("0:30.0Guidance Mention the copay waiver")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("delivered", "Delivered. The agent minds it from its next reply on."),
        ("queued_no_subscriber", "Queued. The agent gets it as soon as it is back on the line."),
        ("failed", "Not delivered."),
    ],
)
def test_what_became_of_guidance_is_shown(on_desk: Page, desk: ScriptedDesk, status: str, words: str) -> None:
    desk.guidance_status = status
    on_desk.keyboard.press("Alt+Shift+G")
    on_desk.keyboard.type("Mention the copay waiver")
    on_desk.keyboard.press("Enter")
    sent = on_desk.get_by_role("list", name="Guidance sent").get_by_role("listitem")
    expect(sent.locator(".outcome")).to_have_text(words)
    expect(on_desk.get_by_role("textbox", name="Guide the agent")).to_have_value("")
    assert desk.asked.of("send-guidance") == [{"call_sid": CALL_SID, "message": "Mention the copay waiver"}]


def test_guidance_that_waits_for_the_agent_says_so_once_the_call_has_told(
    on_desk: Page, desk: ScriptedDesk
) -> None:
    on_desk.get_by_label("Guide the agent").fill("Mention the copay waiver")
    on_desk.get_by_role("button", name="Send", exact=True).click()
    outcome = on_desk.locator("#guidance-sent .outcome")
    expect(outcome).to_contain_text("Delivered")
    waits = {"message": "Mention the copay waiver", "status": DeliveryStatus.QUEUED, "t": 30.0}
    desk.emit(Guidance(operator_id="somebody else", **waits))
    desk.emit(Guidance(operator_id=ME, **waits))
    expect(outcome).to_contain_text("Queued")
    notes = on_desk.get_by_role("log", name="Conversation").locator(".line.note.operator")
    expect(notes.last).to_contain_text("waits for the agent")


def test_guidance_that_failed_is_sent_again(on_desk: Page, desk: ScriptedDesk) -> None:
    desk.refusals_of["send-guidance"] = [(503, "")]
    on_desk.get_by_role("textbox", name="Guide the agent").fill("Ask for the insurance ID")
    on_desk.keyboard.press("Enter")
    sent = on_desk.get_by_role("list", name="Guidance sent").get_by_role("listitem")
    expect(sent).to_contain_text("Not delivered. The phone network")
    sent.get_by_role("button", name="Send again").click()
    expect(sent.locator(".outcome")).to_contain_text("Delivered.")
    assert len(desk.asked.of("send-guidance")) == 2


def test_a_half_written_instruction_waits_with_its_call(on_desk: Page, desk: ScriptedDesk) -> None:
    box = on_desk.get_by_role("textbox", name="Guide the agent")
    box.fill("For Maria")
    on_desk.get_by_role("button", name="John Okafor").click()
    expect(box).to_have_value("")
    on_desk.get_by_role("button", name="Maria Alvarez").click()
    expect(box).to_have_value("For Maria")
    box.press("Shift+Enter")
    assert desk.asked.of("send-guidance") == []


def test_the_briefing_has_six_sections_and_is_written_when_asked_for(
    on_desk: Page, desk: ScriptedDesk
) -> None:
    assert desk.asked.of("briefing") == []
    on_desk.get_by_role("button", name="Brief me").click()
    briefing = on_desk.locator("#briefing")
    expect(briefing.get_by_role("heading")).to_have_text([title for title, _ in BRIEFING])
    expect(briefing.get_by_role("listitem").first).to_have_text("Next visit: Friday 9:15")
    on_desk.get_by_role("button", name="Refresh").click()
    until(on_desk, lambda: len(desk.asked.of("briefing")) == 2, "a second briefing")


def test_a_briefing_that_cannot_be_written_says_why(on_desk: Page, desk: ScriptedDesk) -> None:
    desk.refusals_of["briefing"] = [(429, "")]
    on_desk.keyboard.press("Alt+Shift+B")
    expect(on_desk.locator("#briefing-status")).to_contain_text("Wait a few seconds")


def test_risk_and_emotion_are_drawn_when_they_are_known(on_desk: Page, desk: ScriptedDesk) -> None:
    expect(on_desk.locator("#trend-emotion")).to_be_hidden()
    for turn, (risk, valence) in enumerate([(0.2, 0.1), (0.55, -0.4)], start=5):
        desk.queue = [call(turn_count=turn, risk_score=risk, current_valence=valence, risk_level="high")]
        desk.happen("operator.status_changed", operator_id="another", status="busy")
        expect(on_desk.locator("#trend-risk .value")).to_have_text(f"{round(risk * 100)} of 100")
    chart = on_desk.get_by_role("img", name="Risk: 55 of 100; 3 values, from 12 of 100")
    expect(chart).to_be_visible()
    expect(on_desk.locator("#trend-emotion")).to_contain_text("-0.40")


def test_mood_sounds_risk_and_what_the_agent_changed_are_shown_as_they_are_told(
    on_desk: Page, desk: ScriptedDesk
) -> None:
    desk.emit(
        EmotionMeasured(
            dominant="angry",
            valence=-0.2,
            arousal=0.4,
            turn_index=1,
            turn_valence=-0.62,
            turn_arousal=0.93,
            recent_bursts=[RecentBurst(type="sigh", score=0.7, at=31.0)],
            t=32.0,
        )
    )
    desk.emit(
        VoiceContextApplied(
            tts_emotion="calm",
            tts_speed=0.92,
            tts_volume=0.95,
            reasoning="sounds angry",
            turn_index=1,
            t=32.0,
        )
    )
    desk.emit(RiskScored(risk_score=0.61, level="alert", risk_level="high", turn_index=1, t=32.0))
    expect(on_desk.locator("#fact-mood")).to_have_text("angry")
    expect(on_desk.locator("#fact-sounds")).to_have_text("sigh")
    expect(on_desk.locator("#fact-voice")).to_have_text("calm ×0.92")
    expect(on_desk.locator("#fact-risk")).to_have_text("61 high")
    expect(on_desk.locator("#trend-emotion")).to_contain_text("-0.62")
    expect(on_desk.locator("#trend-arousal .value")).to_have_text("0.93")
    conversation = on_desk.locator("#transcript")
    expect(conversation).to_contain_text("Sounds angry")
    expect(conversation).to_contain_text("Agent's voice: calm, ×0.92")
    expect(conversation).to_contain_text("Risk: alert")


def test_on_the_local_network_nothing_of_twilio_is_loaded(page: Page, desk: ScriptedDesk) -> None:
    wanted: list[str] = []
    page.on("request", lambda request: wanted.append(request.url))
    page.goto(f"{desk.url}/console")
    page.get_by_role("button", name="Maria Alvarez").click()
    page.get_by_role("button", name="Listen").click()
    expect(title(page)).to_have_text("Agent speaks, you listen muted")
    assert [url for url in wanted if "vendor" in url] == []


def test_an_operator_with_a_telephone_of_their_own_joins_without_audio_in_the_page(
    on_desk: Page, desk: ScriptedDesk
) -> None:
    desk.operator["connection_method"] = "phone"
    on_desk.get_by_role("button", name="Listen").click()
    expect(title(on_desk)).to_have_text("Agent speaks, you listen muted")
    assert desk.asked.of("access-token") == []
    assert desk.phone.frames == []
