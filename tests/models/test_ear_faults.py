"""What a line carries besides one caller's words, and what may be broken: the ear must not hear a yes in
it."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import soxr

from models.expectation import AnswerKind, Expectation
from models.speech import Delivery, Pcm, SpeechError, Transcript
from models.stt.decoding import UtteranceDecoder
from models.stt.ear import Ear
from models.stt.phone_model import FOLDER
from models.stt.worker import load
from models.tts.flite import FliteLibrary
from tests.models.speech_audio import clip, quiet

YES_NO = Expectation((AnswerKind.YES_NO,))
DIGITS = Expectation((AnswerKind.DIGITS,), digits=10)
STATES = (YES_NO, DIGITS, Expectation((AnswerKind.DATE,)), Expectation((AnswerKind.NAME,)))


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear()


def heard(ear: Ear, pcm: Pcm, expectation: Expectation = YES_NO) -> Transcript:
    utterance = UtteranceDecoder(ear, expectation)
    for at in range(0, len(pcm), 800):
        utterance.feed(pcm[at : at + 800])
        utterance.partial()
    return utterance.finish()


def tones(hertz: tuple[float, ...], seconds: float) -> Pcm:
    t = np.arange(int(8000 * seconds)) / 8000
    return (4000 * sum(np.sin(2 * np.pi * f * t) for f in hertz) / len(hertz)).astype(np.int16)


def music(seconds: float) -> Pcm:
    """A tune over a chord: what plays while somebody is on hold."""
    t = np.arange(int(8000 * seconds)) / 8000
    notes = np.array([262, 330, 392, 523, 440, 349])[(t / 0.25).astype(int) % 6]
    tune = sum(np.sin(2 * np.pi * k * notes * t) / k for k in (1, 2, 3)) * np.exp(-(t % 0.25) * 6)
    return (4000 * (tune + 0.4 * np.sin(2 * np.pi * 131 * t))).astype(np.int16)


@pytest.mark.parametrize("expectation", STATES, ids=lambda e: e.kinds[0].value)
def test_silence_is_no_answer(ear: Ear, expectation: Expectation) -> None:
    assert not heard(ear, quiet(2.0), expectation).accepted


@pytest.mark.parametrize("expectation", STATES, ids=lambda e: e.kinds[0].value)
def test_noise_is_no_answer(ear: Ear, expectation: Expectation) -> None:
    noise = np.random.default_rng(0).normal(0, 1500, 16000).astype(np.int16)
    assert not heard(ear, noise, expectation).accepted


@pytest.mark.parametrize("expectation", STATES, ids=lambda e: e.kinds[0].value)
def test_music_is_no_answer(ear: Ear, expectation: Expectation) -> None:
    assert not heard(ear, music(3.0), expectation).accepted


@pytest.mark.parametrize("hertz", [(440.0, 480.0), (480.0, 620.0), (1400.0,), (697.0, 1209.0)])
def test_tones_of_the_line_are_no_answer(ear: Ear, hertz: tuple[float, ...]) -> None:
    assert not heard(ear, tones(hertz, 2.0)).accepted


def test_two_talkers_at_once_are_no_yes(ear: Ear) -> None:
    one, other = clip("emergency"), clip("trouble")
    length = min(len(one), len(other))
    both = (one[:length] // 2 + other[:length] // 2).astype(np.int16)
    assert not heard(ear, both).accepted


def test_a_clipped_sentence_is_heard_in_part(ear: Ear) -> None:
    loud = np.clip(clip("trouble").astype(np.int32) * 8, -32768, 32767).astype(np.int16)
    said = set(heard(ear, loud[:28000], Expectation()).text.split())
    assert {"having", "trouble", "speaking"} & said


def test_the_first_tenth_of_a_second_is_no_error(ear: Ear) -> None:
    for samples in (0, 1, 160, 799):
        transcript = heard(ear, clip("moment")[:samples])
        assert not transcript.accepted
        assert transcript.audio_seconds == pytest.approx(samples / 8000)


def test_one_second_is_enough_for_a_transcript(ear: Ear) -> None:
    transcript = heard(ear, clip("moment")[:8000], Expectation())
    assert transcript.audio_seconds == 1.0
    assert all(0 <= word.start <= word.end <= 1.0 for word in transcript.words)


def test_ten_minutes_end_as_fast_as_ten_seconds(ear: Ear) -> None:
    sentence = np.concatenate([clip("trouble"), quiet(11.0)])
    turn = np.tile(sentence, 1 + 600 * 8000 // len(sentence))[: 600 * 8000]
    utterance = UtteranceDecoder(ear, Expectation())
    utterance.feed(turn)
    begun = time.process_time()
    transcript = utterance.finish()
    # Some 50 ms; a search over all of it would take a minute.
    assert time.process_time() - begun < 1.0
    assert transcript.audio_seconds == 600.0
    assert transcript.words[-1].end > 570
    assert all(
        a.end <= b.start + 0.03 for a, b in zip(transcript.words[:-1], transcript.words[1:], strict=True)
    )


def test_words_and_alternatives_come_with_confidences(ear: Ear) -> None:
    transcript = heard(ear, clip("trouble")[:28000], Expectation())
    assert [word.text for word in transcript.words] == transcript.text.split()
    assert all(0 <= word.confidence <= 1 for word in transcript.words)
    assert all(0 <= sure <= transcript.confidence for _, sure in transcript.alternatives)
    assert transcript.text not in [text for text, _ in transcript.alternatives]


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match=r"model\.json"):
        Ear(tmp_path)
    for name in ("model.json", "phones.onnx"):
        shutil.copy(FOLDER / name, tmp_path / name)
    with (tmp_path / "phones.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(SpeechError, match="sha256"):
        Ear(tmp_path)


def test_without_weights_the_library_hears_instead(tmp_path: Path) -> None:
    hearing = load(tmp_path)
    utterance = hearing.begin(YES_NO)
    utterance.feed(quiet(0.5))
    transcript = utterance.finish()
    assert (transcript.audio_seconds, transcript.source) == (0.5, "pocketsphinx")
    assert "model.json" in hearing.shortcoming


def test_digits_that_outlast_the_window_keep_their_count_and_their_times(ear: Ear) -> None:
    said = ["four", "one", "five", "two", "six", "seven", "nine", "three", "eight", "zero"]
    voice, pcm, begun = FliteLibrary("slt"), quiet(0.5), []
    for word in said:
        samples, rate = voice.speak(word, Delivery())
        begun.append(len(pcm) / 8000)
        spoken = soxr.resample(samples.astype(np.float32), rate, 8000)
        pcm = np.concatenate([pcm, (16000 * spoken / np.abs(spoken).max()).astype(np.int16), quiet(0.6)])
    transcript = heard(ear, pcm, DIGITS)
    assert transcript.text.split() == said
    for word, start in zip(transcript.words, begun, strict=True):
        assert start < word.start < word.end < start + 1.2
