"""What can go wrong when somebody wants in."""

from __future__ import annotations


class AccessError(Exception):
    """Something about keys, passwords or sessions cannot be done; the message says why and what to do."""


class NoSuchKey(AccessError):
    """No key has this id or prefix."""


class WeakPassword(AccessError):
    """A password that is too short, or too long to be one."""


class TooMany(AccessError):
    """A rate limit is used up. ``retry_after_s`` is when the next attempt is let through."""

    def __init__(self, what: str, retry_after_s: int) -> None:
        super().__init__(f"too many {what} requests; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s
