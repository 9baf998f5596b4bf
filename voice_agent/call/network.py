"""What all lines of a process share: the way to the phone network, our addresses there, and how long we wait
for what."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

from telephony.rest import TwilioRest
from telephony.signature import PublicOrigin
from telephony.tokens import StreamTokens

VOICE: Final = "/twilio/voice"
AGENT: Final = "/twilio/agent"
CONFERENCE: Final = "/twilio/conference"
STATUS: Final = "/twilio/status"
STREAM: Final = "/twilio/stream"
AFTER_DIAL: Final = "/twilio/after-dial"
AFTER_STREAM: Final = "/twilio/after-stream"
AFTER_TRANSFER: Final = "/twilio/after-transfer"
FALLBACK: Final = "/twilio/fallback"
"""A number's fallback address: asked when a document cannot be had."""
KEY_SEPARATOR: Final = "."
MEDIA_TAP: Final = "/twilio/media/tap"
MEDIA_AGENT: Final = "/twilio/media/agent"
MEDIA_CALLER: Final = "/twilio/media/caller"


@dataclass(frozen=True, slots=True)
class LineTimings:
    """How long the phone network is waited for, in seconds, and how often things are tried again."""

    answer_wait: float = 1.0
    """The agent's leg is asked for first; if REST has not answered by then the caller is let in anyway. One
    ring takes several seconds, the webhook may take 15."""
    agent_join: float = 4.0
    """From the caller's entry to the agent's stream. Usual is 0.5 to 1.5 s, plus a second for each call
    created just before (one a second is created by default); a caller in silence hangs up after little
    more."""
    agent_generations: int = 2
    """The agent's leg is added again once; then the caller's own leg carries everything."""
    tap_attach: float = 5.0
    """From the caller's entry, or from asking for a new tap, to its socket; a handshake takes well under a
    second."""
    tap_tries: int = 3
    hangup_grace: float = 0.5
    """A socket ends before the callback that says why; both are sent at the same moment."""
    join_grace: float = 2.0
    """The callback of the caller's entry comes within tens of ms of the tap; after this the participants are
    listed."""
    no_audio: float = 15.0
    """From the answer to the first frame of the caller's audio; the published completion reason
    ``no_inbound_audio``."""
    reconcile: float = 30.0
    """Callbacks can be lost: how often the network is asked who is there."""
    stream_tries: int = 3
    """How often the stream on the caller's own leg is set up."""
    transfer_answer: float = 40.0
    """A transfer rings for 30 s; if no outcome came by then, the callback was lost and the number has
    answered."""
    operator_entry: float = 1.0
    """From an operator's answer to the callback of the entry, which follows at once; after this the
    participants are listed."""
    operator_overdue: float = 10.0
    """After an operator's leg must have stopped ringing: without any news by then it is given up."""
    leave_grace: float = 1.0
    """After the end the network closes its sockets and the agent's leg by itself; then we do."""


@dataclass(frozen=True, slots=True)
class Network:
    """The account, and where it reaches us.

    Attributes:
        rest: the REST API.
        tokens: of media streams that may open.
        origin: our public address.
        app_sid: TwiML App whose voice URL is :data:`AGENT`; the agent's leg is a call to it.
        timings: how long to wait.
        process: the name of this process among others; "" when it is alone.
    """

    rest: TwilioRest
    tokens: StreamTokens
    origin: PublicOrigin
    app_sid: str
    timings: LineTimings = field(default_factory=LineTimings)
    process: str = ""

    def new_key(self) -> str:
        """A secret that rides in a leg's address and comes back in its webhooks, which may reach any process:
        it begins with the name of the one that it belongs to."""
        secret = secrets.token_urlsafe(16)
        return f"{self.process}{KEY_SEPARATOR}{secret}" if self.process else secret

    def url(self, path: str, query: str = "") -> str:
        """Absolute address of a webhook."""
        return self.origin.http(path, query)

    def media_url(self, path: str) -> str:
        """Absolute address of a media socket."""
        return self.origin.websocket(path)
