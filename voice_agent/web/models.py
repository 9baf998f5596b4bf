"""The models: which there are, how well each does its work, and the whole card of each.

Rendered on the server from the files beside the weights; nothing here needs a script.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, HTMLResponse, Response

import models
from voice_agent.web.cards import ModelCard, read_cards
from voice_agent.web.pages import Site
from voice_agent.web.shell import Shell

FOLDER = Path(models.__file__).parent

Name = Annotated[str, PathParameter(pattern=r"^[a-z0-9_]{1,64}$")]
File = Annotated[str, PathParameter(pattern=r"^[a-z_]{1,32}\.svg$")]

PLOT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
"""A plot is a drawing with its own styles and nothing else, should somebody open it by itself."""


def models_router(site: Site, folder: Path = FOLDER) -> APIRouter:
    """Routes ``/models``, ``/models/{name}`` and the plots below it. The cards are read once, here."""
    router = APIRouter(include_in_schema=False)
    page = Shell(site, site.phone_url).page
    cards = read_cards(folder)
    by_name = {card.name: card for card in cards}

    def card_of(name: str) -> ModelCard:
        if (card := by_name.get(name)) is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no model {name!r} with a card")
        return card

    @router.get("/models", response_class=HTMLResponse)
    async def overview() -> HTMLResponse:
        """Every model with its plots."""
        return page("models.html", here="models", cards=cards)

    @router.get("/models/{name}", response_class=HTMLResponse)
    async def whole_card(name: Name) -> HTMLResponse:
        """One card with everything in it."""
        return page("model.html", here="models", card=card_of(name))

    @router.get("/models/{name}/{file}")
    async def plot(name: Name, file: File) -> Response:
        """One plot of a card."""
        found = next((each for each in card_of(name).plots if each.file.name == file), None)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"the card of {name} has no {file}")
        return FileResponse(
            found.file,
            media_type="image/svg+xml",
            headers={
                "Content-Security-Policy": PLOT_POLICY,
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-cache",
            },
        )

    return router
