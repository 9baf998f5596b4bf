"""The roster: who can be asked to join a call, how they are reached, and whether they are there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from voice_agent.operators.ports import ConnectionMethod, OperatorError
from voice_agent.operators.tables import OperatorRow, WrapUpRow
from voice_agent.store.database import Database
from voice_agent.store.moments import utc_now


class OperatorRole(StrEnum):
    """What an operator may do."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class OperatorType(StrEnum):
    """What an operator is trained for."""

    CLINICAL = "clinical"
    ADMINISTRATIVE = "administrative"
    CRISIS_COUNSELOR = "crisis_counselor"


class OperatorStatus(StrEnum):
    """Whether an operator can be asked."""

    ONLINE = "online"
    BUSY = "busy"
    OFFLINE = "offline"


class WrapUpOutcome(StrEnum):
    """How an operator's part of a call ended."""

    RESOLVED = "resolved"
    ESCALATED = "escalated"
    TRANSFERRED = "transferred"


class NoSuchOperator(OperatorError):
    """No operator of this workspace has this id."""


class EmailTaken(OperatorError):
    """Another operator of this workspace has this address."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is said about a new operator. ``phone_number`` is E.164."""

    name: str
    email: str
    role: OperatorRole = OperatorRole.OPERATOR
    type: OperatorType = OperatorType.CLINICAL
    connection_method: ConnectionMethod = ConnectionMethod.BROWSER
    phone_number: str | None = None
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator as kept. Times are aware UTC."""

    number: int
    id: UUID
    workspace_id: UUID
    name: str
    email: str
    role: OperatorRole
    type: OperatorType
    connection_method: ConnectionMethod
    phone_number: str | None
    skills: tuple[str, ...]
    status: OperatorStatus
    last_call_at: datetime | None
    last_status_change: datetime
    created_at: datetime
    updated_at: datetime

    @property
    def identity(self) -> str:
        """Name of the operator's browser on the phone network: letters, digits and underscores."""
        return f"operator_{self.id.hex}"

    @property
    def address(self) -> str:
        """Where the operator is rung; "" for a phone without number."""
        if self.connection_method is ConnectionMethod.PHONE:
            return self.phone_number or ""
        return f"client:{self.identity}"


@dataclass(frozen=True, slots=True)
class OperatorPage:
    """Operators in the order in which they came. ``continuation_token`` None: this was the last page."""

    items: list[Operator]
    total: int
    continuation_token: int | None


class Roster:
    """The operators of one workspace."""

    def __init__(
        self, database: Database, workspace_id: UUID, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._clock = clock
        self.on_change: Callable[[Operator], None] = lambda _: None
        """Told of every operator that was changed."""

    async def create(self, profile: Profile) -> Operator:
        """A new operator, who is offline.

        Raises:
            EmailTaken: the address belongs to somebody already.
        """
        now = self._clock()
        row = OperatorRow(
            id=uuid4(),
            workspace_id=self._workspace_id,
            email_key=profile.email.casefold(),
            status=OperatorStatus.OFFLINE,
            last_call_at=None,
            last_status_change=now,
            created_at=now,
            updated_at=now,
            **{name: _stored(getattr(profile, name)) for name in _PROFILE},
        )
        try:
            async with self._database.session() as session:
                session.add(row)
        except IntegrityError as error:
            raise _taken(profile.email) from error
        return _operator(row)

    async def update(self, operator_id: UUID, changes: dict[str, Any]) -> tuple[Operator, Operator]:
        """Change fields of :class:`Profile` and ``status``; returns the operator before and after.

        Raises:
            NoSuchOperator: there is none. EmailTaken: the new address is somebody else's.
        """
        unknown = set(changes) - {*_PROFILE, "status"}
        if unknown:
            raise OperatorError(f"{sorted(unknown)} cannot be changed; change one of {_PROFILE} or status")
        try:
            async with self._database.session() as session:
                row = await self._row(session, operator_id)
                before, now = _operator(row), self._clock()
                for name, value in changes.items():
                    setattr(row, name, _stored(value))
                row.email_key = row.email.casefold()
                row.updated_at = now
                if row.status != before.status:
                    row.last_status_change = now
                await session.flush()
                after = _operator(row)
        except IntegrityError as error:
            raise _taken(str(changes.get("email"))) from error
        self.on_change(after)
        return before, after

    async def note_call(self, operator_id: UUID) -> None:
        """Remember that the operator is on a call now."""
        async with self._database.session() as session:
            (await self._row(session, operator_id)).last_call_at = self._clock()

    async def get(self, operator_id: UUID) -> Operator:
        """One operator. Raises :class:`NoSuchOperator`."""
        async with self._database.reading() as session:
            return _operator(await self._row(session, operator_id))

    async def with_email(self, email: str) -> Operator | None:
        """The operator with this address, in whatever case."""
        query = select(OperatorRow).where(
            OperatorRow.workspace_id == self._workspace_id, OperatorRow.email_key == email.casefold()
        )
        async with self._database.reading() as session:
            row = await session.scalar(query)
        return _operator(row) if row is not None else None

    async def page(self, *, limit: int = 10, continuation_token: int = 0) -> OperatorPage:
        """One page; token 0 is the first."""
        mine = OperatorRow.workspace_id == self._workspace_id
        query = (
            select(OperatorRow)
            .where(mine, OperatorRow.number > continuation_token)
            .order_by(OperatorRow.number)
            .limit(limit + 1)
        )
        async with self._database.reading() as session:
            total = await session.scalar(select(func.count()).select_from(OperatorRow).where(mine))
            rows = list(await session.scalars(query))
        token = rows[limit - 1].number if len(rows) > limit else None
        return OperatorPage([_operator(row) for row in rows[:limit]], total or 0, token)

    async def everybody(self) -> list[Operator]:
        """All operators, in the order in which they came."""
        query = (
            select(OperatorRow)
            .where(OperatorRow.workspace_id == self._workspace_id)
            .order_by(OperatorRow.number)
        )
        async with self._database.reading() as session:
            return [_operator(row) for row in await session.scalars(query)]

    async def wrap_up(self, operator_id: UUID, call_sid: str, outcome: WrapUpOutcome, notes: str) -> None:
        """Keep what the operator noted. Raises :class:`NoSuchOperator`."""
        async with self._database.session() as session:
            await self._row(session, operator_id)
            session.add(
                WrapUpRow(
                    id=uuid4(),
                    workspace_id=self._workspace_id,
                    operator_id=operator_id,
                    call_sid=call_sid,
                    outcome=outcome,
                    notes=notes,
                    at=self._clock(),
                )
            )

    async def _row(self, session: AsyncSession, operator_id: UUID) -> OperatorRow:
        row = await session.scalar(
            select(OperatorRow).where(
                OperatorRow.id == operator_id, OperatorRow.workspace_id == self._workspace_id
            )
        )
        if row is None:
            raise NoSuchOperator(f"there is no operator {operator_id}")
        return row


_PROFILE = tuple(field.name for field in fields(Profile))


def _taken(email: str) -> EmailTaken:
    return EmailTaken(f"another operator has the address {email}; update that one, or give another address")


def _stored(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _operator(row: OperatorRow) -> Operator:
    return Operator(
        number=row.number,
        id=row.id,
        workspace_id=row.workspace_id,
        name=row.name,
        email=row.email,
        role=OperatorRole(row.role),
        type=OperatorType(row.type),
        connection_method=ConnectionMethod(row.connection_method),
        phone_number=row.phone_number,
        skills=tuple(row.skills),
        status=OperatorStatus(row.status),
        last_call_at=row.last_call_at,
        last_status_change=row.last_status_change,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
