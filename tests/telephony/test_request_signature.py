"""Signatures: the published vectors, proxies, ports, repeated keys and both schemes."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from telephony.errors import SignatureError
from telephony.signature import PublicOrigin, SignatureChecker
from telephony.webhook import WebhookFields

TOKEN = "12345"
GOLDEN_FIELDS = WebhookFields(
    [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+12349013030"),
        ("Digits", "1234"),
        ("From", "+12349013030"),
        ("To", "+18005551212"),
    ]
)
GOLDEN = "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
GOLDEN_SOCKET = "iipxWStCPwHv8TIpyhnkV93xQtA="


def checker(origin: str, token: str = TOKEN, **shared_keys: str) -> SignatureChecker:
    return SignatureChecker(token, PublicOrigin.parse(origin), shared_keys=shared_keys)


def sign(text: str, key: str = TOKEN, digest: str = "sha1") -> str:
    """Our own HMAC, so that no test only compares the library with itself."""
    return base64.b64encode(hmac.new(key.encode(), text.encode(), getattr(hashlib, digest)).digest()).decode()


def signed(signature: str, **headers: str) -> dict[str, str]:
    return {"x-twilio-signature": signature, **headers}


def test_the_published_webhook_vector() -> None:
    checker("https://mycompany.com").check_webhook("/myapp.php", "foo=1&bar=2", GOLDEN_FIELDS, signed(GOLDEN))


def test_the_published_socket_vector() -> None:
    checker("https://h.example").check_websocket("/media", "", signed(GOLDEN_SOCKET))


@pytest.mark.parametrize(
    ("path", "query", "fields", "token"),
    [
        ("/myapp.php", "foo=1&bar=3", GOLDEN_FIELDS, TOKEN),
        ("/other.php", "foo=1&bar=2", GOLDEN_FIELDS, TOKEN),
        ("/myapp.php", "foo=1&bar=2", WebhookFields([*GOLDEN_FIELDS.items(), ("X", "1")]), TOKEN),
        ("/myapp.php", "foo=1&bar=2", GOLDEN_FIELDS, "54321"),
        ("/myapp.php", "foo=1&bar=2", None, TOKEN),
    ],
)
def test_anything_changed_is_noticed(path: str, query: str, fields: WebhookFields | None, token: str) -> None:
    with pytest.raises(SignatureError):
        checker("https://mycompany.com", token).check_webhook(path, query, fields, signed(GOLDEN))


@pytest.mark.parametrize("signature", ["", "ä", "\x00", "A" * 10_000])
def test_a_missing_or_mad_signature_is_refused(signature: str) -> None:
    with pytest.raises(SignatureError):
        checker("https://h.example").check_websocket("/media", "", signed(signature))


def test_a_socket_is_not_signed_as_https() -> None:
    with pytest.raises(SignatureError):
        checker("https://h.example").check_websocket("/media", "", signed(sign("https://h.example/media")))


@pytest.mark.parametrize("url", ["https://h.example/x", "https://h.example:443/x"])
def test_a_webhook_may_be_signed_with_or_without_its_default_port(url: str) -> None:
    checker("https://h.example").check_webhook("/x", "", None, signed(sign(url)))
    checker("https://h.example:443").check_webhook("/x", "", None, signed(sign(url)))


@pytest.mark.parametrize("url", ["wss://h.example/x", "wss://h.example:443/x"])
def test_a_socket_may_be_signed_with_or_without_its_default_port(url: str) -> None:
    checker("https://h.example").check_websocket("/x", "", signed(sign(url)))


def test_a_socket_signed_for_port_80_is_not_one_for_tls() -> None:
    with pytest.raises(SignatureError):
        checker("https://h.example").check_websocket("/x", "", signed(sign("wss://h.example:80/x")))


def test_a_port_of_its_own_is_part_of_the_address() -> None:
    origin = PublicOrigin.parse("http://127.0.0.1:8000")
    assert origin.http("/x", "a=1") == "http://127.0.0.1:8000/x?a=1"
    assert origin.websocket("/m") == "ws://127.0.0.1:8000/m"
    checker("http://127.0.0.1:8000").check_websocket("/m", "", signed(sign("ws://127.0.0.1:8000/m")))
    with pytest.raises(SignatureError):
        checker("http://127.0.0.1:8000").check_websocket("/m", "", signed(sign("ws://127.0.0.1:8001/m")))


def test_repeated_keys_are_signed_sorted_and_once() -> None:
    fields = WebhookFields([("E", "b"), ("A", "1"), ("E", "a"), ("E", "b")])
    checker("https://h.example").check_webhook("/x", "", fields, signed(sign("https://h.example/xA1EaEb")))


def test_blank_and_foreign_values_are_signed_as_they_are() -> None:
    fields = WebhookFields.parse(b"Name=J%C3%B6rg+M&Empty=")
    checker("https://h.example").check_webhook(
        "/x", "", fields, signed(sign("https://h.example/xEmptyNameJörg M"))
    )


def test_a_shared_key_signs_with_sha256() -> None:
    checked = checker("https://h.example", key1="other secret")
    settings = {"x-twilio-webhooks-signature-settings": "key=key1,algorithm=HMAC_SHA256"}
    good = sign("https://h.example/xA1", "other secret", "sha256")
    checked.check_webhook("/x", "", WebhookFields([("A", "1")]), signed(good, **settings))
    with pytest.raises(SignatureError):
        checked.check_webhook("/x", "", WebhookFields([("A", "2")]), signed(good, **settings))


@pytest.mark.parametrize(
    "settings",
    [
        "key=unknown,algorithm=HMAC_SHA256",
        "algorithm=HMAC_SHA256",
        "key=key1,algorithm=HMAC_MD5",
        "key=key1,algorithm=none",
        "algorithm",
    ],
)
def test_other_keys_and_schemes_are_refused(settings: str) -> None:
    good = sign("https://h.example/x", "other secret", "sha256")
    headers = signed(good, **{"x-twilio-webhooks-signature-settings": settings})
    with pytest.raises(SignatureError):
        checker("https://h.example", key1="other secret").check_webhook("/x", "", None, headers)


def test_the_auth_token_is_no_shared_key() -> None:
    good = sign("https://h.example/x", TOKEN, "sha256")
    headers = signed(good, **{"x-twilio-webhooks-signature-settings": "algorithm=HMAC_SHA256"})
    with pytest.raises(SignatureError):
        checker("https://h.example").check_webhook("/x", "", None, headers)


@pytest.mark.parametrize(
    "url", ["", "h.example", "ftp://h.example", "https://", "https://h.example/path", "https://u@h.example"]
)
def test_a_public_address_must_be_an_origin(url: str) -> None:
    with pytest.raises(ValueError, match="public base URL"):
        PublicOrigin.parse(url)


def test_an_ipv6_origin_keeps_its_brackets() -> None:
    assert PublicOrigin.parse("http://[::1]:80/").websocket("/m") == "ws://[::1]/m"


def test_nothing_is_checked_without_a_token() -> None:
    with pytest.raises(ValueError, match="TWILIO_AUTH_TOKEN"):
        checker("https://h.example", "")
