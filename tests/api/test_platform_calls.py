"""Calls over the published interface: lists, details, timelines and what they add up to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from call_script import BEGIN, booking_call, going_on, numbered

from tests.api.live_calls import live_call
from tests.api.platform_kit import Desk
from voice_agent.access.roles import Role
from voice_agent.api.platform.fields import service_uuid
from voice_agent.call.emotion_events import NamedScore
from voice_agent.call.events import (
    CallEvent,
    CompoundEmotion,
    ConceptMatch,
    EmotionMeasured,
    EscalationRequested,
    ForwardCallResolved,
    MediaAttached,
    ParticipantJoined,
    ParticipantLeft,
    RiskScored,
    Safety,
    SessionEnd,
    SessionStart,
    UserTranscript,
)
from voice_agent.operators.escalation_records import EscalationContext
from voice_agent.operators.ports import Escalation, EscalationStatus

SID = "CA" + "1" * 32


def short_call(sid: str, *, seconds: float = 20.0, **start: str) -> list[CallEvent]:
    """Rung, answered, over."""
    return numbered(
        sid,
        [
            (-1.0, SessionStart(**{"called": "+14155550100", "service_id": "dr_chen", **start})),  # type: ignore[arg-type]
            (0.0, MediaAttached(leg="caller")),
            (seconds, SessionEnd(completion_reason="caller_hangup", duration_seconds=seconds)),
        ],
    )


def call_with_operator(sid: str) -> list[CallEvent]:
    """A caller who asks for a person, who comes, talks and goes."""
    operator = {"participant_id": "CAop", "participant_role": "operator"}
    return numbered(
        sid,
        [
            (-1.0, SessionStart(caller_id="+14155550134", called="+14155550100", service_id="dr_chen")),
            (0.0, MediaAttached(leg="caller")),
            (
                4.0,
                UserTranscript(
                    transcript="A person, please.", confidence=0.9, start=3.0, end=4.0, turn_index=1
                ),
            ),
            (5.0, EscalationRequested(trigger="caller_request", reason="asked for a person")),
            (9.0, ParticipantJoined(**operator, display_name="Ana")),  # type: ignore[arg-type]
            (
                12.0,
                UserTranscript(
                    transcript="This is Ana.", speaker_role="operator", confidence=0.8, start=10.0, end=12.0
                ),
            ),
            (
                15.0,
                UserTranscript(transcript="Hello Ana.", confidence=0.7, start=13.0, end=15.0, turn_index=2),
            ),
            (20.0, ParticipantLeft(**operator)),  # type: ignore[arg-type]
            (25.0, UserTranscript(transcript="Goodbye.", confidence=0.7, start=24.0, end=25.0, turn_index=3)),
            (26.0, ForwardCallResolved(target_number="+14155550199", result="forwarded")),
            (27.0, SessionEnd(completion_reason="transferred", duration_seconds=27.0)),
        ],
    )


async def test_the_list_is_newest_first_and_turned_by_offset(desk: Desk) -> None:
    for index in range(5):
        await desk.record(short_call(f"CA{index}"))
    async with desk.client(Role.VIEWER) as client:
        first = (await client.get(f"{desk.root}/calls", params={"limit": 2})).json()
        assert [call["call_sid"] for call in first["items"]] == ["CA4", "CA3"]
        assert (first["total"], first["has_more"], first["continuation_token"]) == (5, True, 2)
        token = {"limit": 2, "continuation_token": first["continuation_token"]}
        second = (await client.get(f"{desk.root}/calls", params=token)).json()
        assert [call["call_sid"] for call in second["items"]] == ["CA2", "CA1"]
        last = (await client.get(f"{desk.root}/calls", params={"offset": 4})).json()
    assert [call["call_sid"] for call in last["items"]] == ["CA0"]
    assert (last["has_more"], last["continuation_token"]) == (False, None)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"min_duration": 30}, ["CAlong"]),
        ({"max_duration": 29}, ["CAshort"]),
        ({"direction": "outbound"}, ["CAlong"]),
        ({"status": "completed"}, ["CAlong", "CAshort"]),
        ({"status": "failed"}, []),
        ({"service_id": str(service_uuid("dr_chen"))}, ["CAlong", "CAshort"]),
        ({"service_id": "dr_chen"}, ["CAlong", "CAshort"]),
        ({"service_id": "somewhere else"}, []),
        ({"date_from": "2026-11-20", "date_to": "2026-11-20"}, ["CAlong", "CAshort"]),
        ({"date_to": "2026-11-19"}, []),
        ({"date_to": "9999-12-31"}, ["CAlong", "CAshort"]),
        ({"include_simulated": "true"}, ["CAtest", "CAlong", "CAshort"]),
    ],
)
async def test_calls_can_be_looked_for(desk: Desk, wanted: dict[str, str], found: list[str]) -> None:
    await desk.record(short_call("CAshort", seconds=20))
    await desk.record(short_call("CAlong", seconds=40, direction="outbound"))
    await desk.record(short_call("CAtest", direction="test"))
    async with desk.client() as client:
        listed = await client.get(f"{desk.root}/calls", params=wanted)
    assert [call["call_sid"] for call in listed.json()["items"]] == found


async def test_a_call_is_found_by_its_sid_and_by_its_entity(desk: Desk) -> None:
    await desk.record(booking_call(SID))
    async with desk.client() as client:
        by_sid = (await client.get(f"{desk.root}/calls/{SID}")).json()
        by_entity = (await client.get(f"{desk.root}/calls/{by_sid['id']}")).json()
        assert (await client.get(f"{desk.root}/calls/CAnobody")).status_code == 404
    assert by_entity == by_sid
    assert by_sid["service_id"] == str(service_uuid("front-desk"))
    assert [turn["user_transcript"] for turn in by_sid["turns"]][
        1
    ] == "I need to see Doctor Rivera on Tuesday."
    assert by_sid["timeline"]["segments"]
    assert by_sid["barge_in_events"][0]["type"] == "barge_in"
    assert by_sid["escalation"] is None


async def test_a_call_that_goes_on_is_shown_with_what_happened_so_far(desk: Desk) -> None:
    await desk.record(going_on(booking_call(SID)[:8]))
    async with desk.client() as client:
        shown = (await client.get(f"{desk.root}/calls/{SID}")).json()
        assert (shown["status"], shown["completion_reason"]) == ("in-progress", None)
        assert (await client.get(f"{desk.root}/calls/{SID}/intelligence")).status_code == 404
        line = (await client.get(f"{desk.root}/calls/{SID}/timeline")).json()
    assert line == shown["timeline"]


async def test_a_turn_tells_how_its_caller_felt_and_the_call_its_risk(desk: Desk) -> None:
    moods = [
        (
            8.0,
            EmotionMeasured(
                dominant="angry", valence=-0.1, arousal=0.5, turn_index=1, turn_valence=-0.6, turn_arousal=0.9
            ),
        ),
        (8.0, CompoundEmotion(turn_index=1, compounds=[NamedScore(name="contempt", score=0.7)])),
        (8.0, RiskScored(risk_score=0.41, level="monitor", risk_level="medium", turn_index=1)),
    ]
    timed = [(event.t, event) for event in booking_call(SID)] + moods
    await desk.record(numbered(SID, sorted(timed, key=lambda each: each[0])))
    async with desk.client() as client:
        turns = (await client.get(f"{desk.root}/calls/{SID}")).json()["turns"]
        told = (await client.get(f"{desk.root}/calls/{SID}/intelligence")).json()
    felt = next(turn for turn in turns if turn["emotion_label"])
    assert (felt["emotion_label"], felt["emotion_valence"]) == ("angry", -0.6)
    assert felt["compound_emotions"] == [{"name": "contempt", "score": 0.7}]
    assert [turn["emotion_label"] for turn in turns].count(None) == len(turns) - 1
    assert told["risk_summary"] == {"composite_score": 0.41, "level": "medium"}


async def test_what_operators_said_is_in_the_detail_and_in_the_transcript(desk: Desk) -> None:
    await desk.record(call_with_operator(SID))
    escalation = Escalation(
        "esc-1",
        EscalationStatus.COMPLETED,
        "caller_request",
        "asked for a person",
        False,
        BEGIN,
        BEGIN + timedelta(seconds=4),
        BEGIN + timedelta(seconds=14),
    )
    await desk.platform.escalations.save(escalation, SID, EscalationContext(risk_score=0.4))
    async with desk.client(Role.OPERATOR) as client:
        shown = (await client.get(f"{desk.root}/calls/{SID}")).json()
        told = (await client.get(f"{desk.root}/operators/calls/{SID}/transcript")).json()
    assert [segment["transcript"] for segment in shown["human_segments"]] == ["This is Ana."]
    assert shown["escalation"]["wait_seconds"] == 4.0
    assert shown["escalation"]["handle_time_seconds"] == 10.0
    assert shown["forwarding"]["forward_to"] == "+14155550199"
    assert [(s["speaker_role"], s["transcript"]) for s in told["segments"]] == [
        ("operator", "This is Ana."),
        ("caller", "Hello Ana."),
    ]
    assert told["total_segments"] == 2
    assert told["segments"][0]["escalation_id"] == "esc-1"
    async with desk.client() as client:
        log = (await client.get(f"{desk.root}/operators/audit-log")).json()["items"]
        assert (await client.get(f"{desk.root}/operators/calls/CAnobody/transcript")).status_code == 404
    assert [entry["event_type"] for entry in log] == ["operator.viewed_transcript"]


async def test_an_ended_call_adds_up(desk: Desk) -> None:
    await desk.record(booking_call(SID))
    async with desk.client() as client:
        told = (await client.get(f"{desk.root}/calls/{SID}/intelligence")).json()
        metrics = (await client.get(f"{desk.root}/calls/{SID}/metrics")).json()["metrics"]
        few = (await client.get(f"{desk.root}/calls/{SID}/metrics", params={"limit": 1})).json()["metrics"]
        none = await client.get(f"{desk.root}/calls/CAnobody/metrics")
    assert told["conversation_summary"]["turn_count"] == 2
    assert told["conversation_summary"]["barge_in_count"] == 1
    assert told["tool_summary"]["total_calls"] == 1
    assert "barge_in" in [moment["type"] for moment in told["key_moments"]]
    values = {metric["metric_key"]: metric["value"] for metric in metrics}
    assert values["turn_count"] == 2
    assert values["escalated"] is False
    assert len(few) == 1
    assert none.json() == {"metrics": []}


async def test_figures_of_a_period_count_real_calls(desk: Desk) -> None:
    await desk.record(call_with_operator(SID))
    await desk.record(short_call("CAtwo", seconds=13))
    await desk.record(short_call("CAtest", direction="test"))
    async with desk.client() as client:
        days = {"days": 90}
        averages = (await client.get(f"{desk.root}/calls/benchmarks", params=days)).json()
        volume = (await client.get(f"{desk.root}/calls/phone-volume", params=days)).json()
    assert (averages["total_calls"], averages["avg_duration_seconds"]) == (2, 20.0)
    assert averages["escalation_rate"] == 0.5
    [number] = volume
    assert (number["phone_number"], number["total_calls"], number["inbound"]) == ("+14155550100", 2, 2)
    assert number["by_date"] == [{"date": "2026-11-20", "count": 2}]


async def test_what_this_installation_does_not_offer_is_503(desk: Desk) -> None:
    await desk.record(booking_call(SID))
    async with desk.client() as client:
        assert (await client.get(f"{desk.root}/calls/traces")).status_code == 503
        assert (await client.get(f"{desk.root}/calls/{SID}/trace-analysis")).status_code == 503
        assert (await client.get(f"{desk.root}/calls/CAnobody/trace-analysis")).status_code == 404
        order = {"phone_to": "+14155550134", "phone_from": "+14155550100", "reason": "follow_up"}
        assert (await client.post(f"{desk.root}/calls/outbound", json=order)).status_code == 503
        assert (await client.post(f"{desk.root}/calls/outbound", json={"reason": "x"})).status_code == 422


async def test_live_calls_tell_what_is_known_of_them(desk: Desk) -> None:
    desk.live.add(live_call(SID, risk_score=0.55, concepts=("self_harm",), emotion="fear", valence=-0.5))
    async with desk.client() as client:
        [live] = (await client.get(f"{desk.root}/calls/active/intelligence")).json()
        [session] = (await client.get(f"{desk.root}/sessions/active")).json()
    assert (live["call_sid"], live["risk_level"], live["concepts"]) == (SID, "high", ["self_harm"])
    assert live["priority_reasons"] == ["high_risk", "negative_emotion", "safety_concern"]
    assert (session["call_sid"], session["caller_id"]) == (SID, "+14155550134")
    assert session["current_state"] == "collect_reason"


async def test_what_safety_rules_found_is_told_with_the_call(desk: Desk) -> None:
    found = ConceptMatch(
        concept="chest_pain",
        similarity=1.0,
        agent_action="escalate_now",
        agent_confidence=1.0,
        agent_reasoning="pattern",
    )
    judged = Safety(concept_matches=[found], concern_level=3, peak_concern_level=3, trajectory="rising")
    call = short_call(SID)
    call.insert(2, Safety(concept_matches=[found], concern_level=3, final=False))
    call.insert(3, judged)
    events = [event.model_copy(update={"call_sid": SID, "seq": n}) for n, event in enumerate(call, 1)]
    await desk.record(events)
    await desk.record(short_call("CAcalm"))
    async with desk.client() as client:
        told = (await client.get(f"{desk.root}/calls/{SID}")).json()
        calm = (await client.get(f"{desk.root}/calls/CAcalm")).json()
    safety = told["safety"]
    assert [match["concept"] for match in safety["concept_matches"]] == ["chest_pain", "chest_pain"]
    assert (safety["concern_turn_count"], safety["peak_concern_level"]) == (1, 3)
    assert safety["trajectory"] == "rising"
    assert [step["level"] for step in safety["triage_history"]] == [3]
    assert told["safety_summary"] == {"match_count": 2}
    assert (calm["safety"], calm["safety_summary"]) == (None, None)
