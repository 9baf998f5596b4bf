"""The operators' console before a call is taken: queue, alarm, connection, status."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from scripted_desk import JOHN, NEW, ScriptedDesk, call
from scripted_practice import CALL_SID

pytestmark = pytest.mark.browser

PATIENCE_S = 30.0

COUNT_CHIMES = """
    window.tones = 0;
    window.OscillatorNode = class extends OscillatorNode {
        start(...when) { window.tones += 1; super.start(...when); }
    };
"""

IN_BACKGROUND = """
    Object.defineProperty(document, "hidden", { get: () => true });
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
"""


def until(page: Page, condition: Callable[[], bool], what: str) -> None:
    """Let the page work on until ``condition`` holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {PATIENCE_S} s")
        page.wait_for_timeout(20)


def chimes(page: Page) -> float:
    """How often it chimed; a chime has two tones."""
    return page.evaluate("window.tones") / 2


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Queue").get_by_role("listitem")


def escalated(**fields: Any) -> dict[str, Any]:
    return call("CA3", entity_name="Priya Nair", escalation_active=True, **fields)


@pytest.fixture
def console(page: Page, desk: ScriptedDesk) -> Page:
    """The console, once it shows the queue, used once, so that the browser lets it sound."""
    page.add_init_script(COUNT_CHIMES)
    page.goto(f"{desk.url}/console")
    expect(rows(page)).to_have_count(3)
    until(page, lambda: len(desk.stream_resumed_from) == 1, "the workspace's stream")
    page.locator("#queue-title").click()
    return page


def test_calls_are_ranked_by_urgency_and_those_that_want_a_person_come_first(
    console: Page, desk: ScriptedDesk
) -> None:
    expect(rows(console).locator(".name")).to_have_text(["John Okafor", "Maria Alvarez", "+1 555-010-0199"])
    desk.queue = [JOHN, call(priority_score=0.9), escalated(priority_score=0.02)]
    desk.happen("operator.status_changed", operator_id="another", status="online")
    expect(rows(console).locator(".name")).to_have_text(["Priya Nair", "Maria Alvarez", "John Okafor"])
    expect(rows(console).first.locator(".chip")).to_have_text("Wants a person")


def test_a_call_is_told_by_its_reasons_mood_wait_and_context(console: Page, desk: ScriptedDesk) -> None:
    desk.queue = [
        call(
            priority_score=0.72,
            priority_reasons=["high_risk", "looping", "negative_emotion"],
            current_emotion="frustrated",
            current_valence=-0.5,
            wait_seconds=125.0,
            brief_context="Third slot refused.",
        )
    ]
    desk.happen("call.started", call_sid=CALL_SID, direction="inbound", service_id="front_desk")
    row = rows(console)
    expect(row).to_have_count(1)
    expect(row.locator(".chip")).to_have_text(["High risk", "Going in circles", "frustrated"])
    expect(row.locator(".wait")).to_have_text("waiting 2:05")
    expect(row.get_by_role("button")).to_contain_text("Urgency 72")
    expect(row).to_contain_text("Third slot refused.")


def test_the_wait_goes_on_between_two_readings(console: Page) -> None:
    expect(rows(console).first.locator(".wait")).to_have_text(re.compile(r"waiting 0:4[4-9]"))


def test_a_call_that_waits_for_nobody_shows_its_length(console: Page, desk: ScriptedDesk) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=75)
    desk.queue = [call(wait_seconds=0.0, started_at=begun.isoformat())]
    desk.happen("call.started", call_sid=CALL_SID, direction="inbound", service_id="front_desk")
    expect(rows(console)).to_have_count(1)
    expect(rows(console).locator(".wait")).to_have_text(re.compile(r"^1:[1-3]\d$"))


def test_rows_stay_and_keep_the_keyboard_when_the_order_changes(console: Page, desk: ScriptedDesk) -> None:
    maria = rows(console).nth(1).get_by_role("button")
    maria.focus()
    maria.evaluate("(button) => { button.mine = true; }")
    desk.queue = [JOHN, call(priority_score=0.8, turn_count=5), NEW]
    desk.happen("operator.status_changed", operator_id="another", status="busy")
    expect(rows(console).first.locator(".name")).to_have_text("Maria Alvarez")
    first = rows(console).first.get_by_role("button")
    expect(first).to_be_focused()
    assert first.evaluate("(button) => button.mine") is True


def test_the_arrow_keys_go_through_the_queue(console: Page) -> None:
    console.keyboard.press("Alt+Shift+Q")
    expect(rows(console).nth(0).get_by_role("button")).to_be_focused()
    console.keyboard.press("ArrowDown")
    expect(rows(console).nth(1).get_by_role("button")).to_be_focused()
    console.keyboard.press("End")
    expect(rows(console).nth(2).get_by_role("button")).to_be_focused()
    console.keyboard.press("Enter")
    expect(console.get_by_role("heading", name="+1 555-010-0199")).to_be_visible()
    expect(rows(console).nth(2).get_by_role("button")).to_have_attribute("aria-current", "true")


def test_a_queue_without_calls_says_so(console: Page, desk: ScriptedDesk) -> None:
    desk.queue = []
    desk.happen("call.ended", call_sid="CA2", direction="inbound", duration_seconds=3)
    expect(console.get_by_text("All quiet")).to_be_visible()
    expect(console.locator("#queue-count")).to_have_text("0 active calls")


def test_the_strip_shows_the_workspace(console: Page) -> None:
    strip = console.get_by_role("region", name="The workspace now")
    for text in ("2Operators online", "1Busy", "7Requested today", "6Connected", "5Completed"):
        number, label = text[0], text[1:]
        expect(strip.locator("div", has_text=label).locator("dd")).to_have_text(number)
    expect(strip.locator("div", has_text="Average wait").locator("dd")).to_have_text("0:21")


def test_a_new_escalation_rises_to_the_top_and_chimes_once(console: Page, desk: ScriptedDesk) -> None:
    assert chimes(console) == 0
    desk.queue = [JOHN, call(), escalated(brief_context="Asks for a nurse.")]
    desk.happen("call.escalated", call_sid="CA3", escalation_id="E1", trigger="caller", reason="asked twice")
    expect(rows(console).first.locator(".name")).to_have_text("Priya Nair")
    expect(console).to_have_title("(1) Console · Brookside Family Practice")
    expect(console.locator("#spoken")).to_contain_text("wants a person")
    readings = desk.readings
    desk.happen("operator.status_changed", operator_id="another", status="busy")
    until(console, lambda: desk.readings > readings, "another reading")
    assert chimes(console) == 1


def test_an_operator_who_takes_over_by_themselves_sets_off_no_alarm(
    console: Page, desk: ScriptedDesk
) -> None:
    console.get_by_role("button", name="Maria Alvarez").click()
    console.get_by_role("button", name="Take over").click()
    expect(console.locator("#floor-title")).to_have_text("You are speaking to the caller")
    desk.queue = [JOHN, call(escalation_active=True)]
    desk.operator["status"] = "busy"
    desk.happen("call.escalated", call_sid=CALL_SID, escalation_id="E1", trigger="operator", reason="")
    desk.happen("operator.joined_call", call_sid=CALL_SID, operator_id=desk.operator["id"], mode="takeover")
    expect(rows(console).first.locator(".chip")).to_have_text("With you")
    expect(console.get_by_role("radio", name="Busy")).to_be_checked()
    expect(console).to_have_title("Console · Brookside Family Practice")
    assert chimes(console) == 0


def test_an_escalation_that_is_older_than_the_page_makes_no_sound(page: Page, desk: ScriptedDesk) -> None:
    desk.queue = [escalated()]
    page.add_init_script(COUNT_CHIMES)
    page.goto(f"{desk.url}/console")
    expect(page).to_have_title("(1) Console · Brookside Family Practice")
    assert chimes(page) == 0


def test_the_chime_can_be_switched_off_and_stays_off(console: Page, desk: ScriptedDesk) -> None:
    console.keyboard.press("Alt+Shift+S")
    expect(console.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "false")
    console.reload()
    expect(console.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "false")
    expect(rows(console)).to_have_count(3)
    console.locator("#queue-title").click()
    desk.queue = [escalated()]
    desk.happen("call.escalated", call_sid="CA3", escalation_id="E1", trigger="ai", reason="risk")
    expect(console).to_have_title("(1) Console · Brookside Family Practice")
    assert chimes(console) == 0


@pytest.mark.parametrize("background", [False, True])
def test_after_a_broken_stream_nothing_is_missing_and_nothing_comes_twice(
    page: Page, desk: ScriptedDesk, background: bool
) -> None:
    page.add_init_script(COUNT_CHIMES + (IN_BACKGROUND if background else ""))
    page.goto(f"{desk.url}/console")
    expect(rows(page)).to_have_count(3)
    until(page, lambda: len(desk.stream_resumed_from) == 1, "the workspace's stream")
    page.locator("#queue-title").click()
    desk.queue = [JOHN, call(escalation_active=True), NEW]
    desk.happen("call.escalated", call_sid=CALL_SID, escalation_id="E1", trigger="ai", reason="risk")
    until(page, lambda: chimes(page) == 1, "the first chime")

    desk.stream_refusals = [(503, "stream_unavailable")] * 3
    desk.cut_streams()
    expect(page.get_by_text("Connection lost.")).to_be_visible()
    desk.repeats = 1
    desk.happen("call.escalated", call_sid="CA2", escalation_id="E2", trigger="caller", reason="asked")
    until(page, lambda: chimes(page) == 2, "the chime for what happened meanwhile")
    expect(page.get_by_text("Connection lost.")).to_be_hidden()
    assert len(desk.stream_resumed_from) == 2
    assert desk.stream_resumed_from[1] == "1763600000000"
    assert page.evaluate("window.tones") == 4


def test_a_stream_that_the_server_renews_is_no_loss(console: Page, desk: ScriptedDesk) -> None:
    console.evaluate(
        """() => {
            window.alarmed = false;
            const notice = document.getElementById("link-problem");
            const look = () => { window.alarmed ||= !notice.hidden; };
            new MutationObserver(look).observe(notice, { attributes: true });
        }"""
    )
    desk.happen("operator.status_changed", operator_id="another", status="online")
    desk.cut_streams()
    until(console, lambda: len(desk.stream_resumed_from) == 2, "the next stream")
    desk.queue = [JOHN]
    desk.happen("call.ended", call_sid=CALL_SID, direction="inbound", duration_seconds=3)
    expect(rows(console)).to_have_count(1)
    assert console.evaluate("window.alarmed") is False
    assert desk.stream_resumed_from[1] == "1763600000000"


def test_an_escalation_is_noticed_even_without_the_stream(console: Page, desk: ScriptedDesk) -> None:
    desk.stream_refusals = [(503, "stream_unavailable")] * 1000
    desk.cut_streams()
    desk.queue = [JOHN, call(), escalated()]
    until(console, lambda: chimes(console) == 1, "the chime")


def test_a_burst_of_events_reads_the_queue_a_few_times_only(console: Page, desk: ScriptedDesk) -> None:
    before = desk.readings
    for number in range(60):
        desk.happen("operator.status_changed", operator_id=f"op{number}", status="online")
    desk.queue = [JOHN]
    desk.happen("call.ended", call_sid=CALL_SID, direction="inbound", duration_seconds=3)
    expect(rows(console)).to_have_count(1)
    assert desk.readings - before <= 4


def test_a_queue_that_cannot_be_read_is_admitted_and_read_again(console: Page, desk: ScriptedDesk) -> None:
    desk.refusals_of["/queue"] = [(503, "the database is away")] * 2
    desk.happen("call.started", call_sid="CA9", direction="inbound", service_id="front_desk")
    expect(console.get_by_text("The queue cannot be read.")).to_be_visible()
    expect(rows(console)).to_have_count(3)
    expect(console.get_by_text("The queue cannot be read.")).to_be_hidden()


A_PROXYS_PAGE = "new Response('<html>One moment please</html>', { status: 200 })"
HALF_AN_ANSWER = """new Response(new ReadableStream({
    start(body) {
        body.enqueue(new TextEncoder().encode('{"queue": ['));
        body.error(new TypeError("network error"));
    },
}))"""


@pytest.mark.parametrize("answer", [A_PROXYS_PAGE, HALF_AN_ANSWER], ids=["a proxy's page", "half an answer"])
def test_a_queue_that_comes_broken_is_admitted_and_read_again(
    console: Page, desk: ScriptedDesk, answer: str
) -> None:
    console.evaluate(
        f"""() => {{
            const real = window.fetch;
            window.mend = () => {{ window.fetch = real; }};
            window.fetch = async (url, options) => (url.endsWith("/queue") ? {answer} : real(url, options));
        }}"""
    )
    desk.queue = [JOHN]
    desk.happen("call.ended", call_sid=CALL_SID, direction="inbound", duration_seconds=3)
    expect(console.get_by_text("The queue cannot be read.")).to_be_visible()
    expect(rows(console)).to_have_count(3)
    console.evaluate("window.mend()")
    expect(rows(console)).to_have_count(1)
    expect(console.get_by_text("The queue cannot be read.")).to_be_hidden()


def test_who_is_signed_out_is_told_where_to_sign_in(console: Page, desk: ScriptedDesk) -> None:
    desk.stream_refusals = [(401, "sign in")] * 1000
    desk.cut_streams()
    expect(console.get_by_text("You are signed out.")).to_be_visible()
    link = console.get_by_role("link", name="Sign in again")
    expect(link).to_have_attribute("href", "/login?next=/console")


def test_too_many_windows_are_named_and_not_tried_again(console: Page, desk: ScriptedDesk) -> None:
    desk.stream_refusals = [(429, "too_many_streams")]
    desk.cut_streams()
    expect(console.get_by_text("Too many event streams")).to_be_visible()
    console.wait_for_timeout(700)  # longer than the first attempt again would take
    assert len(desk.stream_resumed_from) == 1


def test_the_operators_status_follows_the_server(console: Page, desk: ScriptedDesk) -> None:
    expect(console.get_by_role("radio", name="Online")).to_be_checked()
    console.locator("#my-status").get_by_text("Busy").click()
    until(console, lambda: desk.operator["status"] == "busy", "the new status")
    desk.happen("operator.status_changed", operator_id=desk.operator["id"], status="offline")
    expect(console.get_by_role("radio", name="Offline")).to_be_checked()


def test_a_status_that_is_not_taken_goes_back(console: Page, desk: ScriptedDesk) -> None:
    desk.refusals_of[desk.operator["id"]] = [(503, "")]
    console.locator("#my-status").get_by_text("Offline").click()
    expect(console.get_by_role("radio", name="Online")).to_be_checked()


def test_the_list_of_keys_opens_with_a_question_mark_and_can_switch_them_off(
    console: Page, desk: ScriptedDesk
) -> None:
    console.keyboard.press("?")
    help_ = console.get_by_role("dialog", name="Keyboard")
    expect(help_.get_by_role("row", name="Take over")).to_be_visible()
    help_.get_by_label("Shortcuts are on").uncheck()
    console.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    console.keyboard.press("Alt+Shift+U")
    console.keyboard.press("?")
    expect(help_).to_be_hidden()
    expect(console.locator("#desk")).to_be_hidden()


LAST_ID = """async (pieces) => {
    const { EventParser } = await import("/static/js/console/sse.js");
    const parser = new EventParser("7");
    return pieces.map((piece) => {
        parser.feed(piece);
        return parser.lastId;
    });
}"""


def test_an_id_counts_when_its_event_is_whole_even_without_data(page: Page, desk: ScriptedDesk) -> None:
    page.goto(f"{desk.url}/calls")
    pieces = ["id: 8\n", "data: {}\n", "\n", "id: 9\n\n"]
    assert page.evaluate(LAST_ID, pieces) == ["7", "7", "8", "9"]


PARSE = """async (text) => {
    const { EventParser } = await import("/static/js/console/sse.js");
    const parse = (pieces) => {
        const parser = new EventParser();
        return pieces.flatMap((piece) => parser.feed(piece));
    };
    const wholes = [];
    for (let at = 0; at <= text.length; at += 1) wholes.push(parse([text.slice(0, at), text.slice(at)]));
    wholes.push(parse([...text]));
    return wholes.map((events) => JSON.stringify(events));
}"""


def test_events_are_read_the_same_wherever_the_network_cuts_the_stream(
    page: Page, desk: ScriptedDesk
) -> None:
    page.goto(f"{desk.url}/calls")
    text = (
        ": hello\n\nretry: 3000\r\n\r\nid: 1\r\nevent: call.started\r\ndata: {}\r\n\r\n"
        "data:a\rdata: b\r\rid: 2\nevent: x\n\nid\ndata\n\ndata: unfinished"
    )
    readings = page.evaluate(PARSE, text)
    assert set(readings) == {
        '[{"id":"1","type":"call.started","data":"{}"},'
        '{"id":"1","type":"message","data":"a\\nb"},{"id":"","type":"message","data":""}]'
    }


def test_what_is_wrong_with_the_installation_is_said_until_it_is_well_again(
    console: Page, desk: ScriptedDesk
) -> None:
    notice = console.locator("#link-problem")
    expect(notice).to_be_hidden()
    desk.problems = ["The bus between the processes is down."]
    desk.happen("operator.status_changed", operator_id="another", status="online")
    expect(notice).to_have_text("The bus between the processes is down.")
    desk.problems = []
    desk.happen("operator.status_changed", operator_id="another", status="offline")
    expect(notice).to_be_hidden()
