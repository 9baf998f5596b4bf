"""A seeded practice on both databases, and its tools."""

from __future__ import annotations

import pytest
from office import HOURS, NOW, PRACTICE, ZONE, Persons

from voice_agent.practice.seed import seed
from voice_agent.practice.store import PracticeStore
from voice_agent.practice.tools import PracticeTools
from voice_agent.store.database import Database


@pytest.fixture
async def store(database: Database) -> PracticeStore:
    await seed(database, practice=PRACTICE, zone=ZONE, today=NOW.date())
    return PracticeStore(database, PRACTICE, ZONE)


@pytest.fixture
def persons() -> Persons:
    return Persons()


@pytest.fixture
def tools(store: PracticeStore, persons: Persons) -> PracticeTools:
    return PracticeTools(store, HOURS, ZONE, persons)
