from __future__ import annotations

import pytest
from call_script import booking_call, numbered
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.call.events import (
    AgentTranscript,
    CallEvent,
    Latency,
    SessionStart,
    SpeechStarted,
    SpeechStopped,
    ToolCallStarted,
    TurnCompleted,
    UserTranscript,
)
from voice_agent.call.timeline import timeline
from voice_agent.call.timeline_model import Lane, PlaybackTimeline, SegmentType, TimelineSegment


def _of(line: PlaybackTimeline, *types: SegmentType) -> list[TimelineSegment]:
    return [segment for segment in line.segments if segment.type in types]


def test_every_kind_of_segment_lies_on_its_lane() -> None:
    line = timeline(booking_call())
    assert {(segment.type.value, segment.lane.value) for segment in line.segments} == {
        ("greeting", "agent"),
        ("caller_speech", "caller"),
        ("filler_hesitation", "agent"),
        ("interrupted_speech", "agent"),
        ("agent_speech", "agent"),
        ("tool_call", "tool"),
        ("barge_in", "events"),
        ("silence_check", "events"),
        ("state_transition", "events"),
        ("processing_gap", "system"),
        ("silence", "system"),
    }
    assert [lane.id for lane in line.lanes] == ["caller", "agent", "tool", "events", "system"]
    assert {segment.lane_id for segment in line.segments} <= {lane.id for lane in line.lanes}


def test_an_interrupted_sentence_ends_where_it_was_cut_and_keeps_what_was_not_heard() -> None:
    (cut,) = _of(timeline(booking_call()), SegmentType.INTERRUPTED_SPEECH)
    assert (cut.start, cut.end) == (9.2, 11.9)
    assert (cut.label, cut.unheard) == ("I have Tuesday at ten", "or at three thirty.")


def test_a_processing_gap_runs_from_the_callers_last_voice_to_the_agents_first_sound() -> None:
    gaps = _of(timeline(booking_call()), SegmentType.PROCESSING_GAP)
    assert [(gap.start, gap.end, gap.turn_index) for gap in gaps] == [(6.0, 7.0, 1), (13.0, 13.8, 2)]


def test_a_silence_is_where_nobody_speaks_and_nobody_owes_an_answer() -> None:
    silences = _of(timeline(booking_call()), SegmentType.SILENCE)
    assert [(silence.start, silence.end) for silence in silences] == [
        (3.0, 4.0),
        (8.2, 9.2),
        (17.0, 28.0),
        (29.0, 30.0),
    ]


def test_the_totals_add_up() -> None:
    line = timeline(booking_call())
    assert line.duration_seconds == 30.0
    assert line.total_user_speech_seconds == pytest.approx(2.0 + 1.3)
    assert line.total_agent_speech_seconds == pytest.approx(2.6 + 1.2 + 2.7 + 3.2 + 1.0)
    overlap = 0.2
    assert line.total_silence_seconds == pytest.approx(
        30 - line.total_user_speech_seconds - line.total_agent_speech_seconds + overlap
    )
    assert line.avg_perceived_latency_ms == 900
    assert (line.avg_processing_gap_ms, line.max_processing_gap_ms) == (
        pytest.approx(900),
        pytest.approx(1000),
    )


def test_the_first_sentence_of_a_turn_carries_its_latencies() -> None:
    spoken = _of(timeline(booking_call()), SegmentType.FILLER_HESITATION, SegmentType.INTERRUPTED_SPEECH)
    assert [segment.e2e_ttfb_ms for segment in spoken] == [1000, None]


def test_each_turn_can_be_jumped_to() -> None:
    turns = timeline(booking_call()).turns
    assert [(t.turn_index, t.active_start, t.active_end) for t in turns] == [
        (0, 0.4, 3.0),
        (1, 4.0, 11.9),
        (2, 11.7, 29.0),
    ]
    assert [t.seek_to for t in turns] == [0.0, 3.5, 11.2]


def test_voice_that_was_not_understood_is_shown_without_words() -> None:
    events = numbered(
        "CA1", [(0, SessionStart()), (2.0, SpeechStarted()), (3.4, SpeechStopped(speech_end=3.0))]
    )
    (speech,) = timeline(events).segments[1:2]
    assert (speech.type, speech.start, speech.end, speech.label) == (SegmentType.CALLER_SPEECH, 2.0, 3.0, "")


def test_a_tool_that_never_came_back_lasts_to_the_end_of_the_call() -> None:
    events = numbered(
        "CA1",
        [
            (1.0, ToolCallStarted(call_id="t", tool_name="find_slots")),
            (5.0, UserTranscript(transcript="Hello?", start=4.0, end=4.8)),
        ],
    )
    (tool,) = _of(timeline(events), SegmentType.TOOL_CALL)
    assert (tool.start, tool.end, tool.succeeded) == (1.0, 5.0, None)


def test_a_caller_who_goes_on_before_the_answer_leaves_no_processing_gap() -> None:
    events = numbered(
        "CA1",
        [
            (2.0, UserTranscript(transcript="I need", start=1.0, end=2.0, turn_index=1)),
            (2.2, TurnCompleted(turn_index=1, reason="timeout", speech_end=2.0)),
            (4.0, UserTranscript(transcript="an appointment", start=3.0, end=4.0, turn_index=2)),
            (4.1, TurnCompleted(turn_index=2, reason="timeout", speech_end=4.0)),
            (4.9, Latency(turn_index=2, e2e_ttfb_ms=700)),
            (
                6.0,
                AgentTranscript(
                    utterance_id="u", text="Sure.", heard="Sure.", start=4.7, end=6, turn_index=2
                ),
            ),
        ],
    )
    assert [gap.turn_index for gap in _of(timeline(events), SegmentType.PROCESSING_GAP)] == [2]


def test_an_operators_words_have_their_own_lane_and_count_for_nobody_else() -> None:
    events = numbered(
        "CA1", [(3.0, UserTranscript(transcript="Hi.", speaker_role="operator", start=1, end=3))]
    )
    line = timeline(events)
    assert [segment.lane for segment in _of(line, SegmentType.AGENT_SPEECH)] == [Lane.OPERATOR]
    assert (line.total_agent_speech_seconds, line.total_user_speech_seconds) == (0, 0)


def test_keys_and_typed_words_are_not_speech() -> None:
    events = numbered("CA1", [(1.0, UserTranscript(transcript="1234", via="keypad"))])
    assert _of(timeline(events), SegmentType.CALLER_SPEECH) == []


def test_a_call_without_events_has_an_empty_timeline() -> None:
    line = timeline([])
    assert (line.duration_seconds, line.segments, line.turns) == (0.0, [], [])


@given(st.integers(0, 40), st.sets(st.integers(0, 40)))
def test_any_part_of_a_call_gives_a_sound_timeline(length: int, missing: set[int]) -> None:
    events: list[CallEvent] = [e for i, e in enumerate(booking_call()[:length]) if i not in missing]
    line = timeline(events)
    for segment in line.segments:
        assert 0 <= segment.start <= segment.end <= max(line.duration_seconds, segment.end)
        assert segment.end <= line.duration_seconds
    assert [segment.order for segment in line.segments] == list(range(len(line.segments)))
    assert 0 <= line.total_silence_seconds <= line.duration_seconds
    assert PlaybackTimeline.model_validate_json(line.model_dump_json()) == line
