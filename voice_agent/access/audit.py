"""The audit log: who did what, on which call, for or as which operator, when and from where.

Entries are never changed or removed; the database itself refuses that. Details hold modes, counts, lengths
and names of fields, never what a patient or an operator said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, func, select, text

from voice_agent.access.principal import Actor, ActorKind
from voice_agent.access.tables import AuditRow
from voice_agent.store.database import Database
from voice_agent.store.moments import utc_now

APPEND_LOCK = 7_106_220_253
"""Key of the PostgreSQL advisory lock under which processes append in turn: ids rise as commits do."""

MAX_PAGE = 100

Detail = str | int | float | bool | None | list[str]


class AuditAction(StrEnum):
    """What can be done. The ``operator.`` ones are published."""

    OPERATOR_REGISTERED = "operator.registered"
    OPERATOR_STATUS_CHANGED = "operator.status_changed"
    OPERATOR_PROFILE_UPDATED = "operator.profile_updated"
    OPERATOR_JOINED_CALL = "operator.joined_call"
    OPERATOR_MODE_CHANGED = "operator.mode_changed"
    """The mode changed by itself: the network would not have another."""
    OPERATOR_MODE_SWITCHED = "operator.mode_switched"
    """The operator asked for another mode."""
    OPERATOR_LEFT_CALL = "operator.left_call"
    OPERATOR_ACCESS_TOKEN_GENERATED = "operator.access_token_generated"
    OPERATOR_GUIDANCE_SENT = "operator.guidance_sent"
    OPERATOR_WRAP_UP = "operator.wrap_up"
    OPERATOR_VIEWED_TRANSCRIPT = "operator.viewed_transcript"
    BRIEFING_VIEWED = "briefing.viewed"
    CALL_VIEWED = "call.viewed"
    RECORDING_LINKED = "recording.linked"
    RECORDING_DOWNLOADED = "recording.downloaded"
    SESSION_INJECTED = "session.injected"
    LOGGED_IN = "login.accepted"
    LOGIN_REFUSED = "login.refused"
    LOGGED_OUT = "logout"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    PASSWORD_SET = "password.set"


PUBLISHED = tuple(action for action in AuditAction if action.startswith("operator."))
"""The actions that the published log of operators shows."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that is to be recorded. ``ip`` is the client's address, "" when there is none."""

    action: AuditAction
    actor: Actor
    operator_id: UUID | None = None
    call_sid: str | None = None
    ip: str = ""
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry with its place in the log."""

    id: int
    event_id: UUID
    at: datetime
    entry: AuditEntry


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest first. ``continuation_token`` asks for older entries; None on the last page."""

    items: list[RecordedEntry]
    total: int
    continuation_token: int | None


class AuditLog:
    """Writes and reads the log of one workspace."""

    def __init__(
        self, database: Database, workspace_id: UUID, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._clock = clock
        self._waiting: set[asyncio.Event] = set()

    async def record(self, entry: AuditEntry) -> None:
        """Append one entry."""
        row = AuditRow(
            event_id=uuid4(),
            workspace_id=self._workspace_id,
            at=self._clock(),
            action=entry.action,
            actor_kind=entry.actor.kind,
            actor_id=entry.actor.id,
            actor_name=entry.actor.name,
            operator_id=entry.operator_id,
            call_sid=entry.call_sid,
            ip=entry.ip,
            details=dict(entry.details),
        )
        async with self._database.session() as session:
            if not self._database.is_sqlite:
                await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": APPEND_LOCK})
            session.add(row)
        for waiting in self._waiting:
            waiting.set()

    async def page(
        self,
        *,
        actions: Collection[AuditAction] = (),
        operator_id: UUID | None = None,
        limit: int = 10,
        continuation_token: int = 0,
    ) -> AuditPage:
        """One page, newest first; ``actions`` empty means any. Token 0 is the first page."""
        limit = max(1, min(limit, MAX_PAGE))
        wanted = self._conditions(actions)
        if operator_id is not None:
            wanted.append(AuditRow.operator_id == operator_id)
        query = select(AuditRow).where(*wanted).order_by(AuditRow.id.desc()).limit(limit + 1)
        if continuation_token:
            query = query.where(AuditRow.id < continuation_token)
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(AuditRow).where(*wanted))
            rows = list(await session.scalars(query))
        token = rows[limit - 1].id if len(rows) > limit else None
        return AuditPage([_recorded(row) for row in rows[:limit]], total or 0, token)

    async def after(
        self, row_id: int, *, actions: Collection[AuditAction] = (), limit: int = MAX_PAGE
    ) -> list[RecordedEntry]:
        """Entries younger than the one with ``id`` ``row_id``, oldest first."""
        query = (
            select(AuditRow)
            .where(AuditRow.id > row_id, *self._conditions(actions))
            .order_by(AuditRow.id)
            .limit(limit)
        )
        async with self._database.reading() as session:
            return [_recorded(row) for row in await session.scalars(query)]

    async def last_id(self) -> int:
        """The ``id`` of the newest entry, 0 when there is none."""
        async with self._database.reading() as session:
            return await session.scalar(select(func.max(AuditRow.id))) or 0

    def wake(self, event: asyncio.Event) -> Callable[[], None]:
        """Set ``event`` whenever this process appends; returns how to stop that."""
        self._waiting.add(event)
        return lambda: self._waiting.discard(event)

    def _conditions(self, actions: Collection[AuditAction]) -> list[ColumnElement[bool]]:
        wanted: list[ColumnElement[bool]] = [AuditRow.workspace_id == self._workspace_id]
        if actions:
            wanted.append(AuditRow.action.in_(list(actions)))
        return wanted


def _recorded(row: AuditRow) -> RecordedEntry:
    actor = Actor(ActorKind(row.actor_kind), row.actor_id, row.actor_name)
    entry = AuditEntry(AuditAction(row.action), actor, row.operator_id, row.call_sid, row.ip, row.details)
    return RecordedEntry(row.id, row.event_id, row.at, entry)
