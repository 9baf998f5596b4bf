"""Gaps between the caller's last word and the first sound of the answer."""

from __future__ import annotations

import numpy as np
import pytest

from telephony.emulator import turn_gaps
from telephony.emulator.turn_gaps import utterances

from .sound import Pcm, tone


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * 8000), dtype=np.int16)


def test_pauses_within_an_utterance_do_not_split_it() -> None:
    samples = np.concatenate(
        [silence(1), tone(300, 1), silence(0.3), tone(300, 1), silence(1), tone(300, 0.5)]
    )
    assert utterances(samples) == [pytest.approx((1.0, 3.3)), pytest.approx((4.3, 4.8))]


def test_each_turn_is_paired_with_its_own_answer() -> None:
    spoken = np.concatenate([tone(300, 1), silence(3), tone(300, 1), silence(3)])
    heard = np.concatenate([silence(1.8), tone(600, 1), silence(3.0), tone(600, 1), silence(1.2)])
    assert [gap.seconds for gap in turn_gaps(spoken, heard)] == pytest.approx([0.8, 0.8], abs=0.021)


def test_a_turn_without_an_answer_has_no_gap() -> None:
    spoken = np.concatenate([tone(300, 1), silence(2), tone(300, 1), silence(2)])
    heard = np.concatenate([silence(5), tone(600, 1)])
    assert [gap.said_until_s for gap in turn_gaps(spoken, heard)] == pytest.approx([4.0])


def test_silence_has_no_turns() -> None:
    assert turn_gaps(silence(1), silence(1)) == []
    assert turn_gaps(silence(0), silence(0)) == []
