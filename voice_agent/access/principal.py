"""Somebody who proved who they are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from voice_agent.access.roles import Permission, Role


class ActorKind(StrEnum):
    """What kind of somebody did a thing."""

    API_KEY = "api_key"
    OPERATOR = "operator"
    COMMAND_LINE = "command_line"
    LINK = "link"
    """Whoever holds a signed link."""
    NETWORK = "network"
    """The phone network: something happened that nobody asked for."""
    NOBODY = "nobody"
    """Somebody who could not prove who they are."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, for the audit log. ``id`` is that of the key or operator, if there is one."""

    kind: ActorKind
    id: UUID | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what they may do.

    Attributes:
        id: of the key or of the operator.
        operator_id: the operator who acts; None for a key that stands for no operator in particular.
        csrf_token: what state-changing requests must repeat; None for a bearer key, which needs none.
    """

    workspace_id: UUID
    kind: ActorKind
    id: UUID
    name: str
    role: Role
    permissions: frozenset[Permission]
    operator_id: UUID | None = None
    csrf_token: str | None = None

    @property
    def actor(self) -> Actor:
        """The same as the audit log names it."""
        return Actor(self.kind, self.id, self.name)

    def may(self, permission: Permission) -> bool:
        """Whether this is allowed."""
        return permission in self.permissions

    def may_act_as(self, operator_id: UUID) -> bool:
        """Whether commands of this operator may come from here."""
        if not self.may(Permission.OPERATORS_ACT):
            return False
        mine = self.operator_id in (None, operator_id)
        return mine or self.may(Permission.OPERATORS_ACT_FOR_OTHERS)
