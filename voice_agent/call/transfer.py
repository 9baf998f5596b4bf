"""Connecting the caller to somebody else, and finding out whether that worked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from telephony import twiml
from telephony.errors import RestError
from voice_agent.call import network as addresses
from voice_agent.call.network import Network

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TransferResult:
    """Whether the number was answered; ``error`` says why not (``no-answer``, ``busy``, ``refused`` ...)."""

    answered: bool
    error: str = ""


class Transfer:
    """One attempt. The outcome comes from whichever callback arrives first."""

    def __init__(self, target: str, call_sid: str, network: Network) -> None:
        """``target`` is E.164, ``call_sid`` the caller's call."""
        self._call_sid = call_sid
        self._network = network
        self._outcome: asyncio.Future[TransferResult] = asyncio.get_running_loop().create_future()
        self._document = twiml.transfer(
            target,
            action=network.url(addresses.AFTER_TRANSFER),
            status_callback=network.url(addresses.STATUS),
        )

    async def dial(self) -> RestError | None:
        """Move the caller to the dialling; why that was refused, else None."""
        try:
            await self._network.rest.update_call_twiml(self._call_sid, self._document)
        except RestError as error:
            log.warning("transfer_refused", call_sid=self._call_sid, error=str(error))
            return error
        return None

    def resolve(self, result: TransferResult) -> None:
        """The first outcome holds."""
        if not self._outcome.done():
            self._outcome.set_result(result)

    async def outcome(self) -> TransferResult:
        """Wait for it. The dialling is bounded by the network: no news after that means a lost callback."""
        await asyncio.wait({self._outcome}, timeout=self._network.timings.transfer_answer)
        return self._outcome.result() if self._outcome.done() else TransferResult(True)
