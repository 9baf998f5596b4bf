"""Secrets that prove something: 256 random bits, of which only a SHA-256 is stored.

So much randomness needs no slow hash: nobody tries 2^256 of them. Passwords, which people choose, have one
(:mod:`voice_agent.access.passwords`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

SECRET_BYTES = 32
KEY_PREFIX = "vak_"
"""How every API key begins, so that scanners of repositories and logs can tell what they found."""
SHOWN_CHARS = 12
"""What is kept of a key to tell it from others: the prefix and 48 of its 256 bits."""


def new_key() -> str:
    """A new API key."""
    return KEY_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def new_session_secret() -> str:
    """A new session's id."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> str:
    """What is stored of a secret: SHA-256, hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two strings are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def csrf_token(session_secret: str) -> str:
    """The token that belongs to a session: whoever cannot read its cookie cannot make it."""
    return hmac.digest(session_secret.encode(), b"csrf", "sha256").hex()
