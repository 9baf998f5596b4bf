"""API keys: made once, shown once, looked up by their digest, revoked for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import or_, select, update

from voice_agent.access.credentials import KEY_PREFIX, SHOWN_CHARS, digest, new_key, same
from voice_agent.access.errors import AccessError, NoSuchKey
from voice_agent.access.roles import GRANTS, Permission, Role
from voice_agent.access.tables import ApiKeyRow
from voice_agent.store.database import Database
from voice_agent.store.moments import utc_now

LAST_USED_STEP = timedelta(minutes=1)
"""``last_used_at`` is written at most this often, so that reading does not become writing."""

LONGEST_KEY = 200
"""Characters; what is longer is no key of ours."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key. Times are aware UTC; ``scopes`` empty means all that the role may."""

    id: UUID
    workspace_id: UUID
    name: str
    prefix: str
    role: Role
    scopes: tuple[Permission, ...]
    operator_id: UUID | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether the key opens anything at ``now``."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. ``secret`` exists nowhere else: show it once."""

    key: ApiKey
    secret: str


class ApiKeys:
    """The keys of an installation."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self,
        workspace_id: UUID,
        *,
        name: str,
        role: Role,
        scopes: Iterable[Permission] = (),
        lifetime: timedelta | None = None,
        operator_id: UUID | None = None,
    ) -> NewKey:
        """A new key; ``lifetime`` None means until it is revoked.

        Raises:
            AccessError: for a scope that the role does not have, or a lifetime that is over at once.
        """
        narrowed = tuple(sorted(set(scopes)))
        beyond = [scope for scope in narrowed if scope not in GRANTS[role]]
        if beyond:
            raise AccessError(
                f"role {role} may not {', '.join(beyond)}: choose another role or leave that scope out"
            )
        if lifetime is not None and lifetime <= timedelta(0):
            raise AccessError(f"a key that lives for {lifetime} opens nothing; give a longer lifetime")
        secret, now = new_key(), self._clock()
        row = ApiKeyRow(
            id=uuid4(),
            workspace_id=workspace_id,
            name=name,
            prefix=secret[:SHOWN_CHARS],
            digest=digest(secret),
            role=role,
            scopes=list(narrowed),
            operator_id=operator_id,
            created_at=now,
            expires_at=now + lifetime if lifetime is not None else None,
            revoked_at=None,
            last_used_at=None,
        )
        async with self._database.session() as session:
            session.add(row)
        return NewKey(_key(row), secret)

    async def all_of(self, workspace_id: UUID) -> list[ApiKey]:
        """All keys of a workspace, the oldest first, revoked ones too."""
        query = select(ApiKeyRow).where(ApiKeyRow.workspace_id == workspace_id).order_by(ApiKeyRow.created_at)
        async with self._database.reading() as session:
            return [_key(row) for row in await session.scalars(query)]

    async def get(self, key_id: UUID) -> ApiKey | None:
        """A key that is good now, by its id."""
        async with self._database.reading() as session:
            row = await session.get(ApiKeyRow, key_id)
        return self._if_good(row)

    async def find(self, secret: str) -> ApiKey | None:
        """The good key with this secret; notes that it was used."""
        if not secret.startswith(KEY_PREFIX) or len(secret) > LONGEST_KEY:
            return None
        wanted = digest(secret)
        async with self._database.reading() as session:
            row = await session.scalar(select(ApiKeyRow).where(ApiKeyRow.digest == wanted))
        if row is None or not same(row.digest, wanted):
            return None
        key = self._if_good(row)
        if key is not None:
            await self._note_use(key)
        return key

    async def revoke(self, workspace_id: UUID, id_or_prefix: str) -> ApiKey:
        """Close a key for good. Doing it again changes nothing.

        Raises:
            NoSuchKey: when no key, or more than one, answers to ``id_or_prefix``.
        """
        by_id = _uuid(id_or_prefix)
        async with self._database.session() as session:
            rows = list(
                await session.scalars(
                    select(ApiKeyRow).where(
                        ApiKeyRow.workspace_id == workspace_id,
                        ApiKeyRow.id == by_id if by_id else ApiKeyRow.prefix == id_or_prefix,
                    )
                )
            )
            if len(rows) != 1:
                raise NoSuchKey(
                    f"{len(rows) or 'no'} keys answer to {id_or_prefix[:40]!r}; give the id that "
                    "`voice-agent keys list` shows"
                )
            rows[0].revoked_at = rows[0].revoked_at or self._clock()
            return _key(rows[0])

    def _if_good(self, row: ApiKeyRow | None) -> ApiKey | None:
        key = _key(row) if row is not None else None
        return key if key is not None and key.is_good(self._clock()) else None

    async def _note_use(self, key: ApiKey) -> None:
        now = self._clock()
        if key.last_used_at is not None and now - key.last_used_at < LAST_USED_STEP:
            return
        async with self._database.session() as session:
            await session.execute(
                update(ApiKeyRow)
                .where(
                    ApiKeyRow.id == key.id,
                    or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at < now),
                )
                .values(last_used_at=now)
            )


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        row.id,
        row.workspace_id,
        row.name,
        row.prefix,
        Role(row.role),
        tuple(Permission(scope) for scope in row.scopes),
        row.operator_id,
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.last_used_at,
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
