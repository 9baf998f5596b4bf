"""What an operator reads before joining."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from call_script import BEGIN, booking_call

from voice_agent.call.overview import CallOverview
from voice_agent.call.record_fold import CallFold, CallRecord, TurnRecord
from voice_agent.call.record_writer import RecordWriter
from voice_agent.call.records import CallRecords
from voice_agent.operators.briefing import BriefingMaterial, KnownPatient, briefing
from voice_agent.operators.briefing_desk import BriefingDesk
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.no_live_calls import NoLiveCalls
from voice_agent.operators.ports import Escalation, EscalationStatus, LiveCall, NoSuchCall
from voice_agent.practice.service import load_services
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database

NOW = BEGIN + timedelta(minutes=2)
MARIA = KnownPatient(
    "Maria Rivera",
    date(1984, 3, 2),
    verified=True,
    appointments=("Thursday 26 November, 10:00 with Dr. Chen",),
)


def live(**known: Any) -> LiveCall:
    """A call that is two minutes old."""
    values = {"call_sid": "CA1", "service_id": "dr_chen", "direction": "inbound", "started_at": BEGIN}
    values |= {"caller_phone": "+14155550134", "caller_name": "", "state": "confirm_slot", "turn_count": 3}
    return LiveCall(**{**values, **known})  # type: ignore[arg-type]


def booked() -> tuple[CallRecord, list[TurnRecord]]:
    """The record of a short call."""
    events = booking_call()
    fold = CallFold(events[0])
    fold.apply(events)
    return fold.call, list(fold.turns.values())


def read(**material: Any) -> dict[str, str]:
    """The sections by title."""
    return {s.title: s.content for s in briefing(BriefingMaterial(now=NOW, **material))}


def test_there_are_six_sections_even_when_nothing_is_known() -> None:
    sections = read()
    assert list(sections) == [
        "Situation summary",
        "Patient context",
        "Risk assessment",
        "Key issues",
        "Recommended actions",
        "Prior interactions",
    ]
    assert all(sections.values())


def test_the_situation_says_how_old_the_call_is_where_it_is_and_what_was_said_last() -> None:
    call, turns = booked()
    situation = read(live=live(), call=call, turns=turns, service_name="Dr. Chen's office")[
        "Situation summary"
    ]
    assert "Inbound call for Dr. Chen's office, 2 min 0 s old." in situation
    assert "confirm slot" in situation
    assert "I need to see Doctor Rivera on Tuesday." in situation


def test_a_long_sentence_is_cut() -> None:
    turn = TurnRecord(1, user_transcript="word " * 200)
    situation = read(live=live(), turns=[turn])["Situation summary"]
    assert "…" in situation
    assert len(situation) < 500


def test_a_verified_patient_is_named_with_what_is_on_file() -> None:
    context = read(live=live(), patients=[MARIA])["Patient context"]
    assert "Maria Rivera, born 02 March 1984; identity verified in this call." in context
    assert "Thursday 26 November, 10:00 with Dr. Chen" in context


def test_a_family_with_one_number_is_not_mixed_up() -> None:
    child = KnownPatient("Luis Rivera", date(2015, 1, 1), verified=False)
    sections = read(live=live(), patients=[MARIA, child])
    assert (
        "Maria Rivera, Luis Rivera. Which of them is calling is not established."
        in sections["Patient context"]
    )
    assert "Verify who is calling" in sections["Recommended actions"]


@pytest.mark.parametrize(
    ("known", "section", "told"),
    [
        ({"risk_score": 0.72, "risk_level": "critical"}, "Risk assessment", "0.72 of 1, level critical"),
        ({"risk_score": 0.72}, "Recommended actions", "Take over"),
        ({"emotion": "anger", "valence": -0.6}, "Risk assessment", "anger (valence -0.60)"),
        ({"emotion": "anger", "valence": -0.6}, "Recommended actions", "Acknowledge how the caller feels"),
        ({"concepts": ("self_harm",)}, "Recommended actions", "whether the caller is safe"),
        ({"loops": 3}, "Key issues", "former state 3 times"),
        ({"caller_phone": None}, "Patient context", "withheld"),
    ],
)
def test_what_is_known_of_the_live_call_leads_to_advice(
    known: dict[str, object], section: str, told: str
) -> None:
    assert told in read(live=live(**known))[section]


def test_the_reason_for_the_escalation_is_told_first_among_the_issues() -> None:
    asked = Escalation("e1", EscalationStatus.REQUESTED, "caller_request", "asked for a person", False, BEGIN)
    sections = read(live=live(escalation=asked, loops=1))
    assert sections["Key issues"].splitlines()[0] == "Escalation: asked for a person."
    assert "A person is wanted: asked for a person." in sections["Situation summary"]


def test_failed_tools_are_to_be_done_by_hand() -> None:
    tool = {"tool_name": "book_appointment", "succeeded": False}
    sections = read(live=live(), turns=[TurnRecord(1, tool_calls=[tool])])
    assert "Failed: book appointment." in sections["Key issues"]
    assert "by hand" in sections["Recommended actions"]


def test_earlier_calls_are_listed() -> None:
    call, _ = booked()
    assert "20 November 2026: 30 s" in read(live=live(), earlier=[call])["Prior interactions"]


@pytest.fixture
def desk(database: Database) -> BriefingDesk:
    def clock() -> datetime:
        return NOW.astimezone(UTC)

    escalations = EscalationRecords(database, uuid4())
    return BriefingDesk(
        NoLiveCalls(),
        CallRecords(database),
        CallOverview(database),
        escalations,
        load_services(database),
        clock,
    )


async def test_the_desk_finds_the_patient_and_earlier_calls(
    desk: BriefingDesk, database: Database, tmp_path: Path
) -> None:
    [service] = load_services(database).services
    await service.seed(BEGIN)
    bus = EventBus()
    writer = RecordWriter(database, bus, tmp_path)
    await writer.start()
    for sid, days in (("CAold", 3), ("CAnew", 0)):
        for event in booking_call(sid):
            change: dict[str, object] = {"at": event.at - timedelta(days=days)}
            if event.type == "session_start":
                change |= {"caller_id": "+14155550134", "service_id": "dr_chen"}
            bus.publish(event.model_copy(update=change))
    await writer.close()
    told = {s.title: s.content for s in (await desk.brief("CAnew")).sections}
    assert "Maria Rivera" in told["Patient context"]
    assert "identity NOT verified" in told["Patient context"]
    assert "with Dr. Chen" in told["Patient context"]
    assert "17 November 2026" in told["Prior interactions"]
    assert "that is over" in told["Situation summary"]


async def test_the_desk_knows_no_briefing_of_a_call_nobody_knows(desk: BriefingDesk) -> None:
    with pytest.raises(NoSuchCall, match="CAgone"):
        await desk.brief("CAgone")
