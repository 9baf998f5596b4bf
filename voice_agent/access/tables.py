"""What is kept of workspaces, keys, passwords and sessions, and the audit log. No secret is among it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.store.database import Base, RowId


class WorkspaceRow(Base):
    """One practice's share of the installation."""

    __tablename__ = "workspaces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class ApiKeyRow(Base):
    """An API key: a digest, what it may do, and for how long."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("role IN ('admin', 'supervisor', 'operator', 'viewer')", name="role"),
        Index(None, "prefix"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    scopes: Mapped[list[str]]
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
    """The operator in whose name the key acts."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class PasswordRow(Base):
    """An operator's password, hashed with argon2id."""

    __tablename__ = "operator_passwords"

    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"), primary_key=True)
    hash: Mapped[str]
    changed_at: Mapped[datetime]


class BrowserSessionRow(Base):
    """A browser that is logged in: with a key, or as an operator with a password."""

    __tablename__ = "browser_sessions"
    __table_args__ = (
        CheckConstraint("(key_id IS NULL) <> (operator_id IS NULL)", name="one_owner"),
        Index(None, "expires_at"),
    )

    digest: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    key_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_keys.id"))
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class AuditRow(Base):
    """Something somebody did. Triggers refuse UPDATE, DELETE and (PostgreSQL) TRUNCATE.

    ``id`` rises in the order of commits, as that of call events does.
    """

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "operator_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    workspace_id: Mapped[UUID]
    at: Mapped[datetime]
    action: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    operator_id: Mapped[UUID | None]
    call_sid: Mapped[str | None]
    ip: Mapped[str]
    details: Mapped[dict[str, Any]]
