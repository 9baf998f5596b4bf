"""Calls: their events, and what is folded from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from voice_agent.store.append_only import guard_append_only, unguard

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "call_events",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("call_sid", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("t", sa.Double(), nullable=False),
        sa.Column("data", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_events")),
        sa.UniqueConstraint("call_sid", "seq", name=op.f("uq_call_events_call_sid_seq")),
    )
    guard_append_only("call_events")
    op.create_table(
        "calls",
        sa.Column("number", ROW_ID, nullable=False),
        sa.Column("call_sid", sa.String(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("caller_id", sa.String(), nullable=True),
        sa.Column("phone_number", sa.String(), nullable=True),
        sa.Column("service_id", sa.String(), nullable=True),
        sa.Column("conference_sid", sa.String(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("media_start_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("completion_reason", sa.String(), nullable=True),
        sa.Column("escalation_status", sa.String(), nullable=False),
        sa.Column("final_state", sa.String(), nullable=True),
        sa.Column("states_visited", DOCUMENT, nullable=False),
        sa.Column("participants", DOCUMENT, nullable=False),
        sa.Column("barge_in_events", DOCUMENT, nullable=False),
        sa.Column("degraded", DOCUMENT, nullable=False),
        sa.Column("turn_count", sa.Integer(), nullable=False),
        sa.Column("avg_perceived_latency_ms", sa.Double(), nullable=True),
        sa.Column("has_recording", sa.Boolean(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "direction IN ('inbound', 'outbound', 'playground', 'simulated', 'test')",
            name=op.f("ck_calls_direction"),
        ),
        sa.CheckConstraint(
            "source IN ('real', 'simulated', 'playground', 'scribe')", name=op.f("ck_calls_source")
        ),
        sa.CheckConstraint(
            "status IN ('initiated', 'ringing', 'in-progress', 'completed', 'busy', 'no-answer', 'canceled',"
            " 'failed', 'unknown')",
            name=op.f("ck_calls_status"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_calls")),
        sa.UniqueConstraint("call_sid", name=op.f("uq_calls_call_sid")),
    )
    op.create_index(op.f("ix_calls_started_at"), "calls", ["started_at"])
    op.create_table(
        "recordings",
        sa.Column("call_sid", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("service_id", sa.String(), nullable=True),
        sa.Column("call_start_iso", sa.String(), nullable=False),
        sa.Column("call_end_iso", sa.String(), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("inbound_format", sa.String(), nullable=False),
        sa.Column("inbound_sample_rate", sa.Integer(), nullable=False),
        sa.Column("inbound_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("outbound_format", sa.String(), nullable=False),
        sa.Column("outbound_sample_rate", sa.Integer(), nullable=False),
        sa.Column("outbound_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_start_epoch_ms", sa.Double(), nullable=False),
        sa.Column("tts_provider", sa.String(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("call_sid", name=op.f("pk_recordings")),
    )
    op.create_table(
        "turns",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("call_sid", sa.String(), nullable=False),
        sa.Column("turn_index", sa.Integer(), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_transcript", sa.String(), nullable=True),
        sa.Column("agent_transcript", sa.String(), nullable=True),
        sa.Column("agent_unheard", sa.String(), nullable=True),
        sa.Column("user_speech_start_ms", sa.Double(), nullable=True),
        sa.Column("user_speech_end_ms", sa.Double(), nullable=True),
        sa.Column("agent_speech_start_ms", sa.Double(), nullable=True),
        sa.Column("agent_speech_end_ms", sa.Double(), nullable=True),
        sa.Column("audio_ttfb_ms", sa.Double(), nullable=True),
        sa.Column("engine_ms", sa.Double(), nullable=True),
        sa.Column("nav_ms", sa.Double(), nullable=True),
        sa.Column("render_ms", sa.Double(), nullable=True),
        sa.Column("e2e_ttfb_ms", sa.Double(), nullable=True),
        sa.Column("stt_confidence", sa.Double(), nullable=True),
        sa.Column("eot_confidence", sa.Double(), nullable=True),
        sa.Column("filler_type", sa.String(), nullable=True),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("agent_action", sa.String(), nullable=True),
        sa.Column("inner_thoughts", DOCUMENT, nullable=False),
        sa.Column("state_transitions", DOCUMENT, nullable=False),
        sa.Column("tool_calls", DOCUMENT, nullable=False),
        sa.Column("speaker_id", sa.String(), nullable=True),
        sa.Column("speaker_role", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
        sa.UniqueConstraint("call_sid", "turn_index", name=op.f("uq_turns_call_sid_turn_index")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("turns")
    op.drop_table("recordings")
    op.drop_index(op.f("ix_calls_started_at"), "calls")
    op.drop_table("calls")
    unguard("call_events")
    op.drop_table("call_events")
