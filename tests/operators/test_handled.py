"""What operators did, counted by the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from voice_agent.access.workspaces import default_workspace
from voice_agent.operators.escalation_records import EscalationRecords, Handled
from voice_agent.operators.ports import Escalation, EscalationStatus
from voice_agent.store.database import Database

ASKED = datetime(2026, 11, 20, 23, 59, 59, 250_000, tzinfo=UTC)


def taken(name: str, operator: str | None, connected: float | None, completed: float | None) -> Escalation:
    """An escalation, with seconds from the request to the connection and to the end."""
    status = EscalationStatus.REQUESTED if connected is None else EscalationStatus.CONNECTED
    return Escalation(
        escalation_id=name,
        status=status if completed is None else EscalationStatus.COMPLETED,
        trigger="caller",
        reason="asked",
        hard=False,
        requested_at=ASKED,
        connected_at=None if connected is None else ASKED + timedelta(seconds=connected),
        completed_at=None if completed is None else ASKED + timedelta(seconds=completed),
        operator_id=operator,
    )


@pytest.mark.parametrize(
    ("escalations", "handled"),
    [
        ([("ada", 5, 65.5), ("ada", 1, 30.5)], Handled(2, 45.0)),
        ([("ada", 5, 65), ("ada", 5, None), ("ben", 0, 10), (None, None, None)], Handled(2, 60.0)),
        ([("ada", 5, None)], Handled(1, 0.0)),
        ([("ada", 5, 2), ("ada", 5, 15)], Handled(2, 5.0)),
        ([("ada", None, None), ("ada", None, 9)], None),
        ([], None),
    ],
)
async def test_an_operators_escalations_are_counted_and_timed(
    database: Database,
    escalations: list[tuple[str | None, float | None, float | None]],
    handled: Handled | None,
) -> None:
    records = EscalationRecords(database, await default_workspace(database))
    for n, (operator, connected, completed) in enumerate(escalations):
        await records.save(taken(f"e{n}", operator, connected, completed), "CA1")
    assert await records.handled_by(["ada", "cleo"]) == ({"ada": handled} if handled else {})
