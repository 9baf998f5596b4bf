"""What can go wrong inside the emulator itself (never what the application under test did wrong)."""

from __future__ import annotations


class EmulatorError(Exception):
    """Root of the emulator's errors."""


class CallEnded(EmulatorError):
    """The call was over before the awaited thing happened."""


class TransportError(EmulatorError):
    """The peer (the application's HTTP or WebSocket server) could not be used."""


class ConnectFailed(TransportError):
    """No connection to the peer, or it was lost before an answer came."""


class ReplyTimeout(TransportError):
    """The peer took longer than the time that the network grants."""


class HandshakeRefused(TransportError):
    """The peer answered a WebSocket handshake with something other than 101.

    Attributes:
        status: the HTTP status that it answered with.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"the server answered the WebSocket handshake with {status} instead of 101")
        self.status = status


class WebhookFailed(EmulatorError):
    """Neither a webhook nor its fallback gave a usable answer.

    Attributes:
        code: the debugger code of the last failure (11200, 11205, 12100, 12300 ...).
    """

    def __init__(self, code: int, url: str, reason: str) -> None:
        super().__init__(f"{code}: {url}: {reason}")
        self.code = code
        self.url = url
        self.reason = reason


class TwimlError(EmulatorError):
    """A TwiML document that cannot be used at all.

    Attributes:
        code: 12100 (not well-formed, not a <Response>) or 11750 (too large).
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason
