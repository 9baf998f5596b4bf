from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.fleet.packets import MAX_MESSAGE, MAX_PACKET, Assembly, MessageTooLong, Packets

MESSAGES = st.lists(st.binary(max_size=40_000), max_size=5)


@given(MESSAGES)
def test_every_message_arrives_as_it_was_in_packets_that_notify_takes(messages: list[bytes]) -> None:
    packets, assembly = Packets("a"), Assembly()
    sent = [packet for message in messages for packet in packets.of(message)]
    assert len(set(sent)) == len(sent)
    assert all(len(packet.encode()) <= MAX_PACKET for packet in sent)
    assert [m for packet in sent if (m := assembly.take(packet)) is not None] == messages
    assert assembly.lost == 0


@given(MESSAGES, MESSAGES, st.randoms(use_true_random=False))
def test_senders_do_not_disturb_each_other(first: list[bytes], second: list[bytes], random: object) -> None:
    queues = [
        [packet for message in messages for packet in Packets(name).of(message)]
        for name, messages in (("a", first[:1]), ("b", second[:1]))
    ]
    assembly, got = Assembly(), []
    while any(queues):
        queue = random.choice([queue for queue in queues if queue])  # type: ignore[attr-defined]
        message = assembly.take(queue.pop(0))
        if message is not None:
            got.append(message)
    assert sorted(got) == sorted(first[:1] + second[:1])


@given(st.data())
def test_a_message_with_a_hole_is_dropped_and_the_next_one_arrives(data: st.DataObject) -> None:
    packets, assembly = Packets("a"), Assembly()
    broken = packets.of(bytes(30_000))
    missing = data.draw(st.integers(0, len(broken) - 2))
    got = [assembly.take(packet) for n, packet in enumerate(broken) if n != missing]
    assert set(got) == {None}
    assert [assembly.take(packet) for packet in packets.of(b"next")] == [b"next"]
    assert missing == 0 or assembly.lost >= 1


@given(st.text() | st.from_regex(r"a [0-9]{1,3} [0-9]{1,3} [0-9]{1,3} [ -~]{0,20}", fullmatch=True))
def test_nonsense_is_never_more_than_lost(packet: str) -> None:
    Assembly().take(packet)


def test_a_message_that_nobody_would_take_is_refused() -> None:
    with pytest.raises(MessageTooLong):
        Packets("a").of(bytes(MAX_MESSAGE + 1))
