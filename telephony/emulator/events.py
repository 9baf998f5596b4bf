"""The event log, the debugger notifications and the violations: what happened, on the monotonic clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .clock import Clock, within

Detail = str | int | float | bool | None

EVENTS_KEPT = 100_000


class EventKind(StrEnum):
    """Everything that the emulator logs."""

    CALL_CREATED = "call.created"
    CALL_INITIATED = "call.initiated"
    CALL_RINGING = "call.ringing"
    CALL_ANSWERED = "call.answered"
    CALL_ENDED = "call.ended"
    CALL_UPDATED = "call.updated"
    CALL_MACHINE_DETECTED = "call.machine_detected"
    VERB_STARTED = "verb.started"
    WEBHOOK_SENT = "webhook.sent"
    WEBHOOK_ANSWERED = "webhook.answered"
    WEBHOOK_FAILED = "webhook.failed"
    CALLBACK_SENT = "callback.sent"
    CALLBACK_FAILED = "callback.failed"
    STREAM_OPENING = "stream.opening"
    STREAM_STARTED = "stream.started"
    STREAM_FIRST_MEDIA = "stream.first_media"
    STREAM_MARK_QUEUED = "stream.mark_queued"
    STREAM_MARK_RETURNED = "stream.mark_returned"
    STREAM_CLEARED = "stream.cleared"
    STREAM_STOPPED = "stream.stopped"
    STREAM_FAILED = "stream.failed"
    CONFERENCE_CREATED = "conference.created"
    CONFERENCE_STARTED = "conference.started"
    CONFERENCE_ENDED = "conference.ended"
    PARTICIPANT_JOINED = "participant.joined"
    PARTICIPANT_LEFT = "participant.left"
    PARTICIPANT_MODIFIED = "participant.modified"
    RECORDING_STARTED = "recording.started"
    RECORDING_ENDED = "recording.ended"
    MESSAGE_STATUS = "message.status"
    PHONE_PLAYING = "phone.playing"
    PHONE_PLAYED = "phone.played"
    PHONE_KEY = "phone.key"
    REST_REQUEST = "rest.request"
    FAULT_APPLIED = "fault.applied"
    NOTIFICATION = "notification"
    VIOLATION = "violation"


@dataclass(frozen=True)
class Event:
    """One entry of the log. It never holds audio, digits or words.

    Attributes:
        index: position in the log, from 0.
        at: seconds of the emulator's monotonic clock.
        call_sid: the call it is about, or empty.
    """

    index: int
    at: float
    kind: EventKind
    call_sid: str
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True)
class Notification:
    """An entry of the account's debugger: an error or warning code and what it is about."""

    at: float
    code: int
    message: str
    call_sid: str = ""


@dataclass(frozen=True)
class Violation:
    """Something that the application did and the contract forbids. A strict test ends with none."""

    at: float
    code: int
    message: str
    call_sid: str = ""


Subscriber = Callable[[Event], None]


class EventLog:
    """The ordered record of one emulator run.

    The newest `EVENTS_KEPT` events are kept. Notifications and violations are lists of their own and
    are also events.
    """

    def __init__(self, clock: Clock, *, strict: bool) -> None:
        self._clock = clock
        self._strict = strict
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._next_index = 0
        self._subscribers: list[Subscriber] = []
        self.notifications: list[Notification] = []
        self.violations: list[Violation] = []

    @property
    def events(self) -> list[Event]:
        """The events still kept, oldest first."""
        return list(self._events)

    def record(self, kind: EventKind, call_sid: str = "", **details: Detail) -> Event:
        """Append an event and tell the subscribers."""
        event = Event(self._next_index, self._clock.monotonic(), kind, call_sid, details)
        self._next_index += 1
        self._events.append(event)
        for subscriber in list(self._subscribers):
            subscriber(event)
        return event

    def notify(self, code: int, message: str, call_sid: str = "") -> None:
        """Write to the account's debugger, as the network does for its own warnings and errors."""
        self.notifications.append(Notification(self._clock.monotonic(), code, message, call_sid))
        self.record(EventKind.NOTIFICATION, call_sid, code=code, message=message)

    def violate(self, code: int, message: str, call_sid: str = "") -> None:
        """Record a breach of the contract by the application; only a notification when lenient."""
        if not self._strict:
            self.notify(code, message, call_sid)
            return
        self.violations.append(Violation(self._clock.monotonic(), code, message, call_sid))
        self.record(EventKind.VIOLATION, call_sid, code=code, message=message)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` for each new event; the returned function ends that."""
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    def of_call(self, call_sid: str) -> list[Event]:
        """The kept events about one call."""
        return [event for event in self._events if event.call_sid == call_sid]

    def of_kind(self, kind: EventKind) -> list[Event]:
        """The kept events of one kind."""
        return [event for event in self._events if event.kind is kind]

    async def wait_for(
        self,
        kind: EventKind,
        matching: Callable[[Event], bool] = lambda event: True,
        timeout_s: float = 10.0,
    ) -> Event:
        """The first event, past or future, of that kind for which `matching` holds.

        Raises:
            ReplyTimeout: none came in time.
        """
        for event in self._events:
            if event.kind is kind and matching(event):
                return event
        found: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

        def watch(event: Event) -> None:
            if event.kind is kind and not found.done() and matching(event):
                found.set_result(event)

        unsubscribe = self.subscribe(watch)
        try:
            return await within(self._clock, timeout_s, found)
        finally:
            unsubscribe()
