"""Workspaces, operators, and the escalations that bring them into calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from voice_agent.store.append_only import guard_append_only, unguard

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("name", name=op.f("uq_workspaces_name")),
    )
    op.create_table(
        "operators",
        sa.Column("number", ROW_ID, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_key", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("connection_method", sa.String(), nullable=False),
        sa.Column("phone_number", sa.String(), nullable=True),
        sa.Column("skills", DOCUMENT, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("last_call_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status_change", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "connection_method IN ('browser', 'phone')", name=op.f("ck_operators_connection_method")
        ),
        sa.CheckConstraint("role IN ('operator', 'supervisor', 'admin')", name=op.f("ck_operators_role")),
        sa.CheckConstraint("status IN ('online', 'busy', 'offline')", name=op.f("ck_operators_status")),
        sa.CheckConstraint(
            "type IN ('clinical', 'administrative', 'crisis_counselor')", name=op.f("ck_operators_type")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_operators_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_operators")),
        sa.UniqueConstraint("id", name=op.f("uq_operators_id")),
        sa.UniqueConstraint("workspace_id", "email_key", name=op.f("uq_operators_workspace_id_email_key")),
    )
    op.create_table(
        "escalations",
        sa.Column("number", ROW_ID, nullable=False),
        sa.Column("escalation_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("call_sid", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("immediate", sa.Boolean(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("operator_id", sa.String(), nullable=True),
        sa.Column("caller_id", sa.String(), nullable=True),
        sa.Column("phone_number", sa.String(), nullable=True),
        sa.Column("direction", sa.String(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trigger_source", sa.String(), nullable=True),
        sa.Column("concept", sa.String(), nullable=True),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.Column("agent_confidence", sa.Double(), nullable=True),
        sa.Column("operator_type", sa.String(), nullable=True),
        sa.Column("regulatory_basis", sa.String(), nullable=True),
        sa.Column("risk_score", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "status IN ('none', 'requested', 'connected', 'handback', 'completed')",
            name=op.f("ck_escalations_status"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_escalations_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_escalations")),
        sa.UniqueConstraint("escalation_id", name=op.f("uq_escalations_escalation_id")),
    )
    op.create_index(op.f("ix_escalations_call_sid"), "escalations", ["call_sid"])
    op.create_index(op.f("ix_escalations_operator_id"), "escalations", ["operator_id"])
    op.create_index(op.f("ix_escalations_requested_at"), "escalations", ["requested_at"])
    op.create_table(
        "escalation_events",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("escalation_id", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ingested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_escalation_events_event_id")),
    )
    guard_append_only("escalation_events")
    op.create_table(
        "operator_wrap_ups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("call_sid", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("notes", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('resolved', 'escalated', 'transferred')", name=op.f("ck_operator_wrap_ups_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_operator_wrap_ups_operator_id_operators")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_operator_wrap_ups_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_wrap_ups")),
    )
    op.create_index(op.f("ix_operator_wrap_ups_call_sid"), "operator_wrap_ups", ["call_sid"])


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_operator_wrap_ups_call_sid"), "operator_wrap_ups")
    op.drop_table("operator_wrap_ups")
    unguard("escalation_events")
    op.drop_table("escalation_events")
    op.drop_index(op.f("ix_escalations_call_sid"), "escalations")
    op.drop_index(op.f("ix_escalations_operator_id"), "escalations")
    op.drop_index(op.f("ix_escalations_requested_at"), "escalations")
    op.drop_table("escalations")
    op.drop_table("operators")
    op.drop_table("workspaces")
