"""Which states, tools and voices lie where in the picture of a call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voice_agent.call.timeline_model import PlaybackTimeline, SegmentType, TimelineSegment


def state_spans(line: PlaybackTimeline) -> list[tuple[str, float, float]]:
    """The states of the graph with their seconds, from move to move."""
    moves = [s for s in line.segments if s.type == SegmentType.STATE_TRANSITION and s.to_state]
    spans: list[tuple[str, float, float]] = []
    for index, move in enumerate(moves):
        end = moves[index + 1].start if index + 1 < len(moves) else line.duration_seconds
        if end > move.start:
            spans.append((move.to_state or "", move.start, end))
    return spans


def tool_rows(tools: Sequence[TimelineSegment]) -> list[list[TimelineSegment]]:
    """Tools that ran at the same time lie under each other."""
    rows: list[list[TimelineSegment]] = []
    for tool in tools:
        row = next((row for row in rows if row[-1].end <= tool.start), None)
        if row is None:
            rows.append([tool])
        else:
            row.append(tool)
    return rows


def loud_runs(track: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Where there is more than line noise."""
    loud = np.concatenate(([False], track > 0.004, [False]))
    edges = np.flatnonzero(loud[1:] != loud[:-1])
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
