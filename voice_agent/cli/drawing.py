"""A few shapes that become an SVG or a PNG: one drawing, two forms of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

CHARACTER_WIDTH = 0.52
"""Mean width of a character, in font sizes, for placing text before it is drawn."""


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    color: str
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class Label:
    """One line of text; ``y`` is its baseline."""

    x: float
    y: float
    text: str
    size: float = 11.0
    color: str = "#1f2933"
    bold: bool = False


Shape = Box | Stroke | Label


def text_width(text: str, size: float) -> float:
    """About how wide ``text`` will be."""
    return len(text) * size * CHARACTER_WIDTH


def cut_to(text: str, width: float, size: float) -> str:
    """``text``, shortened with an ellipsis when it would be wider than ``width``."""
    room = int(width / (size * CHARACTER_WIDTH))
    return text if len(text) <= room else text[: max(0, room - 1)].rstrip() + "…"


def svg(shapes: Iterable[Shape], width: float, height: float) -> str:
    """The drawing as an SVG document."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif">',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
    ]
    lines += [_svg_element(shape) for shape in shapes]
    return "\n".join([*lines, "</svg>", ""])


def _svg_element(shape: Shape) -> str:
    match shape:
        case Box(x, y, width, height, fill, radius):
            return (
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
                f'rx="{radius:.1f}" fill="{fill}"/>'
            )
        case Stroke(points, color, width):
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width:.1f}"/>'
        case Label(x, y, text, size, color, bold):
            weight = ' font-weight="bold"' if bold else ""
            place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:.0f}" fill="{color}"'
            return f"<text {place}{weight}>{escape(text)}</text>"


def write_png(path: Path, shapes: Sequence[Shape], width: float, height: float, scale: float = 2.0) -> None:
    """The drawing as a PNG; ``scale`` pixels per unit."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (round(width * scale), round(height * scale)), "#ffffff")
    draw = ImageDraw.Draw(picture)
    for shape in shapes:
        match shape:
            case Box(x, y, box_width, box_height, fill, radius):
                corner = ((x + box_width) * scale, (y + box_height) * scale)
                draw.rounded_rectangle(((x * scale, y * scale), corner), radius=radius * scale, fill=fill)
            case Stroke(points, color, line_width):
                dots = [(x * scale, y * scale) for x, y in points]
                draw.line(dots, fill=color, width=max(1, round(line_width * scale)))
            case Label(x, y, text, size, color, bold):
                font = ImageFont.load_default(size * scale)
                draw.text(
                    (x * scale, y * scale),
                    text,
                    font=font,
                    fill=color,
                    anchor="ls",
                    stroke_width=round(0.35 * scale) if bold else 0,
                    stroke_fill=color,
                )
    picture.save(path, optimize=True)
