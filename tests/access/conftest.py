"""Fixtures of the tests of access."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from voice_agent.access.entrance import Entrance, open_entrance
from voice_agent.store.database import Database


@dataclass
class Clock:
    """A clock that a test winds on."""

    now: datetime = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def wind(self, step: timedelta) -> None:
        self.now += step


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def entrance(database: Database, tmp_path: Path) -> Entrance:
    return await open_entrance(database, tmp_path)
