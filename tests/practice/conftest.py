"""A seeded practice on both databases, and its tools."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from office import HOURS, NOW, PRACTICE, ZONE, Persons
from talk import Talk

from voice_agent.practice.seed import seed
from voice_agent.practice.service import EXAMPLE_FOLDER, Service, load_service
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


@pytest.fixture
async def service(migrated_sqlite: Path, tmp_path: Path, persons: Persons) -> AsyncIterator[Service]:
    """The example practice at 2:47 PM, with its people and calendar."""
    path = tmp_path / "practice.db"
    shutil.copy(migrated_sqlite, path)
    database = Database(f"sqlite+aiosqlite:///{path}")
    service = load_service(EXAMPLE_FOLDER, database, person_available=persons, clock=lambda: NOW)
    await service.seed()
    yield service
    await database.close()


@pytest.fixture
async def talk(service: Service) -> AsyncIterator[Talk]:
    """Maria is on the line and was greeted."""
    talk = Talk(service)
    await talk.begin()
    yield talk
    await talk.conversation.close()
