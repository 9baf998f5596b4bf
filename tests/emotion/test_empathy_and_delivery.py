"""What a turn's feelings ask of the agent's next words."""

from __future__ import annotations

import pytest

from models.speech import Delivery as Speech
from models.vocal_burst.categories import Delivery
from tests.emotion.feeling_kit import ANGRY, CALM, HAPPY, NEUTRAL, SAD, burst, one_turn, voice, words
from voice_agent.emotion.delivery import (
    FillerKind,
    SpeakingStyle,
    Tone,
    sensitive_topic,
    style_for,
    with_care,
)
from voice_agent.emotion.empathy import tier_of
from voice_agent.emotion.feelings import Feeling
from voice_agent.emotion.snapshot import EmpathyTier, Trend
from voice_agent.emotion.tracker import EmotionTracker

ANGRY_TURN = one_turn(voice(ANGRY, 2), voice(ANGRY, 3), said=words(anger=0.9))
SAD_TURN = one_turn(voice(SAD, 2), voice(SAD, 3), said=words(sadness=0.9))


@pytest.mark.parametrize(
    ("valence", "tier"),
    [
        (0.4, EmpathyTier.FUNCTIONAL),
        (-0.19, EmpathyTier.FUNCTIONAL),
        (-0.3, EmpathyTier.LIGHT_TOUCH),
        (-0.5, EmpathyTier.FULL_EMPATHY),
        (-0.8, EmpathyTier.HOLD_SPACE),
    ],
)
def test_tiers_follow_valence(valence: float, tier: EmpathyTier) -> None:
    assert tier_of(valence, Feeling.NEUTRAL, 0.4, ()) is tier


def test_a_cry_asks_for_space_and_a_sigh_for_a_little_warmth() -> None:
    crying = one_turn(voice(SAD, 2), voice(None, 3, burst(Delivery.CRY)))
    sighing = one_turn(voice(NEUTRAL, 2), voice(None, 3, burst(Delivery.SIGH, valence=-0.1)))
    assert crying.tier is EmpathyTier.HOLD_SPACE
    assert sighing.tier >= EmpathyTier.LIGHT_TOUCH


def test_a_voice_alone_is_not_answered_in_words_at_first() -> None:
    tracker = EmotionTracker()
    acknowledged = []
    for turn in (1, 2):
        tracker.hear(voice(ANGRY, turn * 5))
        acknowledged.append(tracker.end_turn(turn, None, CALM).acknowledge)
    assert acknowledged == [False, True]


def test_what_the_caller_says_is_answered_in_words_at_once() -> None:
    assert one_turn(voice(NEUTRAL, 2), said=words(anger=0.9, annoyance=0.8)).acknowledge


def test_a_number_read_aloud_is_never_answered_with_empathy() -> None:
    assert not one_turn(voice(ANGRY, 2), said=words(10, neutral=0.9)).acknowledge


def test_who_laughs_needs_no_empathy() -> None:
    turn = one_turn(voice(HAPPY, 2), voice(None, 3, burst(Delivery.LAUGH, valence=0.8, named=True)))
    assert turn.tier is EmpathyTier.FUNCTIONAL
    assert style_for(turn, seconds=30).tone is Tone.CHEERFUL


def test_an_angry_caller_is_met_calmly_and_not_with_silence() -> None:
    style = style_for(ANGRY_TURN, seconds=30)
    assert (style.tone, style.speed, style.volume, style.pause_ms) == (Tone.CALM, 0.92, 0.95, 0)
    assert style.filler is not FillerKind.SILENT
    assert "angry" in style.reasons[0]


def test_a_very_sad_caller_is_given_space() -> None:
    style = style_for(SAD_TURN, seconds=30, hold_ms=1200)
    assert (style.speed, style.volume, style.pause_ms, style.filler) == (0.85, 0.90, 1200, FillerKind.SILENT)


def test_a_calm_caller_hears_the_practice_as_it_is() -> None:
    style = style_for(one_turn(voice(NEUTRAL, 2)), seconds=30, tone="content")
    assert (style.tone, style.speed, style.volume) == (Tone.CONTENT, 1.0, 1.0)


def test_after_five_minutes_a_call_that_gets_worse_is_spoken_faster_and_more_directly() -> None:
    tracker = EmotionTracker()
    for end in range(1, 11):
        tracker.hear(voice(HAPPY if end <= 5 else ANGRY, end))
        if end == 5:
            tracker.end_turn(1, None, CALM)
    turn = tracker.end_turn(2, None, CALM)
    assert turn.trend is Trend.DETERIORATING
    assert style_for(turn, seconds=299).speed < 1.0
    assert (style_for(turn, seconds=301).speed, style_for(turn, seconds=301).tone) == (1.08, Tone.SERIOUS)


def test_the_slowest_speed_of_a_service_holds_and_so_does_what_the_caller_asked_for() -> None:
    style = SpeakingStyle(speed=0.85)
    assert style.applied_to(Speech(), slowest=0.8, pace=0.85).rate == 0.8
    assert style.applied_to(Speech(rate=1.2), slowest=0.8).rate == pytest.approx(1.02)


@pytest.mark.parametrize(
    ("sentence", "topic"),
    [
        ("Your biopsy results came back.", "biopsy"),
        ("There are two overdue balances on your account.", "overdue balance"),
        ("We have your test results here.", "test result"),
        ("Your appointment is on Thursday.", None),
        ("The results of that test", None),
        ("", None),
    ],
)
def test_sensitive_topics_are_found_in_what_is_about_to_be_said(sentence: str, topic: str | None) -> None:
    assert sensitive_topic(sentence, ("biopsy", "overdue balance", "test result")) == topic


def test_care_for_a_topic_never_speeds_up_what_is_slower_already() -> None:
    careful = with_care(SpeakingStyle(Tone.CHEERFUL, speed=1.03), "biopsy")
    assert (careful.tone, careful.speed) == (Tone.SYMPATHETIC, 0.92)
    assert with_care(SpeakingStyle(speed=0.85), "biopsy").speed == 0.85
