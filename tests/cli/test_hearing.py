"""Stretches of speech, from loudness alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from voice_agent.cli.hearing import Stretch, quiet_from, stretches_of, turn_gaps


def quiet(seconds: float) -> npt.NDArray[np.int16]:
    return np.zeros(int(seconds * 8000), np.int16)


def voice(seconds: float, level: int = 3000) -> npt.NDArray[np.int16]:
    t = np.arange(int(seconds * 8000)) / 8000
    return (level * np.sin(2 * np.pi * 200 * t)).astype(np.int16)


def test_speech_is_found_where_it_is() -> None:
    found = stretches_of(np.concatenate([quiet(0.5), voice(1.0), quiet(1.0)]))
    assert [(s.start, s.end) for s in found] == [pytest.approx((0.5, 1.5), abs=0.021)]


def test_a_short_pause_is_within_a_sentence() -> None:
    assert len(stretches_of(np.concatenate([voice(0.5), quiet(0.2), voice(0.5), quiet(1)]))) == 1
    assert len(stretches_of(np.concatenate([voice(0.5), quiet(0.5), voice(0.5), quiet(1)]))) == 2


def test_a_click_is_no_speech() -> None:
    assert stretches_of(np.concatenate([quiet(0.5), voice(0.02), quiet(0.5)])) == []


def test_line_noise_is_no_speech() -> None:
    noise = np.random.default_rng(1).normal(0, 60, 8000).astype(np.int16)
    assert stretches_of(noise) == []


def test_speech_up_to_the_end_of_the_recording_counts() -> None:
    (found,) = stretches_of(np.concatenate([quiet(0.5), voice(0.5)]))
    assert (found.start, found.end) == pytest.approx((0.5, 1.0))


def test_a_gap_is_from_the_end_of_the_caller_to_the_agent() -> None:
    caller = [Stretch(2.0, 3.0), Stretch(8.0, 9.0)]
    agent = [Stretch(0.0, 1.5), Stretch(3.4, 6.0), Stretch(9.8, 12.0)]
    assert turn_gaps(caller, agent) == pytest.approx([0.4, 0.8])


def test_a_caller_who_goes_on_is_not_answered_yet() -> None:
    caller = [Stretch(1.0, 2.0), Stretch(2.5, 3.0)]
    assert turn_gaps(caller, [Stretch(3.5, 5.0)]) == [0.5]


def test_a_word_said_over_the_agent_waits_for_no_answer() -> None:
    assert turn_gaps([Stretch(2.0, 2.3)], [Stretch(1.0, 4.0), Stretch(5.0, 6.0)]) == []


def test_a_recording_falls_silent_where_its_voice_ends_and_not_where_it_breathes() -> None:
    sound = np.concatenate([voice(1.0), quiet(0.1), voice(0.5), quiet(0.5), voice(1.0)])
    assert quiet_from(sound, 0.5, 2.0) == pytest.approx(1.6, abs=0.02)
    assert quiet_from(sound, 1.8, 2.0) is None
    assert quiet_from(sound, 0.2, 0.9) is None


def test_a_break_is_shorter_than_a_silence() -> None:
    tone = (3000 * np.sin(2 * np.pi * 300 * np.arange(8000) / 8000)).astype(np.int16)
    sound = np.concatenate([tone, np.zeros(480, np.int16), tone])
    assert quiet_from(sound, 0.5, 2.0) is None
    assert quiet_from(sound, 0.5, 2.0, gap_s=0.04) == pytest.approx(1.0, abs=0.02)
    assert quiet_from(sound, 1.2, 2.0, gap_s=0.04) is None
