"""Marks return in order and in time; clear returns what is outstanding."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telephony.emulator.g711 import SILENCE_FRAME
from telephony.emulator.playout import PlayoutQueue

FRAME = b"\x10" * 160


def test_a_mark_on_an_idle_queue_returns_at_once() -> None:
    assert PlayoutQueue().mark("now") == ["now"]


def test_a_mark_returns_when_the_audio_before_it_has_been_played() -> None:
    queue = PlayoutQueue()
    queue.push(FRAME + FRAME)
    assert queue.mark("end") == []
    assert queue.next_frame() == (FRAME, [])
    assert queue.next_frame() == (FRAME, [])
    assert queue.next_frame() == (SILENCE_FRAME, ["end"])


def test_a_mark_behind_the_frame_being_played_waits_for_its_end() -> None:
    queue = PlayoutQueue()
    queue.push(FRAME)
    queue.next_frame()
    assert queue.mark("late") == []
    assert queue.next_frame() == (SILENCE_FRAME, ["late"])


def test_marks_between_pieces_of_one_frame_keep_their_order() -> None:
    queue = PlayoutQueue()
    queue.push(b"\x01" * 100)
    queue.mark("a")
    queue.push(b"\x02" * 100)
    queue.mark("b")
    frame, due = queue.next_frame()
    assert frame == b"\x01" * 100 + b"\x02" * 60
    assert due == []
    frame, due = queue.next_frame()
    assert frame == b"\x02" * 40 + b"\xff" * 120
    assert due == ["a"]
    assert queue.next_frame() == (SILENCE_FRAME, ["b"])


def test_clear_discards_audio_and_returns_marks_first_in_first_out() -> None:
    queue = PlayoutQueue()
    queue.push(FRAME * 3)
    queue.mark("one")
    queue.push(FRAME)
    queue.mark("two")
    queue.next_frame()
    assert queue.clear() == ["one", "two"]
    assert queue.buffered_s == 0
    assert queue.next_frame() == (SILENCE_FRAME, [])


def test_audio_after_clear_is_played() -> None:
    queue = PlayoutQueue()
    queue.push(b"\x01" * 500)
    queue.next_frame()
    queue.clear()
    queue.push(FRAME)
    assert queue.next_frame() == (FRAME, [])


@given(
    st.lists(
        st.one_of(
            st.binary(min_size=1, max_size=500), st.text(min_size=1, max_size=5), st.just("clear"), st.none()
        )
    )
)
def test_every_mark_returns_once_and_in_order(steps: list[bytes | str | None]) -> None:
    queue = PlayoutQueue()
    sent: list[str] = []
    returned: list[str] = []
    for step in steps:
        if step is None:
            returned += queue.next_frame()[1]
        elif step == "clear":
            returned += queue.clear()
        elif isinstance(step, str):
            sent.append(step)
            returned += queue.mark(step)
        else:
            queue.push(step)
    while queue.buffered_s:
        returned += queue.next_frame()[1]
    returned += queue.next_frame()[1]
    assert returned == sent
