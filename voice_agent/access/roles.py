"""Roles and what each may do: one table that can be printed.

A key or an operator has one role. Scopes narrow a key further; they never add to its role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Permission(StrEnum):
    """One thing that may be done."""

    CALLS_READ = "calls:read"
    RECORDINGS_READ = "recordings:read"
    EVENTS_READ = "events:read"
    OPERATORS_READ = "operators:read"
    SAFETY_READ = "safety:read"
    OPERATORS_ACT = "operators:act"
    """Join calls, guide the agent, wrap up: as the operator that one is."""
    OPERATORS_ACT_FOR_OTHERS = "operators:act-for-others"
    OPERATORS_MANAGE = "operators:manage"
    SESSIONS_INJECT = "sessions:inject"
    CALLS_PLACE = "calls:place"
    AUDIT_READ = "audit:read"
    KEYS_MANAGE = "keys:manage"


class Role(StrEnum):
    """Who somebody is, from the most to the least powerful."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    OPERATOR = "operator"
    VIEWER = "viewer"


_VIEWER = frozenset(
    {Permission.CALLS_READ, Permission.EVENTS_READ, Permission.OPERATORS_READ, Permission.SAFETY_READ}
)
_OPERATOR = _VIEWER | {Permission.RECORDINGS_READ, Permission.OPERATORS_ACT}
_SUPERVISOR = _OPERATOR | {
    Permission.OPERATORS_ACT_FOR_OTHERS,
    Permission.OPERATORS_MANAGE,
    Permission.SESSIONS_INJECT,
    Permission.AUDIT_READ,
}

GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.SUPERVISOR: _SUPERVISOR,
    Role.OPERATOR: _OPERATOR,
    Role.VIEWER: _VIEWER,
}
"""The table: what each role may do."""

_RANKS = {role: rank for rank, role in enumerate(reversed(Role))}


def granted(role: Role, scopes: Iterable[Permission] = ()) -> frozenset[Permission]:
    """What somebody with ``role`` may do; ``scopes``, if there are any, take away the rest."""
    narrowed = frozenset(scopes)
    return GRANTS[role] & narrowed if narrowed else GRANTS[role]


def outranks(giver: Role, wanted: Role) -> bool:
    """Whether ``giver`` may hand out ``wanted``: nobody gives more than they have."""
    return _RANKS[giver] >= _RANKS[wanted]


def role_table() -> list[tuple[str, dict[Role, bool]]]:
    """The table as rows of a permission and who has it, for printing."""
    return [(permission, {role: permission in GRANTS[role] for role in Role}) for permission in Permission]
