"""Digits keyed instead of spoken, gathered into one answer."""

from __future__ import annotations

import time

PAUSE_S = 2.0
"""Keys belong together until this long a pause, ``#``, or the expected number of digits."""


class Keypad:
    """Gathers keys. The call asks :meth:`take` now and then, and after every key."""

    def __init__(self) -> None:
        self._digits = ""
        self._done = False
        self._last = 0.0

    @property
    def active(self) -> bool:
        """True while keys are being pressed: what the ear hears then are tones, not words."""
        return bool(self._digits) or time.monotonic() - self._last < PAUSE_S / 2

    def press(self, key: str) -> None:
        """A key. ``#`` ends the entry, ``*`` clears it."""
        self._last = time.monotonic()
        if key == "#":
            self._done = bool(self._digits)
        elif key == "*":
            self._digits = ""
        else:
            self._digits += key

    def take(self, expected: int | None) -> str | None:
        """The entry when it is complete, else None."""
        if not self._digits:
            return None
        full = expected is not None and len(self._digits) >= expected
        if self._done or full or time.monotonic() - self._last >= PAUSE_S:
            digits, self._digits, self._done = self._digits, "", False
            return digits
        return None
