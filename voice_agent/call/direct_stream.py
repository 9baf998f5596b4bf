"""Ear and mouth on the caller's own leg: what is left when there is no conference."""

from __future__ import annotations

from telephony import twiml
from telephony.tokens import StreamGrant
from telephony.twiml import StreamTarget
from voice_agent.call import network as addresses
from voice_agent.call.leg_feed import LegFeed
from voice_agent.call.network import Network
from voice_agent.call.ports import CallInfo, LegRole


class DirectStream:
    """All generations of the stream on one caller's leg.

    Attributes:
        document: TwiML that opens the newest generation; "" before the first.
        generation: 1, 2, 3 ...
    """

    def __init__(self, info: CallInfo, network: Network) -> None:
        self._info = info
        self._network = network
        self._tries_left = 0
        self._feed: LegFeed | None = None
        self.generation = 0
        self.document = ""

    def begin(self) -> None:
        """The caller comes to the own leg (again): a first document, and a new budget of tries."""
        self._tries_left = self._network.timings.stream_tries
        self.renew()

    def renew(self) -> bool:
        """A document for the next generation; False when that was tried often enough."""
        if self._tries_left == 0:
            return False
        self._tries_left -= 1
        self.cut()
        self.generation += 1
        token = self._network.tokens.issue(
            StreamGrant(self._info.call_sid, self._info.call_sid, LegRole.DUPLEX, self.generation)
        )
        target = StreamTarget(
            url=self._network.media_url(addresses.MEDIA_CALLER),
            name=f"line-{self.generation}",
            token=token,
            status_callback=self._network.url(addresses.STREAM),
        )
        self.document = twiml.bidirectional_stream(target, action=self._network.url(addresses.AFTER_STREAM))
        return True

    def accepts(self, generation: int) -> bool:
        """True for the stream that is waited for."""
        return generation == self.generation and self._feed is None

    def attach(self, feed: LegFeed) -> None:
        """The stream is open."""
        self._feed = feed

    def cut(self) -> None:
        """Close the stream, if there is one."""
        if self._feed is not None:
            self._feed.cut()
            self._feed = None
