"""A small call as events, for tests of what is seen after a call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from voice_agent.call.events import (
    AgentTranscript,
    BargeIn,
    CallEvent,
    InnerThought,
    Latency,
    MediaAttached,
    NavTiming,
    ParticipantJoined,
    SessionEnd,
    SessionStart,
    SilenceCheck,
    SpeechStarted,
    SpeechStopped,
    StateTransition,
    ToolCallCompleted,
    ToolCallStarted,
    TurnCompleted,
    UserTranscript,
)

BEGIN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def numbered(call_sid: str, timed: Sequence[tuple[float, CallEvent]], *, first: int = 1) -> list[CallEvent]:
    """Events with sid, gap-free numbers and both clocks, as the call's log would give them."""
    return [
        event.model_copy(
            update={"call_sid": call_sid, "seq": seq, "t": t, "at": BEGIN + timedelta(seconds=t + 2)}
        )
        for seq, (t, event) in enumerate(timed, start=first)
    ]


def going_on(events: Sequence[CallEvent]) -> list[CallEvent]:
    """The same events as of a call that goes on now: one that was silent for an hour counts as lost."""
    late = datetime.now(UTC) - events[-1].at
    return [event.model_copy(update={"at": event.at + late}) for event in events]


def booking_call(call_sid: str = "CA" + "1" * 32) -> list[CallEvent]:
    """Greeting, one request with a tool, an interrupted answer, a second request, a goodbye: 30 seconds."""
    return numbered(
        call_sid,
        [
            (-2.0, SessionStart(caller_id="+14155550101", called="+14155550199", service_id="front-desk")),
            (-0.1, ParticipantJoined(participant_id="PA1", participant_role="caller", conference_sid="CF1")),
            (0.0, MediaAttached(leg="caller")),
            (0.0, StateTransition(from_state="", to_state="greeting")),
            (0.4, Latency(turn_index=0, is_greeting=True, e2e_ttfb_ms=400, audio_ttfb_ms=40)),
            (
                3.0,
                AgentTranscript(
                    utterance_id="u0",
                    text="Thank you for calling Cedar Clinic.",
                    heard="Thank you for calling Cedar Clinic.",
                    kind="greeting",
                    start=0.4,
                    end=3.0,
                ),
            ),
            (4.1, SpeechStarted()),
            (6.4, SpeechStopped(speech_end=6.0)),
            (
                6.5,
                UserTranscript(
                    transcript="I need to see Doctor Rivera on Tuesday.",
                    confidence=0.93,
                    start=4.0,
                    end=6.0,
                    turn_index=1,
                ),
            ),
            (6.6, TurnCompleted(turn_index=1, reason="smart_turn", eot_confidence=0.88, speech_end=6.0)),
            (6.6, InnerThought(text="A new appointment.")),
            (6.7, ToolCallStarted(call_id="t1", tool_name="find_slots", input={"provider": "Rivera"})),
            (
                8.2,
                AgentTranscript(
                    utterance_id="u1",
                    text="Let me check on that.",
                    heard="Let me check on that.",
                    kind="filler",
                    start=7.0,
                    end=8.2,
                    turn_index=1,
                ),
            ),
            (
                9.0,
                ToolCallCompleted(
                    call_id="t1",
                    tool_name="find_slots",
                    output={"slots": 2},
                    succeeded=True,
                    duration_ms=2300,
                ),
            ),
            (9.0, StateTransition(from_state="greeting", to_state="offer_slots", annotation="wants a slot")),
            (
                9.0,
                NavTiming(
                    nav_ms=12,
                    render_ms=3,
                    total_ms=15,
                    model="embedded",
                    state="offer_slots",
                    selected_action="offer",
                ),
            ),
            (
                9.2,
                Latency(
                    turn_index=1, engine_ms=15, nav_ms=12, render_ms=3, audio_ttfb_ms=45, e2e_ttfb_ms=1000
                ),
            ),
            (11.9, BargeIn(interrupted_text="or at three", discarded_texts=["Which?"], stop_ms=180)),
            (
                12.0,
                AgentTranscript(
                    utterance_id="u2",
                    text="I have Tuesday at ten or at three thirty.",
                    heard="I have Tuesday at ten",
                    unheard="or at three thirty.",
                    start=9.2,
                    end=11.9,
                    interrupted=True,
                    turn_index=1,
                ),
            ),
            (
                13.5,
                UserTranscript(
                    transcript="Ten is perfect.",
                    confidence=0.97,
                    start=11.7,
                    end=13.0,
                    turn_index=2,
                    is_barge_in=True,
                ),
            ),
            (13.6, TurnCompleted(turn_index=2, reason="complete_answer", speech_end=13.0)),
            (
                14.0,
                Latency(turn_index=2, engine_ms=9, nav_ms=7, render_ms=2, audio_ttfb_ms=38, e2e_ttfb_ms=800),
            ),
            (
                17.0,
                AgentTranscript(
                    utterance_id="u3",
                    text="You are booked for Tuesday at ten.",
                    heard="You are booked for Tuesday at ten.",
                    start=13.8,
                    end=17.0,
                    turn_index=2,
                ),
            ),
            (25.0, SilenceCheck(seconds=8.0, count=1)),
            (
                29.0,
                AgentTranscript(
                    utterance_id="u4",
                    text="Goodbye.",
                    heard="Goodbye.",
                    kind="goodbye",
                    start=28.0,
                    end=29.0,
                    turn_index=2,
                ),
            ),
            (30.0, SessionEnd(completion_reason="terminal_state", duration_seconds=30.0)),
        ],
    )
