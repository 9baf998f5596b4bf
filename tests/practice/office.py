"""The practice as the tests know it: when it is, and what a tool is told."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from voice_agent.practice.hours import OpeningHours
from voice_agent.practice.seed import MARIA
from voice_agent.reasoning.tools import ToolContext

PRACTICE = "dr_chen"
ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 11, 17, 14, 47, tzinfo=ZONE)
"""A Tuesday: Maria's Thursday appointment is the day after tomorrow."""

_WORKING_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
HOURS = OpeningHours.model_validate({day: {"start": "08:00", "end": "17:00"} for day in _WORKING_DAYS})


class Persons:
    """Whether somebody is there to take a call; tests switch it."""

    def __init__(self) -> None:
        self.available = False

    async def __call__(self) -> bool:
        return self.available


def context(
    *, phone: str | None = MARIA.phone, conversation: str = "c1", key: str = "k1", now: datetime = NOW
) -> ToolContext:
    """What the engine tells a tool."""
    return ToolContext(conversation, key, phone, {}, now)
