"""Compound emotions: two feelings at once, and what the call adds to them."""

from __future__ import annotations

from models.language.cues import Cues
from models.prosody import VoiceEmotion
from tests.emotion.feeling_kit import ANGRY, NEUTRAL, SAD, one_turn, prosody, voice, words
from voice_agent.emotion.readings import CallContext
from voice_agent.emotion.snapshot import Compound, EvidenceKind, TurnEmotionSnapshot
from voice_agent.emotion.tracker import EmotionTracker

AFRAID = prosody(VoiceEmotion.FEARFUL, -0.5, 0.9)
STUCK = CallContext(seconds=90.0, failed_tools=2, silence=5.0, barge_ins=2)


def names(turn: TurnEmotionSnapshot) -> list[Compound]:
    return [each.compound for each in turn.compounds]


def test_disgust_and_anger_are_contempt() -> None:
    turn = one_turn(voice(ANGRY, 2), said=words(anger=0.8, annoyance=0.8, disapproval=0.9))
    assert Compound.CONTEMPT in names(turn)


def test_one_layer_proves_nothing() -> None:
    assert one_turn(said=words(anger=0.9, disgust=0.9)).compounds == ()


def test_the_layers_that_agree_are_named() -> None:
    turn = one_turn(voice(ANGRY, 2), said=words(anger=0.8, disapproval=0.9), context=STUCK)
    contempt = next(each for each in turn.compounds if each.compound is Compound.CONTEMPT)
    assert set(contempt.layers) >= {
        EvidenceKind.ACOUSTIC,
        EvidenceKind.LINGUISTIC,
        EvidenceKind.BEHAVIOURAL,
        EvidenceKind.CONTEXTUAL,
    }


def test_fear_and_confusion_are_anxious_confusion() -> None:
    turn = one_turn(voice(AFRAID, 2), said=words(confusion=0.9))
    assert Compound.ANXIOUS_CONFUSION in names(turn)


def test_resignation_needs_the_words() -> None:
    quiet = prosody(VoiceEmotion.SAD, -0.8, 0.05)
    said = words(sadness=0.8, disappointment=0.8)
    assert Compound.RESIGNATION in names(one_turn(voice(quiet, 2), said=said, context=STUCK))
    silent = one_turn(voice(quiet, 2), said=words(neutral=0.9), context=STUCK)
    assert Compound.RESIGNATION not in names(silent)


def test_sarcasm_in_a_sad_voice_is_hostility_only_above_the_floor_of_arousal() -> None:
    sarcastic = words(joy=0.5, cues=Cues(sarcasm=0.9))
    loud = prosody(VoiceEmotion.ANGRY, -0.7, 0.9)
    assert Compound.HOSTILITY in names(one_turn(voice(loud, 2), said=sarcastic))
    assert Compound.HOSTILITY not in names(one_turn(voice(SAD, 2), said=sarcastic, context=STUCK))


def test_thanks_after_unpleasant_turns_are_relief() -> None:
    tracker = EmotionTracker()
    for turn in (1, 2):
        tracker.hear(voice(ANGRY, 5.0 * turn))
        tracker.end_turn(turn, words(anger=0.9), STUCK)
    happy = prosody(VoiceEmotion.HAPPY, 0.8, 0.9)
    tracker.hear(voice(happy, 15.0))
    relieved = tracker.end_turn(3, words(gratitude=0.95, joy=0.8), CallContext(seconds=120.0))
    assert Compound.RELIEF in names(relieved)


def test_a_calm_call_has_none() -> None:
    assert one_turn(voice(NEUTRAL, 2), said=words(neutral=0.9)).compounds == ()


def test_ordinary_pauses_and_short_answers_are_no_disengagement() -> None:
    pausing = CallContext(seconds=60.0, silence=2.0, words_before=(1, 1, 2, 1))
    assert one_turn(voice(NEUTRAL, 2), said=words(1, neutral=0.9), context=pausing).compounds == ()


def test_answers_that_become_ever_shorter_in_a_flat_voice_are_disengagement() -> None:
    flat = prosody(VoiceEmotion.BORED, -0.4, 0.02)
    fading = CallContext(seconds=200.0, silence=6.0, failed_tools=2, words_before=(14, 12, 10, 12))
    assert Compound.DISENGAGEMENT in names(
        one_turn(voice(flat, 2), said=words(1, neutral=0.9), context=fading)
    )
