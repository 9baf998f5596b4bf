"""A call drawn over time, in strips like lines of music, so that the words of ten minutes can be read.

Each strip: the time, the graph's states, the caller (voice above, words below), what lies between caller and
agent (who waited how long, interruptions, silence), the agent, an operator if there was one, the caller's
mood, the tools. What the agent wanted to say and the caller no longer heard is hatched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voice_agent.call.picture import (
    STATES,
    Area,
    Box,
    Ink,
    Picture,
    Shape,
    Stroke,
    Words,
    cut_to,
    text_width,
    wrapped,
)
from voice_agent.call.picture_moods import HEIGHT as MOOD_HEIGHT
from voice_agent.call.picture_moods import mood_shapes
from voice_agent.call.timeline_layout import loud_runs, state_spans, tool_rows
from voice_agent.call.timeline_model import (
    AGENT_SOUNDS,
    Lane,
    PlaybackTimeline,
    SegmentType,
    TimelineSegment,
)

WIDTH = 1400.0
_LEFT, _RIGHT = 84.0, 24.0
_PLOT = WIDTH - _LEFT - _RIGHT
_TOP = 92.0
_STRIP_GAP = 22.0
_AXIS, _STATES, _VOICE, _BETWEEN, _TOOL, _LINE = 18.0, 18.0, 30.0, 18.0, 16.0, 13.0
_WORD_LINES = 3
_WORDS = _WORD_LINES * _LINE + 3
_SIZE = 10.5

_NARROW, _NARROW_FILLER = 24.0, 52.0
"""Words with less room than this are left to the mouse."""

STRIP_SECONDS = ((150.0, 30.0), (900.0, 60.0), (3600.0, 120.0))
"""Up to which length of a call a strip is how long; 300 s beyond."""

ENVELOPE_PER_SECOND = 25
"""Points of the recording's loudness that the picture uses."""

_LANE_INKS = {
    Lane.CALLER: (Ink.CALLER, Ink.CALLER_SOFT),
    Lane.AGENT: (Ink.AGENT, Ink.AGENT_SOFT),
    Lane.OPERATOR: (Ink.OPERATOR, Ink.OPERATOR_SOFT),
}


@dataclass(frozen=True)
class Loudness:
    """The envelope of both tracks: the loudest sample (0..1) of each of n equal parts of ``seconds``."""

    caller: npt.NDArray[np.float32]
    agent: npt.NDArray[np.float32]
    seconds: float


def draw_timeline(line: PlaybackTimeline, *, title: str, loudness: Loudness | None = None) -> Picture:
    """The picture of a call. ``title`` names it; with ``loudness`` voices are drawn as they sounded."""
    seconds = next((strip for limit, strip in STRIP_SECONDS if line.duration_seconds <= limit), 300.0)
    drawing = _Drawing(line, seconds, loudness)
    drawing.header(title)
    count = max(1, -(-int(line.duration_seconds * 1000) // int(seconds * 1000)))
    for number in range(count):
        drawing.strip(number * seconds)
    height = drawing.y + 4
    paper = Box(0, 0, WIDTH, height, Ink.PAPER)
    return Picture(WIDTH, height, f"Timeline of {title}", _described(line), [paper, *drawing.shapes])


class _Drawing:
    def __init__(self, line: PlaybackTimeline, strip_s: float, loudness: Loudness | None) -> None:
        self.shapes: list[Shape] = []
        self.y = _TOP
        self._line = line
        self._strip_s = strip_s
        self._scale = _PLOT / strip_s
        self._loudness = loudness
        self._states = state_spans(line)
        names = list(dict.fromkeys(name for name, _, _ in self._states))
        self._state_inks = {name: STATES[i % len(STATES)] for i, name in enumerate(names)}
        self._lanes = [
            lane for lane in _LANE_INKS if any(s.lane is lane for s in line.segments) or lane != Lane.OPERATOR
        ]

    def header(self, title: str) -> None:
        line = self._line
        self.shapes.append(Words(24, 34, title, 17, bold=True))
        barge_ins = sum(1 for s in line.segments if s.type == SegmentType.BARGE_IN)
        figures = [
            (_clock(line.duration_seconds), "call", Ink.TEXT),
            (f"{line.total_user_speech_seconds:.0f} s", "caller", Ink.CALLER),
            (f"{line.total_agent_speech_seconds:.0f} s", "agent", Ink.AGENT),
            (f"{line.total_silence_seconds:.0f} s", "silence", Ink.QUIET),
        ]
        if line.avg_processing_gap_ms is not None:
            figures.append((f"{line.avg_processing_gap_ms:.0f} ms", "to answer", Ink.GAP))
        if line.max_processing_gap_ms is not None:
            figures.append((f"{line.max_processing_gap_ms:.0f} ms", "slowest", Ink.GAP))
        figures.append((str(barge_ins), "interruption" if barge_ins == 1 else "interruptions", Ink.STOP))
        x = 24.0
        for figure, name, ink in figures:
            self.shapes.append(Words(x, 62, figure, 15, ink, bold=True))
            x += text_width(figure, 15) + 5
            self.shapes.append(Words(x, 62, name, 11.5, Ink.QUIET))
            x += text_width(name, 11.5) + 22
        self._legend()

    def _legend(self) -> None:
        x = WIDTH - _RIGHT
        entries: list[tuple[str, Box]] = [
            ("not heard any more", Box(0, 0, 22, 10, Ink.AGENT, Ink.AGENT, 2, dashed=True, hatched=True)),
            ("filler", Box(0, 0, 22, 10, Ink.AGENT_SOFT, Ink.AGENT, 5)),
            ("waiting for the agent", Box(0, 0, 22, 10, Ink.GAP_SOFT, None, 2)),
        ]
        for name, box in entries:
            x -= text_width(name, 11)
            self.shapes.append(Words(x, 33, name, 11, Ink.QUIET))
            x -= 28
            self.shapes.append(Box(x, 24, 22, 10, box.fill, box.edge, box.radius, box.dashed, box.hatched))
            x -= 20

    def strip(self, start: float) -> None:
        stop = start + self._strip_s
        segments = [s for s in self._line.segments if s.start < stop and (s.end > start or s.start >= start)]
        tools = tool_rows([s for s in segments if s.type == SegmentType.TOOL_CALL])
        top = self.y
        voices = top + _AXIS + _STATES + 6
        tops: dict[Lane, float] = {}
        y = voices
        for lane in self._lanes:
            tops[lane] = y
            y += _VOICE + _WORDS + (_BETWEEN if lane is Lane.CALLER else 4)
        mood = MOOD_HEIGHT if self._line.moods else 0.0
        bottom = y + mood + len(tools) * (_TOOL + 3)
        self._ground(start, stop, top, bottom)
        self._state_ribbon(start, stop, top + _AXIS)
        for lane in self._lanes:
            self._voice_lane(lane, [s for s in segments if s.lane is lane], start, stop, tops[lane])
        self._between(segments, start, stop, tops)
        if mood:
            self.shapes += mood_shapes(self._line.moods, lambda t: self._x(t, start), start, stop, y)
        self._tool_rows(tools, start, stop, y + mood)
        self.y = bottom + _STRIP_GAP

    def _x(self, t: float, start: float) -> float:
        return _LEFT + min(max(0.0, t - start), self._strip_s) * self._scale

    def _ground(self, start: float, stop: float, top: float, bottom: float) -> None:
        end = self._x(min(stop, max(self._line.duration_seconds, start)), start)
        self.shapes.append(
            Box(_LEFT, top + _AXIS, max(1.0, end - _LEFT), bottom - top - _AXIS, Ink.SUNK, None, 4)
        )
        step = self._strip_s / 6
        for tick in range(7):
            at = start + tick * step
            if at > self._line.duration_seconds + 0.001:
                break
            x = self._x(at, start)
            self.shapes.append(Stroke(((x, top + 13), (x, bottom)), Ink.LINE))
            if tick < 6:
                self.shapes.append(Words(x + 3, top + 12, _clock(at), 10, Ink.QUIET))

    def _state_ribbon(self, start: float, stop: float, y: float) -> None:
        for name, begin, end in self._states:
            if begin >= stop or end <= start:
                continue
            x0, x1 = self._x(begin, start), self._x(end, start)
            readable = name.replace("_", " ")
            self.shapes.append(
                Box(
                    x0,
                    y,
                    max(1.5, x1 - x0 - 1),
                    _STATES - 2,
                    self._state_inks[name],
                    None,
                    3,
                    title=f"State: {readable}",
                )
            )
            label = cut_to(readable, x1 - x0 - 10, 10.5)
            if label:
                self.shapes.append(Words(x0 + 5, y + 12, label, 10.5))
        self.shapes.append(Words(_LEFT - 10, y + 12, "State", 11, Ink.QUIET, anchor="end"))

    def _voice_lane(
        self, lane: Lane, segments: list[TimelineSegment], start: float, stop: float, top: float
    ) -> None:
        ink, soft = _LANE_INKS[lane]
        self.shapes.append(
            Words(_LEFT - 10, top + _VOICE / 2 + 4, lane.value.capitalize(), 12, ink, bold=True, anchor="end")
        )
        middle = top + _VOICE / 2
        self.shapes.append(
            Stroke(((_LEFT, middle), (self._x(self._line.duration_seconds, start), middle)), Ink.LINE)
        )
        for index, segment in enumerate(segments):
            following = segments[index + 1].start if index + 1 < len(segments) else stop
            self._speech(segment, ink, soft, start, stop, top, following)
        self._wave(lane, start, stop, middle, ink)
        self._words_of(segments, start, stop, top + _VOICE + _LINE - 1)

    def _speech(
        self,
        segment: TimelineSegment,
        ink: Ink,
        soft: Ink,
        start: float,
        stop: float,
        top: float,
        following: float,
    ) -> None:
        x0, x1 = self._x(segment.start, start), self._x(segment.end, start)
        filler = segment.type in (SegmentType.FILLER_HESITATION, SegmentType.FILLER_NAV)
        edge = ink if filler or not segment.label else None
        title = _spoken_title(segment)
        if x1 > x0:
            self.shapes.append(
                Box(
                    x0,
                    top,
                    max(2.0, x1 - x0),
                    _VOICE,
                    soft if segment.label else None,
                    edge,
                    _VOICE / 2 if filler else 4,
                    dashed=not segment.label,
                    title=title,
                )
            )
        if self._loudness is None and segment.label and x1 - x0 > 6:
            self.shapes.append(Box(x0 + 3, top + _VOICE / 2 - 2, x1 - x0 - 6, 4, ink, None, 2))
        if segment.unheard and start <= segment.end < stop:
            spoken = max(0.4, segment.end - segment.start)
            rate = max(6.0, len(segment.label) / spoken)
            end = min(segment.end + len(segment.unheard) / rate, max(following, segment.end + 0.3), stop)
            self.shapes.append(
                Box(
                    x1 + 1,
                    top,
                    max(3.0, self._x(end, start) - x1 - 2),
                    _VOICE,
                    ink,
                    ink,
                    4,
                    dashed=True,
                    hatched=True,
                    title=f"Not heard: {segment.unheard}",
                )
            )

    def _wave(self, lane: Lane, start: float, stop: float, middle: float, ink: Ink) -> None:
        if self._loudness is None or lane is Lane.OPERATOR:
            return
        track = self._loudness.caller if lane is Lane.CALLER else self._loudness.agent
        per_second = len(track) / max(self._loudness.seconds, 0.001)
        first = int(start * per_second)
        for begin, end in loud_runs(track[first : int(stop * per_second)]):
            part = track[first + begin : first + end]
            # Quiet voices stay visible: the square root lifts them.
            heights = np.sqrt(np.minimum(1.0, part)) * (_VOICE / 2 - 1)
            xs = [self._x((first + begin + i + 0.5) / per_second, start) for i in range(len(part))]
            upper = tuple((x, middle - float(h)) for x, h in zip(xs, heights, strict=True))
            lower = tuple((x, middle + float(h)) for x, h in zip(reversed(xs), heights[::-1], strict=True))
            if len(part) > 1:
                self.shapes.append(Area(upper + lower, ink))

    def _words_of(self, segments: list[TimelineSegment], start: float, stop: float, baseline: float) -> None:
        shown = [
            s for s in segments if s.label and s.end > start and (s.start >= start or s.end - start > 1.0)
        ]
        for index, segment in enumerate(shown):
            x = self._x(segment.start, start)
            right = self._x(shown[index + 1].start, start) if index + 1 < len(shown) else WIDTH - _RIGHT
            filler = segment.type in (SegmentType.FILLER_HESITATION, SegmentType.FILLER_NAV)
            if right - x < (_NARROW_FILLER if filler else _NARROW):
                continue
            text = segment.label if segment.start >= start else f"… {segment.label}"
            ink = Ink.QUIET if filler else Ink.TEXT
            rows = wrapped(text, right - x - 7, _SIZE, _WORD_LINES)
            for row, words in enumerate(rows):
                self.shapes.append(
                    Words(x + 2, baseline + row * _LINE, words, _SIZE, ink, title=_spoken_title(segment))
                )

    def _between(
        self, segments: list[TimelineSegment], start: float, stop: float, tops: dict[Lane, float]
    ) -> None:
        y = tops[Lane.AGENT] - _BETWEEN
        middle = y + _BETWEEN / 2 - 1
        taken = 0.0
        # Interruptions lie on top.
        for segment in sorted(segments, key=lambda s: s.type == SegmentType.BARGE_IN):
            x0, x1 = self._x(segment.start, start), self._x(segment.end, start)
            match segment.type:
                case SegmentType.PROCESSING_GAP:
                    title = f"The agent answers after {(segment.end - segment.start) * 1000:.0f} ms"
                    self.shapes.append(
                        Box(x0, middle - 6, max(2.0, x1 - x0), 12, Ink.GAP_SOFT, None, 2, title=title)
                    )
                    label = f"{segment.end - segment.start:.1f} s"
                    if segment.start >= start and x0 > taken:
                        inside = x1 - x0 > text_width(label, 10) + 4
                        x = x0 + 3 if inside else x1 + 3
                        self.shapes.append(Words(x, middle + 3.5, label, 10, Ink.GAP, bold=True, title=title))
                        taken = x + text_width(label, 10)
                case SegmentType.SILENCE:
                    self.shapes.append(
                        Stroke(((x0 + 3, middle), (max(x0 + 3, x1 - 3), middle)), Ink.QUIET, 1.2, dashed=True)
                    )
                    label = f"{segment.end - segment.start:.1f} s silence"
                    if x1 - x0 > text_width(label, 10) + 24:
                        width = text_width(label, 10) + 8
                        self.shapes.append(Box((x0 + x1 - width) / 2, middle - 6, width, 12, Ink.SUNK))
                        self.shapes.append(
                            Words((x0 + x1) / 2, middle + 3.5, label, 10, Ink.QUIET, anchor="middle")
                        )
                case SegmentType.SILENCE_CHECK:
                    self.shapes.append(
                        Box(x0 - 7, middle - 7, 14, 14, Ink.PAPER, Ink.QUIET, 7, title=segment.label)
                    )
                    self.shapes.append(
                        Words(x0, middle + 3.5, "?", 10, Ink.QUIET, bold=True, anchor="middle")
                    )
                case SegmentType.BARGE_IN if start <= segment.start < stop:
                    self._interruption(segment, x0, tops, middle)
                case _:
                    pass

    def _interruption(
        self, segment: TimelineSegment, x: float, tops: dict[Lane, float], middle: float
    ) -> None:
        top, bottom = tops[Lane.CALLER] - 3, tops[Lane.AGENT] + _VOICE + 3
        delay = f"{segment.duration_ms:.0f} ms"
        title = f"{segment.label}: the agent is silent after {delay}"
        self.shapes.append(Stroke(((x, top), (x, bottom)), Ink.STOP, 1.6))
        self.shapes.append(Area(((x - 5, top - 5), (x + 5, top - 5), (x, top + 3)), Ink.STOP, title))
        width = text_width(delay, 10) + 8
        self.shapes.append(Box(x + 3, middle - 6.5, width, 13, Ink.PAPER, Ink.STOP, 6.5, title=title))
        self.shapes.append(
            Words(
                x + 3 + width / 2, middle + 3.5, delay, 10, Ink.STOP, bold=True, anchor="middle", title=title
            )
        )

    def _tool_rows(self, rows: list[list[TimelineSegment]], start: float, stop: float, top: float) -> None:
        if rows:
            self.shapes.append(Words(_LEFT - 10, top + 12, "Tools", 12, Ink.TOOL, bold=True, anchor="end"))
        for number, row in enumerate(rows):
            y = top + number * (_TOOL + 3)
            for index, tool in enumerate(row):
                x0, x1 = self._x(tool.start, start), self._x(tool.end, start)
                failed = tool.succeeded is False
                name = (tool.tool_name or tool.label).replace("_", " ")
                took = (
                    f"{tool.end - tool.start:.1f} s"
                    if tool.end - tool.start >= 1
                    else f"{tool.duration_ms:.0f} ms"
                )
                label = f"{name}, {took}" + (", failed" if failed else "")
                self.shapes.append(
                    Box(
                        x0,
                        y,
                        max(3.0, x1 - x0),
                        _TOOL,
                        Ink.TOOL_SOFT,
                        Ink.STOP if failed else Ink.TOOL,
                        3,
                        title=label,
                    )
                )
                right = self._x(row[index + 1].start, start) if index + 1 < len(row) else WIDTH - _RIGHT
                inside = x1 - x0 > text_width(label, 10) + 8
                x = x0 + 5 if inside else x1 + 5
                text = cut_to(label, right - x - 4, 10)
                if text and tool.end > start:
                    self.shapes.append(
                        Words(x, y + 11.5, text, 10, Ink.STOP if failed else Ink.TOOL, title=label)
                    )


def _spoken_title(segment: TimelineSegment) -> str:
    parts = [f"{segment.lane.value.capitalize()}, {_clock(segment.start)} to {_clock(segment.end)}"]
    parts.append(f"“{segment.label}”" if segment.label else "not understood")
    if segment.unheard:
        parts.append(f"not heard: “{segment.unheard}”")
    if segment.stt_confidence is not None:
        parts.append(f"recognised with {segment.stt_confidence:.0%}")
    if segment.e2e_ttfb_ms and segment.type in AGENT_SOUNDS:
        parts.append(f"first sound after {segment.e2e_ttfb_ms:.0f} ms")
    return "\n".join(parts)


def _described(line: PlaybackTimeline) -> str:
    turns = len(line.turns)
    return (
        f"{_clock(line.duration_seconds)} long, {turns} turn{'' if turns == 1 else 's'}. "
        f"The caller speaks {line.total_user_speech_seconds:.0f} s, the agent "
        f"{line.total_agent_speech_seconds:.0f} s, nobody {line.total_silence_seconds:.0f} s."
    )


def _clock(seconds: float) -> str:
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
