"""What every page shares: the templates, the headers, the policy that forbids everything foreign."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import phonenumbers
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent

COMMON_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
)


def content_security_policy(*connect: str, media: tuple[str, ...] = ()) -> str:
    """The policy of a page: this origin alone, plus the origins its scripts may connect to and play from."""
    reach = " ".join(["'self'", *connect])
    sound = " ".join(["", "media-src 'self'", *media]) + ";" if media else ""
    return (
        f"default-src 'self'; connect-src {reach};{sound} object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


def websocket_origin(url: str) -> str:
    """``ws://host:port`` of a websocket address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def readable_number(number: str) -> str:
    """E.164 as people read it (``+1 555-010-0123``); anything else unchanged."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


class Shell:
    """Renders templates into pages with their headers."""

    def __init__(self, policy: str, **shared: object) -> None:
        """``policy``: the content security policy; ``shared``: values every template of it may use."""
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["readable_number"] = readable_number
        self._environment.globals.update(shared)
        self._headers = {"Content-Security-Policy": policy, **COMMON_HEADERS}

    def page(self, template: str, headers: Mapping[str, str] | None = None, **values: object) -> HTMLResponse:
        """A page; ``headers`` replace or add to the common ones."""
        html = self._environment.get_template(template).render(**values)
        return HTMLResponse(html, headers={**self._headers, **(headers or {})})
