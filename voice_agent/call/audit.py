"""Asks the network what is true when callbacks did not say: is the call over, and who is in its
conference."""

from __future__ import annotations

import structlog

from telephony.errors import TelephonyError
from telephony.rest import TwilioRest
from telephony.roster import ConferenceRoster, Joined, Left, Member

log = structlog.get_logger(__name__)


class CallAudit:
    """One call's questions to REST. What cannot be found out is taken as unchanged."""

    def __init__(self, call_sid: str, rest: TwilioRest) -> None:
        self._call_sid = call_sid
        self._rest = rest

    async def is_over(self) -> bool:
        """True when the caller's call has surely ended."""
        return await self._has_ended(self._call_sid)

    async def changes(self, roster: ConferenceRoster, conference_sid: str) -> list[Joined | Left]:
        """What no callback told about the conference; the roster knows it from now on."""
        try:
            listed = await self._rest.participants(conference_sid)
        except TelephonyError as error:
            log.info("conference_not_listed", call_sid=self._call_sid, error=str(error))
            return []
        # A leg that still rings is listed too.
        inside = (each for each in listed if each.status == "connected")
        found: list[Joined | Left] = [
            *roster.add_listed(Member(each.conference_sid, each.call_sid, each.label) for each in inside)
        ]
        there = {each.call_sid for each in listed}
        for member in roster.present:
            # Lists lag behind: only a leg whose call has ended is surely out.
            if member.call_sid not in there and await self._has_ended(member.call_sid):
                found.append(roster.drop(member, "found ended"))
        return found

    async def _has_ended(self, call_sid: str) -> bool:
        try:
            return (await self._rest.call_status(call_sid)).is_terminal
        except TelephonyError as error:
            log.info("call_status_unknown", call_sid=call_sid, error=str(error))
            return False
