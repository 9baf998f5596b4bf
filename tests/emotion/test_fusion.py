"""What voice, bursts and words together say of a turn."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.emotion_encoder import Defect
from models.language.cues import Cues
from models.prosody import VoiceEmotion, neutral
from models.vocal_burst.categories import Delivery
from tests.emotion.feeling_kit import ANGRY, CALM, HAPPY, NEUTRAL, SAD, burst, one_turn, prosody, voice, words
from voice_agent.emotion.feelings import Feeling
from voice_agent.emotion.fusion import segment_of, voice_valence
from voice_agent.emotion.readings import CallContext
from voice_agent.emotion.snapshot import EvidenceKind, Trend
from voice_agent.emotion.tracker import EmotionTracker


def test_an_angry_voice_is_angry_and_a_calm_one_is_not() -> None:
    angry, calm = one_turn(voice(ANGRY, 2), voice(ANGRY, 3)), one_turn(voice(NEUTRAL, 2), voice(NEUTRAL, 3))
    assert (angry.feeling, calm.feeling) == (Feeling.ANGRY, Feeling.NEUTRAL)
    assert angry.valence < -0.5
    assert angry.arousal > 0.9
    assert calm.valence > -0.2


def test_calm_is_not_taken_for_unpleasant_because_one_head_says_so() -> None:
    assert voice_valence(prosody(VoiceEmotion.NEUTRAL, -1.0, 0.05)) == pytest.approx(-0.2)


def test_anger_without_arousal_contradicts_itself_and_is_not_believed() -> None:
    synthetic = prosody(VoiceEmotion.ANGRY, -0.6, 0.1, sure=0.98)
    turn = one_turn(voice(synthetic, 2), voice(synthetic, 3))
    assert turn.feeling is Feeling.NEUTRAL
    assert turn.valence > -0.2


def test_a_strange_voice_is_believed_less_than_one_that_is_known() -> None:
    unsure = [prosody(VoiceEmotion.ANGRY, -0.6, 0.6, sure=0.6, windows=n) for n in (0, 8, 40)]
    valences = [segment.valence for p in unsure if (segment := segment_of(voice(p, 2))) is not None]
    assert valences == sorted(valences, reverse=True)
    assert valences[0] > valences[2]


def test_words_count_when_the_voice_is_even() -> None:
    worried = one_turn(voice(NEUTRAL, 2), said=words(nervousness=0.9, fear=0.9))
    assert worried.feeling is Feeling.FEARFUL
    assert worried.valence < -0.2
    assert {each.kind for each in worried.evidence} == {EvidenceKind.LINGUISTIC}


def test_yes_is_an_answer_and_no_joy() -> None:
    turn = one_turn(said=words(1, approval=0.9))
    assert (turn.valence, turn.feeling) == (0.0, Feeling.NEUTRAL)


def test_voice_wins_over_words_when_they_disagree_and_it_is_sure() -> None:
    fine = one_turn(voice(SAD, 2), voice(SAD, 3), said=words(joy=0.9))
    assert fine.voice_over_words
    assert fine.valence < -0.5
    assert fine.coherence < 0.5
    assert fine.feeling is Feeling.SAD


def test_an_unsure_voice_does_not_overrule_words() -> None:
    unsure = prosody(VoiceEmotion.SAD, -0.9, 0.3, sure=0.5)
    turn = one_turn(voice(unsure, 2), said=words(gratitude=0.98))
    assert not turn.voice_over_words


def test_praise_in_an_unpleasant_voice_is_sarcasm() -> None:
    turn = one_turn(voice(SAD, 2), said=words(joy=0.8, cues=Cues(sarcasm=0.7)))
    assert turn.valence < -0.5
    assert any("praise" in each.detail for each in turn.evidence)


def test_words_nobody_is_sure_of_weigh_little() -> None:
    sure, unsure = (one_turn(voice(NEUTRAL, 2), said=words(anger=0.95, confidence=c)) for c in (0.95, 0.1))
    assert sure.valence < unsure.valence


def test_attempts_that_led_nowhere_amplify_what_is_unpleasant_and_nothing_else() -> None:
    stuck = CallContext(seconds=60, failed_tools=3)
    angry = words(annoyance=0.6)
    assert one_turn(said=angry, context=stuck).valence == pytest.approx(1.25 * one_turn(said=angry).valence)
    glad = words(gratitude=0.6)
    assert one_turn(said=glad, context=stuck).valence == one_turn(said=glad).valence


def test_a_burst_between_words_colours_the_turn_and_is_told_once() -> None:
    tracker = EmotionTracker()
    tracker.hear(voice(NEUTRAL, 2))
    for end in (3.0, 4.0, 5.0):
        tracker.hear(voice(None, end, burst(Delivery.SIGH)))
    turn = tracker.end_turn(1, None, CALM)
    assert [each.delivery for each in turn.bursts] == [Delivery.SIGH]
    assert turn.valence < one_turn(voice(NEUTRAL, 2)).valence


def test_windows_that_cannot_be_judged_leave_the_caller_neutral() -> None:
    turn = one_turn(*(voice(neutral(defect), 2) for defect in Defect))
    assert (turn.feeling, turn.valence, turn.segments, turn.segment) == (Feeling.NEUTRAL, 0.0, 0, None)


def test_a_turn_without_anything_is_neutral() -> None:
    turn = one_turn()
    assert (turn.feeling, turn.confidence, turn.coherence) == (Feeling.NEUTRAL, 1.0, 1.0)


def test_trend_follows_the_voice() -> None:
    tracker = EmotionTracker()
    for end in range(1, 11):
        tracker.hear(voice(HAPPY if end <= 5 else ANGRY, end))
    assert tracker.end_turn(1, None, CALM).trend is Trend.DETERIORATING
    for end in range(27, 37):
        tracker.hear(voice(HAPPY, end))
    assert tracker.end_turn(2, None, CALM).trend is Trend.IMPROVING


def test_trend_follows_the_turns_where_there_is_little_voice() -> None:
    tracker = EmotionTracker()
    for turn, reading in enumerate((words(gratitude=0.9), words(), words(anger=0.9)), 1):
        snapshot = tracker.end_turn(turn, reading, CALM)
    assert snapshot.trend is Trend.DETERIORATING


def test_half_a_minute_is_remembered_and_no_more() -> None:
    tracker = EmotionTracker()
    tracker.hear(voice(ANGRY, 2))
    tracker.hear(voice(HAPPY, 40))
    turn = tracker.end_turn(1, None, CALM)
    assert turn.rolling_valence > 0 > turn.valence - turn.rolling_valence


def test_four_unpleasant_turns_of_five_are_sustained() -> None:
    tracker = EmotionTracker()
    found = []
    for turn in range(1, 6):
        tracker.hear(voice(NEUTRAL if turn == 2 else ANGRY, turn * 10))
        found.append(tracker.end_turn(turn, None, CALM).sustained)
    assert found == [False, False, False, False, True]


def test_an_unsure_feeling_counts_when_it_comes_twice() -> None:
    tracker = EmotionTracker()
    feelings = [tracker.end_turn(turn, words(6, annoyance=0.5), CALM).feeling for turn in (1, 2)]
    assert feelings == [Feeling.NEUTRAL, Feeling.ANGRY]


def test_a_window_that_comes_after_its_turn_does_not_colour_the_next() -> None:
    tracker = EmotionTracker()
    tracker.hear(voice(ANGRY, 2), late=True)
    turn = tracker.end_turn(2, None, CALM)
    assert turn.valence == 0.0
    assert turn.rolling_valence < 0


unit = st.floats(0, 1)
signed = st.floats(-1, 1)


@given(
    st.lists(st.tuples(st.sampled_from(VoiceEmotion), signed, unit, unit, st.integers(0, 50)), max_size=6),
    st.dictionaries(st.sampled_from(["anger", "joy", "fear", "sadness", "neutral", "surprise"]), unit),
    st.integers(0, 40),
    unit,
    st.integers(0, 9),
)
def test_whatever_the_models_say_the_snapshot_keeps_its_bounds(
    heard: list[tuple[VoiceEmotion, float, float, float, int]],
    labels: dict[str, float],
    count: int,
    confidence: float,
    failed: int,
) -> None:
    readings = [
        voice(prosody(feeling, valence, arousal, sure=sure, windows=windows), float(at))
        for at, (feeling, valence, arousal, sure, windows) in enumerate(heard, 2)
    ]
    turn = one_turn(
        *readings,
        said=words(count, confidence=confidence, **labels),
        context=CallContext(seconds=9.0, failed_tools=failed),
    )
    assert -1.0 <= turn.valence <= 1.0
    assert 0.0 <= turn.arousal <= 1.0
    assert 0.0 <= turn.coherence <= 1.0
    assert math.isclose(sum(turn.scores.values()), 1.0, abs_tol=1e-6)
    assert min(turn.scores.values()) >= 0.0
    assert all(0.0 <= each.score <= 1.0 for each in turn.compounds)
