"""One leg's sound on one clock, whatever the network does to its frames."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.call.leg_audio import RING_SECONDS, LegAudio


def frame(value: int) -> bytes:
    return bytes([value]) * 160


def test_frames_in_order_are_contiguous() -> None:
    audio = LegAudio()
    for n in range(5):
        audio.write(n * 20, frame(n))
    assert audio.end == 800
    assert audio.read_ulaw(0, 800) == b"".join(frame(n) for n in range(5))
    assert audio.filled == 0


def test_lost_frame_becomes_silence_of_its_length() -> None:
    audio = LegAudio()
    audio.write(0, frame(1))
    audio.write(40, frame(3))
    assert audio.end == 480
    assert audio.read_ulaw(160, 320) == b"\xff" * 160
    assert audio.filled == 160


def test_late_frame_is_put_where_it_belongs() -> None:
    audio = LegAudio()
    audio.write(0, frame(1))
    audio.write(40, frame(3))
    assert audio.write(20, frame(2)) == (160, 320)
    assert audio.read_ulaw(0, 480) == frame(1) + frame(2) + frame(3)
    assert audio.end == 480


def test_repeated_frame_changes_nothing() -> None:
    audio = LegAudio()
    audio.write(0, frame(1))
    audio.write(20, frame(2))
    audio.write(20, frame(2))
    assert audio.end == 320


def test_first_timestamp_need_not_be_zero_and_rounding_leaves_no_gaps() -> None:
    audio = LegAudio()
    for n, stamp in enumerate((5, 25, 46, 64, 86)):
        audio.write(stamp, frame(n))
    assert audio.end == 800
    assert audio.filled == 0


def test_a_clock_that_jumps_is_a_new_clock() -> None:
    audio = LegAudio()
    audio.write(0, frame(1))
    audio.write(3_600_000, frame(2))
    assert audio.read_ulaw(0, audio.end) == frame(1) + frame(2)


def test_new_stream_continues_at_the_time_of_the_call() -> None:
    audio = LegAudio()
    audio.write(0, frame(1))
    audio.rebase(1600)
    audio.write(700, frame(2))
    assert audio.end == 1760
    assert audio.read_ulaw(1600, 1760) == frame(2)


def test_only_the_last_half_minute_is_kept() -> None:
    audio = LegAudio()
    frames = (RING_SECONDS + 5) * 50
    for n in range(frames):
        audio.write(n * 20, frame(n % 200))
    assert audio.read_ulaw(0, 160) == b"\xff" * 160
    assert audio.read_ulaw(audio.end - 160, audio.end) == frame((frames - 1) % 200)
    assert np.abs(audio.read(0, 160)).max() == 0


@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 400)), max_size=60))
def test_any_timestamps_leave_a_readable_stream(frames: list[tuple[int, int]]) -> None:
    audio = LegAudio()
    for stamp, size in frames:
        start, stop = audio.write(stamp, b"\x00" * size)
        assert 0 <= start <= stop <= audio.end
        assert stop - start in (0, size)
    assert len(audio.read(0, audio.end)) == audio.end
