"""What operators see of live calls, and who of them is free."""

from __future__ import annotations

from call_script import numbered

from voice_agent.call import events
from voice_agent.call.events import CallEvent
from voice_agent.operators.duty import OnDuty
from voice_agent.operators.live_view import BRIEF_CHARS, LiveView
from voice_agent.operators.ports import EscalationStatus, LiveCall, OperatorMode

SID = "CA" + "2" * 32


def seen(*happened: CallEvent) -> LiveCall:
    """The picture after these events, a second apart."""
    start = events.SessionStart(caller_id="+14155550134", service_id="dr_chen", conference="call-x")
    all_events = numbered(SID, list(enumerate([start, *happened])))
    first = all_events[0]
    assert isinstance(first, events.SessionStart)
    view = LiveView(first)
    for event in all_events[1:]:
        view.apply(event)
    return view.call


def test_a_new_call_is_known_by_its_start() -> None:
    call = seen()
    assert (call.call_sid, call.caller_phone, call.service_id) == (SID, "+14155550134", "dr_chen")
    assert (call.state, call.turn_count, call.operators, call.escalation) == ("", 0, (), None)


def test_state_turns_loops_and_the_callers_last_words() -> None:
    call = seen(
        events.StateTransition(from_state="", to_state="greet"),
        events.TurnCompleted(turn_index=1, reason="timeout"),
        events.UserTranscript(transcript="x" * 500, turn_index=1),
        events.StateTransition(from_state="greet", to_state="identify"),
        events.StateTransition(from_state="identify", to_state="greet"),
        events.StateTransition(from_state="greet", to_state="identify"),
        events.StateTransition(from_state="identify", to_state="identify"),
        events.TurnCompleted(turn_index=2, reason="timeout"),
        events.UserTranscript(transcript="not yet final", final=False, turn_index=2),
        events.UserTranscript(transcript="hello, this is ann", speaker_role="operator", turn_index=2),
    )
    assert (call.state, call.turn_count, call.loops) == ("identify", 2, 2)
    assert call.brief_context == "x" * BRIEF_CHARS


def test_operators_come_switch_and_go() -> None:
    joined = (
        events.OperatorJoined(operator_id="ann", name="Ann", participant_call_sid="CA1"),
        events.OperatorJoined(operator_id="bob", name="Bob", participant_call_sid="CA2"),
        events.OperatorModeSwitched(operator_id="bob", mode=OperatorMode.TAKEOVER),
    )
    assert [(o.operator_id, o.mode) for o in seen(*joined).operators] == [
        ("ann", OperatorMode.LISTEN),
        ("bob", OperatorMode.TAKEOVER),
    ]
    gone = events.OperatorLeft(operator_id="ann", reason="left")
    assert [o.operator_id for o in seen(*joined, gone).operators] == ["bob"]


def test_an_escalation_keeps_its_times_through_its_life() -> None:
    about = {"escalation_id": "e1", "trigger": "caller", "reason": "asked"}
    steps: list[CallEvent] = [
        events.EscalationRequested(**about),
        events.EscalationConnected(**about, operator_id="ann"),
        events.EscalationHandedBack(**about, operator_id="ann"),
        events.EscalationConnected(**about, operator_id="ann"),
        events.EscalationCompleted(**about, operator_id="ann"),
    ]
    pictures = [seen(*steps[:n]).escalation for n in range(1, 6)]
    assert [p.status for p in pictures if p] == [
        "requested",
        "connected",
        "handback",
        "connected",
        "completed",
    ]
    last = pictures[-1]
    assert last is not None
    assert last.status is EscalationStatus.COMPLETED
    assert last.connected_at is not None
    assert last.completed_at is not None
    assert (last.connected_at - last.requested_at).total_seconds() == 1
    assert (last.completed_at - last.requested_at).total_seconds() == 4
    another = seen(*steps, events.EscalationRequested(escalation_id="e2", trigger="risk", reason="high"))
    assert another.escalation is not None
    assert (another.escalation.escalation_id, another.escalation.connected_at) == ("e2", None)


def test_what_went_wrong_is_flagged_once() -> None:
    fault = events.Degraded(part="stt", rung="embedded")
    assert seen(fault, fault).data_quality_flags == ("stt:embedded",)


async def test_somebody_is_free_who_is_online_and_on_no_call() -> None:
    duty = OnDuty()
    assert not await duty.anyone_free()
    duty.online("ann")
    assert await duty.anyone_free()
    duty.engaged("ann")
    assert not await duty.anyone_free()
    duty.online("bob")
    assert await duty.anyone_free()
    duty.offline("bob")
    duty.released("ann")
    assert await duty.anyone_free()
    duty.offline("ann")
    assert not await duty.anyone_free()
