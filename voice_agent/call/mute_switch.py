"""Muting one leg of a conference: orders never overtake each other, and only the newest wish counts."""

from __future__ import annotations

import asyncio

from telephony.errors import RestError, RestUnavailable
from telephony.rest import TwilioRest


class MuteSwitch:
    """The mute of one leg. Two orders that cross on their way would leave the leg in the older one's state,
    so the next order is only sent when the last was answered; wishes that were overtaken are not sent.

    An order without an answer may have been obeyed all the same: from then on nobody knows how the leg is,
    and the next wish is sent whatever it is.
    """

    def __init__(self, rest: TwilioRest, *, muted: bool) -> None:
        """``muted``: how the leg enters."""
        self._rest = rest
        self._wish = muted
        self._applied: bool | None = muted
        """How the leg surely is; None when an order's outcome is not known."""
        self._turn = asyncio.Lock()
        """Guards ``_applied``: one order at a time."""

    @property
    def may_be_muted(self) -> bool:
        """False only when the network has confirmed that the leg is heard."""
        return self._applied is not False

    async def set(self, conference_sid: str, leg_sid: str, *, muted: bool) -> None:
        """Return when the newest wish is true in the conference.

        Raises:
            RestUnavailable: no answer; the leg may be in either state now.
            RestError: the network refused; the old state holds.
        """
        self._wish = muted
        async with self._turn:
            wish, before = self._wish, self._applied
            if wish == before:
                return
            self._applied = None
            try:
                await self._rest.update_participant(conference_sid, leg_sid, muted=wish)
            except RestUnavailable:
                raise
            except RestError:
                self._applied = before
                raise
            self._applied = wish
