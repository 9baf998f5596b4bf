"""axe-core's WCAG 2.2 AA rules on the operators' console, in light and dark, wide and narrow."""

from __future__ import annotations

import pytest
from example_call import BEGINNING, MIDDLE
from playwright.sync_api import Page, expect
from scripted_desk import JOHN, ScriptedDesk, call
from test_accessibility import violations

from voice_agent.call.events import EscalationRequested

pytestmark = pytest.mark.browser

URGENT = call(
    escalation_active=True,
    priority_score=0.72,
    risk_score=0.72,
    risk_level="critical",
    current_emotion="frustrated",
    current_valence=-0.5,
    priority_reasons=["high_risk", "long_wait", "looping", "safety_concern"],
    brief_context="Third slot refused; asks for a person.",
)
CALM = call("CA4", entity_name="Grace Lindqvist", current_emotion="calm", current_valence=0.4)
TAKEN = call("CA5", entity_name="Theo Marsh", escalation_active=True)


@pytest.fixture(params=["light", "dark"])
def console(page: Page, desk: ScriptedDesk, request: pytest.FixtureRequest) -> Page:
    page.emulate_media(color_scheme=request.param, reduced_motion="reduce")
    desk.queue = [URGENT, JOHN, CALM, TAKEN]
    desk.escalations = [{"call_sid": "CA5", "status": "connected", "call_entity_id": "E", "immediate": False}]
    desk.emit(*BEGINNING, *MIDDLE, EscalationRequested(trigger="caller_request", reason="asked", t=28.0))
    page.goto(f"{desk.url}/console")
    expect(page.locator("#queue li")).to_have_count(4)
    return page


CUT_OFF = """(parts) => [...document.querySelectorAll(parts)]
    .filter((node) => node.clientWidth && node.scrollWidth > node.clientWidth + 1)
    .map((node) => node.outerHTML)
"""


def open_maria(page: Page) -> None:
    page.get_by_role("button", name="Maria Alvarez").click()
    expect(page.get_by_role("list", name="Alerts")).to_be_visible()


def test_the_queue_alone_and_the_list_of_keys(console: Page, axe_source: str) -> None:
    expect(console.get_by_text("With an operator")).to_be_visible()
    assert violations(console, axe_source) == []
    console.keyboard.press("?")
    assert violations(console, axe_source) == []


def test_listening_with_briefing_guidance_and_a_lost_connection(
    console: Page, desk: ScriptedDesk, axe_source: str
) -> None:
    open_maria(console)
    console.get_by_role("button", name="Listen").click()
    expect(console.get_by_text("Agent speaks, you listen muted")).to_be_visible()
    console.get_by_role("button", name="Brief me").click()
    expect(console.get_by_text("Prior interactions")).to_be_visible()
    for status in ("delivered", "queued_no_subscriber", "failed"):
        desk.guidance_status = status
        console.get_by_role("textbox", name="Guide the agent").fill(status)
        console.keyboard.press("Enter")
        sent = console.locator(f"#guidance-sent [data-status={status}]")
        expect(sent).to_be_visible()
    desk.stream_refusals = [(503, "")] * 1000
    desk.cut_streams()
    expect(console.get_by_text("Connection lost.")).to_be_visible()
    assert violations(console, axe_source) == []


def test_speaking_then_busy_elsewhere_then_wrapping_up(
    console: Page, desk: ScriptedDesk, axe_source: str
) -> None:
    open_maria(console)
    console.get_by_role("button", name="Take over").click()
    expect(console.get_by_text("You are speaking to the caller")).to_be_visible()
    assert violations(console, axe_source) == []
    console.get_by_role("button", name="John Okafor").click()
    expect(console.get_by_text("You are on another call")).to_be_visible()
    assert violations(console, axe_source) == []
    console.keyboard.press("Alt+Shift+X")
    expect(console.get_by_role("heading", name="What came of your call")).to_be_visible()
    desk.refusals_of["join-call"] = [(503, "the bridge did not answer")]
    console.get_by_role("button", name="Listen").click()
    expect(console.locator("#desk-problem")).to_be_visible()
    assert violations(console, axe_source) == []


def test_on_a_telephone_the_queue_and_the_call_take_turns(
    console: Page, desk: ScriptedDesk, axe_source: str
) -> None:
    console.set_viewport_size({"width": 390, "height": 844})
    assert violations(console, axe_source) == []
    assert console.evaluate("document.documentElement.scrollWidth") <= 390
    open_maria(console)
    expect(console.get_by_role("region", name="Queue")).to_be_hidden()
    console.get_by_role("button", name="Take over").click()
    expect(console.get_by_text("You are speaking to the caller")).to_be_visible()
    assert violations(console, axe_source) == []
    assert console.evaluate("document.documentElement.scrollWidth") <= 390
    console.locator("#back").click()
    expect(console.locator("#queue [aria-current]")).to_be_focused()


@pytest.mark.parametrize("width", [1000, 1180, 1400, 1900])
def test_nothing_is_cut_off_at_any_width(page: Page, desk: ScriptedDesk, width: int) -> None:
    desk.queue = [URGENT, JOHN]
    desk.emit(*BEGINNING, *MIDDLE)
    page.set_viewport_size({"width": width, "height": 820})
    page.goto(f"{desk.url}/console")
    page.get_by_role("button", name="Maria Alvarez").click()
    expect(page.locator("#fact-state")).to_have_text("book appointment")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    parts = ".corner > *, .corner label, .actions button, .facts dd, .strip dd"
    assert page.evaluate(CUT_OFF, parts) == []


def test_who_has_the_floor_is_always_in_view(page: Page, desk: ScriptedDesk) -> None:
    desk.emit(*BEGINNING, *MIDDLE)
    for width in (390, 1000, 1400):
        page.set_viewport_size({"width": width, "height": 820})
        page.goto(f"{desk.url}/console")
        page.get_by_role("button", name="Maria Alvarez").click()
        page.get_by_role("textbox", name="Guide the agent").focus()
        expect(page.locator("#floor")).to_be_in_viewport(ratio=1)
