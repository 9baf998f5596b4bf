"""A call in which everything happens: an interruption, words not understood, tools, a part that failed."""

from __future__ import annotations

from voice_agent.call.events import (
    AgentTranscript,
    AgentTranscriptDelta,
    BargeIn,
    CallEvent,
    Degraded,
    Latency,
    MediaAttached,
    NavTiming,
    SessionEnd,
    SessionInfo,
    SessionStart,
    SpeechStarted,
    StateTransition,
    ToolCallCompleted,
    ToolCallStarted,
    TurnCompleted,
    UserTranscript,
)

GREETING = "Good morning, Brookside Family Practice, this is Robin. How can I help you?"
OFFER = "Which day would suit you better? We have openings on Monday,"
UNHEARD_OFFER = "Tuesday and Thursday, mornings and afternoons."
NOT_UNDERSTOOD = "mm the"


def said(text: str, start: float, end: float, turn: int, **more: object) -> UserTranscript:
    """The caller's final words, recognized 0.35 s after the last of them."""
    fields = {"confidence": 0.9, "stt": "embedded", "stt_ms": 84.0, "t": end + 0.35, **more}
    return UserTranscript.model_validate(
        {"transcript": text, "start": start, "end": end, "turn_index": turn, **fields}
    )


def answered(name: str, text: str, start: float, end: float, turn: int) -> AgentTranscript:
    """A sentence of ours that was heard to its end."""
    return AgentTranscript(
        utterance_id=name, text=text, heard=text, start=start, end=end, turn_index=turn, t=end
    )


BEGINNING: tuple[CallEvent, ...] = (
    SessionStart(caller_id="+15550100123", called="+15550100100", service_id="front_desk", t=-59.9),
    SessionInfo(name="prewarm_finished", detail={"ms": 142}, t=-59.7),
    NavTiming(nav_ms=1, render_ms=1, total_ms=2, model="embedded", state="greet_caller", t=-59.7),
    AgentTranscriptDelta(utterance_id="u1", text=GREETING, kind="greeting", t=-59.6),
    MediaAttached(leg="caller", t=0.0),
    Latency(is_greeting=True, engine_ms=2, audio_ttfb_ms=61, e2e_ttfb_ms=180, t=0.2),
    answered("u1", GREETING, 0.2, 4.8, 0),
    SpeechStarted(t=5.6),
    UserTranscript(transcript="i'd like to move", final=False, start=5.5, t=6.3),
)

MIDDLE: tuple[CallEvent, ...] = (
    said("I'd like to move my appointment with Doctor Osei, please.", 5.5, 7.7, 1),
    TurnCompleted(turn_index=1, reason="complete_answer", t=8.1),
    StateTransition(
        from_state="greet_caller", to_state="find_appointment", annotation="wants to reschedule", t=8.12
    ),
    ToolCallStarted(
        call_id="t1",
        tool_name="find_appointments",
        input={"patient": "Maria Alvarez", "patient_id": "8f2c11d0-3b1e-5d2a-9c1f-0242ac130002"},
        t=8.13,
    ),
    ToolCallCompleted(call_id="t1", tool_name="find_appointments", succeeded=True, duration_ms=38, t=8.17),
    Latency(turn_index=1, engine_ms=74, audio_ttfb_ms=58, e2e_ttfb_ms=640, t=8.4),
    AgentTranscriptDelta(utterance_id="u2", text="I see you with Doctor Osei on Friday at 9:15.", t=8.4),
    AgentTranscriptDelta(utterance_id="u3", text=f"{OFFER} {UNHEARD_OFFER}", t=8.4),
    answered("u2", "I see you with Doctor Osei on Friday at 9:15.", 8.4, 11.9, 1),
    BargeIn(interrupted_text=f"{OFFER} {UNHEARD_OFFER}", total_barge_ins=1, stop_ms=212, t=14.4),
    AgentTranscript(
        utterance_id="u3",
        text=f"{OFFER} {UNHEARD_OFFER}",
        heard=OFFER,
        unheard=UNHEARD_OFFER,
        start=12.0,
        end=14.4,
        interrupted=True,
        turn_index=1,
        t=14.45,
    ),
    said("Tuesday morning.", 14.2, 15.0, 2, is_barge_in=True, stt_ms=61.0),
    StateTransition(
        from_state="find_appointment", to_state="offer_times", annotation="a day was named", t=15.4
    ),
    ToolCallStarted(call_id="t2", tool_name="open_slots", input={"day": "2026-11-24"}, t=15.43),
    ToolCallCompleted(
        call_id="t2",
        tool_name="open_slots",
        succeeded=False,
        duration_ms=412,
        error_message="the calendar did not answer",
        t=15.84,
    ),
    Latency(turn_index=2, engine_ms=455, audio_ttfb_ms=63, e2e_ttfb_ms=1130, t=16.1),
    answered("u4", "Tuesday the twenty-fourth at ten thirty is free. Shall I book it?", 16.1, 19.7, 2),
    Degraded(part="stt", rung="embedded", reason="the cloud did not answer within 2 s", t=20.2),
    said(NOT_UNDERSTOOD, 20.6, 21.0, 3, confidence=0.31, accepted=False),
    Latency(turn_index=3, engine_ms=12, audio_ttfb_ms=55, e2e_ttfb_ms=590, t=21.6),
    answered("u5", "Sorry, I did not catch that. Shall I book Tuesday at ten thirty?", 21.6, 24.8, 3),
    said("Yes, please do.", 25.5, 26.4, 4, stt_ms=70.0),
    StateTransition(
        from_state="offer_times", to_state="book_appointment", annotation="time accepted", t=26.8
    ),
    Latency(turn_index=4, engine_ms=96, audio_ttfb_ms=57, e2e_ttfb_ms=655, t=27.1),
    AgentTranscriptDelta(utterance_id="u6", text="One moment, I am moving it for you.", t=27.1),
)

END: tuple[CallEvent, ...] = (
    answered("u6", "One moment, I am moving it for you.", 27.1, 28.9, 4),
    SessionEnd(completion_reason="caller_hangup", duration_seconds=34.2, t=34.2),
)
