"""A call as a picture."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from tests.cli.fake_practice import tone
from voice_agent.call.events import (
    AgentTranscript,
    BargeIn,
    CallEvent,
    SessionEnd,
    StateTransition,
    ToolCallCompleted,
    UserTranscript,
)
from voice_agent.cli.drawing import Label, Stroke, cut_to, svg, text_width, write_png
from voice_agent.cli.timeline import INTERRUPTION, STRIP_HEIGHT, STRIP_S, TOP, WIDTH, draw_timeline

EVENTS: list[CallEvent] = [
    StateTransition(t=0.1, from_state="", to_state="greeting"),
    AgentTranscript(t=2.0, utterance_id="1", text="Hello, you.", heard="Hello,", unheard="you.", start=0.5),
    BargeIn(t=1.8, interrupted_text="Hello, you."),
    UserTranscript(t=3.0, transcript="move <my> appointment", confidence=0.8, start=1.7, end=2.9),
    StateTransition(t=3.1, from_state="greeting", to_state="reschedule"),
    ToolCallCompleted(t=3.5, call_id="1", tool_name="find_slots", succeeded=True, duration_ms=40),
    SessionEnd(t=25.0, completion_reason="terminal_state", duration_seconds=25.0),
]


def drawn() -> tuple[str, list[Label], list[Stroke], float]:
    shapes, width, height = draw_timeline(EVENTS, tone(3.0), tone(2.0), title="A & B")
    labels = [shape for shape in shapes if isinstance(shape, Label)]
    strokes = [shape for shape in shapes if isinstance(shape, Stroke)]
    return svg(shapes, width, height), labels, strokes, height


def test_a_call_longer_than_a_strip_goes_on_below() -> None:
    _, labels, _, height = drawn()
    assert height == TOP + 2 * STRIP_HEIGHT
    (end,) = (label for label in labels if label.text.startswith("end:"))
    assert end.y > TOP + STRIP_HEIGHT


def test_words_stand_where_they_were_said() -> None:
    _, labels, _, _ = drawn()
    (said,) = (label for label in labels if "appointment" in label.text)
    (begun,) = (label for label in labels if "Hello" in label.text)
    assert "[not heard: you.]" in begun.text
    per_second = (said.x - begun.x) / (1.7 - 0.5)
    assert abs(per_second * STRIP_S - WIDTH) < 100


def test_states_tools_and_interruptions_are_in_the_picture() -> None:
    _, labels, strokes, _ = drawn()
    texts = [label.text for label in labels]
    assert texts.count("greeting") == 1
    assert texts.count("reschedule") == 2, "the state goes on in the second strip"
    assert any("find_slots ok 40 ms" in text for text in texts)
    assert [stroke for stroke in strokes if stroke.color == INTERRUPTION]


def test_the_drawing_is_well_formed_whatever_was_said() -> None:
    root = ElementTree.fromstring(drawn()[0])
    texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "A & B" in texts
    assert any("move <my> appointment" in text for text in texts)


def test_both_forms_have_the_same_size(tmp_path: Path) -> None:
    shapes, width, height = draw_timeline(EVENTS, tone(1), tone(1), title="x")
    write_png(tmp_path / "x.png", shapes, width, height, scale=1)
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.size == (round(width), round(height))
        assert len(picture.getcolors(1_000_000) or []) > 10


def test_a_call_without_anything_is_still_a_picture() -> None:
    shapes, width, height = draw_timeline([], np.zeros(0, np.int16), np.zeros(0, np.int16), title="")
    assert (width, height) == (WIDTH, TOP + STRIP_HEIGHT)
    assert shapes


def test_text_is_cut_to_its_room() -> None:
    cut = cut_to("a very long sentence indeed", 60, 10)
    assert cut.endswith("…")
    assert text_width(cut, 10) <= 60
    assert cut_to("short", 60, 10) == "short"
