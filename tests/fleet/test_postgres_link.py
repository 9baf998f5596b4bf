"""The link between processes over a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from tests.fleet.wire import Wire
from voice_agent.fleet.commands import CommandPost
from voice_agent.fleet.link import EVENTS, channel_of
from voice_agent.fleet.messages import LeaveCall
from voice_agent.fleet.postgres_link import PostgresLink
from voice_agent.operators.no_live_calls import NoLiveCalls
from voice_agent.operators.ports import CallUnreachable, NoSuchCall

pytestmark = pytest.mark.postgres


def _dsn(wire: Wire) -> str:
    return make_url(wire.url).set(drivername="postgresql").render_as_string(hide_password=False)


class Heard:
    """What came over a channel."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()

    def __call__(self, message: bytes) -> None:
        self.messages.put_nowait(message)

    async def next(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.messages.get()


@pytest.fixture
async def wire(migrated_postgres: str) -> AsyncIterator[Wire]:
    wire = Wire(migrated_postgres)
    await wire.mend()
    yield wire
    await wire.close()


@pytest.fixture
async def links(wire: Wire) -> AsyncIterator[tuple[PostgresLink, PostgresLink]]:
    """Two ends; start them when they listen."""
    ends = PostgresLink(wire.url, "left"), PostgresLink(wire.url, "right")
    yield ends
    for link in ends:
        await link.close()


async def test_messages_of_any_length_arrive_in_order(links: tuple[PostgresLink, PostgresLink]) -> None:
    left, right = links
    heard = Heard()
    right.listen(EVENTS, heard)
    await left.start()
    await right.start()
    sent = [b"short", "ü".encode() * 50_000, b"", bytes(range(256)) * 100, b"short"]
    assert all(left.send(EVENTS, message) for message in sent)
    assert [await heard.next() for _ in sent] == sent


async def test_a_cut_is_told_and_what_is_sent_then_is_dropped_not_delayed(
    wire: Wire, links: tuple[PostgresLink, PostgresLink]
) -> None:
    left, right = links
    heard, states = Heard(), asyncio.Queue[bool]()
    right.listen(EVENTS, heard)
    left.watch(states.put_nowait)
    hears = asyncio.Event()
    right.watch(lambda connected: hears.set() if connected else hears.clear())
    await left.start()
    await right.start()
    assert await states.get()
    await wire.cut()
    async with asyncio.timeout(10):
        assert not await states.get()
    assert not left.connected
    assert not left.send(EVENTS, b"lost")
    await wire.mend()
    async with asyncio.timeout(20):
        assert await states.get()
        await hears.wait()
    assert left.send(EVENTS, b"again")
    assert await heard.next() == b"again"


async def test_the_log_says_once_why_there_is_no_link_and_why_it_was_lost(
    wire: Wire, links: tuple[PostgresLink, PostgresLink]
) -> None:
    left, _ = links
    states = asyncio.Queue[bool]()
    left.watch(states.put_nowait)
    await wire.cut()
    with capture_logs() as logs:
        await left.start()
        await wire.mend()
        async with asyncio.timeout(20):
            assert await states.get()
            await wire.cut()
            assert not await states.get()
    assert [entry["event"] for entry in logs] == ["link_not_made", "link_lost"]
    assert all(entry["reason"].startswith("OperationalError ") for entry in logs)


async def test_the_log_says_why_the_database_refuses(wire: Wire) -> None:
    link = PostgresLink(make_url(wire.url).set(database="nowhere").render_as_string(False), "left")
    with capture_logs() as logs:
        await link.start()
    await link.close()
    [entry] = logs
    assert 'database "nowhere" does not exist' in entry["reason"]


async def test_a_message_that_nobody_expected_costs_no_more_than_a_connection(
    links: tuple[PostgresLink, PostgresLink],
) -> None:
    left, right = links
    heard, states = Heard(), asyncio.Queue[bool]()

    def take(message: bytes) -> None:
        if message == b"bad":
            raise ValueError("nobody thought of this")
        heard(message)

    right.listen(EVENTS, take)
    right.watch(states.put_nowait)
    await left.start()
    await right.start()
    assert await states.get()
    left.send(EVENTS, b"bad")
    async with asyncio.timeout(20):
        assert not await states.get()
        assert await states.get()
    left.send(EVENTS, b"good")
    assert await heard.next() == b"good"


async def test_what_is_dropped_and_what_gets_lost_is_counted(
    wire: Wire, links: tuple[PostgresLink, PostgresLink]
) -> None:
    left, right = links
    heard = Heard()
    right.listen(EVENTS, heard)
    left.send(EVENTS, b"too early")
    assert left.dropped == 1
    for link in links:
        await link.start()
    async with await psycopg.AsyncConnection.connect(_dsn(wire), autocommit=True) as stranger:
        await stranger.execute("SELECT pg_notify(%s, 'no packet')", (EVENTS,))
    left.send(EVENTS, b"good")
    assert await heard.next() == b"good"
    assert right.lost == 1


async def test_a_command_is_answered_by_the_process_it_was_sent_to(
    links: tuple[PostgresLink, PostgresLink],
) -> None:
    left, right = links
    posts = [
        CommandPost(name, link, NoLiveCalls()) for name, link in zip(("left", "right"), links, strict=True)
    ]
    for link in (left, right):
        await link.start()
    with pytest.raises(NoSuchCall):
        await posts[0].ask("right", "CA1", LeaveCall(operator_id="op1"))
    for post in posts:
        await post.close()


async def test_a_command_to_nobody_is_given_up(links: tuple[PostgresLink, PostgresLink]) -> None:
    left, _ = links
    post = CommandPost("left", left, NoLiveCalls(), answer_s=0.2)
    with pytest.raises(CallUnreachable, match="bus"):
        await post.ask("nobody", "CA1", LeaveCall(operator_id="op1"))
    await left.start()
    with pytest.raises(CallUnreachable, match="does not answer"):
        await post.ask("nobody", "CA1", LeaveCall(operator_id="op1"))
    await post.close()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b'{"kind": "command", "id": 1}', b'{"kind":"reply"}']
)
async def test_what_is_no_message_is_left_alone(
    links: tuple[PostgresLink, PostgresLink], content: bytes
) -> None:
    left, right = links
    post = CommandPost("right", right, NoLiveCalls())
    asking = CommandPost("left", left, NoLiveCalls())
    for link in links:
        await link.start()
    left.send(channel_of("right"), content)
    with pytest.raises(NoSuchCall):
        await asking.ask("right", "CA1", LeaveCall(operator_id="op1"))
    for each in (post, asking):
        await each.close()
