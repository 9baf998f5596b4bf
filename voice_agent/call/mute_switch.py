"""Muting one leg of a conference: orders never overtake each other, and only the newest wish counts."""

from __future__ import annotations

import asyncio

from telephony.rest import TwilioRest


class MuteSwitch:
    """The mute of one leg. Two orders that cross on their way would leave the leg in the older one's state,
    so the next order is only sent when the last was answered; wishes that were overtaken are not sent."""

    def __init__(self, rest: TwilioRest, *, muted: bool) -> None:
        """``muted``: how the leg enters."""
        self._rest = rest
        self._wish = self._applied = muted
        self._turn = asyncio.Lock()
        """Guards ``_applied``: one order at a time."""

    @property
    def muted(self) -> bool:
        """What the network last confirmed."""
        return self._applied

    async def set(self, conference_sid: str, leg_sid: str, *, muted: bool) -> None:
        """Return when the newest wish is true in the conference.

        Raises:
            RestError: the network refused; the old state holds.
        """
        self._wish = muted
        async with self._turn:
            wish = self._wish
            if wish == self._applied:
                return
            await self._rest.update_participant(conference_sid, leg_sid, muted=wish)
            self._applied = wish
