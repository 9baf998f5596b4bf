"""Model cards as pages show them: read from the folders of ``models``, rendered once.

A card is a model's ``README.md``; beside it lie ``model.json`` (which weights it speaks of) and plots. The
text is rendered without any HTML of its own, so a card can say nothing but words, lists, tables and
pictures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

CARD = "README.md"
MANIFEST = "model.json"

PLOTS = {
    "roc.svg": ("ROC curves", "True against false alarms at every threshold; the diagonal is guessing."),
    "confusion.svg": (
        "Confusion matrix",
        "What was there, by row, and what the model took it for, by column.",
    ),
    "reliability.svg": ("Reliability", "How often the model is right when it says how sure it is."),
}
"""File -> title, and how to read it."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture of a card. ``url`` is where the page finds it, ``file`` where it lies."""

    url: str
    title: str
    reading: str
    file: Path


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model's card.

    Attributes:
        name: of the model's folder.
        title: its heading.
        summary: its first paragraph, rendered.
        body: all of it but the heading, rendered.
        version, sha256: of the weights, "" without a manifest.
        megabytes: size of the weights, None where they are missing, with a manifest or without.
    """

    name: str
    title: str
    summary: str
    body: str
    version: str
    sha256: str
    megabytes: float | None
    plots: tuple[Plot, ...]

    @property
    def url(self) -> str:
        """The page with the whole card."""
        return f"/models/{self.name}"


def read_cards(folder: Path) -> tuple[ModelCard, ...]:
    """The cards of all models below ``folder`` that have one, by name."""
    return tuple(_read(path.parent) for path in sorted(folder.glob(f"*/{CARD}")))


def _read(folder: Path) -> ModelCard:
    plots = tuple(
        Plot(f"/models/{folder.name}/{file}", title, reading, folder / file)
        for file, (title, reading) in PLOTS.items()
        if (folder / file).is_file()
    )
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse((folder / CARD).read_text(encoding="utf-8"))
    title, tokens = _heading(tokens, folder.name)
    tokens = _for_a_page(_without_pictures(tokens))
    version, sha256, megabytes = _weights(folder)

    def rendered(part: Sequence[Token]) -> str:
        return markdown.renderer.render(part, markdown.options, {})

    return ModelCard(
        folder.name, title, rendered(tokens[:3]), rendered(tokens), version, sha256, megabytes, plots
    )


def _heading(tokens: list[Token], name: str) -> tuple[str, list[Token]]:
    """The first heading's text, and what follows it; the folder's name where a card has none."""
    if tokens and tokens[0].type == "heading_open":
        return tokens[1].content, tokens[3:]
    return name.replace("_", " ").capitalize(), tokens


def _without_pictures(tokens: list[Token]) -> list[Token]:
    """Paragraphs of pictures are left out: the page shows the plots in figures of their own."""
    kept: list[Token] = []
    for token in tokens:
        if token.type == "inline" and any(child.type == "image" for child in token.children or ()):
            kept.pop()
            continue
        if token.type == "paragraph_close" and kept and kept[-1].type != "inline":
            continue
        kept.append(token)
    return kept


def _for_a_page(tokens: list[Token]) -> list[Token]:
    """Tables can be scrolled by themselves, with the keyboard too; an empty head cell is no heading."""
    shown: list[Token] = []
    table = 0
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            table += 1
            opening = Token("scroll_open", "div", 1, block=True)
            opening.attrs = {
                "class": "scroll",
                "role": "group",
                "tabindex": "0",
                "aria-label": f"Table {table}",
            }
            shown.append(opening)
        if token.type == "th_open":
            token.attrSet("scope", "col")
            if not tokens[place + 1].content:
                token.tag = tokens[place + 2].tag = "td"
                token.attrs.pop("scope")
        shown.append(token)
        if token.type == "table_close":
            shown.append(Token("scroll_close", "div", -1, block=True))
    return shown


def _weights(folder: Path) -> tuple[str, str, float | None]:
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return "", "", None
    entry = json.loads(manifest.read_text(encoding="utf-8"))
    weights = folder / entry["file"]
    # A model without its weights is left alone and another takes over: no reason to show no page.
    megabytes = weights.stat().st_size / 1_000_000 if weights.is_file() else None
    return entry["version"], entry["sha256"], megabytes
