"""A drawing as a list of shapes with roles instead of colours: it becomes an SVG or a PNG, light or dark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from PIL import ImageFont

_MEASURED_AT = 100.0


class Theme(StrEnum):
    """How a picture is coloured. ``AUTO`` (SVG only) follows the reader's system."""

    LIGHT = "light"
    DARK = "dark"
    AUTO = "auto"


class Ink(StrEnum):
    """What a colour stands for."""

    PAPER = "paper"
    SUNK = "sunk"
    LINE = "line"
    TEXT = "text"
    QUIET = "quiet"
    CALLER = "caller"
    CALLER_SOFT = "caller-soft"
    AGENT = "agent"
    AGENT_SOFT = "agent-soft"
    OPERATOR = "operator"
    OPERATOR_SOFT = "operator-soft"
    TOOL = "tool"
    TOOL_SOFT = "tool-soft"
    GAP = "gap"
    GAP_SOFT = "gap-soft"
    STOP = "stop"
    STATE_0 = "state-0"
    STATE_1 = "state-1"
    STATE_2 = "state-2"
    STATE_3 = "state-3"
    STATE_4 = "state-4"
    STATE_5 = "state-5"


STATES = (Ink.STATE_0, Ink.STATE_1, Ink.STATE_2, Ink.STATE_3, Ink.STATE_4, Ink.STATE_5)
"""Backgrounds for the states of a graph in the order of their first appearance, over and over."""

LIGHT: Mapping[Ink, str] = {
    Ink.PAPER: "#ffffff",
    Ink.SUNK: "#f3f6f5",
    Ink.LINE: "#d9e2df",
    Ink.TEXT: "#14211f",
    Ink.QUIET: "#55655f",
    Ink.CALLER: "#2c55a0",
    Ink.CALLER_SOFT: "#dfe8f8",
    Ink.AGENT: "#0b6e63",
    Ink.AGENT_SOFT: "#d8efeb",
    Ink.OPERATOR: "#7a3b8f",
    Ink.OPERATOR_SOFT: "#f0e2f5",
    Ink.TOOL: "#5d5470",
    Ink.TOOL_SOFT: "#e9e5f1",
    Ink.GAP: "#8a4b08",
    Ink.GAP_SOFT: "#f7d9a8",
    Ink.STOP: "#b3261e",
    Ink.STATE_0: "#e3edf9",
    Ink.STATE_1: "#fdf0d2",
    Ink.STATE_2: "#def2e1",
    Ink.STATE_3: "#f6e3f4",
    Ink.STATE_4: "#fbe4dc",
    Ink.STATE_5: "#e4e7ec",
}

DARK: Mapping[Ink, str] = {
    Ink.PAPER: "#151e1d",
    Ink.SUNK: "#1b2625",
    Ink.LINE: "#2e3d3b",
    Ink.TEXT: "#e6efed",
    Ink.QUIET: "#9db0ab",
    Ink.CALLER: "#9dbcf7",
    Ink.CALLER_SOFT: "#22324f",
    Ink.AGENT: "#5cc9ba",
    Ink.AGENT_SOFT: "#173f3a",
    Ink.OPERATOR: "#d9a8ea",
    Ink.OPERATOR_SOFT: "#3d2847",
    Ink.TOOL: "#bdb2d6",
    Ink.TOOL_SOFT: "#322d40",
    Ink.GAP: "#f0b968",
    Ink.GAP_SOFT: "#5a3f14",
    Ink.STOP: "#f2a09a",
    Ink.STATE_0: "#1f3048",
    Ink.STATE_1: "#40341a",
    Ink.STATE_2: "#1d3a26",
    Ink.STATE_3: "#3b2540",
    Ink.STATE_4: "#452a20",
    Ink.STATE_5: "#2b3338",
}


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle. ``hatched`` draws stripes instead of a fill; ``title`` appears under the mouse."""

    x: float
    y: float
    width: float
    height: float
    fill: Ink | None = None
    edge: Ink | None = None
    radius: float = 0.0
    dashed: bool = False
    hatched: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    ink: Ink
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon."""

    points: tuple[tuple[float, float], ...]
    fill: Ink
    title: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; ``y`` is its baseline. ``anchor``: start, middle or end."""

    x: float
    y: float
    text: str
    size: float = 11.0
    ink: Ink = Ink.TEXT
    bold: bool = False
    anchor: str = "start"
    title: str = ""


Shape = Box | Stroke | Area | Words


@dataclass(frozen=True)
class Picture:
    """A drawing of ``width`` by ``height`` points; later shapes lie over earlier ones."""

    width: float
    height: float
    title: str
    description: str
    shapes: list[Shape] = field(default_factory=list)


@lru_cache(maxsize=4)
def font(size: float) -> ImageFont.FreeTypeFont:
    """The typeface that comes with Pillow; no font needs to be installed."""
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found


def text_width(text: str, size: float) -> float:
    """How wide ``text`` is drawn (an SVG says so to its reader's typeface)."""
    return font(_MEASURED_AT).getlength(text) * size / _MEASURED_AT * 1.04


def cut_to(text: str, width: float, size: float) -> str:
    """``text``, shortened with an ellipsis where it is wider than ``width``; empty when nothing fits."""
    if text_width(text, size) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…" if low else ""


def wrapped(text: str, width: float, size: float, lines: int) -> list[str]:
    """``text`` in at most ``lines`` lines of ``width``, with an ellipsis when words are left over."""
    rows: list[str] = []
    words = text.split()
    while words and len(rows) < lines:
        row = words.pop(0)
        while words and text_width(f"{row} {words[0]}", size) <= width:
            row = f"{row} {words.pop(0)}"
        rows.append(row)
    if words:
        rows[-1] = f"{rows[-1]} {' '.join(words)}"
    return [cut for row in rows if (cut := cut_to(row, width, size))]
