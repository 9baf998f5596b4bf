from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from call_script import BEGIN, booking_call, going_on, numbered
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from voice_agent.call.events import (
    CallEvent,
    Degraded,
    MediaAttached,
    SessionEnd,
    SessionInfo,
    SessionStart,
    UserTranscript,
    call_event_adapter,
)
from voice_agent.call.record_fold import CallFold
from voice_agent.call.record_spill import EventSpill, SpillFull
from voice_agent.call.record_writer import RecordWriter, storable
from voice_agent.call.records import CallFilter, CallRecords
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database

SID = "CA" + "1" * 32


@dataclass
class Office:
    """A database, a bus and the writer between them."""

    database: Database
    bus: EventBus
    data_dir: Path
    writers: list[RecordWriter] = field(default_factory=list)

    @property
    def records(self) -> CallRecords:
        return CallRecords(self.database)

    async def writer(self) -> RecordWriter:
        writer = RecordWriter(self.database, self.bus, self.data_dir)
        self.writers.append(writer)
        await writer.start()
        return writer

    def publish(self, events: list[CallEvent]) -> None:
        for event in events:
            self.bus.publish(event)


@pytest.fixture
async def office(database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(database, EventBus(), tmp_path)
    yield office
    for writer in office.writers:
        await writer.close()


@dataclass
class Outage:
    """A database that can be taken away and brought back while its users hold on to it."""

    database: Database
    begin: Callable[[], Awaitable[None]]
    end: Callable[[], Awaitable[None]]


@pytest.fixture
async def outage(database_url: str, tmp_path: Path) -> AsyncIterator[Outage]:
    if database_url.startswith("sqlite"):
        database = Database(database_url)
        path = Path(str(database.url.database))
        aside = path.with_suffix(".aside")

        def swap_for_a_folder() -> None:
            path.rename(aside)
            path.mkdir()

        def put_back() -> None:
            path.rmdir()
            aside.rename(path)

        async def unmount() -> None:
            await database.close()
            swap_for_a_folder()

        async def mount() -> None:
            put_back()

        yield Outage(database, unmount, mount)
        await database.close()
        return
    parts = urlsplit(database_url)
    socket_path = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    connections: set[asyncio.StreamWriter] = set()
    open_for_business = True

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not open_for_business:
            writer.transport.abort()
            return
        upstream_reader, upstream_writer = await asyncio.open_unix_connection(socket_path)
        connections.update((writer, upstream_writer))
        await asyncio.gather(
            pump(reader, upstream_writer), pump(upstream_reader, writer), return_exceptions=True
        )

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def cut() -> None:
        nonlocal open_for_business
        open_for_business = False
        for connection in connections:
            connection.transport.abort()
        connections.clear()

    async def mend() -> None:
        nonlocal open_for_business
        open_for_business = True

    database = Database(f"postgresql+psycopg://postgres@127.0.0.1:{port}{parts.path}")
    yield Outage(database, cut, mend)
    await database.close()
    await cut()
    server.close()


async def test_a_call_is_recorded_with_its_published_fields(office: Office) -> None:
    writer = await office.writer()
    office.publish(booking_call(SID))
    assert await writer.flush()
    call = await office.records.call(SID)
    assert call is not None
    assert (call.status, call.direction, call.source) == ("completed", "inbound", "real")
    assert (call.caller_id, call.phone_number) == ("+14155550101", "+14155550199")
    assert (call.completion_reason, call.duration_seconds) == ("terminal_state", 30.0)
    assert call.started_at == BEGIN
    assert call.media_start_time == BEGIN + timedelta(seconds=2)
    assert call.final_state == "offer_slots"
    assert call.states_visited == ["greeting", "offer_slots"]
    assert [event["interrupted_text"] for event in call.barge_in_events] == ["or at three"]
    assert call.avg_perceived_latency_ms == 900.0
    assert [participant["role"] for participant in call.participants] == ["caller"]
    assert call.turn_count == 2


async def test_a_turn_holds_what_was_said_heard_done_and_how_long_it_took(office: Office) -> None:
    writer = await office.writer()
    office.publish(booking_call(SID))
    await writer.flush()
    greeting, request, _booking = await office.records.turns(SID)
    assert (greeting.trigger, greeting.user_transcript) == ("greeting", None)
    assert request.user_transcript == "I need to see Doctor Rivera on Tuesday."
    assert request.agent_transcript == "Let me check on that. I have Tuesday at ten"
    assert request.agent_unheard == "or at three thirty."
    assert request.interrupted
    assert (request.user_speech_start_ms, request.user_speech_end_ms) == (4000, 6000)
    assert (request.agent_speech_start_ms, request.agent_speech_end_ms) == (7000, 11900)
    assert (request.engine_ms, request.nav_ms, request.render_ms) == (15, 12, 3)
    assert (request.audio_ttfb_ms, request.e2e_ttfb_ms) == (45, 1000)
    assert (request.stt_confidence, request.eot_confidence) == (0.93, 0.88)
    assert (request.state, request.agent_action) == ("offer_slots", "offer")
    assert request.inner_thoughts == ["A new appointment."]
    assert request.state_transitions[0]["annotation"] == "wants a slot"
    (tool,) = request.tool_calls
    assert tool["tool_name"] == "find_slots"
    assert (tool["succeeded"], tool["duration_ms"], tool["output"]) == (True, 2300, {"slots": 2})


async def test_events_come_back_as_they_were_and_after_a_given_one(office: Office) -> None:
    events = booking_call(SID)
    writer = await office.writer()
    office.publish(events)
    await writer.flush()
    assert await office.records.events(SID) == events
    assert [event.seq for event in await office.records.events(SID, after=20, limit=3)] == [21, 22, 23]


async def test_a_live_call_is_seen_before_it_ends(office: Office) -> None:
    writer = await office.writer()
    ringing, *rest = going_on(booking_call(SID))
    office.publish([ringing])
    await writer.flush()
    before = await office.records.call(SID)
    assert before is not None
    assert before.status == "ringing"
    office.publish(rest[:8])
    await writer.flush()
    during = await office.records.call(SID)
    assert during is not None
    assert during.completion_reason is None
    assert during.last_seq == 9


async def test_batches_are_written_without_being_asked(office: Office) -> None:
    await office.writer()
    office.publish(booking_call(SID))

    async def recorded() -> None:
        while (call := await office.records.call(SID)) is None or call.completion_reason is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    await asyncio.wait_for(recorded(), 10)


async def test_recorded_events_can_be_neither_changed_nor_removed(office: Office) -> None:
    writer = await office.writer()
    office.publish(booking_call(SID))
    await writer.flush()
    statements = ["UPDATE call_events SET t = 0", "DELETE FROM call_events"]
    if not office.database.is_sqlite:
        statements.append("TRUNCATE call_events")
    for statement in statements:
        with pytest.raises(DBAPIError, match="append-only"):
            async with office.database.session() as session:
                await session.execute(text(statement))
    assert len(await office.records.events(SID)) == len(booking_call(SID))


async def test_an_event_that_arrives_twice_changes_nothing(office: Office) -> None:
    writer = await office.writer()
    office.publish(booking_call(SID))
    await writer.flush()
    before = (await office.records.call(SID), await office.records.turns(SID))
    office.publish(booking_call(SID))
    assert await writer.flush()
    assert (await office.records.call(SID), await office.records.turns(SID)) == before
    assert await office.records.events(SID) == booking_call(SID)


async def test_a_second_writer_goes_on_where_the_first_one_stopped(office: Office) -> None:
    events = booking_call(SID)
    first = await office.writer()
    office.publish(events[:14])
    await first.close()
    second = await office.writer()
    office.publish(events[14:])
    await second.flush()
    whole = CallFold(events[0])
    whole.apply(events)
    assert await office.records.call(SID) == whole.call
    assert await office.records.turns(SID) == [whole.turns[index] for index in sorted(whole.turns)]


async def test_nothing_is_lost_and_order_is_kept_while_the_database_is_away(
    outage: Outage, tmp_path: Path
) -> None:
    office = Office(outage.database, EventBus(), tmp_path)
    watcher = office.bus.subscribe()
    events = booking_call(SID)
    writer = await office.writer()
    office.publish(events[:5])
    assert await writer.flush()
    await outage.begin()
    for event in events[5:20]:
        office.publish([event])
        assert not await writer.flush()
    assert writer.stats.away
    await outage.end()
    office.publish(events[20:])
    assert await writer.flush()
    assert await office.records.events(SID) == events
    assert (writer.stats.lost, writer.stats.refused, writer.stats.away) == (0, 0, False)
    assert not list((tmp_path / "spill").glob("*.ndjson"))
    said = [event for event in watcher.take() if not event.call_sid]
    assert [event.type for event in said] == ["degraded", "session_info"]
    assert isinstance(said[0], Degraded)
    assert said[0].part == "records"
    call = await office.records.call(SID)
    assert call is not None
    assert call.completion_reason == "terminal_state"
    await writer.close()


async def test_publishing_does_not_wait_for_a_database_that_is_away(outage: Outage, tmp_path: Path) -> None:
    office = Office(outage.database, EventBus(), tmp_path)
    writer = await office.writer()
    await outage.begin()
    # Publishing is no coroutine: that it comes back at all proves that it waits for nothing.
    office.publish(numbered(SID, [(i * 0.01, SessionInfo(name="tick")) for i in range(5000)]))
    assert not await writer.flush()
    assert writer.stats.spilled == 5000
    await outage.end()
    assert await writer.flush()
    assert len(await office.records.events(SID)) == 5000
    await writer.close()


async def test_what_a_process_could_not_write_is_recorded_by_the_next_one(
    outage: Outage, tmp_path: Path
) -> None:
    office = Office(outage.database, EventBus(), tmp_path)
    events = booking_call(SID)
    await outage.begin()
    first = await office.writer()
    office.publish(events)
    assert not await first.close(timeout_s=5)
    await outage.end()
    second = await office.writer()
    assert await second.flush()
    assert await office.records.events(SID) == events
    await second.close()


async def test_an_event_that_cannot_be_stored_does_not_hold_up_the_others(office: Office) -> None:
    bad = SessionInfo(name="bad").model_copy(update={"seq": 2**70})
    events = numbered(SID, [(0.0, SessionStart()), (1.0, SessionInfo(name="good"))])
    writer = await office.writer()
    office.publish([events[0], bad.model_copy(update={"call_sid": SID}), events[1]])
    assert await writer.flush()
    assert await office.records.events(SID) == events
    assert (writer.stats.recorded, writer.stats.refused) == (2, 1)
    assert (office.data_dir / "spill" / "refused.ndjson").read_bytes().count(b"\n") == 1


async def test_words_that_no_database_can_hold_are_mended(office: Office) -> None:
    writer = await office.writer()
    office.publish(numbered(SID, [(0.0, UserTranscript(transcript="I am \x00 Ana \ud83d"))]))
    assert await writer.flush()
    (event,) = await office.records.events(SID)
    assert isinstance(event, UserTranscript)
    assert event.transcript == "I am \ufffd Ana ?"


def _texts(value: object) -> list[str]:
    """Every string in a JSON value."""
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *_texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=())),
        st.one_of(
            st.text(st.characters(exclude_categories=())), st.binary(), st.dates(), st.sets(st.integers())
        ),
    )
)
def test_every_detail_becomes_something_that_json_and_sql_can_hold(detail: dict[str, object]) -> None:
    kept = storable(SessionInfo(name="detail", detail=detail))
    line = call_event_adapter.dump_json(kept)
    assert call_event_adapter.dump_json(call_event_adapter.validate_json(line)) == line
    assert not any("\0" in part for part in _texts(json.loads(line)))


async def test_pages_do_not_shift_when_a_call_begins_in_between(office: Office) -> None:
    writer = await office.writer()
    for number in range(5):
        office.publish(numbered(f"CA{number}", [(0.0, SessionStart())]))
        await writer.flush()
    first = await office.records.calls(limit=2)
    office.publish(numbered("CA9", [(0.0, SessionStart())]))
    await writer.flush()
    second = await office.records.calls(limit=2, continuation_token=first.continuation_token)
    last = await office.records.calls(limit=2, continuation_token=second.continuation_token)
    assert [[call.call_sid for call in page.items] for page in (first, second, last)] == [
        ["CA4", "CA3"],
        ["CA2", "CA1"],
        ["CA0"],
    ]
    assert [page.has_more for page in (first, second, last)] == [True, True, False]
    assert last.total == 6


async def test_calls_are_found_by_status_direction_service_and_day(office: Office) -> None:
    writer = await office.writer()
    office.publish(booking_call("CAbooking"))
    office.publish(numbered("CAother", [(0.0, SessionStart(direction="simulated", service_id="billing"))]))
    await writer.flush()

    async def found(wanted: CallFilter) -> list[str]:
        return [call.call_sid for call in (await office.records.calls(wanted)).items]

    assert await found(CallFilter(status="completed")) == ["CAbooking"]
    assert await found(CallFilter(direction="simulated")) == ["CAother"]
    assert await found(CallFilter(service_id="billing")) == ["CAother"]
    assert await found(CallFilter(date_from=BEGIN, date_to=BEGIN + timedelta(seconds=1))) == ["CAbooking"]
    assert await found(CallFilter(date_from=BEGIN + timedelta(days=1))) == []


async def test_a_call_whose_process_died_is_shown_as_unknown(office: Office) -> None:
    writer = await office.writer()
    office.publish(numbered(SID, [(0.0, SessionStart()), (1.0, MediaAttached(leg="caller"))]))
    await writer.flush()
    async with office.database.session() as session:
        await session.execute(text("UPDATE calls SET last_event_at = '2020-01-01 00:00:00+00:00'"))
    call = await office.records.call(SID)
    assert call is not None
    assert call.status == "unknown"


async def test_unknown_calls_have_no_record_no_turns_and_no_events(office: Office) -> None:
    records = office.records
    assert await records.call("CAnobody") is None
    assert await records.turns("CAnobody") == []
    assert await records.events("CAnobody") == []
    assert await records.recording("CAnobody") is None
    assert await records.last_event_id() == 0


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("no_answer", "no-answer"),
        ("cancelled", "canceled"),
        ("error", "failed"),
        ("caller_hangup", "completed"),
    ],
)
def test_the_status_of_an_ended_call_follows_from_its_reason(reason: str, status: str) -> None:
    events = numbered(
        SID, [(0, SessionStart()), (1, SessionEnd(completion_reason=reason, duration_seconds=1))]
    )
    fold = CallFold(events[0])
    fold.apply(events)
    assert fold.call.status == status


@given(st.lists(st.integers(1, 28), max_size=6))
def test_a_call_folded_in_any_pieces_is_the_same_call(cuts: list[int]) -> None:
    events = booking_call(SID)
    whole = CallFold(events[0])
    whole.apply(events)
    pieces = CallFold(events[0])
    start = 0
    for cut in [*sorted(cuts), len(events)]:
        pieces.apply(events[max(0, start - 2) : cut])  # two of them once more
        start = cut
    assert (pieces.call, pieces.turns) == (whole.call, whole.turns)


def _drained(spill: EventSpill) -> list[CallEvent]:
    found: list[CallEvent] = []
    while not spill.empty:
        events, mark = spill.peek()
        found += events
        spill.discard(mark)
    return found


def test_spilled_events_come_out_in_the_order_in_which_they_went_in(tmp_path: Path) -> None:
    spill = EventSpill(tmp_path)
    events = numbered(SID, [(i, SessionInfo(name="x" * 2000)) for i in range(9000)])
    for start in range(0, 9000, 500):
        spill.append(events[start : start + 500])
    assert len(list(tmp_path.iterdir())) > 1
    assert _drained(spill) == events
    assert list(tmp_path.iterdir()) == []


def test_spilled_events_of_a_living_process_are_left_to_it(tmp_path: Path) -> None:
    living, other = EventSpill(tmp_path), EventSpill(tmp_path)
    living.append(booking_call(SID))
    other.adopt()
    assert other.empty
    living.close()
    other.adopt()
    assert _drained(other) == booking_call(SID)


def test_half_a_line_of_a_process_that_died_is_left_out(tmp_path: Path) -> None:
    spill = EventSpill(tmp_path)
    spill.append(booking_call(SID)[:3])
    spill.close()
    (path,) = tmp_path.iterdir()
    with path.open("ab") as file:
        file.write(b'{"type": "session_info", "na')
    spill.adopt()
    assert _drained(spill) == booking_call(SID)[:3]
    assert spill.unreadable == 1


def test_a_full_spill_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    spill = EventSpill(tmp_path, max_bytes=2000)
    spill.append(booking_call(SID)[:3])
    with pytest.raises(SpillFull, match="bring the database back"):
        spill.append(booking_call(SID))
    assert _drained(spill) == booking_call(SID)[:3]
