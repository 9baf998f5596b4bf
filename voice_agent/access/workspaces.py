"""Workspaces: every installation has one from its first start."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from voice_agent.access.tables import WorkspaceRow
from voice_agent.store.database import Database

DEFAULT = "default"


async def default_workspace(database: Database) -> UUID:
    """The id of the default workspace, which is created by whoever asks first."""
    known = await _find(database)
    if known is not None:
        return known
    try:
        async with database.session() as session:
            session.add(WorkspaceRow(id=uuid4(), name=DEFAULT, created_at=datetime.now(UTC)))
    except IntegrityError:
        # Another process asked at the same moment: its row counts.
        pass
    created = await _find(database)
    assert created is not None
    return created


async def _find(database: Database) -> UUID | None:
    async with database.reading() as session:
        found: UUID | None = await session.scalar(select(WorkspaceRow.id).where(WorkspaceRow.name == DEFAULT))
        return found
