"""Browsers that are logged in: a random id in a cookie, a row on this side, two ways to run out.

A session ends after :data:`IDLE` without a request, after :data:`LONGEST` in any case, and when it is
closed. What it may do is asked of its owner anew at every request, so that a revoked key or a changed role
takes effect at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update

from voice_agent.access.credentials import digest, new_session_secret, same
from voice_agent.access.tables import BrowserSessionRow
from voice_agent.store.database import Database
from voice_agent.store.moments import utc_now

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
"""A long shift."""
SEEN_STEP = timedelta(minutes=1)
"""``last_seen_at`` is written at most this often."""
LONGEST_SECRET = 100
"""Characters; what is longer is no cookie of ours."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """Whose session it is: a key's or an operator's."""

    workspace_id: UUID
    key_id: UUID | None
    operator_id: UUID | None


class BrowserSessions:
    """The sessions of an installation."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime] = utc_now,
        *,
        idle: timedelta = IDLE,
        longest: timedelta = LONGEST,
    ) -> None:
        self._database = database
        self._clock = clock
        self._idle = idle
        self._longest = longest

    async def open(self, owner: BrowserSession, *, instead_of: str | None = None) -> str:
        """Begin a session and return its secret. The one that the browser had before ends."""
        secret, now = new_session_secret(), self._clock()
        async with self._database.session() as session:
            await session.execute(
                delete(BrowserSessionRow).where(
                    or_(
                        BrowserSessionRow.expires_at < now,
                        BrowserSessionRow.last_seen_at < now - self._idle,
                        BrowserSessionRow.digest == digest(instead_of or ""),
                    )
                )
            )
            session.add(
                BrowserSessionRow(
                    digest=digest(secret),
                    workspace_id=owner.workspace_id,
                    key_id=owner.key_id,
                    operator_id=owner.operator_id,
                    created_at=now,
                    last_seen_at=now,
                    expires_at=now + self._longest,
                )
            )
        return secret

    async def read(self, secret: str) -> BrowserSession | None:
        """The session behind a cookie, if it still runs; notes that its browser was here."""
        if len(secret) > LONGEST_SECRET:
            return None
        wanted, now = digest(secret), self._clock()
        async with self._database.reading() as session:
            row = await session.scalar(select(BrowserSessionRow).where(BrowserSessionRow.digest == wanted))
        if row is None or not same(row.digest, wanted):
            return None
        if now >= row.expires_at or now - row.last_seen_at > self._idle:
            return None
        if now - row.last_seen_at >= SEEN_STEP:
            async with self._database.session() as session:
                await session.execute(
                    update(BrowserSessionRow)
                    .where(BrowserSessionRow.digest == wanted)
                    .values(last_seen_at=now)
                )
        return BrowserSession(row.workspace_id, row.key_id, row.operator_id)

    async def close(self, secret: str) -> None:
        """Log the browser out. Idempotent."""
        async with self._database.session() as session:
            await session.execute(delete(BrowserSessionRow).where(BrowserSessionRow.digest == digest(secret)))
