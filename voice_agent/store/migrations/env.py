"""Alembic's environment: runs on the connection that :mod:`voice_agent.store.migrate` opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from voice_agent.store.database import UtcDateTime
from voice_agent.store.tables import metadata


def _render(kind: str, item: Any, _autogenerate: object) -> str | Literal[False]:
    # A revision must not change when the code does: it names the database's types, not ours.
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by rebuilding it
    compare_type=True,
    render_item=_render,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
