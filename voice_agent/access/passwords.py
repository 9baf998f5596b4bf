"""Operators' passwords: argon2id, checked in a thread, a few at a time.

A hash costs 64 MiB and some tens of milliseconds by design, and this process may be carrying calls: no more
than :data:`AT_ONCE` are computed at the same moment, and the rate limit on logging in keeps the queue short.
Parameters: RFC 9106, section 4, second recommended option.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import delete

from voice_agent.access.errors import WeakPassword
from voice_agent.access.tables import BrowserSessionRow, PasswordRow
from voice_agent.store.database import Database
from voice_agent.store.moments import utc_now

Result = TypeVar("Result")

AT_ONCE = 2
SHORTEST, LONGEST = 12, 256
"""Characters. NIST SP 800-63B asks for at least 8 and no rules of composition; a phone line with patients'
data deserves more."""


def require_strength(password: str) -> None:
    """Refuse a password that is too short. Raises :class:`WeakPassword`."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"a password has {SHORTEST} to {LONGEST} characters, this one {len(password)}")


class Passwords:
    """The passwords of an installation's operators."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._nobodys: str | None = None

    async def set(self, operator_id: UUID, password: str) -> None:
        """Give an operator a password; whoever is logged in with the old one is logged out.

        Raises:
            WeakPassword: fewer than 12 or more than 256 characters.
        """
        require_strength(password)
        hashed = await self._in_thread(self._hasher.hash, password)
        async with self._database.session() as session:
            await session.merge(PasswordRow(operator_id=operator_id, hash=hashed, changed_at=self._clock()))
            await session.execute(
                delete(BrowserSessionRow).where(BrowserSessionRow.operator_id == operator_id)
            )

    async def is_right(self, operator_id: UUID | None, password: str) -> bool:
        """Whether this is the operator's password. ``operator_id`` None takes as long and is wrong."""
        stored = await self._stored(operator_id)
        if len(password) > LONGEST:
            return False
        if stored is None:
            if self._nobodys is None:
                self._nobodys = await self._in_thread(self._hasher.hash, "nobody has this password")
            await self._in_thread(self._matches, self._nobodys, password)
            return False
        return await self._in_thread(self._matches, stored, password)

    async def _stored(self, operator_id: UUID | None) -> str | None:
        if operator_id is None:
            return None
        async with self._database.reading() as session:
            row = await session.get(PasswordRow, operator_id)
        return row.hash if row is not None else None

    async def _in_thread(self, work: Callable[..., Result], *arguments: str) -> Result:
        async with self._room:
            return await asyncio.to_thread(work, *arguments)

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
