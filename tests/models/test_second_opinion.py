"""Digits and letters said one by one: two networks hear more than one, and the second may be missing."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soxr

from models.expectation import AnswerKind, Expectation
from models.speech import Delivery, Pcm, Transcript
from models.stt.decoding import UtteranceDecoder
from models.stt.ear import Ear
from models.stt.pauses import pieces
from models.stt.phone_model import FOLDER
from models.stt.spelling_model import CLASSES, MARGIN, SpellingModel
from models.stt.worker import load
from models.tts.flite import FliteLibrary
from tests.models.speech_audio import clip, quiet

ONE_LETTER = Expectation((AnswerKind.ALPHANUMERIC,), digits=1)
DIGITS = Expectation((AnswerKind.DIGITS,), digits=10)
NUMBER = ("four", "one", "five", "two", "six", "seven", "nine", "three", "eight", "zero")
VOICES = ("slt", "rms", "awb")


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Ear:
    """An ear without the second network."""
    return Ear(spelling=tmp_path_factory.mktemp("nothing"))


@cache
def say(voice: str, text: str) -> Pcm:
    samples, rate = FliteLibrary(voice).speak(text, Delivery())
    narrow = soxr.resample(samples.astype(np.float32), rate, 8000)
    return (16000 * narrow / np.abs(narrow).max()).astype(np.int16)


def apart(voice: str, words: tuple[str, ...], pause: float = 0.15) -> Pcm:
    parts = [part for word in words for part in (say(voice, word), quiet(pause))]
    return np.concatenate([quiet(0.3), *parts, quiet(0.2)])


def heard(ear: Ear, pcm: Pcm, expectation: Expectation) -> Transcript:
    utterance = UtteranceDecoder(ear, expectation)
    utterance.feed(pcm)
    return utterance.finish()


def test_letters_that_phones_confuse_are_told_apart_by_both(ear: Ear, alone: Ear) -> None:
    said = [(voice, letter) for voice in VOICES for letter in "hklvx"]
    both, one = (
        sum(heard(e, apart(voice, (letter,)), ONE_LETTER).text == letter for voice, letter in said)
        for e in (ear, alone)
    )
    assert both > one
    assert both >= 12


def test_a_number_said_digit_by_digit_is_heard_with_what_else_it_may_have_been(ear: Ear) -> None:
    transcript = heard(ear, apart("slt", NUMBER), DIGITS)
    assert transcript.accepted
    assert transcript.text.split() == list(NUMBER)
    assert len(transcript.alternatives) > 4
    assert all(len(text.split()) == 10 for text, _ in transcript.alternatives)
    assert transcript.text not in [text for text, _ in transcript.alternatives]
    scores = [score for _, score in transcript.alternatives]
    assert scores == sorted(scores, reverse=True)


def test_a_glance_hears_what_the_end_hears(ear: Ear) -> None:
    utterance = UtteranceDecoder(ear, DIGITS)
    utterance.feed(apart("rms", NUMBER))
    seen = utterance.glance()
    assert seen is not None
    assert seen.text == utterance.finish().text


def test_words_that_run_together_stay_with_the_phones(ear: Ear, alone: Ear) -> None:
    for voice in VOICES:
        pcm = np.concatenate([quiet(0.3), say(voice, " ".join(NUMBER)), quiet(0.3)])
        both, one = heard(ear, pcm, DIGITS), heard(alone, pcm, DIGITS)
        assert both.text.replace("oh", "zero") == one.text.replace("oh", "zero")


def test_other_words_are_taken_for_a_digit_less_often_than_by_phones_alone(ear: Ear, alone: Ear) -> None:
    one_digit = Expectation((AnswerKind.DIGITS,), digits=1)
    said = [(voice, word) for voice in VOICES for word in ("sure", "key", "door", "you", "bee", "mother")]
    both, one = (
        sum(heard(e, apart(voice, (word,)), one_digit).accepted for voice, word in said) for e in (ear, alone)
    )
    assert both < one


def test_two_talkers_are_no_number(ear: Ear) -> None:
    one, other = clip("emergency"), clip("trouble")
    length = min(len(one), len(other))
    both = (one[:length] // 2 + other[:length] // 2).astype(np.int16)
    assert not heard(ear, both, DIGITS).accepted


@pytest.mark.parametrize("broken", [False, True], ids=["missing", "broken"])
def test_without_the_second_network_the_ear_goes_on_and_says_so(tmp_path: Path, broken: bool) -> None:
    for name in ("model.json", "phones.onnx"):
        shutil.copy(FOLDER / name, tmp_path / name)
    if broken:
        shutil.copytree(FOLDER / "spelling", tmp_path / "spelling")
        with (tmp_path / "spelling" / "spelling.onnx").open("ab") as file:
            file.write(b"x")
    hearing = load(tmp_path)
    assert hearing.source == "embedded"
    assert ("sha256" if broken else "model.json") in hearing.shortcoming
    utterance = hearing.begin(DIGITS)
    utterance.feed(apart("slt", NUMBER))
    assert utterance.finish().text.split() == list(NUMBER)


def test_nothing_is_missing_of_what_is_shipped(ear: Ear) -> None:
    assert ear.shortcoming == ""


def test_pieces_lie_between_pauses_and_nowhere_in_noise_or_silence() -> None:
    said = apart("slt", ("one", "two", "four"), pause=0.3)
    assert len(pieces(said, 7)) == 3
    assert all(np.abs(said[first:end]).max() > 3000 for first, end in pieces(said, 7))
    assert pieces(quiet(1.0), 7) == []
    assert pieces(np.random.default_rng(0).normal(0, 900, 8000).astype(np.int16), 7) == []
    assert pieces(quiet(0.0), 7) == []


def test_single_words_are_told_whatever_their_level_and_length() -> None:
    model = SpellingModel()
    word = np.concatenate([np.zeros(MARGIN, np.int16), say("slt", "seven"), np.zeros(MARGIN, np.int16)])
    cuts = [word, word // 20, word[:0], np.tile(word, 3)]
    opinions = model(cuts)
    assert opinions.shape == (4, len(CLASSES))
    assert np.isfinite(opinions).all()
    assert [CLASSES[k] for k in opinions[:2].argmax(axis=1)] == ["seven", "seven"]
    assert model([]).shape == (0, len(CLASSES))
