"""The cards of the models: read from their folders, shown without a script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Page, expect
from scripted_practice import ScriptedPractice

from voice_agent.web.cards import read_cards
from voice_agent.web.models import FOLDER, models_router
from voice_agent.web.pages import PracticeNumber, Site

SITE = Site("Brookside", (PracticeNumber("+15550100100", "Front desk"),))
PLOTTED = ("language", "prosody", "vocal_burst")

CARD = """# Test <b>model</b>

Hears *tests*. <script>alert(1)</script>

|  | F1 |
| --- | --- |
| tests | 0.9 |

![ROC](roc.svg)

## Limits

- Nothing else. [a link](javascript:alert(1))
"""


def client(folder: Path = FOLDER) -> TestClient:
    app = FastAPI()
    app.include_router(models_router(SITE, folder))
    return TestClient(app)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "tested"
    model.mkdir()
    (model / "README.md").write_text(CARD, encoding="utf-8")
    (model / "weights.npz").write_bytes(b"x" * 1_500_000)
    (model / "model.json").write_text(
        '{"name": "tested", "version": "v7", "file": "weights.npz", "sha256": "abc"}', encoding="utf-8"
    )
    (model / "roc.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    (tmp_path / "without_a_card").mkdir()
    return tmp_path


def test_every_model_with_a_card_is_shown_with_its_plots() -> None:
    html = client().get("/models").text
    for name in PLOTTED:
        assert f'href="/models/{name}"' in html
        for plot in ("roc", "confusion", "reliability"):
            assert f'src="/models/{name}/{plot}.svg"' in html
    assert 'aria-current="page">Models' in html


def test_a_card_is_shown_whole() -> None:
    html = client().get("/models/prosody").text
    assert "<h2>Limits</h2>" in html
    assert "b54a06cb9ad3" in html
    assert html.count("<table>") >= 2


def test_a_model_whose_weights_are_missing_is_shown_as_such(folder: Path) -> None:
    assert "missing" not in client(folder).get("/models/tested").text
    (folder / "tested" / "weights.npz").unlink()
    pages = client(folder)
    for page in ("/models", "/models/tested"):
        assert "missing here" in pages.get(page).text


def test_a_card_gives_words_tables_and_pictures_and_no_markup_of_its_own(folder: Path) -> None:
    html = client(folder).get("/models/tested").text
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "javascript:" not in re.findall(r'href="([^"]*)"', html)
    assert "Test &lt;b&gt;model&lt;/b&gt;" in html
    assert '<th scope="col">F1</th>' in html
    assert "<th></th>" not in html


def test_the_weights_a_card_speaks_of_are_named(folder: Path) -> None:
    [card] = read_cards(folder)
    assert (card.version, card.sha256, card.megabytes) == ("v7", "abc", 1.5)
    assert "1.50 MB" in client(folder).get("/models").text


def test_a_card_without_weights_and_plots_is_shown_too(folder: Path) -> None:
    for file in ("model.json", "roc.svg"):
        (folder / "tested" / file).unlink()
    [card] = read_cards(folder)
    assert (card.version, card.megabytes, card.plots) == ("", None, ())
    assert client(folder).get("/models/tested").status_code == 200


def test_an_installation_without_cards_says_so(tmp_path: Path) -> None:
    assert "No model has a card" in client(tmp_path).get("/models").text


@pytest.mark.parametrize("path", ["/models", "/models/prosody"])
def test_the_pages_forbid_foreign_content_and_have_nothing_inline(path: str) -> None:
    reply = client().get(path)
    assert "default-src 'self'" in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert re.findall(r"<script|<style|\sstyle=|\son\w+=", reply.text) == []


def test_a_plot_opened_by_itself_may_draw_and_nothing_else() -> None:
    reply = client().get("/models/prosody/roc.svg")
    assert reply.headers["content-type"].startswith("image/svg+xml")
    assert reply.headers["content-security-policy"].startswith("default-src 'none';")


@pytest.mark.parametrize(
    "path",
    [
        "/models/nothing",
        "/models/tts",
        "/models/prosody/other.svg",
        "/models/emotion_encoder/roc.svg",
        "/models/nothing/roc.svg",
    ],
)
def test_what_is_not_there_is_not_found(path: str) -> None:
    assert client().get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/models/..%2Fprosody", "/models/prosody/README.md", "/models/prosody/prosody.npz"]
)
def test_only_cards_and_plots_are_served(path: str) -> None:
    assert client().get(path).status_code in (404, 422)


@pytest.mark.browser
def test_the_plots_are_drawn(page: Page, practice: ScriptedPractice) -> None:
    page.goto(f"{practice.url}/models")
    expect(page.get_by_role("article")).to_have_count(len(read_cards(FOLDER)))
    for image in page.get_by_role("img").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("(image) => image.naturalWidth") > 0


@pytest.mark.browser
def test_the_whole_card_is_a_step_away_by_keyboard(page: Page, practice: ScriptedPractice) -> None:
    page.goto(f"{practice.url}/models")
    link = page.get_by_role("link", name="Whole card of Prosody")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Prosody")).to_be_visible()
    page.get_by_role("group", name="Table 1").focus()
    expect(page.get_by_role("group", name="Table 1")).to_be_focused()
    page.get_by_role("link", name="Models").nth(1).click()
    expect(page.get_by_role("heading", level=1, name="Models")).to_be_visible()


@pytest.mark.browser
def test_the_cards_need_no_script(page: Page, practice: ScriptedPractice) -> None:
    page.route("**/*.js", lambda route: route.abort())
    page.goto(f"{practice.url}/models")
    expect(page.get_by_role("heading", name="Vocal bursts")).to_be_visible()
    expect(page.get_by_text("need JavaScript")).to_have_count(0)
