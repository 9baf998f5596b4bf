"""Media sockets, over a real server and a real client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.phone_kit import Peer, Served, serve
from tests.call.line_kit import token_in
from voice_agent.call.network import MEDIA_TAP
from voice_agent.call.ports import LegRole


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serve() as served:
        yield served


async def test_the_callers_audio_reaches_the_session(served: Served) -> None:
    office = served.office
    document = await served.ring(office.call_sid)
    async with served.stream(MEDIA_TAP) as socket:
        peer = Peer(socket, office.call_sid)
        await peer.begin(token_in(document))
        await peer.media(b"\x01\x02\x03", 20)
        sink = await office.session.sink(LegRole.TAP)
        assert await sink.media.until(lambda frame: True) == (20, b"\x01\x02\x03")
