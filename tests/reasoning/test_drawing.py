"""The picture shows every state and every way, without overlaps, in light and dark."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reasoning.conftest import GRAPHS, graph_of
from voice_agent.reasoning.drawing import draw_graph
from voice_agent.reasoning.graph import ContextGraph
from voice_agent.reasoning.layout import GAP_X, Arrow, Box, lay_out

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def small() -> ContextGraph:
    return graph_of((GRAPHS / "small.yaml").read_text())


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter(f"{SVG}text")]


def test_every_state_and_every_condition_is_in_the_picture(small: ContextGraph) -> None:
    written = texts(draw_graph(small))
    for state in small.states:
        assert state.name in written
    joined = " ".join(written)
    for condition in ("wants to move an", "anything else", "something is free", "nothing is free", "failed"):
        assert condition in joined
    assert "tool call: find_slots" in written
    assert any("new_card" in text and "take_card" in text and "then back" in text for text in written)


def test_where_a_call_has_been_and_is_can_be_seen(small: ContextGraph) -> None:
    svg = draw_graph(small, visited=["greet", "identify"], current="identify")
    classes = {
        (group.find(f"{SVG}title").text or "").partition(":")[0]: group.get("class", "").split()  # type: ignore[union-attr]
        for group in ET.fromstring(svg).iter(f"{SVG}g")
        if group.find(f"{SVG}title") is not None
    }
    assert "visited" in classes["greet"]
    assert "now" in classes["identify"]
    assert "faint" in classes["choose"]


def test_colours_follow_the_readers_setting(small: ContextGraph) -> None:
    assert "@media (prefers-color-scheme:dark)" in draw_graph(small)


def test_the_same_graph_gives_the_same_picture(small: ContextGraph) -> None:
    assert draw_graph(small) == draw_graph(small)


def test_words_of_a_graph_cannot_become_markup() -> None:
    graph = graph_of((GRAPHS / "small.yaml").read_text().replace("anything else ", "<script>&\"' "))
    svg = draw_graph(graph)
    ET.fromstring(svg)
    assert "<script>" not in svg


names = [f"n{index}" for index in range(14)]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=40))
def test_no_boxes_overlap_and_every_way_ends_at_its_boxes(edges: list[tuple[str, str]]) -> None:
    boxes = [Box(name, 80 + 10 * index, 40) for index, name in enumerate(names)]
    arrows = [Arrow(tail, head, Box("x", 50, 14)) for tail, head in dict.fromkeys(edges)]
    layout = lay_out(boxes, arrows, ["n0"])
    size = {box.name: box for box in boxes}
    for one, other in itertools.combinations(names, 2):
        (x1, y1), (x2, y2) = layout.boxes[one], layout.boxes[other]
        apart = abs(x1 - x2) >= (size[one].width + size[other].width) / 2 + GAP_X - 1e-6
        assert apart or abs(y1 - y2) >= 40
    for path in layout.paths:
        assert path.points[0] == layout.boxes[path.arrow.tail]
        assert path.points[-1] == layout.boxes[path.arrow.head]
    assert len(layout.paths) == sum(arrow.tail != arrow.head for arrow in arrows)
