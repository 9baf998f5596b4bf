"""The caller's mood under the voices of a timeline: valence and arousal as lines, in words the feelings, the
sounds without words, the risk, and what the agent changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from voice_agent.call.picture import Area, Box, Ink, Shape, Stroke, Words, cut_to
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
        Words(left - 10, top + 10, "Mood", 12, Ink.CALLER, bold=True, anchor="end"),
        Words(left - 10, top + 24, "valence", 10, Ink.CALLER, anchor="end"),
        Words(left - 10, top + 37, "arousal", 10, Ink.GAP, anchor="end"),
        Stroke(((left, middle), (right, middle)), Ink.LINE),
    ]
    here = [mood for mood in moods if start <= mood.at < stop]
    before = [mood for mood in moods if mood.at < start][-1:]
    for one, other in pairwise((*before, *here)):
        x0, x1 = x_of(max(start, one.at)), x_of(other.at)
        aroused = ((x0, _high(one.arousal, top)), (x1, _high(other.arousal, top)))
        shapes.append(Stroke(aroused, Ink.GAP, 1.2, dashed=True))
        shapes.append(Stroke(((x0, _y(one.valence, top)), (x1, _y(other.valence, top))), Ink.CALLER, 2.0))
    for index, mood in enumerate(here):
        x, y = x_of(mood.at), _y(mood.valence, top)
        ink = Ink.STOP if mood.risk_level in ("alert", "escalate") else Ink.CALLER
        shapes.append(Box(x - 1.5, _high(mood.arousal, top) - 1.5, 3, 3, Ink.GAP, title=_title(mood)))
        shapes.append(Area(((x - 4, y), (x, y - 4), (x + 4, y), (x, y + 4)), ink, _title(mood)))
        following = x_of(here[index + 1].at) if index + 1 < len(here) else right
        text = cut_to(_label(mood), following - x - 4, _SIZE)
        if following - x >= _NARROW and text:
            words_ink = ink if ink is Ink.STOP else Ink.QUIET
            shapes.append(Words(x - 2, top + HEIGHT - 6, text, _SIZE, words_ink, title=_title(mood)))
    return shapes


def _y(valence: float, top: float) -> float:
    """Pleasant is up."""
    return top + _CURVE / 2 * (1.0 - max(-1.0, min(1.0, valence)))


def _high(arousal: float, top: float) -> float:
    """Agitated is up."""
    return top + _CURVE * (1.0 - max(0.0, min(1.0, arousal)))


def _label(mood: TimelineMood) -> str:
    risk = f"risk {mood.risk_score * 100:.0f}" if mood.risk_score else ""
    parts = [risk, mood.dominant if mood.dominant != "neutral" else "", *mood.bursts, *mood.compounds]
    if mood.delivery:
        parts.append(f"{mood.tone} voice")
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
