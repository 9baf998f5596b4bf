"""Messages of any length over a channel whose payloads are short: cut into packets, and put together again.

A packet is ``<sender> <number> <index> <of> <text>``. Numbers rise by one per sender and channel, so that two
packets are never equal (PostgreSQL drops a repeated payload within a transaction) and a lost one is noticed.
The text is piece ``index`` (from 0) of the ``of`` pieces of the message's base64.

Nothing here does input or output.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count

MAX_PACKET = 7_900
"""Bytes; a payload of NOTIFY must be shorter than 8,000.
Source: https://www.postgresql.org/docs/current/sql-notify.html"""

MAX_MESSAGE = 4 * 1024 * 1024
"""Bytes of a message; a receiver keeps no more of an unfinished one."""

MAX_SENDERS = 256
"""Senders whose unfinished messages are remembered."""

_HEADER = 100
_PIECE = (MAX_PACKET - _HEADER) // 4 * 4
_MAX_PIECES = -(-4 * MAX_MESSAGE // (3 * _PIECE)) + 1


class MessageTooLong(ValueError):
    """No receiver would take it."""


class Packets:
    """The sending end of one channel."""

    def __init__(self, sender: str) -> None:
        """``sender``: at most 32 characters without spaces, different for every process."""
        self._sender = sender
        self._numbers = count(1)

    def of(self, message: bytes) -> list[str]:
        """The packets of a message, in order. Raises :class:`MessageTooLong` above :data:`MAX_MESSAGE`."""
        if len(message) > MAX_MESSAGE:
            raise MessageTooLong(f"a message of {len(message)} bytes; the most is {MAX_MESSAGE}")
        text = base64.b64encode(message).decode()
        pieces = [text[n : n + _PIECE] for n in range(0, len(text), _PIECE)] or [""]
        return [
            f"{self._sender} {next(self._numbers)} {index} {len(pieces)} {piece}"
            for index, piece in enumerate(pieces)
        ]


@dataclass(slots=True)
class _Unfinished:
    """What has come of a sender's message. ``number`` is that of the newest packet."""

    number: int = 0
    pieces: list[str] = field(default_factory=list)


class Assembly:
    """The receiving end of one channel."""

    def __init__(self) -> None:
        self._senders: OrderedDict[str, _Unfinished] = OrderedDict()
        self.lost = 0
        """Times that something was missing, or made no sense."""

    def take(self, packet: str) -> bytes | None:
        """The message that this packet completes, or None. A message with a hole is dropped and counted."""
        try:
            sender, *numbers, piece = packet.split(" ", 4)
            number, index, pieces = map(int, numbers)
        except ValueError:
            self.lost += 1
            return None
        if not 0 <= index < pieces <= _MAX_PIECES or len(piece) > MAX_PACKET:
            self.lost += 1
            return None
        unfinished = self._of(sender)
        if unfinished.number and number != unfinished.number + 1:
            self.lost += 1
            unfinished.pieces = []
        unfinished.number = number
        if index == 0:
            unfinished.pieces = [piece]
        elif index == len(unfinished.pieces):
            unfinished.pieces.append(piece)
        else:  # its beginning is missing
            unfinished.pieces = []
            return None
        if index < pieces - 1:
            return None
        text, unfinished.pieces = "".join(unfinished.pieces), []
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            self.lost += 1
            return None

    def _of(self, sender: str) -> _Unfinished:
        unfinished = self._senders.setdefault(sender, _Unfinished())
        self._senders.move_to_end(sender)
        while len(self._senders) > MAX_SENDERS:
            self._senders.popitem(last=False)
        return unfinished
