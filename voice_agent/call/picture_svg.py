"""A picture as SVG: one document without scripts, fonts or outside references."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from voice_agent.call.picture import (
    DARK,
    LIGHT,
    Area,
    Box,
    Ink,
    Picture,
    Shape,
    Stroke,
    Theme,
    Words,
    text_width,
)

_FONT = '"Helvetica Neue",Helvetica,Arial,"Liberation Sans",Arimo,sans-serif'


def svg(picture: Picture, theme: Theme = Theme.AUTO) -> str:
    """The picture as an SVG document. Words appear under the mouse where a shape has a title."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(picture.width)} {_n(picture.height)}" '
        f'width="{_n(picture.width)}" height="{_n(picture.height)}" role="img" aria-labelledby="t d">'
        f'<title id="t">{_text(picture.title)}</title><desc id="d">{_text(picture.description)}</desc>'
    )
    hatches = sorted(
        {shape.fill for shape in picture.shapes if isinstance(shape, Box) and shape.hatched and shape.fill}
    )
    patterns = "".join(
        f'<pattern id="h-{ink}" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)">'
        f'<rect width="2" height="6" class="f-{ink}"/></pattern>'
        for ink in hatches
    )
    body = "\n".join(_shape(shape) for shape in picture.shapes)
    return f"{head}<style>{_style(theme)}</style><defs>{patterns}</defs>\n{body}\n</svg>\n"


def _style(theme: Theme) -> str:
    first = DARK if theme is Theme.DARK else LIGHT
    rules = _variables(first)
    if theme is Theme.AUTO:
        rules += f"@media(prefers-color-scheme:dark){{{_variables(DARK)}}}"
    rules += "".join(f".f-{ink}{{fill:var(--{ink})}}.s-{ink}{{stroke:var(--{ink})}}" for ink in Ink)
    return escape(
        rules + f"text{{font-family:{_FONT};font-variant-numeric:tabular-nums}}.b{{font-weight:650}}"
    )


def _variables(colours: Mapping[Ink, str]) -> str:
    return ":root{" + "".join(f"--{ink}:{colour};" for ink, colour in colours.items()) + "}"


def _shape(shape: Shape) -> str:
    match shape:
        case Box():
            return _box(shape)
        case Stroke():
            dash = (
                f' stroke-dasharray="1 {_n(3 * shape.width)}" stroke-linecap="round"' if shape.dashed else ""
            )
            return (
                f'<polyline points="{_points(shape.points)}" class="s-{shape.ink}" fill="none" '
                f'stroke-width="{_n(shape.width)}"{dash}/>'
            )
        case Area():
            opening = f'<polygon points="{_points(shape.points)}" class="f-{shape.fill}"'
            return _titled(opening, "polygon", shape.title)
        case Words():
            return _words(shape)


def _box(box: Box) -> str:
    classes = []
    if box.fill and not box.hatched:
        classes.append(f"f-{box.fill}")
    if box.edge:
        classes.append(f"s-{box.edge}")
    attributes = f' class="{" ".join(classes)}"' if classes else ""
    if box.hatched:
        attributes += f' fill="url(#h-{box.fill})"'
    elif not box.fill:
        attributes += ' fill="none"'
    if box.radius:
        attributes += f' rx="{_n(box.radius)}"'
    if box.dashed:
        attributes += ' stroke-dasharray="3 3"'
    place = f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'
    return _titled(f"<rect {place}{attributes}", "rect", box.title)


def _words(words: Words) -> str:
    attributes = f'font-size="{_n(words.size)}" class="f-{words.ink}{" b" if words.bold else ""}"'
    if words.anchor != "start":
        attributes += f' text-anchor="{words.anchor}"'
    # Every reader's typeface has other widths; the layout was made with ours.
    if len(words.text) > 1:
        attributes += (
            f' textLength="{_n(text_width(words.text, words.size))}" lengthAdjust="spacingAndGlyphs"'
        )
    title = f"<title>{_text(words.title)}</title>" if words.title else ""
    return f'<text x="{_n(words.x)}" y="{_n(words.y)}" {attributes}>{_text(words.text)}{title}</text>'


def _titled(opening: str, name: str, title: str) -> str:
    return f"{opening}><title>{_text(title)}</title></{name}>" if title else f"{opening}/>"


def _points(points: tuple[tuple[float, float], ...]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(text: str) -> str:
    """Escaped, without the characters that XML 1.0 (section 2.2) cannot hold."""
    return escape("".join(character if _is_xml(character) else "\ufffd" for character in text))


def _is_xml(character: str) -> bool:
    if character in "\t\n\r":
        return True
    return "\x20" <= character < "\ud800" or (character > "\udfff" and character not in "\ufffe\uffff")
