"""Text messages: those the application sends arrive at once, and phones can send some to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .callbacks import Callback
from .clock import pause
from .errors import TwimlError, WebhookFailed
from .events import EventKind
from .exchange import Exchange, UnknownNumber
from .identifiers import new_sid
from .twiml import parse_messaging_document
from .webhook import XML_TYPES

STEP_SECONDS = 0.05  # from queued to sent and from sent to delivered
SEGMENT = 160
UNREACHABLE = 30003


class MessageStatus(StrEnum):
    """States of a message."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    RECEIVED = "received"
    CANCELED = "canceled"


@dataclass(eq=False)
class Message:
    """One text message; `direction` is inbound, outbound-api or outbound-reply."""

    to: str
    from_: str
    body: str
    direction: str
    created: datetime
    status: MessageStatus = MessageStatus.QUEUED
    media: tuple[str, ...] = ()
    status_callback: str = ""
    messaging_service_sid: str = ""
    sent: datetime | None = None
    updated: datetime | None = None
    error_code: int | None = None
    sid: str = field(default_factory=lambda: new_sid("SM"))

    @property
    def segments(self) -> int:
        """How many parts the text takes."""
        return max(1, -(-len(self.body) // SEGMENT))


class Messages:
    """All messages of the account."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._services = exchange.services
        self.all: list[Message] = []
        self.unreachable: set[str] = set()  # numbers whose messages come back as undelivered

    @property
    def account_sid(self) -> str:
        """The account."""
        return self._services.config.account_sid

    @property
    def exchange(self) -> Exchange:
        """The network."""
        return self._exchange

    def with_sid(self, sid: str) -> Message | None:
        """The message with that SID."""
        return next((m for m in self.all if m.sid == sid), None)

    def send(self, message: Message) -> None:
        """Take a message of the application and deliver it; scheduled ones wait for ever."""
        self.all.append(message)
        if message.status is not MessageStatus.SCHEDULED:
            self._services.tasks.start(self._deliver(message), f"delivery of {message.sid}")

    def change(self, message: Message, status: MessageStatus) -> None:
        """Enter the next state and tell the status callback."""
        message.status = status
        message.updated = self._services.clock.now()
        if status is MessageStatus.SENT:
            message.sent = message.updated
        self._services.log.record(EventKind.MESSAGE_STATUS, message=message.sid, status=status.value)
        fields = [
            ("AccountSid", self.account_sid),
            ("From", message.from_),
            ("To", message.to),
            ("MessageSid", message.sid),
            ("SmsSid", message.sid),
            ("MessageStatus", status.value),
            ("SmsStatus", status.value),
            ("ApiVersion", "2010-04-01"),
        ]
        if message.error_code is not None:
            fields.append(("ErrorCode", str(message.error_code)))
        self._services.callbacks.fire(
            Callback(message.sid, message.status_callback, "POST", fields, f"message-{status.value}")
        )

    async def _deliver(self, message: Message) -> None:
        clock = self._services.clock
        self.change(message, MessageStatus.QUEUED)
        await pause(clock, STEP_SECONDS)
        self.change(message, MessageStatus.SENT)
        await pause(clock, STEP_SECONDS)
        if message.to in self.unreachable:
            message.error_code = UNREACHABLE
            self.change(message, MessageStatus.UNDELIVERED)
        else:
            self.change(message, MessageStatus.DELIVERED)

    async def receive(self, to: str, from_: str, body: str) -> Sequence[Message]:
        """A phone sends a message to one of the account's numbers; returns the application's replies.

        Raises:
            UnknownNumber: the account has no such number.
        """
        number = self._exchange.account.numbers.get(to)
        if number is None:
            raise UnknownNumber(f"{to} is not one of the account's numbers")
        message = Message(to, from_, body, "inbound", self._services.clock.now(), MessageStatus.RECEIVED)
        self.all.append(message)
        url, method = number.value.sms_url, number.value.sms_method
        if not url:
            return []
        fields = [
            ("ToCountry", "US"),
            ("MessageSid", message.sid),
            ("SmsSid", message.sid),
            ("SmsMessageSid", message.sid),
            ("SmsStatus", "received"),
            ("AccountSid", self.account_sid),
            ("From", from_),
            ("To", to),
            ("Body", body),
            ("NumMedia", "0"),
            ("NumSegments", str(message.segments)),
            ("ApiVersion", "2010-04-01"),
        ]
        log = self._services.log
        try:
            reply = await self._services.webhooks.send(url, method, fields)
        except WebhookFailed as failure:
            log.notify(failure.code, f"{url}: {failure.reason}")
            return []
        if not 200 <= reply.status < 300:
            log.notify(11200, f"{url} answered with HTTP status {reply.status}")
            return []
        if not reply.body:
            return []
        if reply.content_type not in XML_TYPES:
            log.violate(12300, f"{url} answered with content type {reply.content_type!r}, not XML")
            return []
        try:
            document = parse_messaging_document(reply.body, url)
        except TwimlError as error:
            log.violate(error.code, f"{url}: {error.reason}")
            return []
        for warning in document.warnings:
            log.violate(warning.code, f"{url}: {warning.message}")
        replies = []
        for verb in document.verbs:
            if verb.name == "Message":
                text = verb.text or "".join(c.text for c in verb.children if c.name == "Body")
                answer = Message(
                    verb.get("to", from_),
                    verb.get("from", to),
                    text,
                    "outbound-reply",
                    self._services.clock.now(),
                    media=tuple(c.text for c in verb.children if c.name == "Media"),
                    status_callback=verb.get("statusCallback"),
                )
                self.send(answer)
                replies.append(answer)
        return replies
