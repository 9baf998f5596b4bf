from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from call_script import booking_call, numbered
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from voice_agent.call.events import AgentTranscript, CallEvent, SessionEnd, UserTranscript
from voice_agent.call.picture import DARK, LIGHT, Box, Ink, Picture, Theme, Words, cut_to, text_width, wrapped
from voice_agent.call.picture_png import SCALE, png
from voice_agent.call.picture_svg import svg
from voice_agent.call.timeline import timeline
from voice_agent.call.timeline_picture import Loudness, draw_timeline

SVG = "{http://www.w3.org/2000/svg}"


def _drawn(events: list[CallEvent], loudness: Loudness | None = None) -> Picture:
    return draw_timeline(timeline(events), title="A call", loudness=loudness)


def _texts(picture: Picture) -> list[str]:
    return [shape.text for shape in picture.shapes if isinstance(shape, Words)]


def _titles(picture: Picture) -> str:
    return "\n".join(shape.title for shape in picture.shapes if isinstance(shape, (Box, Words)))


def _call_of(seconds: float) -> list[CallEvent]:
    return numbered("CA1", [(seconds, SessionEnd(completion_reason="completed", duration_seconds=seconds))])


def test_the_picture_shows_the_words_of_both_sides() -> None:
    texts = " ".join(_texts(_drawn(booking_call())))
    assert "Thank you for calling Cedar Clinic." in texts
    assert "Ten is perfect." in texts
    assert "find slots" in texts


def test_what_the_caller_did_not_hear_is_hatched_and_named() -> None:
    picture = _drawn(booking_call())
    (unheard,) = [s for s in picture.shapes if isinstance(s, Box) and s.hatched and s.title]
    assert unheard.title == "Not heard: or at three thirty."


def test_full_words_confidence_and_delay_are_under_the_mouse() -> None:
    titles = _titles(_drawn(booking_call()))
    assert "“I need to see Doctor Rivera on Tuesday.”" in titles
    assert "recognised with 93%" in titles
    assert "first sound after 1000 ms" in titles
    assert "the agent is silent after 180 ms" in titles


@pytest.mark.parametrize(("seconds", "strips"), [(0.0, 1), (90.0, 3), (600.0, 10), (3600.0, 30)])
def test_long_calls_go_on_in_further_strips(seconds: float, strips: int) -> None:
    assert _texts(_drawn(_call_of(seconds))).count("State") == strips


def test_an_operator_has_a_lane_only_when_there_was_one() -> None:
    spoke = UserTranscript(transcript="Hello.", speaker_role="operator", start=1, end=2)
    assert "Operator" not in _texts(_drawn(booking_call()))
    assert "Operator" in _texts(_drawn(numbered("CA1", [(2, spoke)])))


def test_words_stay_within_the_picture() -> None:
    long = AgentTranscript(utterance_id="u", text="", heard="word " * 400, start=1, end=29)
    picture = _drawn(numbered("CA1", [(29, long), *[(30, event) for event in _call_of(30)]]))
    for shape in picture.shapes:
        if isinstance(shape, Words) and shape.anchor == "start":
            assert shape.x + text_width(shape.text, shape.size) <= picture.width


def test_with_a_recording_voices_are_drawn_as_they_sounded() -> None:
    caller, agent = np.zeros(750, np.float32), np.zeros(750, np.float32)
    caller[100:150] = 0.4
    with_sound = _drawn(booking_call(), Loudness(caller, agent, 30.0))
    waves = [s for s in with_sound.shapes if getattr(s, "fill", None) is Ink.CALLER and hasattr(s, "points")]
    assert len(waves) == 1
    xs = [x for x, _ in waves[0].points]  # type: ignore[union-attr]
    assert (min(xs), max(xs)) == pytest.approx((84 + 4.02 / 30 * 1292, 84 + 5.98 / 30 * 1292), abs=1)


def test_the_svg_is_one_document_that_asks_for_nothing_else() -> None:
    document = svg(_drawn(booking_call()))
    root = ElementTree.fromstring(document)
    assert root.tag == f"{SVG}svg"
    assert (root.findtext(f"{SVG}title"), root.get("role")) == ("Timeline of A call", "img")
    assert not {element.tag for element in root.iter()} & {
        f"{SVG}script",
        f"{SVG}image",
        f"{SVG}use",
        f"{SVG}a",
    }
    assert "http" not in document.replace("http://www.w3.org/2000/svg", "")


def test_the_svg_follows_the_reader_unless_told_otherwise() -> None:
    picture = _drawn(booking_call())
    assert "prefers-color-scheme:dark" in svg(picture)
    light, dark = svg(picture, Theme.LIGHT), svg(picture, Theme.DARK)
    assert LIGHT[Ink.CALLER] in light
    assert DARK[Ink.CALLER] not in light
    assert DARK[Ink.CALLER] in dark


@pytest.mark.parametrize(("theme", "colours"), [(Theme.LIGHT, LIGHT), (Theme.DARK, DARK)])
def test_the_png_shows_the_same_in_either_theme(theme: Theme, colours: dict[Ink, str]) -> None:
    picture = _drawn(booking_call())
    with Image.open(io.BytesIO(png(picture, theme))) as image:
        assert image.size == (round(picture.width * SCALE), round(picture.height * SCALE))
        found = {"#{:02x}{:02x}{:02x}".format(*pixel) for _, pixel in image.getcolors(1 << 20) or []}  # type: ignore[misc]
    wanted = (
        Ink.PAPER,
        Ink.SUNK,
        Ink.CALLER,
        Ink.AGENT,
        Ink.CALLER_SOFT,
        Ink.AGENT_SOFT,
        Ink.GAP_SOFT,
        Ink.STOP,
    )
    assert {colours[ink] for ink in wanted} <= found


def test_every_role_has_a_colour_in_both_themes() -> None:
    assert set(LIGHT) == set(DARK) == set(Ink)


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    a, b = sorted((luminance(one), luminance(other)), reverse=True)
    return (a + 0.05) / (b + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_can_be_read_on_what_lies_behind_it(colours: dict[Ink, str]) -> None:
    pairs = [
        (ink, ground) for ink in (Ink.TEXT, Ink.QUIET, Ink.STOP, Ink.GAP) for ground in (Ink.PAPER, Ink.SUNK)
    ]
    pairs += [(Ink.GAP, Ink.GAP_SOFT), (Ink.TOOL, Ink.TOOL_SOFT)]
    pairs += [(Ink.TEXT, ink) for ink in Ink if ink.startswith("state")]
    assert {
        pair: _contrast(colours[pair[0]], colours[pair[1]])
        for pair in pairs
        if _contrast(colours[pair[0]], colours[pair[1]]) < 4.5
    } == {}


@settings(max_examples=80)
@given(st.text(max_size=200), st.floats(0, 400), st.integers(1, 4))
def test_wrapped_words_fit(text: str, width: float, lines: int) -> None:
    rows = wrapped(text, width, 10, lines)
    assert len(rows) <= lines
    assert all(text_width(row, 10) <= width for row in rows)


@given(st.text(max_size=60), st.floats(0, 300))
def test_cut_words_fit_and_are_a_beginning(text: str, width: float) -> None:
    cut = cut_to(text, width, 10)
    assert not cut or text_width(cut, 10) <= width
    assert cut == text or text.startswith(cut.removesuffix("…"))


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=40), st.text(max_size=40))
def test_any_words_give_a_well_formed_svg_and_a_png(heard: str, title: str) -> None:
    spoken = AgentTranscript(
        utterance_id="u", text=heard, heard=heard, unheard=heard, start=1, end=3, interrupted=True
    )
    picture = draw_timeline(timeline(numbered("CA1", [(3, spoken)])), title=title)
    ElementTree.fromstring(svg(picture).encode("utf-8"))
    assert png(picture).startswith(b"\x89PNG")
