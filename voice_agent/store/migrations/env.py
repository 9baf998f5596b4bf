"""Alembic's environment: runs on the connection that :mod:`voice_agent.store.migrate` opened."""

from __future__ import annotations

from alembic import context

from voice_agent.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by rebuilding it
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
