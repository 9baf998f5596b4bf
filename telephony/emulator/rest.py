"""The REST API without HTTP: a request object in, a JSON answer out.

Authentication, routing, error bodies and paging are here; the resources are in the `rest_*` modules.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from .events import EventKind
from .exchange import Exchange
from .faults import FaultKind
from .identifiers import whole_number
from .rest_params import RestError

API = "/2010-04-01/Accounts"
AUTH_FAILED = 20003
NOT_FOUND = 20404
METHOD_NOT_ALLOWED = 20004
TOO_MANY_REQUESTS = 20429
SERVER_ERROR = 20500
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000

Json = Mapping[str, object]


@dataclass(frozen=True)
class RestRequest:
    """One API request; `path` starts with /2010-04-01, `query` and `form` keep repeated keys."""

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    form: Sequence[tuple[str, str]] = ()
    authorization: str = ""

    def asked(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return next((value for key, value in self.query if key == name), default)


@dataclass(frozen=True)
class RestReply:
    """The answer: JSON, or media when `media` is set."""

    status: int
    body: Json | None = None
    media: bytes = b""
    media_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The body on the wire."""
        if self.media_type:
            return self.media
        return b"" if self.body is None else json.dumps(self.body).encode()


Handler = Callable[..., RestReply]


@dataclass(frozen=True)
class Route:
    """A method and a path below the account with `{name}` parts."""

    method: str
    path: str
    handler: Handler


class RestApi:
    """Finds the resource for a request."""

    def __init__(self, exchange: Exchange, routes: Sequence[Route]) -> None:
        self._exchange = exchange
        self._log = exchange.services.log
        self._config = exchange.services.config
        self._routes = [(route, _pattern(route.path)) for route in routes]

    def handle(self, request: RestRequest) -> RestReply:
        """Answer a request; errors come back as bodies, never as exceptions."""
        try:
            self._fail_on_order(request)
            reply = self._dispatch(request)
        except RestError as error:
            reply = RestReply(
                error.status,
                {
                    "code": error.code,
                    "message": error.message,
                    "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
                    "status": error.status,
                },
            )
        self._log.record(
            EventKind.REST_REQUEST, method=request.method, path=request.path, status=reply.status
        )
        return reply

    def _fail_on_order(self, request: RestRequest) -> None:
        faults = self._exchange.services.faults
        if failing := faults.take(FaultKind.FAIL_REST, f"{request.method} {request.path}"):
            status = int(failing.value) or 503
            code = TOO_MANY_REQUESTS if status == 429 else SERVER_ERROR
            raise RestError(status, code, "Too Many Requests" if status == 429 else "Internal Server Error")

    def _dispatch(self, request: RestRequest) -> RestReply:
        account, rest = self._split(request.path)
        public = request.method == "GET" and re.fullmatch(r"/Recordings/RE[0-9a-f]{32}(\.wav|\.mp3)?", rest)
        if not public or request.authorization:
            self._authenticate(request)
        if account != self._config.account_sid:
            raise not_found(request.path)
        other_methods = False
        for route, pattern in self._routes:
            found = pattern.fullmatch(rest)
            if found and route.method == request.method:
                return route.handler(request, **found.groupdict())
            other_methods = other_methods or found is not None
        if other_methods:
            raise RestError(405, METHOD_NOT_ALLOWED, f"Method {request.method} is not allowed here")
        self._log.violate(NOT_FOUND, f"no such resource: {request.method} {request.path}")
        raise not_found(request.path)

    def _split(self, path: str) -> tuple[str, str]:
        found = re.fullmatch(API + r"/([^/]+)(/.*)", path)
        if found is None:
            raise not_found(path)
        return found[1], found[2]

    def _authenticate(self, request: RestRequest) -> None:
        scheme, _, encoded = request.authorization.partition(" ")
        try:
            user, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = secret = ""
        known = {self._config.account_sid: self._config.auth_token, **self._config.api_keys}
        expected = known.get(user)
        if (
            scheme.lower() != "basic"
            or expected is None
            or not hmac.compare_digest(expected.encode(), secret.encode())
        ):
            self._log.violate(AUTH_FAILED, f"{request.method} {request.path}: wrong or no credentials")
            raise RestError(401, AUTH_FAILED, "Authenticate")


def _pattern(path: str) -> re.Pattern[str]:
    literal = re.split(r"\{(\w+)\}", path)
    parts = [re.escape(p) if i % 2 == 0 else f"(?P<{p}>[^/]+?)" for i, p in enumerate(literal)]
    return re.compile("".join(parts))


def not_found(path: str) -> RestError:
    """The answer for a resource that does not exist."""
    return RestError(404, NOT_FOUND, f"The requested resource {path} was not found")


def page(request: RestRequest, key: str, items: Sequence[Json]) -> RestReply:
    """One page of a list; `PageSize` up to 1000, `Page` from 0.

    Raises:
        RestError: a page size or number that is none.
    """
    asked_size, number = (
        whole_number(request.asked(name, default))
        for name, default in (("PageSize", str(DEFAULT_PAGE_SIZE)), ("Page", "0"))
    )
    if not asked_size or number is None:
        raise RestError(400, 20001, "PageSize must be a number above 0, and Page a number")
    size = min(asked_size, MAX_PAGE_SIZE)
    start = number * size
    shown = items[start : start + size]
    filters = [(k, v) for k, v in request.query if k not in ("Page", "PageSize", "PageToken")]

    def address(n: int) -> str:
        token = [("PageToken", f"PA{n}")] if n else []
        return f"{request.path}?{urlencode([*filters, ('PageSize', str(size)), ('Page', str(n)), *token])}"

    more = start + size < len(items)
    return RestReply(
        200,
        {
            key: list(shown),
            "page": number,
            "page_size": size,
            "start": start,
            "end": max(start, start + len(shown) - 1) if shown else 0,
            "uri": address(number),
            "first_page_uri": address(0),
            "next_page_uri": address(number + 1) if more else None,
            "previous_page_uri": address(number - 1) if number else None,
        },
    )


def query_fields(raw: str) -> list[tuple[str, str]]:
    """A query string as pairs, blank values kept."""
    return parse_qsl(raw, keep_blank_values=True)
