"""Proof that a request came from Twilio: webhook and media-stream signatures.

The signature covers the URL *as Twilio was given it*. Behind a proxy, ``Host`` and ``X-Forwarded-*`` say
something else and can be forged, so the URL is put together from the configured public origin, the raw path
and the raw query.
Source: https://www.twilio.com/docs/usage/security
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from twilio.request_validator import HMAC_SHA1, RequestValidator, get_signature_algorithm

from telephony.errors import SignatureError
from telephony.webhook import WebhookFields

SIGNATURE_HEADER: Final = "x-twilio-signature"
SETTINGS_HEADER: Final = "x-twilio-webhooks-signature-settings"
"""Sent when a request is signed with a SharedKey: ``key=<id>,algorithm=HMAC_SHA256``."""

_WEBSOCKET_SCHEME: Final = {"http": "ws", "https": "wss"}
_DEFAULT_PORT: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class PublicOrigin:
    """Scheme, host and port under which Twilio reaches us. A default port is never written (it would not
    validate)."""

    scheme: str
    host: str
    port: int | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """From ``https://voice.example.org``. Raises :class:`ValueError` for anything but an origin."""
        parts = urlsplit(url.strip().rstrip("/"))
        if parts.scheme not in _WEBSOCKET_SCHEME or not parts.hostname:
            raise ValueError(
                f"public base URL {url!r}: an http(s) origin is needed, like https://voice.example.org"
            )
        if parts.path or parts.query or parts.fragment or parts.username:
            raise ValueError(f"public base URL {url!r}: give the origin alone, without path, query or user")
        port = None if parts.port == _DEFAULT_PORT[parts.scheme] else parts.port
        return cls(parts.scheme, parts.hostname, port)

    def http(self, path: str, query: str = "") -> str:
        """The webhook URL of a path."""
        return self._url(self.scheme, self.port, path, query)

    def websocket(self, path: str) -> str:
        """The media-stream URL of a path; query strings are not allowed there."""
        return self._url(_WEBSOCKET_SCHEME[self.scheme], self.port, path, "")

    def signed_websocket(self, path: str, query: str = "") -> str:
        """The same with its port spelled out: the validator guesses 80 for ``wss`` when it is left away."""
        scheme = _WEBSOCKET_SCHEME[self.scheme]
        return self._url(scheme, self.port or _DEFAULT_PORT[scheme], path, query)

    def _url(self, scheme: str, port: int | None, path: str, query: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        authority = f"{host}:{port}" if port else host
        return f"{scheme}://{authority}{path}" + (f"?{query}" if query else "")


class SignatureChecker:
    """Checks signatures against the account's auth token, or a SharedKey where the request names one."""

    def __init__(
        self,
        auth_token: str,
        *origins: PublicOrigin,
        shared_keys: Mapping[str, str] | None = None,
    ) -> None:
        """``origins``: every address under which this process is reached; ``shared_keys``: secrets by key id.

        Raises :class:`ValueError` without an auth token or an origin.
        """
        if not auth_token:
            raise ValueError("an auth token is needed to check Twilio's signatures: set TWILIO_AUTH_TOKEN")
        if not origins:
            raise ValueError("an origin is needed to check Twilio's signatures: set PUBLIC_BASE_URL")
        self._auth_token = auth_token
        self._shared_keys = dict(shared_keys or {})
        self._origins = origins

    def check_webhook(
        self, raw_path: str, raw_query: str, form: WebhookFields | None, headers: Mapping[str, str]
    ) -> None:
        """Raises :class:`SignatureError`. ``form`` is the parsed body of a POST, None for GET (the query is
        signed)."""
        self._check([origin.http(raw_path, raw_query) for origin in self._origins], form, headers)

    def check_websocket(self, raw_path: str, raw_query: str, headers: Mapping[str, str]) -> None:
        """Raises :class:`SignatureError`. A handshake is signed like a webhook without parameters, over
        ``ws(s)://``."""
        urls = [origin.signed_websocket(raw_path, raw_query) for origin in self._origins]
        self._check(urls, None, headers)

    def _check(self, urls: Sequence[str], form: WebhookFields | None, headers: Mapping[str, str]) -> None:
        signature = headers.get(SIGNATURE_HEADER, "")
        if not signature:
            raise SignatureError(f"no {SIGNATURE_HEADER} header")
        settings = headers.get(SETTINGS_HEADER, "")
        algorithm = get_signature_algorithm(settings)
        secret = self._secret(settings, algorithm)
        validator = RequestValidator(secret)
        if not any(validator.validate(url, form, signature, algorithm) for url in urls):
            raise SignatureError(f"{algorithm} signature does not match {urls[0].partition('?')[0]}")

    def _secret(self, settings: str, algorithm: str) -> str:
        if algorithm.upper() == HMAC_SHA1:
            return self._auth_token
        named = dict(part.strip().partition("=")[::2] for part in settings.split(","))
        secret = self._shared_keys.get(named.get("key", ""))
        if not secret:
            raise SignatureError(
                f"signed with the unknown key {named.get('key', '')!r}: add it to the shared keys"
            )
        return secret


def webhook_signature(auth_token: str, url: str, form: WebhookFields) -> str:
    """The signature of a POST to ``url`` by Twilio, or by whoever passes its request on."""
    return str(RequestValidator(auth_token).compute_signature(url, form))
