"""The fields of a webhook: parsing, the values that mean something, and callers' addresses.

Unknown fields are kept and ignored: Twilio adds new ones. Source:
https://www.twilio.com/docs/voice/twiml#request-parameters
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self
from urllib.parse import parse_qsl

from telephony.errors import MalformedWebhook

MAX_FIELDS: Final = 200
"""A voice webhook has about 35 fields."""

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-zA-Z]{1,62}", re.ASCII)
_WITHHELD_WORDS: Final = ("anonymous", "restricted", "blocked", "unknown", "unavailable", "private")
"""What networks put in place of a caller's number."""
_KEYPAD: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_WITHHELD: Final = frozenset(word.translate(_KEYPAD) for word in _WITHHELD_WORDS)
"""The same words dialled on a keypad: ``+266696687`` spells ANONYMOUS."""


class WebhookFields(Mapping[str, str]):
    """Form or query fields; a repeated key keeps all its values, and reads as its last one."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @classmethod
    def parse(cls, encoded: bytes) -> Self:
        """From ``application/x-www-form-urlencoded``. Raises :class:`MalformedWebhook`."""
        try:
            pairs = parse_qsl(encoded.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError as error:
            raise MalformedWebhook(
                f"body of {len(encoded)} bytes is no form of at most {MAX_FIELDS} fields"
            ) from error
        return cls(pairs)

    def __getitem__(self, name: str) -> str:
        return self._values[name][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getlist(self, name: str) -> list[str]:
        """All values of ``name``; the signature covers each of them."""
        return self._values[name]

    def sid(self, name: str) -> str:
        """The SID in ``name``. Raises :class:`MalformedWebhook` when it is missing or is none."""
        value = self.get(name, "")
        if not _SID.fullmatch(value):
            raise MalformedWebhook(f"field {name} must be a SID, got {value[:70]!r}")
        return value

    def sequence(self) -> int:
        """``SequenceNumber``: the order in which callbacks were fired, from 0. Raises
        :class:`MalformedWebhook`."""
        value = self.get("SequenceNumber", "0")
        if not value.isascii() or not value.isdigit() or len(value) > 9:
            raise MalformedWebhook(f"field SequenceNumber must be a number, got {value[:20]!r}")
        return int(value)


class CallStatus(StrEnum):
    """Progress of one leg, as webhooks and REST name it."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @classmethod
    def parse(cls, value: str) -> CallStatus:
        """Raises :class:`MalformedWebhook` for a status nobody knows."""
        try:
            return cls(value)
        except ValueError:
            raise MalformedWebhook(f"call status {value[:20]!r} is not one of {', '.join(cls)}") from None

    @property
    def is_terminal(self) -> bool:
        """True when nothing follows any more."""
        return self in _TERMINAL


_TERMINAL: Final = frozenset(
    {CallStatus.COMPLETED, CallStatus.BUSY, CallStatus.FAILED, CallStatus.NO_ANSWER, CallStatus.CANCELED}
)


class ConferenceEvent(StrEnum):
    """The conference callbacks that say who is there; all others are ``OTHER``."""

    START = "conference-start"
    END = "conference-end"
    JOIN = "participant-join"
    LEAVE = "participant-leave"
    OTHER = ""


@dataclass(frozen=True, slots=True)
class ConferenceCallback:
    """One conference status callback. ``call_sid`` and ``label`` are "" for events of the whole
    conference."""

    conference_sid: str
    name: str
    event: ConferenceEvent
    sequence: int
    call_sid: str = ""
    label: str = ""
    reason: str = ""

    @classmethod
    def parse(cls, fields: WebhookFields) -> ConferenceCallback:
        """Raises :class:`MalformedWebhook`."""
        kind = fields.get("StatusCallbackEvent", "")
        if not kind:
            raise MalformedWebhook("field StatusCallbackEvent is missing")
        event = ConferenceEvent(kind) if kind in set(ConferenceEvent) else ConferenceEvent.OTHER
        about_one = event in (ConferenceEvent.JOIN, ConferenceEvent.LEAVE)
        return cls(
            conference_sid=fields.sid("ConferenceSid"),
            name=fields.get("FriendlyName", ""),
            event=event,
            sequence=fields.sequence(),
            call_sid=fields.sid("CallSid") if about_one else "",
            label=fields.get("ParticipantLabel", ""),
            reason=fields.get("ReasonParticipantLeft", fields.get("ReasonConferenceEnded", "")),
        )


def is_e164(number: str) -> bool:
    """True for ``+`` and 7 to 15 digits without a leading zero (ITU-T E.164)."""
    return _E164.fullmatch(number) is not None


def caller_number(address: str) -> str | None:
    """The caller's number in E.164, or None when it is withheld or is none.

    ``address`` is the ``From`` of a webhook: a number, ``sip:user@host``, ``client:name``, a word like
    ``anonymous``, or a word spelled on the keypad (``+266696687``).
    """
    address = address.strip()
    scheme, separator, rest = address.partition(":")
    if separator:
        if scheme.lower() not in ("sip", "sips"):
            return None
        address = rest.partition("@")[0]
    digits = address.removeprefix("+").removeprefix("1")
    if digits in _WITHHELD or not is_e164(address):
        return None
    return address
