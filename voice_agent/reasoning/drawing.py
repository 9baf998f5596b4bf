"""Draws a context graph as an SVG picture: states by type, exits with their conditions, where a call is now.

Colours follow the reader's light or dark setting. Ways to a state that many others lead to are not drawn as
lines across the picture but as a short pointer with its name, as off-page connectors in a flow chart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from voice_agent.reasoning.graph import ContextGraph
from voice_agent.reasoning.layout import Arrow, Box, Layout, Path, lay_out, ranks_of
from voice_agent.reasoning.parts import ExitCondition, NextState
from voice_agent.reasoning.states import RETURN, DataCollectionState, State, ToolCallState
from voice_agent.reasoning.wiring import ways_out

MARGIN = 24.0
STATE_HEIGHT = 46.0
LABEL_LINE = 14.0
LABEL_WIDTH = 26
"""Characters of a condition on one line."""
LABEL_LINES = 3
POPULAR = 5
"""Ways into a state from which far ones are drawn as pointers."""
_CHARACTER = 7.1
_SMALL_CHARACTER = 6.0
"""Average width of a character at 13 and 11 pixels in the usual sans-serif faces."""

_STYLE = """
.cg{--ink:#1c2530;--soft:#5b6775;--line:#8a96a3;--paper:#ffffff;--action:#dbeafe;--action-e:#2563eb;
--decision:#fef3c7;--decision-e:#b45309;--annotation:#f1f5f9;--annotation-e:#64748b;
--data_collection:#dcfce7;--data_collection-e:#15803d;--recall:#ede9fe;--recall-e:#6d28d9;
--reflection:#fae8ff;--reflection-e:#a21caf;--tool_call:#ffedd5;--tool_call-e:#c2410c;
--subgraph:#e2e8f0;--subgraph-e:#334155;--now:#dc2626}
@media (prefers-color-scheme:dark){.cg{--ink:#e6edf3;--soft:#9aa7b4;--line:#6b7885;--paper:#0f1720;
--action:#172f55;--action-e:#60a5fa;--decision:#453208;--decision-e:#fbbf24;--annotation:#1e293b;
--annotation-e:#94a3b8;--data_collection:#10361f;--data_collection-e:#4ade80;--recall:#2c2150;
--recall-e:#a78bfa;--reflection:#3d1645;--reflection-e:#e879f9;--tool_call:#43210d;
--tool_call-e:#fb923c;--subgraph:#1f2937;--subgraph-e:#94a3b8;--now:#f87171}}
.cg{background:var(--paper)} .cg text{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;
fill:var(--ink)}.cg .paper{fill:var(--paper)} .cg .name{font-size:13px;font-weight:600}
.cg .kind{font-size:11px;fill:var(--soft)}.cg .label{font-size:11px;fill:var(--soft)}
.cg .to{font-size:11px;font-weight:600;fill:var(--ink)}.cg .way{fill:none;stroke:var(--line);
stroke-width:1.3} .cg .back{stroke-dasharray:5 4}.cg .tip{fill:var(--line)}
.cg .plate{fill:var(--paper);opacity:.88}
.cg .faint rect,.cg .faint path,.cg .faint text{opacity:.5}
.cg .title{font-size:16px;font-weight:700}
.cg .shape{fill:var(--f);stroke:var(--e);stroke-width:1.5}
.cg .ring{fill:none;stroke:var(--e)}
.cg .action{--f:var(--action);--e:var(--action-e)}
.cg .decision{--f:var(--decision);--e:var(--decision-e)}
.cg .annotation{--f:var(--annotation);--e:var(--annotation-e)}
.cg .data_collection{--f:var(--data_collection);--e:var(--data_collection-e)}
.cg .recall{--f:var(--recall);--e:var(--recall-e)}
.cg .reflection{--f:var(--reflection);--e:var(--reflection-e)}
.cg .tool_call{--f:var(--tool_call);--e:var(--tool_call-e)}
.cg .subgraph{--f:var(--subgraph);--e:var(--subgraph-e)}
.cg .visited .shape{stroke-width:3}
.cg .now .shape{stroke:var(--now);stroke-width:4}
"""


@dataclass(frozen=True, slots=True)
class _Way:
    tail: str
    head: str
    text: str


def draw_graph(graph: ContextGraph, *, visited: Sequence[str] = (), current: str | None = None) -> str:
    """The graph as an SVG document.

    Args:
        visited: names of states a call has been in; the others are drawn faint.
        current: name of the state it is in now.
    """
    ways = list(_ways(graph))
    boxes = [_state_box(state) for state in graph.states]
    boxes += [Box(name, _width(name, "subgraph"), STATE_HEIGHT) for name in graph.references]
    roots = list(dict.fromkeys((graph.new_user_initial_state, graph.returning_user_initial_state)))
    known = {box.name for box in boxes}
    ways = [way for way in ways if way.head in known]
    arrows, pointers = _split(boxes, ways, roots)
    layout = lay_out([*boxes, *(box for box, _ in pointers)], arrows, roots)
    return _Picture(graph, layout, {box.name: way for box, way in pointers}, set(visited), current).svg()


def _ways(graph: ContextGraph) -> Iterable[_Way]:
    """Every way out, parallel ones joined."""
    joined: dict[tuple[str, str], list[str]] = {}
    for state in graph.states:
        for path, way in ways_out(state):
            text = _text_of(state, path)
            for head, words in _heads(way, text):
                joined.setdefault((state.name, head), []).append(words)
    for (tail, head), texts in joined.items():
        yield _Way(tail, head, _joined(texts))
    for name in graph.references:
        for head in {way[1] for state in graph.states for _, way in ways_out(state)
                     if isinstance(way, tuple) and way[0].startswith(f"{name}.")}:  # fmt: skip
            yield _Way(name, head, "when done")


def _joined(texts: list[str]) -> str:
    """What to write on parallel ways; nothing when one of them needs no condition."""
    return " / ".join(dict.fromkeys(texts)) if all(texts) else ""


def _heads(way: NextState, text: str) -> list[tuple[str, str]]:
    if isinstance(way, tuple):
        return [(way[0].partition(".")[0], text)]
    return [(way, text)] if way != RETURN else []


def _text_of(state: State, path: tuple[str | int, ...]) -> str:
    if path[0] == "exit_conditions" and isinstance(path[1], int):
        exits: tuple[ExitCondition, ...] = getattr(state, "exit_conditions", ())
        return exits[path[1]].description
    return {"on_failure": "failed", "on_give_up": "gives up", "on_complete": ""}.get(str(path[0]), "")


def _split(
    boxes: Sequence[Box], ways: Sequence[_Way], roots: Sequence[str]
) -> tuple[list[Arrow], list[tuple[Box, _Way]]]:
    """Which ways become lines, and which become pointers."""
    plain = [Arrow(way.tail, way.head, Box("", 0.0, 0.0)) for way in ways]
    ranks = ranks_of(boxes, plain, roots)
    into = Counter(way.head for way in ways)
    arrows: list[Arrow] = []
    pointers: list[tuple[Box, _Way]] = []
    for index, way in enumerate(ways):
        span = ranks[way.head] - ranks[way.tail]
        far = span > 1 and into[way.head] >= POPULAR
        if far or span < -1 or way.tail == way.head or (span < 0 and into[way.head] >= POPULAR):
            lines = _wrap(way.text)
            wide = max((len(line) for line in (*lines, f"→ {way.head}")), default=0) * _SMALL_CHARACTER + 12
            box = Box(f"pointer:{index}", wide, LABEL_LINE * (len(lines) + 1) + 6)
            pointers.append((box, way))
            arrows.append(Arrow(way.tail, box.name, Box("", 8.0, 0.0)))
        else:
            arrows.append(Arrow(way.tail, way.head, _label_box(way.text)))
    return arrows, pointers


def _label_box(text: str) -> Box:
    lines = _wrap(text)
    wide = max((len(line) for line in lines), default=0) * _SMALL_CHARACTER
    return Box(text, max(8.0, wide + 8), LABEL_LINE * len(lines))


def _wrap(text: str) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) < LABEL_WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) > LABEL_LINES:
        lines = [*lines[: LABEL_LINES - 1], lines[LABEL_LINES - 1] + " …"]
    return lines


def _kind(state: State) -> str:
    if isinstance(state, ToolCallState):
        return f"tool call: {state.designated_tool.tool_id}"
    if isinstance(state, DataCollectionState):
        keys = ", ".join(field.key for field in state.fields)
        return f"collects {keys if len(keys) < 34 else keys[:32] + '…'}"
    return state.type


def _width(name: str, kind: str) -> float:
    sides = 48 if kind == "decision" else 28  # a decision's corners are cut
    return max(104.0, len(name) * _CHARACTER + sides, len(kind) * _SMALL_CHARACTER + sides)


def _state_box(state: State) -> Box:
    return Box(state.name, _width(state.name, _kind(state)), STATE_HEIGHT)


@dataclass
class _Picture:
    """Writes the parts of the picture."""

    graph: ContextGraph
    layout: Layout
    pointers: dict[str, _Way]
    visited: set[str]
    current: str | None

    def svg(self) -> str:
        """The whole document."""
        intents = self._intents()
        head = 34.0 + (LABEL_LINE + 3) * len(intents) + (14 if intents else 0)
        width = max(self.layout.width + 2 * MARGIN, 420.0)
        height = self.layout.height + head + 2 * MARGIN + 26
        body = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="cg" viewBox="0 0 {width:.0f} {height:.0f}"'
            f' width="{width:.0f}" height="{height:.0f}" role="img"'
            f' aria-label="{_attribute(self._summary())}">',
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
            f'<text class="title" x="{MARGIN:.0f}" y="30">{escape(self.graph.name)}</text>',
            *intents,
            f'<g transform="translate({MARGIN:.0f} {head + MARGIN:.0f})">',
            *(self._way(path) for path in self.layout.paths),
            *(self._label(path) for path in self.layout.paths),
            *self._starts(),
            *(self._state(state.name, _kind(state), state.type, state) for state in self.graph.states),
            *(self._state(name, "subgraph", "subgraph", None) for name in self.graph.references),
            *(self._pointer(name, way) for name, way in self.pointers.items()),
            "</g>",
            self._legend(height),
            "</svg>",
        ]
        return "\n".join(part for part in body if part) + "\n"

    def _summary(self) -> str:
        return f"{self.graph.name}: {len(self.graph.states)} states, from {self.graph.new_user_initial_state}"

    def _intents(self) -> list[str]:
        lines: list[str] = []
        for index, intent in enumerate(self.graph.intents):
            y = 50 + (LABEL_LINE + 3) * index
            way = f"→ {intent.next_state}" if intent.next_state else "answers"
            back = ", then back" if intent.next_state and intent.returns else ""
            lead = "at any time: " if index == 0 else ""
            lines.append(
                f'<text class="label" x="{MARGIN:.0f}" y="{y:.0f}">{escape(lead + intent.name)}'
                f' <tspan class="to">{escape(way)}</tspan>{back}</text>'
            )
        for name in self.graph.entrances:
            y = 50 + (LABEL_LINE + 3) * len(lines)
            lines.append(
                f'<text class="label" x="{MARGIN:.0f}" y="{y:.0f}">by a safety rule:'
                f' <tspan class="to">{escape(f"→ {name}")}</tspan></text>'
            )
        return lines

    def _classes(self, name: str) -> str:
        marks = []
        if name in self.visited:
            marks.append("visited")
        elif self.visited and name != self.current:
            marks.append("faint")
        if name == self.current:
            marks.append("now")
        return " ".join(["state", *marks])

    def _state(self, name: str, kind: str, colour: str, state: State | None) -> str:
        x, y = self.layout.boxes[name]
        width = _width(name, kind)
        left, top = x - width / 2, y - STATE_HEIGHT / 2
        terminal = name == self.graph.terminal_state
        if colour == "decision":
            cut = 14.0
            right, bottom = left + width, top + STATE_HEIGHT
            shape = (
                f'<path class="shape" d="M{left + cut:.1f} {top:.1f}H{right - cut:.1f}'
                f"L{right:.1f} {y:.1f}"
                f'L{right - cut:.1f} {bottom:.1f}H{left + cut:.1f}L{left:.1f} {y:.1f}Z"/>'
            )
        else:
            radius = 22.0 if colour == "action" else 6.0
            shape = _rect("shape", left, top, width, STATE_HEIGHT, radius)
            if terminal:
                shape += _rect("ring", left + 4, top + 4, width - 8, STATE_HEIGHT - 8, radius - 4)
        objective = getattr(state, "objective", getattr(state, "inner_thought", kind))
        hint = escape(f"{name}: {objective}")
        return (
            f'<g class="{self._classes(name)} {colour}"><title>{hint}</title>{shape}'
            f'<text class="name" x="{x:.1f}" y="{y - 3:.1f}" text-anchor="middle">{escape(name)}</text>'
            f'<text class="kind" x="{x:.1f}" y="{y + 13:.1f}" text-anchor="middle">{escape(kind)}</text></g>'
        )

    def _pointer(self, name: str, way: _Way) -> str:
        x, y = self.layout.boxes[name]
        lines = _wrap(way.text)
        top = y - LABEL_LINE * len(lines) / 2
        spans = [_text("label", x, top + LABEL_LINE * index, line) for index, line in enumerate(lines)]
        spans.append(_text("to", x, top + LABEL_LINE * len(lines), f"→ {way.head}"))
        return "".join(spans)

    def _ends(self, path: Path) -> tuple[tuple[float, float], tuple[float, float]]:
        down = path.points[-1][1] > path.points[0][1]
        sign = 1 if down else -1
        (tail_x, tail_y), (head_x, head_y) = path.points[0], path.points[-1]
        reach = STATE_HEIGHT / 2
        if (way := self.pointers.get(path.arrow.head)) is not None:
            reach = LABEL_LINE * (len(_wrap(way.text)) + 1) / 2 + 4
        return (tail_x, tail_y + sign * STATE_HEIGHT / 2), (head_x, head_y - sign * (reach + 5))

    def _way(self, path: Path) -> str:
        start, end = self._ends(path)
        points = [start, *path.points[1:-1], end]
        parts = [f"M{start[0]:.1f} {start[1]:.1f}"]
        for before, after in pairwise(points):
            middle = (before[1] + after[1]) / 2
            parts.append(
                f"C{before[0]:.1f} {middle:.1f} {after[0]:.1f} {middle:.1f} {after[0]:.1f} {after[1]:.1f}"
            )
        back = " back" if path.backward else ""
        x, y = end
        down = 1 if end[1] > start[1] else -1
        tip = f"M{x - 4:.1f} {y - 1 * down:.1f}L{x + 4:.1f} {y - 1 * down:.1f}L{x:.1f} {y + 6 * down:.1f}Z"
        return f'<path class="way{back}" d="{"".join(parts)}"/><path class="tip" d="{tip}"/>'

    def _label(self, path: Path) -> str:
        lines = _wrap(path.arrow.label.name)
        if not lines:
            return ""
        x, y = path.label
        box = path.arrow.label
        plate = _rect("plate", x - box.width / 2, y - box.height / 2 - 1, box.width, box.height + 2, 3)
        top = y - box.height / 2 + LABEL_LINE / 2
        return plate + "".join(_text("label", x, top + LABEL_LINE * i, line) for i, line in enumerate(lines))

    def _starts(self) -> Iterable[str]:
        names = (self.graph.new_user_initial_state, self.graph.returning_user_initial_state)
        for name in dict.fromkeys(names):
            if name not in self.layout.boxes:
                continue
            x, y = self.layout.boxes[name]
            top = y - STATE_HEIGHT / 2
            who = "start" if names[0] == names[1] else "new caller" if name == names[0] else "known caller"
            yield _text("label", x, top - 24, who)
            yield f'<path class="way" d="M{x:.1f} {top - 17:.1f}V{top - 5:.1f}"/>'
            yield f'<path class="tip" d="M{x - 4:.1f} {top - 6:.1f}H{x + 4:.1f}L{x:.1f} {top:.1f}Z"/>'

    def _legend(self, height: float) -> str:
        kinds = list(dict.fromkeys(state.type for state in self.graph.states))
        parts, x = [], MARGIN
        for kind in kinds:
            parts.append(_rect(f"shape {kind}", x, height - 26, 12, 12, 3))
            words = kind.replace("_", " ")
            parts.append(f'<text class="label" x="{x + 18:.0f}" y="{height - 16:.0f}">{words}</text>')
            x += 18 + len(words) * _SMALL_CHARACTER + 22
        return "".join(parts)


def _rect(css: str, x: float, y: float, width: float, height: float, radius: float) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{css}" {place} rx="{radius:.0f}"/>'


def _text(css: str, x: float, y: float, words: str) -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{escape(words)}</text>'


def _attribute(text: str) -> str:
    return escape(text, quote=True)
