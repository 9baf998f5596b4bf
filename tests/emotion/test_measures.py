"""Loudness, pitch and zero crossings against the caller's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.speech import SAMPLE_RATE, Pcm
from voice_agent.emotion.measures import CallerMeasures, EnergyTrend, measure


def buzz(hz: float, level: float = 0.1, seconds: float = 2.0) -> Pcm:
    """A voice-like wave: many harmonics of ``hz``."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    x = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 9))
    return np.asarray(x / np.sqrt(np.mean(np.square(x))) * level * 32767, np.int16)


@pytest.mark.parametrize("hz", [90.0, 140.0, 220.0, 350.0])
def test_pitch_is_found_in_semitones(hz: float) -> None:
    found = measure(buzz(hz))
    assert found is not None
    assert found.pitch_st == pytest.approx(12 * np.log2(hz / 100), abs=0.6)


def test_loudness_is_in_decibels() -> None:
    quiet, loud = measure(buzz(140, 0.02)), measure(buzz(140, 0.2))
    assert quiet is not None
    assert loud is not None
    assert loud.energy_db - quiet.energy_db == pytest.approx(20.0, abs=0.1)


def test_silence_and_a_single_sample_have_no_measures() -> None:
    assert measure(np.zeros(16000, np.int16)) is None
    assert measure(np.array([30000], np.int16)) is None
    assert measure(np.zeros(0, np.int16)) is None


@given(arrays(np.int16, st.integers(0, 3000)))
def test_any_sound_can_be_measured(pcm: Pcm) -> None:
    found = measure(pcm)
    assert found is None or np.isfinite([found.energy_db, found.pitch_st or 0.0, found.zcr]).all()


def test_differences_are_told_once_the_caller_is_known() -> None:
    caller = CallerMeasures()
    for n in range(6):
        usual = measure(buzz(140 + n, 0.05 + 0.005 * n))
        assert usual is not None
        caller.take(usual, calm=True)
        assert not caller.view.normalized
    shout = measure(buzz(240, 0.3))
    assert shout is not None
    caller.take(shout, calm=False)
    assert caller.view.normalized
    assert caller.view.energy_delta > 3
    assert caller.view.pitch_delta > 3


def test_shouting_does_not_become_the_callers_normal() -> None:
    caller = CallerMeasures()
    usual, shout = measure(buzz(140, 0.05)), measure(buzz(240, 0.3))
    assert usual is not None
    assert shout is not None
    for _ in range(6):
        caller.take(usual, calm=True)
    caller.take(shout, calm=False)
    first = caller.view.energy_delta
    for _ in range(30):
        caller.take(shout, calm=False)
    assert caller.view.energy_delta == first
    assert caller.view.energy_trend is EnergyTrend.STABLE


def test_a_voice_that_becomes_louder_is_rising() -> None:
    caller = CallerMeasures()
    for level in (0.02, 0.02, 0.02, 0.1, 0.1, 0.1):
        found = measure(buzz(140, level))
        assert found is not None
        caller.take(found, calm=True)
    assert caller.view.energy_trend is EnergyTrend.RISING
