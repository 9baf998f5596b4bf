"""What a reader of events remembers of calls, and for how long."""

from __future__ import annotations

from call_script import numbered
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.call.events import CallEvent, SessionEnd, SessionInfo, SessionStart
from voice_agent.call.feed_positions import ENDED_KEPT, Positions

END = SessionEnd(completion_reason="completed", duration_seconds=1.0)


def call(sid: str, ticks: int = 1) -> list[CallEvent]:
    """A whole call."""
    middle = [SessionInfo(name="tick")] * ticks
    return numbered(sid, list(enumerate([SessionStart(), *middle, END])))


def test_calls_that_are_over_are_forgotten_and_so_are_those_that_were_refused() -> None:
    positions = Positions({}, joins_anywhere=False)
    for n in range(3 * ENDED_KEPT):
        events = call(f"CA{n}") if n % 2 else numbered(f"CA{n}", [(0, SessionInfo(name="call_refused"))])
        assert all(positions.takes_live(event) for event in events)
        assert not any(positions.takes_recorded(event) for event in events)
    assert len(positions.last) == ENDED_KEPT
    assert positions.ahead == {}
    assert not positions.hole


def test_what_the_bus_brings_of_a_call_whose_end_was_read_already_is_not_told_again() -> None:
    for positions in (Positions({}, joins_anywhere=True), Positions({}, joins_anywhere=False)):
        events = call("CA1")
        assert all(positions.takes_recorded(event) for event in events)
        assert not any(positions.takes_live(event) for event in events)
        assert not positions.hole


def test_only_calls_that_are_ahead_of_the_records_are_named_as_such() -> None:
    positions = Positions({"CA0": 7}, joins_anywhere=False)
    events = call("CA1", ticks=3)
    for event in events[:3]:
        positions.takes_live(event)
    assert positions.ahead == {"CA0": 7, "CA1": 3}
    for event in events[:2]:
        positions.takes_recorded(event)
    assert positions.ahead == {"CA0": 7, "CA1": 3}
    positions.takes_recorded(events[2])
    assert positions.ahead == {"CA0": 7}


def test_an_end_that_is_numbered_too_low_is_told_once_all_the_same() -> None:
    positions = Positions({}, joins_anywhere=False)
    seen = call("CA1", ticks=5)[:-1]
    assert all(positions.takes_live(event) for event in seen)
    end = END.model_copy(update={"call_sid": "CA1", "seq": 3})
    assert [positions.takes_live(end), positions.takes_live(end), positions.takes_recorded(end)] == [
        True,
        False,
        False,
    ]


def test_an_end_that_was_told_before_the_reader_came_back_is_not_told_again() -> None:
    events = call("CA1")
    positions = Positions({"CA1": len(events)}, joins_anywhere=False)
    assert not any(positions.takes_recorded(event) for event in events)


@given(st.data())
def test_whatever_comes_when_each_event_is_told_once_and_in_order(data: st.DataObject) -> None:
    """The bus may lose events, the records are late but whole; in the end everything was told."""
    events = call("CA1", ticks=6)
    positions = Positions({}, joins_anywhere=False)
    told: list[CallEvent] = []
    recorded = 0
    for n, event in enumerate(events, 1):
        if data.draw(st.booleans()) and positions.takes_live(event):
            told.append(event)
        upto = data.draw(st.integers(recorded, n))
        told += [each for each in events[recorded:upto] if positions.takes_recorded(each)]
        recorded = upto
    told += [each for each in events[recorded:] if positions.takes_recorded(each)]
    assert told == events
    assert not positions.hole


@given(st.data())
def test_a_reader_who_passes_over_what_it_has_stands_where_one_stands_who_reads_it_again(
    data: st.DataObject,
) -> None:
    """Live events of two calls with holes, and their records page by page, in any mixture."""
    happened = [*call("CA1", ticks=4), *call("CA2", ticks=2)]
    anywhere = data.draw(st.booleans())
    reads = Positions({}, joins_anywhere=anywhere)
    passes = Positions({}, joins_anywhere=anywhere)
    recorded = iter(data.draw(st.permutations(happened)) if data.draw(st.booleans()) else happened)
    for step in data.draw(st.lists(st.sampled_from(happened) | st.none(), max_size=30)):
        if step is not None:
            assert reads.takes_live(step) == passes.takes_live(step)
        elif (event := next(recorded, None)) is not None:
            known = passes.has_recorded(event.call_sid, event.seq, event.type)
            taken = reads.takes_recorded(event)
            if known:
                passes.passes_recorded(event.call_sid, event.seq)
                assert not taken
            else:
                assert passes.takes_recorded(event) == taken
        assert (reads.last, reads.ahead, reads.hole) == (passes.last, passes.ahead, passes.hole)
