"""A call drawn over time: who spoke, what was heard, where the graph stood, what the tools did.

The call is folded into strips of equal length, like lines of music: states on top, then the caller's voice
and words, then the agent's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voice_agent.call.events import (
    AgentTranscript,
    BargeIn,
    CallEvent,
    Latency,
    SessionEnd,
    StateTransition,
    ToolCallCompleted,
    UserTranscript,
)
from voice_agent.cli.drawing import Box, Label, Shape, Stroke, cut_to, text_width

Pcm = npt.NDArray[np.int16]

STRIP_S = 20.0
WIDTH = 1440.0
LEFT = 70.0
PIXELS_PER_SECOND = (WIDTH - LEFT - 10) / STRIP_S
STRIP_HEIGHT = 214.0
TOP = 50.0

CALLER, AGENT, INTERRUPTION, TOOL, QUIET = "#0f766e", "#6d28d9", "#dc2626", "#b45309", "#64748b"
STATE_FILLS = ("#e0f2fe", "#fef3c7", "#dcfce7", "#fae8ff", "#ffe4e6", "#e0e7ff", "#ccfbf1", "#fde68a")

_STATES_Y, _CALLER_Y, _CALLER_WORDS_Y, _AGENT_Y, _AGENT_WORDS_Y, _TOOLS_Y = (
    0.0,
    42.0,
    66.0,
    120.0,
    144.0,
    192.0,
)
_ROW = 14.0
WAVE_HEIGHT = 24.0
"""From the middle line to a full-scale peak."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took time. Seconds of the call."""

    start: float
    end: float
    text: str
    color: str


def draw_timeline(
    events: Sequence[CallEvent], caller: Pcm, agent: Pcm, *, title: str, audio_starts_at: float = 0.0
) -> tuple[list[Shape], float, float]:
    """The drawing of a call, its width and height.

    Args:
        events: of one call, in order.
        caller: what the caller said, 8 kHz.
        agent: what the caller heard, 8 kHz, aligned with ``caller``.
        title: stands on top.
        audio_starts_at: the call's clock at the first sample of both.
    """
    last = max((event.t for event in events), default=0.0)
    length = max(last, audio_starts_at + max(len(caller), len(agent)) / 8000, 1.0)
    strips = int(np.ceil(length / STRIP_S))
    shapes: list[Shape] = [Label(10, 22, title, 15, bold=True), *_legend()]
    for strip in range(strips):
        shapes += _strip(strip, events, caller, agent, audio_starts_at, length)
    return shapes, WIDTH, TOP + strips * STRIP_HEIGHT


def _legend() -> Iterator[Shape]:
    x = 10.0
    for text, color in (
        ("caller", CALLER),
        ("agent", AGENT),
        ("interruption", INTERRUPTION),
        ("tool", TOOL),
        ("reply latency", QUIET),
    ):
        yield Box(x, 31, 10, 10, color, 2)
        yield Label(x + 14, 40, text, 11)
        x += 30 + text_width(text, 11)


def _strip(
    index: int, events: Sequence[CallEvent], caller: Pcm, agent: Pcm, audio_starts_at: float, length: float
) -> Iterator[Shape]:
    start, end = index * STRIP_S, (index + 1) * STRIP_S
    top = TOP + index * STRIP_HEIGHT

    def x(t: float) -> float:
        return LEFT + (min(max(t, start), end) - start) * PIXELS_PER_SECOND

    for second in range(0, int(STRIP_S) + 1, 5):
        yield Stroke(((x(start + second), top + 18), (x(start + second), top + _TOOLS_Y + 4)), "#e2e8f0")
        yield Label(x(start + second) + 2, top + 28, f"{start + second:.0f} s", 9, QUIET)
    for row, (name, color) in enumerate((("caller", CALLER), ("agent", AGENT))):
        yield Label(10, top + (_CALLER_Y, _AGENT_Y)[row] + 4, name, 12, color, bold=True)

    fills: dict[str, str] = {}
    for span in _states(events, length):
        fill = fills.setdefault(span.text, STATE_FILLS[len(fills) % len(STATE_FILLS)])
        if span.end > start and span.start < end:
            left, right = x(span.start), x(span.end)
            yield Box(left, top + _STATES_Y, max(1.0, right - left - 1), 16, fill, 3)
            yield Label(left + 4, top + _STATES_Y + 12, cut_to(span.text, right - left - 6, 10), 10)

    for pcm, y, color in ((caller, _CALLER_Y, CALLER), (agent, _AGENT_Y, AGENT)):
        yield from _wave(pcm, start - audio_starts_at, x(start), top + y, color)
    rows = (
        (_caller_words(events), _CALLER_WORDS_Y, 3),
        (_agent_words(events), _AGENT_WORDS_Y, 3),
        (_marks(events), _TOOLS_Y, 1),
    )
    for spans, y, lanes in rows:
        inside = [span for span in spans if start <= span.start < end]
        yield from _words(inside, x, top + y, lanes)
    for event in events:
        if isinstance(event, BargeIn) and start <= event.t < end:
            yield Stroke(((x(event.t), top + 30), (x(event.t), top + _TOOLS_Y)), INTERRUPTION, 1.5)


def _wave(pcm: Pcm, from_s: float, left: float, middle: float, color: str) -> Iterator[Shape]:
    """Peaks of the sound, a column per unit of width, as one zigzag."""
    zigzag: list[tuple[float, float]] = []
    samples = 8000 / PIXELS_PER_SECOND
    for column in range(int(STRIP_S * PIXELS_PER_SECOND)):
        begin = round(from_s * 8000 + column * samples)
        part = pcm[max(0, begin) : max(0, begin + int(samples))]
        height = float(np.abs(part.astype(np.int32)).max()) / 32768 * WAVE_HEIGHT if len(part) else 0.0
        zigzag += [(left + column, middle - height), (left + column, middle + height)]
    yield Stroke(tuple(zigzag), color, 0.8)


def _words(spans: Sequence[Span], x: Callable[[float], float], y: float, lanes: int) -> Iterator[Shape]:
    free_from = [0.0] * lanes
    for span in spans:
        left = x(span.start)
        lane = next((lane for lane in range(lanes) if free_from[lane] <= left), None)
        if lane is None:
            lane = min(range(lanes), key=free_from.__getitem__)
        room = WIDTH - left - 8
        text = cut_to(span.text, room, 11)
        yield Label(left, y + 12 + lane * _ROW, text, 11, span.color)
        free_from[lane] = left + text_width(text, 11) + 8


def _states(events: Sequence[CallEvent], length: float) -> Iterator[Span]:
    moves = [event for event in events if isinstance(event, StateTransition)]
    for index, move in enumerate(moves):
        until = moves[index + 1].t if index + 1 < len(moves) else length
        yield Span(max(0.0, move.t), until, move.to_state, "")


def _caller_words(events: Sequence[CallEvent]) -> Iterator[Span]:
    for event in events:
        if isinstance(event, UserTranscript) and event.final:
            words = event.transcript or "(nothing understood)"
            told = f"“{words}” {event.confidence:.0%}" + (" (backchannel)" if event.is_backchannel else "")
            yield Span(event.start, event.end, told, CALLER)


def _agent_words(events: Sequence[CallEvent]) -> Iterator[Span]:
    for event in events:
        if isinstance(event, AgentTranscript):
            unheard = f" [not heard: {event.unheard}]" if event.unheard else ""
            yield Span(event.start, event.end, f"{event.heard}{unheard}", AGENT)


def _marks(events: Sequence[CallEvent]) -> Iterator[Span]:
    for event in events:
        match event:
            case ToolCallCompleted():
                outcome = "ok" if event.succeeded else "failed"
                yield Span(event.t, event.t, f"{event.tool_name} {outcome} {event.duration_ms:.0f} ms", TOOL)
            case Latency():
                yield Span(event.t, event.t, f"{event.e2e_ttfb_ms:.0f} ms", QUIET)
            case SessionEnd():
                yield Span(event.t, event.t, f"end: {event.completion_reason}", INTERRUPTION)
