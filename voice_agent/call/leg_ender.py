"""Ends calls of legs that are of no use any more, beside everything else."""

from __future__ import annotations

import structlog

from telephony.errors import RestError
from telephony.rest import TwilioRest
from voice_agent.call.ports import CallInfo
from voice_agent.call.tasks import CallTasks

log = structlog.get_logger(__name__)


class LegEnder:
    """Hangs up legs of one call. What is begun outlives the call's other tasks: the network bills a leg that
    nobody ends."""

    def __init__(self, info: CallInfo, rest: TwilioRest) -> None:
        self._call_sid = info.call_sid
        self._rest = rest
        self._tasks = CallTasks(info.call_sid)

    def end(self, leg_sid: str) -> None:
        """Hang up a leg; returns at once."""
        self._tasks.start(self._complete(leg_sid), "end leg")

    async def finished(self) -> None:
        """Wait until the network has answered about every leg."""
        await self._tasks.finished()

    async def _complete(self, leg_sid: str) -> None:
        try:
            await self._rest.complete_call(leg_sid)
        except RestError as error:
            log.warning("leg_not_ended", call_sid=self._call_sid, leg=leg_sid, error=str(error))
