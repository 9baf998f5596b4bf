"""Errors of the phone network's side. None of them carries a caller's number or words: they may be logged."""

from __future__ import annotations


class TelephonyError(Exception):
    """Root of this package's errors."""


class MalformedFrame(TelephonyError):
    """A media-stream frame that does not follow the protocol. The stream survives it."""


class TooManyBadFrames(MalformedFrame):
    """The peer does not speak the protocol at all: close the socket."""


class MalformedWebhook(TelephonyError):
    """A webhook body without a field it must have, or with a value that means nothing."""


class SignatureError(TelephonyError):
    """A request whose signature is missing or does not match: answer 403."""


class TokenError(TelephonyError):
    """A stream token that is missing, unknown, used, expired or bound to another call: close with 1008."""


class RestError(TelephonyError):
    """The REST API refused an operation.

    Attributes:
        operation: what was asked, e.g. ``add participant``.
        status: HTTP status; 0 when there was no answer at all.
        code: Twilio's error code, explained at ``https://www.twilio.com/docs/errors/<code>``; 0 when unknown.
    """

    def __init__(self, operation: str, status: int, code: int = 0) -> None:
        self.operation = operation
        self.status = status
        self.code = code
        hint = f", see https://www.twilio.com/docs/errors/{code}" if code > 999 else ""
        super().__init__(f"{operation}: HTTP {status or 'no answer'}, code {code}{hint}")


class CallGone(RestError):
    """The call (or participant, or conference) is over: nothing to repeat."""


class RestUnavailable(RestError):
    """No usable answer (connection, timeout, 429, 5xx): may succeed when repeated later."""
