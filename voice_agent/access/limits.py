"""How often one may ask: moving windows, in memory, or in Redis for installations of several processes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import StrEnum

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter

from voice_agent.access.errors import TooMany


class Rate(StrEnum):
    """What is limited."""

    API = "api"
    """Anything, per key or operator."""
    BRIEFING = "briefing"
    STREAM = "event stream"
    COMMAND = "command"
    """What reaches a live call."""
    LOGIN = "login"
    """Attempts to log in, per address and per account."""
    REFUSED = "unauthorized"
    """Requests with a wrong key, per address."""


@dataclass(frozen=True, slots=True)
class RateSettings:
    """Numbers in the notation of ``limits``: "10/minute"."""

    api: str = "600/minute"
    briefing: str = "20/minute"
    stream: str = "30/minute"
    command: str = "120/minute"
    login: str = "10/minute"
    refused: str = "60/minute"


class RateLimits:
    """Counts, and refuses what is too much."""

    def __init__(self, settings: RateSettings | None = None, storage: Storage | None = None) -> None:
        """``storage`` None keeps the counts in this process."""
        settings = settings or RateSettings()
        self._limiter = MovingWindowRateLimiter(storage or MemoryStorage())
        self._items: dict[Rate, RateLimitItem] = {
            Rate.API: parse(settings.api),
            Rate.BRIEFING: parse(settings.briefing),
            Rate.STREAM: parse(settings.stream),
            Rate.COMMAND: parse(settings.command),
            Rate.LOGIN: parse(settings.login),
            Rate.REFUSED: parse(settings.refused),
        }

    async def hit(self, rate: Rate, who: str) -> None:
        """Count one request of ``who``.

        Raises:
            TooMany: it is one too many, and was not counted.
        """
        if not await self._limiter.hit(self._items[rate], rate, who):
            raise await self._refusal(rate, who)

    async def check(self, rate: Rate, who: str) -> None:
        """Refuse ``who`` when nothing is left, without counting.

        Raises:
            TooMany: nothing is left.
        """
        if not await self._limiter.test(self._items[rate], rate, who):
            raise await self._refusal(rate, who)

    async def _refusal(self, rate: Rate, who: str) -> TooMany:
        window = await self._limiter.get_window_stats(self._items[rate], rate, who)
        return TooMany(rate, max(1, math.ceil(window.reset_time - time.time())))
