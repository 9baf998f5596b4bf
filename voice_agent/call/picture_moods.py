"""The caller's mood under the voices of a timeline: valence as a line, arousal as its thickness, sounds
without words, risk, and what the agent changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from voice_agent.call.picture import Area, Ink, Shape, Stroke, Words, cut_to, text_width
from voice_agent.call.timeline_model import TimelineMood

HEIGHT = 54.0
"""Points that a strip's moods take: the curve, and a line of words under it."""

_CURVE = 34.0
_SIZE = 10.0
_NARROW = 30.0


def mood_shapes(
    moods: Sequence[TimelineMood], x_of: Callable[[float], float], start: float, stop: float, top: float
) -> list[Shape]:
    """Shapes of one strip from ``start`` to ``stop`` seconds, at ``top`` and :data:`HEIGHT` high."""
    left, right = x_of(start), x_of(stop)
    middle = top + _CURVE / 2
    shapes: list[Shape] = [
        Words(left - 10, middle + 4, "Mood", 12, Ink.CALLER, bold=True, anchor="end"),
        Stroke(((left, middle), (right, middle)), Ink.LINE),
    ]
    here = [mood for mood in moods if start <= mood.at < stop]
    before = [mood for mood in moods if mood.at < start][-1:]
    points = [(x_of(max(start, mood.at)), _y(mood.valence, top), mood) for mood in (*before, *here)]
    for (x0, y0, one), (x1, y1, other) in pairwise(points):
        thickness = 1.0 + 3.0 * (one.arousal + other.arousal) / 2
        shapes.append(Stroke(((x0, y0), (x1, y1)), Ink.CALLER, thickness))
    for index, mood in enumerate(here):
        x, y = x_of(mood.at), _y(mood.valence, top)
        ink = Ink.STOP if mood.risk_level in ("alert", "escalate") else Ink.CALLER
        shapes.append(Area(((x - 4, y), (x, y - 4), (x + 4, y), (x, y + 4)), ink, _title(mood)))
        following = x_of(here[index + 1].at) if index + 1 < len(here) else right
        text = cut_to(_label(mood), following - x - 4, _SIZE)
        if following - x >= _NARROW and text:
            shapes.append(Words(x - 2, top + HEIGHT - 6, text, _SIZE, Ink.QUIET, title=_title(mood)))
        if mood.risk_score:
            risk = f"risk {mood.risk_score * 100:.0f}"
            if following - x >= text_width(risk, _SIZE) + 10:
                shapes.append(Words(x + 7, y + 3.5, risk, _SIZE, ink, bold=ink is Ink.STOP))
    return shapes


def _y(valence: float, top: float) -> float:
    """Pleasant is up."""
    return top + _CURVE / 2 * (1.0 - max(-1.0, min(1.0, valence)))


def _label(mood: TimelineMood) -> str:
    parts = [mood.dominant if mood.dominant != "neutral" else "", *mood.bursts, *mood.compounds]
    if mood.delivery:
        parts.append(f"→ {mood.tone}")
    return ", ".join(part.replace("_", " ") for part in parts if part)


def _title(mood: TimelineMood) -> str:
    lines = [f"{mood.dominant}: valence {mood.valence:+.2f}, arousal {mood.arousal:.2f}"]
    if mood.bursts:
        lines.append("heard: " + ", ".join(mood.bursts))
    if mood.compounds:
        lines.append("together: " + ", ".join(mood.compounds).replace("_", " "))
    if mood.risk_score is not None:
        lines.append(f"risk {mood.risk_score * 100:.0f} of 100 ({mood.risk_level})")
    if mood.delivery:
        lines.append(f"the agent: {mood.tone}, because {mood.delivery}")
    return "\n".join(lines)
