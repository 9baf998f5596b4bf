"""The session cookie: where it may be set, and what it is called there.

Over https its name begins with ``__Host-``: browsers then insist on Secure, no Domain and Path=/
(RFC 6265bis, section 4.1.3.2). Plain http is good enough between a browser and a server on the same machine,
and nowhere else.
"""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from fastapi import Request, Response

SECURE_NAME = "__Host-voice_agent"
PLAIN_NAME = "voice_agent"


class Cookies:
    """Reads and writes the cookie."""

    def __init__(self, public_base_url: str = "") -> None:
        """``public_base_url``: origin under which a proxy serves us, if there is one."""
        public = urlsplit(public_base_url)
        self._secure_host = public.netloc.lower() if public.scheme == "https" else ""

    def is_secure(self, request: Request) -> bool:
        """Whether the browser sees https: by itself, or at a proxy in front of us."""
        host = request.headers.get("host", "").lower()
        return request.url.scheme == "https" or (host != "" and host == self._secure_host)

    def may_log_in(self, request: Request) -> bool:
        """Whether a cookie would travel safely: over https, or within this machine."""
        return self.is_secure(request) or (
            _is_loopback(request.client.host if request.client else "")
            and _is_loopback(request.url.hostname or "")
        )

    def read(self, request: Request, name: str = "") -> str | None:
        """The session's secret, if the browser has one. ``name`` asks for another cookie of ours."""
        return request.cookies.get(self._name(request, name))

    def write(
        self,
        request: Request,
        response: Response,
        value: str,
        *,
        name: str = "",
        same_site: Literal["lax", "strict"] = "lax",
    ) -> None:
        """Set a cookie that lasts until the browser closes and that no script can read."""
        response.set_cookie(
            self._name(request, name),
            value,
            path="/",
            secure=self.is_secure(request),
            httponly=True,
            samesite=same_site,
        )

    def remove(self, request: Request, response: Response, name: str = "") -> None:
        """Take the cookie away."""
        response.delete_cookie(
            self._name(request, name), path="/", secure=self.is_secure(request), httponly=True, samesite="lax"
        )

    def _name(self, request: Request, name: str) -> str:
        base = SECURE_NAME if self.is_secure(request) else PLAIN_NAME
        return f"{base}_{name}" if name else base


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
