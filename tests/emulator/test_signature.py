"""The signature, against the published vectors, on this side of the wire alone."""

from __future__ import annotations

import pytest

from telephony.emulator.signature import sign

TOKEN = "12345"


def test_the_published_webhook_vector() -> None:
    fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+12349013030"),
        ("Digits", "1234"),
        ("From", "+12349013030"),
        ("To", "+18005551212"),
    ]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign(TOKEN, url, fields) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


def test_the_handshake_vector_has_no_fields() -> None:
    assert sign(TOKEN, "wss://h.example/media") == "iipxWStCPwHv8TIpyhnkV93xQtA="


def test_the_fragment_is_not_signed() -> None:
    assert sign(TOKEN, "https://h.example/a#rc=2") == sign(TOKEN, "https://h.example/a")


@pytest.mark.parametrize(
    "fields",
    [
        [("k", "b"), ("k", "a"), ("k", "a")],
        [("k", "a"), ("k", "b")],
    ],
)
def test_repeated_values_are_sorted_and_counted_once(fields: list[tuple[str, str]]) -> None:
    assert sign(TOKEN, "https://h.example/", fields) == sign(
        TOKEN, "https://h.example/", [("k", "a"), ("k", "b")]
    )


def test_another_port_is_another_signature() -> None:
    assert sign(TOKEN, "wss://h.example:443/media") != sign(TOKEN, "wss://h.example/media")
