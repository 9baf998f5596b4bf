"""The caller's mood on the timeline and in its picture."""

from __future__ import annotations

from call_script import booking_call, numbered

from voice_agent.call.emotion_events import NamedScore, RecentBurst
from voice_agent.call.events import (
    CallEvent,
    CompoundEmotion,
    EmotionMeasured,
    RiskScored,
    VoiceContextApplied,
    call_event_adapter,
)
from voice_agent.call.picture import Area, Words
from voice_agent.call.picture_svg import svg
from voice_agent.call.timeline import timeline
from voice_agent.call.timeline_picture import draw_timeline


def turn(index: int, valence: float, risk: float, tone: str, speed: float) -> list[CallEvent]:
    return [
        EmotionMeasured(
            dominant="angry" if valence < 0 else "neutral",
            valence=valence,
            arousal=0.9,
            turn_index=index,
            turn_valence=valence,
            turn_arousal=0.9,
            recent_bursts=[RecentBurst(type="sigh", score=0.8, at=4.0)] if valence < 0 else [],
        ),
        CompoundEmotion(turn_index=index, compounds=[NamedScore(name="contempt", score=0.6)]),
        VoiceContextApplied(
            tts_emotion=tone, tts_speed=speed, tts_volume=1.0, reasoning="because", turn_index=index
        ),
        RiskScored(
            risk_score=risk,
            level="alert" if risk >= 0.5 else "normal",
            risk_level="high" if risk >= 0.5 else "low",
            turn_index=index,
        ),
    ]


def moody_call() -> list[CallEvent]:
    events = [(event.t, event) for event in booking_call()]
    for at, index, valence, risk, tone, speed in (
        (9.0, 1, -0.6, 0.55, "calm", 0.92),
        (20.0, 2, 0.3, 0.05, "friendly", 1.0),
    ):
        events += [(at, event) for event in turn(index, valence, risk, tone, speed)]
    return numbered("CA1", sorted(events, key=lambda item: item[0]))


def test_every_turn_is_a_point_with_what_the_agent_changed() -> None:
    first, second = timeline(moody_call()).moods
    assert (first.at, first.dominant, first.valence, first.arousal) == (9.0, "angry", -0.6, 0.9)
    assert (first.bursts, first.compounds) == (["sigh"], {"contempt": 0.6})
    assert (first.risk_score, first.risk_level, first.tone) == (0.55, "alert", "calm")
    assert first.delivery == "because"
    assert second.delivery == ""


def test_any_prefix_of_a_call_has_moods() -> None:
    events = moody_call()
    for end in range(len(events)):
        assert len(timeline(events[:end]).moods) <= 2


def test_the_picture_tells_mood_sounds_risk_and_what_changed() -> None:
    picture = draw_timeline(timeline(moody_call()), title="A call")
    words = [shape.text for shape in picture.shapes if isinstance(shape, Words)]
    assert "Mood" in words
    assert "risk 55, angry, sigh, contempt, calm voice" in words
    titles = "\n".join(shape.title for shape in picture.shapes if isinstance(shape, Area))
    assert "valence -0.60, arousal 0.90" in titles
    assert "the agent: calm, because because" in titles
    assert "<svg" in svg(picture)


def test_a_call_that_nobody_listened_to_has_no_lane_for_it() -> None:
    picture = draw_timeline(timeline(booking_call()), title="A call")
    assert "Mood" not in [shape.text for shape in picture.shapes if isinstance(shape, Words)]


def test_the_events_survive_being_written_and_read() -> None:
    for event in turn(1, -0.6, 0.55, "calm", 0.92):
        assert call_event_adapter.validate_json(event.model_dump_json()) == event
