import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.dtmf import HIGH, KEYS, LOW, DtmfDetector
from telephony.g711 import decode_ulaw, encode_ulaw

RATE = 8000


def tone(
    key: str, seconds: float = 0.08, *, low_db: float = -12, high_db: float = -12, detune: float = 1.0
) -> np.ndarray:
    row, column = divmod(KEYS.index(key), 4)
    t = np.arange(int(seconds * RATE)) / RATE
    low = 10 ** (low_db / 20) * np.sin(2 * np.pi * LOW[row] * detune * t)
    high = 10 ** (high_db / 20) * np.sin(2 * np.pi * HIGH[column] * detune * t)
    return ((low + high) * 32000).astype(np.int16)


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.int16)


def heard(*parts: np.ndarray, frame: int = 160, over_line: bool = True) -> str:
    pcm = np.concatenate([*parts, quiet(0.2)])
    if over_line:
        pcm = decode_ulaw(encode_ulaw(pcm))
    detector = DtmfDetector()
    return "".join(d for i in range(0, len(pcm), frame) for d in detector.feed(pcm[i : i + frame]))


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_heard_once(key: str) -> None:
    assert heard(quiet(0.1), tone(key, 0.1)) == key


def test_a_phone_number_is_heard_in_order_with_repeated_digits_apart() -> None:
    parts = [p for d in "4155550122#" for p in (tone(d, 0.06), quiet(0.05))]
    assert heard(quiet(0.05), *parts) == "4155550122#"


def test_a_long_press_is_one_digit() -> None:
    assert heard(tone("5", 2.0)) == "5"


def test_forty_ms_counts_wherever_the_frames_fall() -> None:
    for offset in range(0, 160, 7):
        assert heard(quiet(0.05 + offset / RATE), tone("7", 0.040)) == "7"


def test_twenty_three_ms_does_not_count() -> None:
    for offset in range(0, 160, 7):
        assert heard(quiet(0.05 + offset / RATE), tone("7", 0.023)) == ""


def test_a_drop_out_of_ten_ms_does_not_double_the_digit() -> None:
    assert heard(tone("3", 0.08), quiet(0.010), tone("3", 0.08)) == "3"


@pytest.mark.parametrize("detune", [0.985, 1.015])
def test_a_tone_within_its_tolerance_is_a_digit(detune: float) -> None:
    assert "".join(heard(tone(k, 0.08, detune=detune)) for k in KEYS) == KEYS


@pytest.mark.parametrize("detune", [0.960, 1.040])
def test_a_tone_beyond_its_tolerance_is_none(detune: float) -> None:
    assert "".join(heard(tone(k, 0.08, detune=detune)) for k in KEYS) == ""


@pytest.mark.parametrize(("low_db", "high_db"), [(-16, -12), (-12, -20)])
def test_twist_within_the_limits_is_accepted(low_db: float, high_db: float) -> None:
    assert heard(tone("8", 0.08, low_db=low_db, high_db=high_db)) == "8"


@pytest.mark.parametrize(("low_db", "high_db"), [(-24, -12), (-12, -30)])
def test_twist_beyond_the_limits_is_refused(low_db: float, high_db: float) -> None:
    assert heard(tone("8", 0.08, low_db=low_db, high_db=high_db)) == ""


def test_a_single_tone_and_dial_tone_are_no_digits() -> None:
    t = np.arange(RATE) / RATE
    for frequencies in ((770,), (1336,), (350, 440), (440, 480), (480, 620), (1000,), (2100,)):
        pcm = sum(8000 * np.sin(2 * np.pi * f * t) for f in frequencies)
        assert heard(np.asarray(pcm).astype(np.int16)) == ""


def test_digits_are_heard_through_noise_at_fifteen_db() -> None:
    rng = np.random.default_rng(1)
    parts = np.concatenate([p for d in "0918273645" for p in (tone(d, 0.08), quiet(0.08))])
    noise = rng.normal(0, np.sqrt(2) * 0.25 * 32000 / np.sqrt(2) * 10 ** (-15 / 20), len(parts))
    assert heard((parts + noise).clip(-32768, 32767).astype(np.int16)) == "0918273645"


def test_a_vowel_like_sound_is_no_digit() -> None:
    t = np.arange(2 * RATE) / RATE
    glide = 2 * np.pi * np.cumsum(110 + 60 * t) / RATE
    voice = sum(np.sin(k * glide) / k for k in range(1, 25))
    assert heard((6000 * np.asarray(voice)).astype(np.int16)) == ""


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 900), min_size=1, max_size=20), st.text("0123456789*#", min_size=1, max_size=6)
)
def test_how_the_audio_is_cut_does_not_matter(cuts: list[int], keys: str) -> None:
    pcm = np.concatenate([p for k in keys for p in (tone(k, 0.06), quiet(0.06))] + [quiet(0.2)])
    detector, out, at, i = DtmfDetector(), "", 0, 0
    while at < len(pcm):
        size = cuts[i % len(cuts)]
        out += "".join(detector.feed(pcm[at : at + size]))
        at, i = at + size, i + 1
    assert out == keys


@given(st.binary(max_size=4000))
def test_any_bytes_from_the_line_are_survived(data: bytes) -> None:
    assert all(d in KEYS for d in DtmfDetector().feed(decode_ulaw(data)))


def test_a_leg_costs_well_under_a_percent_of_a_core() -> None:
    pcm = np.random.default_rng(0).normal(0, 2000, 20 * RATE).astype(np.int16)
    detector = DtmfDetector()
    began = time.process_time()
    for i in range(0, len(pcm), 160):
        detector.feed(pcm[i : i + 160])
    assert (time.process_time() - began) / 20 < 0.005
