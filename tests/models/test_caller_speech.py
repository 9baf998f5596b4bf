"""What the recognizer is trained on: English with foreign sounds, and the lines it comes over."""

from __future__ import annotations

import random

import numpy as np
import pytest

from models.speech import SAMPLE_RATE, Pcm
from scripts.training.accents import ACCENTS, Speaker, for_festival
from scripts.training.phone_lines import Line

_RUSSIAN = """
    pau ii yy uu ee oo aa a e i y u ae ay ur p pp b bb t tt d dd k kk g gg c ch f ff v vv s ss z zz sh sch zh
    h hh m mm n nn l ll r rr j
"""
RUSSIAN_VOICE = frozenset(_RUSSIAN.split())
THREE, NINE, CHANGE = ("TH", "R", "IY"), ("N", "AY", "N"), ("CH", "EY", "N", "JH")


def bursts(times: tuple[float, ...], seconds: float = 2.0) -> Pcm:
    """Short hums at the given times, silence between."""
    at = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    loud = sum((np.abs(at - time) < 0.05).astype(np.float64) for time in times)
    return (loud * 20000 * np.sin(2 * np.pi * 700 * at)).astype(np.int16)


def loudness(pcm: Pcm) -> np.ndarray:
    """Root mean square of each 10 ms."""
    frames = pcm[: len(pcm) // 80 * 80].astype(np.float64).reshape(-1, 80)
    return np.sqrt((frames**2).mean(axis=1))


@pytest.mark.parametrize("seed", range(20))
def test_an_accent_is_spoken_with_phones_that_festivals_russian_voice_has(seed: int) -> None:
    accent = next(a for a in ACCENTS if a.festival)
    speaker = Speaker(accent, random.Random(seed))
    phones = for_festival([speaker.word(word) for word in (THREE, NINE, CHANGE)]).split()
    assert RUSSIAN_VOICE.issuperset(phones)


def test_the_stressed_vowel_of_a_word_is_full_and_the_others_are_reduced() -> None:
    assert for_festival([["d", "'", "o", "l", "o"]]) == "pau d oo l a pau"


def test_a_pause_stands_at_both_ends_for_the_voice_to_begin_from() -> None:
    phones = for_festival([["n", "'", "o"], ["t", "'", "u"]]).split()
    assert (phones[0], phones[-1], phones.count("pau")) == ("pau", "pau", 2)


@pytest.mark.parametrize("seed", range(8))
def test_a_good_and_a_bad_line_bring_the_same_speech_at_the_same_times(seed: int) -> None:
    line, shifts, moved = Line(seed), range(-40, 41), []
    for _ in range(6):
        good, heard = line.pair(bursts((0.3, 0.9, 1.5)))
        assert len(good) == len(heard)
        a, b = loudness(good), loudness(heard)
        alike = [np.corrcoef(a[40:-40], np.roll(b, shift)[40:-40])[0, 1] for shift in shifts]
        moved.append(abs(shifts[int(np.nanargmax(alike))]))
    assert np.median(moved) <= 2


def test_a_good_line_adds_no_noise_to_silence_between_words() -> None:
    good, _ = Line(3).pair(bursts((0.3, 1.5)))
    levels = loudness(good)
    assert np.median(levels) < 0.01 * levels.max()
