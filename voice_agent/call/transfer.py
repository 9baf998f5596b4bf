"""Connecting the caller to somebody else, and finding out whether that worked."""

from __future__ import annotations

import asyncio

from telephony import twiml
from voice_agent.call import network as addresses
from voice_agent.call.network import Network


class Transfer:
    """One attempt. The outcome comes from whichever callback arrives first."""

    def __init__(self, target: str, network: Network) -> None:
        """``target`` is E.164."""
        self._network = network
        self._outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.document = twiml.transfer(
            target,
            action=network.url(addresses.AFTER_TRANSFER),
            status_callback=network.url(addresses.STATUS),
        )

    def resolve(self, answered: bool) -> None:
        """The first outcome holds."""
        if not self._outcome.done():
            self._outcome.set_result(answered)

    async def answered(self) -> bool:
        """Wait for the outcome. The dialling is bounded by the network: no news after that means a lost
        callback."""
        await asyncio.wait({self._outcome}, timeout=self._network.timings.transfer_answer)
        return self._outcome.result() if self._outcome.done() else True
