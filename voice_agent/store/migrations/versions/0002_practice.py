"""The practice: patients, providers, bookable times, appointments, insurance details, messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "practice_patients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practice", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_patients")),
    )
    op.create_index(
        op.f("ix_practice_patients_practice_birth_date"), "practice_patients", ["practice", "birth_date"]
    )
    op.create_index(op.f("ix_practice_patients_practice_phone"), "practice_patients", ["practice", "phone"])

    op.create_table(
        "practice_providers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practice", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_providers")),
    )
    op.create_table(
        "practice_insurance_captures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practice", sa.String(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["practice_patients.id"],
            name=op.f("fk_practice_insurance_captures_patient_id_practice_patients"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_insurance_captures")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_practice_insurance_captures_idempotency_key")),
    )
    op.create_index(
        op.f("ix_practice_insurance_captures_patient_id"), "practice_insurance_captures", ["patient_id"]
    )

    op.create_table(
        "practice_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practice", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("callback_phone", sa.String(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('message', 'callback', 'urgent')", name=op.f("ck_practice_messages_kind")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["practice_patients.id"],
            name=op.f("fk_practice_messages_patient_id_practice_patients"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_messages")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_practice_messages_idempotency_key")),
    )
    op.create_index(
        op.f("ix_practice_messages_practice_taken_at"), "practice_messages", ["practice", "taken_at"]
    )

    op.create_table(
        "practice_slots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practice", sa.String(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["practice_providers.id"],
            name=op.f("fk_practice_slots_provider_id_practice_providers"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_slots")),
        sa.UniqueConstraint("provider_id", "starts_at", name=op.f("uq_practice_slots_provider_id_starts_at")),
    )
    op.create_index(op.f("ix_practice_slots_practice_starts_at"), "practice_slots", ["practice", "starts_at"])

    op.create_table(
        "practice_verifications",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("practice", sa.String(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["practice_patients.id"],
            name=op.f("fk_practice_verifications_patient_id_practice_patients"),
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_practice_verifications")),
    )
    op.create_table(
        "practice_appointments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practice", sa.String(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("cancel_reason", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.CheckConstraint("status IN ('booked', 'cancelled')", name=op.f("ck_practice_appointments_status")),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["practice_patients.id"],
            name=op.f("fk_practice_appointments_patient_id_practice_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["slot_id"], ["practice_slots.id"], name=op.f("fk_practice_appointments_slot_id_practice_slots")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_appointments")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_practice_appointments_idempotency_key")),
    )
    op.create_index(op.f("ix_practice_appointments_patient_id"), "practice_appointments", ["patient_id"])
    op.create_index(
        "uq_practice_appointments_booked_slot",
        "practice_appointments",
        ["slot_id"],
        unique=True,
        sqlite_where=sa.text("status = 'booked'"),
        postgresql_where=sa.text("status = 'booked'"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index(
        "uq_practice_appointments_booked_slot",
        "practice_appointments",
        sqlite_where=sa.text("status = 'booked'"),
        postgresql_where=sa.text("status = 'booked'"),
    )
    op.drop_index(
        op.f("ix_practice_appointments_patient_id"),
        "practice_appointments",
    )

    op.drop_table("practice_appointments")
    op.drop_table("practice_verifications")
    op.drop_index(
        op.f("ix_practice_slots_practice_starts_at"),
        "practice_slots",
    )

    op.drop_table("practice_slots")
    op.drop_index(
        op.f("ix_practice_messages_practice_taken_at"),
        "practice_messages",
    )

    op.drop_table("practice_messages")
    op.drop_index(
        op.f("ix_practice_insurance_captures_patient_id"),
        "practice_insurance_captures",
    )

    op.drop_table("practice_insurance_captures")
    op.drop_table("practice_providers")
    op.drop_index(
        op.f("ix_practice_patients_practice_phone"),
        "practice_patients",
    )
    op.drop_index(
        op.f("ix_practice_patients_practice_birth_date"),
        "practice_patients",
    )

    op.drop_table("practice_patients")
