"""What a voice and its worker processes say to each other.

Every payload begins with four bytes that name the request, so that the parent can tell the rest of a sentence
it gave up from the next one. To the worker: ``SPEAK`` with whatever that voice needs to know. From it:
``READY`` once, then for every sentence ``AUDIO`` (int16 at 8 kHz, short pieces) and ``DONE``, or ``FAILED``
with the reason.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

NO_TAG: Final = bytes(4)
"""Of messages that belong to no sentence."""


class Message(IntEnum):
    """Kinds of message, both ways."""

    READY = 1
    SPEAK = 2
    AUDIO = 3
    DONE = 4
    FAILED = 5
