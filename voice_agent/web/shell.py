"""What every page comes with: templates, and headers that forbid whatever no page needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Path(__file__).parent / "templates"


class Shell:
    """Renders pages of one site."""

    def __init__(self, site: Any, phone_url: str, *, policy: str = "") -> None:
        """``site`` is what templates know as such; ``phone_url`` the softphone's address, "" without one.

        ``policy`` takes the place of the common content security policy.
        """
        self._site = site
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["readable_number"] = readable_number
        self._headers = {
            "Content-Security-Policy": policy or content_security_policy(phone_url),
            "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-cache",
        }

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page from a template of this folder."""
        html = self._templates.get_template(template).render(site=self._site, **values)
        return HTMLResponse(html, status, headers=self._headers)


def content_security_policy(phone_url: str, *, connect: str = "", media: str = "") -> str:
    """The policy of every page: this origin alone, plus the softphone's websocket when there is one.

    ``connect`` and ``media`` are further sources, for a page that cannot do without them.
    """
    phone = urlsplit(phone_url)
    line = f" {phone.scheme}://{phone.netloc}" if phone_url else ""
    return (
        f"default-src 'self'; connect-src 'self'{line}{connect and ' ' + connect}; "
        f"media-src 'self'{media and ' ' + media}; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


def readable_number(number: str) -> str:
    """E.164 as people read it (``+1 555-010-0123``); anything else unchanged."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
