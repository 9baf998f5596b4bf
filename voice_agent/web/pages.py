"""The pages: ring the practice, one call, all calls.

Each page is a small server-rendered shell; what a call does is read by the page's own modules from the JSON
and event stream interface under ``/api``. Nothing is inline and nothing comes from another host, so the
content security policy can forbid both.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Request
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from voice_agent.web.shell import Shell

_HERE = Path(__file__).parent

CallSid = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@dataclass(frozen=True, slots=True)
class PracticeNumber:
    """A number one can ring. ``number`` is E.164, ``label`` what answers there."""

    number: str
    label: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody one can ring as. ``number`` is E.164; ``note`` says what is known of them."""

    number: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages show about this installation.

    Attributes:
        practice: the practice's name.
        numbers: where it can be rung, at least one.
        callers: people of the practice, offered as caller ids.
        lines: sentences a patient may say, offered beside the text box.
        phone_url: ``ws://`` address of the local network's softphone; "" when the numbers are real ones.
    """

    practice: str
    numbers: tuple[PracticeNumber, ...]
    callers: tuple[Caller, ...] = ()
    lines: tuple[str, ...] = ()
    phone_url: str = ""

    def __post_init__(self) -> None:
        if not self.numbers:
            raise ValueError("A site needs at least one practice number: add one to Site.numbers")
        if self.phone_url and urlsplit(self.phone_url).scheme not in ("ws", "wss"):
            raise ValueError(f"Site.phone_url must begin with ws:// or wss://, got {self.phone_url!r}")


def pages_router(site: Site) -> APIRouter:
    """Routes ``/``, ``/calls``, ``/calls/{sid}`` and ``/static/...``; they read no state but their files."""
    router = APIRouter(include_in_schema=False)
    page = Shell(site, site.phone_url).page
    static = StaticFiles(directory=_HERE / "static")

    @router.get("/", response_class=HTMLResponse)
    async def ring() -> HTMLResponse:
        """The softphone with the live view beside it."""
        return page("ring.html", here="ring")

    @router.get("/calls", response_class=HTMLResponse)
    async def calls() -> HTMLResponse:
        """All calls, the running ones first."""
        return page("calls.html", here="calls")

    @router.get("/calls/{call_sid}", response_class=HTMLResponse)
    async def call(call_sid: CallSid) -> HTMLResponse:
        """One call: live while it runs, with timeline and recording afterwards."""
        return page("call.html", here="call", call_sid=call_sid)

    @router.get("/static/{path:path}")
    async def asset(path: str, request: Request) -> Response:
        """Styles and scripts. Browsers ask again each time and mostly get 304."""
        if not path:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        response = await static.get_response(path, request.scope)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return router
