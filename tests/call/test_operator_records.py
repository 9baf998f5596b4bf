"""What is kept of the people who came to a call."""

from __future__ import annotations

from call_script import numbered

from voice_agent.call.events import (
    EscalationCompleted,
    EscalationConnected,
    EscalationHandedBack,
    EscalationRequested,
    SessionStart,
    UserTranscript,
)
from voice_agent.call.record_fold import CallFold

SID = "CA" + "1" * 32


def test_the_escalation_of_a_call_is_where_its_last_event_says() -> None:
    asked = {"escalation_id": "e", "trigger": "caller", "reason": "asked"}
    steps = (EscalationRequested, EscalationConnected, EscalationHandedBack, EscalationCompleted)
    events = numbered(SID, [(0, SessionStart()), *((n, step(**asked)) for n, step in enumerate(steps, 1))])
    fold = CallFold(events[0])
    seen = []
    for event in events:
        fold.apply([event])
        seen.append(fold.call.escalation_status)
    assert seen == ["none", "requested", "connected", "handback", "completed"]


def test_what_an_operator_says_is_not_taken_for_the_callers_words() -> None:
    events = numbered(
        SID,
        [
            (0, SessionStart()),
            (1, UserTranscript(transcript="is anybody there", turn_index=1, start=1, end=2)),
            (
                3,
                UserTranscript(
                    transcript="this is ann",
                    turn_index=1,
                    speaker_role="operator",
                    speaker_id="op1",
                    start=3,
                    end=4,
                ),
            ),
        ],
    )
    fold = CallFold(events[0])
    fold.apply(events)
    turn = fold.turns[1]
    assert (turn.user_transcript, turn.agent_transcript) == ("is anybody there", "this is ann")
    assert (turn.speaker_role, turn.speaker_id, turn.agent_speech_end_ms) == ("operator", "op1", 4000)
