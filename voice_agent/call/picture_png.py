"""A picture as PNG, for places that show no SVG."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import pairwise

from PIL import Image, ImageDraw

from voice_agent.call.picture import DARK, LIGHT, Area, Box, Ink, Picture, Stroke, Theme, Words, font

SCALE = 2
"""Pixels per point: sharp on dense screens."""

_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def png(picture: Picture, theme: Theme = Theme.LIGHT) -> bytes:
    """The picture as a PNG file, :data:`SCALE` pixels per point. ``AUTO`` is light: a PNG cannot choose."""
    colours = DARK if theme is Theme.DARK else LIGHT
    size = (round(picture.width * SCALE), round(picture.height * SCALE))
    image = Image.new("RGB", size, colours[Ink.PAPER])
    draw = ImageDraw.Draw(image)
    for shape in picture.shapes:
        match shape:
            case Box():
                _box(image, draw, shape, colours)
            case Stroke():
                _stroke(draw, shape, colours)
            case Area():
                draw.polygon([(x * SCALE, y * SCALE) for x, y in shape.points], fill=colours[shape.fill])
            case Words():
                draw.text(
                    (shape.x * SCALE, shape.y * SCALE),
                    shape.text,
                    font=font(shape.size * SCALE),
                    fill=colours[shape.ink],
                    anchor=_ANCHORS[shape.anchor],
                    stroke_width=0.4 if shape.bold else 0,
                )
    file = io.BytesIO()
    image.save(file, "PNG", optimize=False)
    return file.getvalue()


def _box(image: Image.Image, draw: ImageDraw.ImageDraw, box: Box, colours: Mapping[Ink, str]) -> None:
    left, top = box.x * SCALE, box.y * SCALE
    right, bottom = (box.x + box.width) * SCALE, (box.y + box.height) * SCALE
    if right - left < 1 or bottom - top < 1:
        right, bottom = max(right, left + 1), max(bottom, top + 1)
    radius = min(box.radius * SCALE, (right - left) / 2, (bottom - top) / 2)
    fill = colours[box.fill] if box.fill and not box.hatched else None
    edge = colours[box.edge] if box.edge else None
    draw.rounded_rectangle((left, top, right - 1, bottom - 1), radius, fill, edge, SCALE if edge else 0)
    if box.hatched and box.fill:
        width, height = round(right - left), round(bottom - top)
        stripes = Image.new("L", (max(1, width), max(1, height)), 0)
        pen = ImageDraw.Draw(stripes)
        for x in range(-height, width, 6 * SCALE):
            pen.line((x, height, x + height, 0), fill=255, width=2 * SCALE)
        image.paste(colours[box.fill], (round(left), round(top)), stripes)


def _stroke(draw: ImageDraw.ImageDraw, stroke: Stroke, colours: Mapping[Ink, str]) -> None:
    points = [(x * SCALE, y * SCALE) for x, y in stroke.points]
    width = max(1, round(stroke.width * SCALE))
    if not stroke.dashed:
        draw.line(points, fill=colours[stroke.ink], width=width, joint="curve")
        return
    step = (1 + 3 * stroke.width) * SCALE
    for (x0, y0), (x1, y1) in pairwise(points):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        for dot in range(int(length / step) + 1):
            x, y = x0 + (x1 - x0) * dot * step / length, y0 + (y1 - y0) * dot * step / length
            draw.ellipse(
                (x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=colours[stroke.ink]
            )
