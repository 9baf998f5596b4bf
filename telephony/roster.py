"""Who is in a conference, from callbacks that may come late, twice or in any order.

Callbacks are numbered in the order of firing, not of arrival. For each leg only the newest number counts, so
a ``join`` that arrives after its own ``leave`` changes nothing. What no callback told is put right from a
list of participants.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from telephony.webhook import ConferenceCallback, ConferenceEvent


@dataclass(frozen=True, slots=True)
class Member:
    """A leg of a conference; ``label`` says who it is."""

    conference_sid: str
    call_sid: str
    label: str


@dataclass(frozen=True, slots=True)
class Joined:
    """A leg is in."""

    member: Member


@dataclass(frozen=True, slots=True)
class Left:
    """A leg is out; it may never have been seen in. ``reason`` is Twilio's word."""

    member: Member
    reason: str


class ConferenceRoster:
    """The legs of the conferences of one name (there should be one; two at once is a known accident)."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], int] = {}
        self._present: dict[tuple[str, str], Member] = {}

    def apply(self, callback: ConferenceCallback) -> Joined | Left | None:
        """What a callback changes; None when it is old, repeated or about something else."""
        if callback.event not in (ConferenceEvent.JOIN, ConferenceEvent.LEAVE):
            return None
        key = (callback.conference_sid, callback.call_sid)
        if callback.sequence <= self._newest.get(key, -1):
            return None
        self._newest[key] = callback.sequence
        known = self._present.pop(key, None)
        member = Member(
            callback.conference_sid, callback.call_sid, callback.label or (known.label if known else "")
        )
        if callback.event is ConferenceEvent.LEAVE:
            return Left(member, callback.reason)
        self._present[key] = member
        return Joined(member) if known is None else None

    def add_listed(self, listed: Iterable[Member]) -> list[Joined]:
        """Take in participants that a list names and no callback did, unless they are known to have left."""
        joined = []
        for member in listed:
            key = (member.conference_sid, member.call_sid)
            if key not in self._present and key not in self._newest:
                self._present[key] = member
                joined.append(Joined(member))
        return joined

    def drop(self, member: Member, reason: str) -> Left:
        """A leg is known from elsewhere to be out; callbacks that are still under way do not bring it
        back."""
        key = (member.conference_sid, member.call_sid)
        self._present.pop(key, None)
        self._newest[key] = sys.maxsize
        return Left(member, reason)

    def find(self, call_sid: str) -> Member | None:
        """The leg of a call, when it is in."""
        return next((m for m in self._present.values() if m.call_sid == call_sid), None)

    @property
    def present(self) -> tuple[Member, ...]:
        """Everybody who is in."""
        return tuple(self._present.values())
