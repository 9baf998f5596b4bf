"""axe-core's WCAG 2.2 AA rules on every page and state, in light and dark, wide and narrow."""

from __future__ import annotations

from typing import Any

import pytest
from example_call import BEGINNING, END, MIDDLE
from playwright.sync_api import Page, expect
from scripted_practice import CALL_SID, ScriptedPractice

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page, axe_source: str) -> list[Any]:
    page.evaluate(f"{axe_source}; 0")
    result = page.evaluate("(rules) => axe.run(document, { runOnly: rules })", RULES)
    assert len(result["passes"]) > 10
    return [(rule["id"], node["html"]) for rule in result["violations"] for node in rule["nodes"]]


@pytest.fixture(params=["light", "dark"])
def themed(page: Page, request: pytest.FixtureRequest) -> Page:
    page.emulate_media(color_scheme=request.param, reduced_motion="reduce")
    return page


def test_the_phone_before_a_call(themed: Page, practice: ScriptedPractice, axe_source: str) -> None:
    themed.goto(practice.url)
    themed.get_by_text("Recording", exact=True).first.click()
    themed.get_by_role("button", name="Call").click()
    expect(themed.get_by_role("alert")).to_be_visible()
    assert violations(themed, axe_source) == []


def test_a_call_on_the_line(themed: Page, practice: ScriptedPractice, axe_source: str) -> None:
    themed.goto(practice.url)
    themed.get_by_role("button", name="Call").click()
    practice.emit(*BEGINNING, *MIDDLE)
    expect(themed.locator("#fact-state")).to_have_text("book appointment")
    expect(themed.locator("#phone")).to_have_attribute("data-state", "answered")
    assert violations(themed, axe_source) == []


@pytest.mark.parametrize("width", [1600, 390])
def test_a_call_that_is_over(themed: Page, practice: ScriptedPractice, axe_source: str, width: int) -> None:
    practice.emit(*BEGINNING, *MIDDLE, *END)
    themed.set_viewport_size({"width": width, "height": 900})
    themed.goto(f"{practice.url}/calls/{CALL_SID}")
    expect(themed.locator("#captured")).to_contain_text("Maria Alvarez")
    expect(themed.get_by_label("Recording, caller left, practice right")).to_be_visible()
    assert violations(themed, axe_source) == []


def test_the_list_of_calls(themed: Page, practice: ScriptedPractice, axe_source: str) -> None:
    practice.calls = [{"call_sid": CALL_SID, "status": "in-progress", "started_at": "2026-11-20T09:30:00Z"}]
    themed.goto(f"{practice.url}/calls")
    expect(themed.get_by_role("row")).to_have_count(2)
    assert violations(themed, axe_source) == []


def test_the_page_for_the_public_network(
    themed: Page, public_practice: ScriptedPractice, axe_source: str
) -> None:
    themed.goto(public_practice.url)
    expect(themed.get_by_text("Waiting for a call…")).to_be_visible()
    assert violations(themed, axe_source) == []


@pytest.mark.parametrize("path", ["/models", "/models/prosody", "/models/vocal_burst"])
def test_the_cards_of_the_models(
    themed: Page, practice: ScriptedPractice, axe_source: str, path: str
) -> None:
    themed.goto(practice.url + path)
    expect(themed.get_by_role("heading", level=1)).to_be_visible()
    assert violations(themed, axe_source) == []


@pytest.mark.parametrize("path", ["/", "/calls", f"/calls/{CALL_SID}", "/models", "/models/prosody"])
def test_nothing_has_to_be_scrolled_sideways_on_a_telephone(
    page: Page, practice: ScriptedPractice, path: str
) -> None:
    practice.emit(*BEGINNING, *MIDDLE, *END)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(practice.url + path)
    if path.startswith("/calls/"):
        expect(page.locator("#turns tr")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
