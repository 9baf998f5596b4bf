"""Requests for TwiML: signed, limited to 15 s, retried and sent to the fallback as the URL orders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from uuid import uuid4

from .clock import Clock, pause, within
from .config import Switches
from .errors import ConnectFailed, ReplyTimeout, TwimlError, WebhookFailed
from .events import EventKind, EventLog
from .faults import FaultKind, Faults
from .identifiers import whole_number
from .signature import sign
from .transport import HttpCall, HttpReply, Transport
from .twiml import Document, parse_document

Fields = Sequence[tuple[str, str]]

USER_AGENT = "TwilioProxy/1.1"
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
XML_TYPES = ("text/xml", "application/xml")


@dataclass(frozen=True)
class Target:
    """Where TwiML is asked for, and where else when that fails."""

    url: str
    method: str = "POST"
    fallback_url: str = ""
    fallback_method: str = "POST"

    def resolved(self, base_url: str) -> Target:
        """The same target with its URLs made absolute against the document they stand in."""
        return replace(
            self,
            url=urljoin(base_url, self.url),
            fallback_url=urljoin(base_url, self.fallback_url) if self.fallback_url else "",
        )


@dataclass(frozen=True)
class Overrides:
    """Connection overrides from a URL's fragment; times in milliseconds."""

    retries: int
    policy: frozenset[str]
    connect_ms: int
    read_ms: int
    total_ms: int

    @classmethod
    def of(cls, url: str, switches: Switches, log: EventLog) -> Overrides:
        """Read `#rc=…&rp=…&ct=…&rt=…&tt=…`; values out of range are violations and ignored."""
        found = dict(parse_qsl(urlsplit(url).fragment))

        def number(key: str, default: int, low: int, high: int) -> int:
            text = found.get(key)
            if text is None:
                return default
            value = whole_number(text)
            if value is None or not low <= value <= high:
                log.violate(11200, f"connection override {key}={text} must be between {low} and {high}")
                return default
            return value

        policy = frozenset(found.get("rp", switches.webhook_retry_policy).split(","))
        if not policy <= {"4xx", "5xx", "ct", "rt", "all"}:
            log.violate(11200, f"connection override rp={found['rp']} must be 4xx, 5xx, ct, rt or all")
        return cls(
            retries=number("rc", switches.webhook_retries, 0, 5),
            policy=policy,
            connect_ms=number("ct", switches.connect_timeout_ms, 100, 10000),
            read_ms=number("rt", switches.read_timeout_ms, 100, 15000),
            total_ms=number("tt", switches.total_timeout_ms, 100, 15000),
        )

    def again_after(self, failure: HttpReply | ConnectFailed | ReplyTimeout) -> bool:
        """Whether the policy allows another attempt after this failure."""
        if isinstance(failure, ConnectFailed):
            kind = "ct"
        elif isinstance(failure, ReplyTimeout):
            kind = "rt"
        else:
            kind = "4xx" if 400 <= failure.status < 500 else "5xx"
        return kind in self.policy or "all" in self.policy


@dataclass
class WebhookClient:
    """Makes every signed request of one account."""

    account_sid: str
    auth_token: str
    clock: Clock
    transport: Transport
    log: EventLog
    faults: Faults
    switches: Switches = field(default_factory=Switches)

    async def ask_for_twiml(self, target: Target, fields: Fields, call_sid: str) -> Document:
        """Ask for a document, at the fallback URL when the first one fails.

        Raises:
            WebhookFailed: no usable document from either.
        """
        try:
            return await self._document(target.url, target.method, fields, call_sid)
        except WebhookFailed as failure:
            self._report(failure, call_sid)
            if not target.fallback_url:
                raise
            more = [*fields, ("ErrorCode", str(failure.code)), ("ErrorUrl", failure.url)]
        try:
            return await self._document(target.fallback_url, target.fallback_method, more, call_sid)
        except WebhookFailed as failure:
            self._report(failure, call_sid)
            raise

    async def send(self, url: str, method: str, fields: Fields, call_sid: str = "") -> HttpReply:
        """Make one request with its retries; the last answer counts whatever its status.

        Raises:
            WebhookFailed: 11205 no connection, 11200 no answer in time.
        """
        overrides = Overrides.of(url, self.switches, self.log)
        deadline = self.clock.monotonic() + overrides.total_ms / 1000
        attempt = 0
        while True:
            attempt += 1
            left = deadline - self.clock.monotonic()
            failure: HttpReply | ConnectFailed | ReplyTimeout
            try:
                limit = max(0.001, min(left, overrides.read_ms / 1000))
                failure = await self._attempt(url, method, fields, call_sid, overrides, limit)
                if failure.status < 400:
                    return failure
            except (ConnectFailed, ReplyTimeout) as error:
                failure = error
            spent = attempt > overrides.retries or self.clock.monotonic() >= deadline
            if spent or not overrides.again_after(failure):
                if isinstance(failure, HttpReply):
                    return failure
                code = 11205 if isinstance(failure, ConnectFailed) else 11200
                raise WebhookFailed(code, url, str(failure)) from failure

    async def _document(self, url: str, method: str, fields: Fields, call_sid: str) -> Document:
        reply = await self.send(url, method, fields, call_sid)
        if not 200 <= reply.status < 300:
            raise WebhookFailed(11200, url, f"answered with HTTP status {reply.status}")
        if reply.content_type not in XML_TYPES:
            raise WebhookFailed(12300, url, f"answered with content type {reply.content_type!r}, not XML")
        try:
            document = parse_document(reply.body, url.split("#", 1)[0])
        except TwimlError as error:
            raise WebhookFailed(error.code, url, error.reason) from error
        for warning in document.warnings:
            self.log.violate(warning.code, f"{url}: {warning.message}", call_sid)
        return document

    async def _attempt(
        self, url: str, method: str, fields: Fields, call_sid: str, overrides: Overrides, limit_s: float
    ) -> HttpReply:
        subject = f"{url} "
        if self.faults.take(FaultKind.UNREACHABLE_WEBHOOK, subject, call_sid=call_sid):
            raise ConnectFailed(f"cannot connect to {url}")
        if failing := self.faults.take(FaultKind.FAIL_WEBHOOK, subject, call_sid=call_sid):
            return HttpReply(int(failing.value) or 503, "text/plain", b"")
        slow = self.faults.take(FaultKind.SLOW_WEBHOOK, subject, call_sid=call_sid)
        doubled = self.faults.take(FaultKind.DUPLICATE_WEBHOOK, subject, call_sid=call_sid)

        async def ask() -> HttpReply:
            call = self._signed(url, method, fields)
            reply = await self.transport.request(call, overrides.connect_ms / 1000, limit_s)
            if slow:
                await pause(self.clock, slow.value)
            return reply

        async def ask_twice() -> HttpReply:
            first, _ = await asyncio.gather(ask(), ask())
            return first

        self.log.record(EventKind.WEBHOOK_SENT, call_sid, url=url, method=method)
        started = self.clock.monotonic()
        try:
            reply = await within(self.clock, limit_s, ask_twice() if doubled else ask())
        except (ConnectFailed, ReplyTimeout) as error:
            self.log.record(EventKind.WEBHOOK_FAILED, call_sid, url=url, reason=type(error).__name__)
            raise
        took = self.clock.monotonic() - started
        self.log.record(
            EventKind.WEBHOOK_ANSWERED, call_sid, url=url, status=reply.status, seconds=round(took, 6)
        )
        return reply

    def _signed(self, url: str, method: str, fields: Fields) -> HttpCall:
        bare = url.split("#", 1)[0]
        headers = {
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            "I-Twilio-Idempotency-Token": str(uuid4()),
            "X-Home-Region": "us1",
        }
        if method == "GET":
            query = urlencode(fields)
            full = bare + ("&" if urlsplit(bare).query else "?") + query if query else bare
            headers["X-Twilio-Signature"] = sign(self.auth_token, full)
            return HttpCall("GET", full, headers)
        headers["Content-Type"] = FORM
        headers["X-Twilio-Signature"] = sign(self.auth_token, bare, fields)
        return HttpCall("POST", bare, headers, urlencode(fields).encode())

    def _report(self, failure: WebhookFailed, call_sid: str) -> None:
        self.log.notify(failure.code, f"{failure.url}: {failure.reason}", call_sid)


def query_pairs(query: str) -> list[tuple[str, str]]:
    """The custom parameters behind an address as form fields, blank values kept."""
    return parse_qsl(query, keep_blank_values=True)
