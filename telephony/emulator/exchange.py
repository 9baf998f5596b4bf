"""The telephone exchange: all legs and conferences, one 20 ms tick for everything, and the ends of calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from .accounts import Account
from .callbacks import Callback
from .clock import first_of
from .conference import JoinRefused
from .creation_queue import CreationQueue
from .errors import WebhookFailed
from .events import EventKind
from .g711 import FRAME_SECONDS
from .identifiers import split_address
from .leg import CallStatus, Direction, Leg, Progress
from .participant import LeaveReason, Membership, Participant
from .phones import Directory, Phone, PhoneBehaviour, PhoneCall
from .program import Program
from .recordings import Recording, RecordingOrder, RecordingShelf
from .rooms import Rooms
from .services import Services
from .stream import MediaStream
from .stream_order import StreamKind
from .twiml import Document
from .webhook import Target

CONCURRENCY_EXCEEDED = 10004
CATCH_UP_TICKS = 50  # one second: a longer stall of the process is not made up for


class UnknownNumber(ValueError):
    """A call to a number or application that the account does not have."""


class Exchange:
    """Owns every call of the account. All methods run on one event loop."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.account = Account(services.config, services.clock)
        self.directory = Directory()
        self.shelf = RecordingShelf()
        self.rooms = Rooms(services, self.shelf)
        self.legs: dict[str, Leg] = {}
        self.creation = CreationQueue(services.clock, services.config.limits.calls_per_second)
        self.behaviours: dict[str, PhoneBehaviour] = {}
        self.ticks = 0
        self.busy_s = 0.0
        self._live: dict[str, Leg] = {}

    # --- the tick --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tick every 20 ms on absolute deadlines, so that delays never add up."""
        clock = self.services.clock
        due = clock.monotonic()
        while True:
            due += FRAME_SECONDS
            await clock.sleep_until(due)
            self.tick()
            late = clock.monotonic() - due
            if late > CATCH_UP_TICKS * FRAME_SECONDS:
                due = clock.monotonic()

    def tick(self) -> None:
        """Move one frame of audio through every leg and conference."""
        self.ticks += 1
        legs = [leg for leg in self._live.values() if leg.live]
        for leg in legs:
            leg.pull()
        self.rooms.tick()
        for leg in legs:
            leg.push()

    # --- calls come about ------------------------------------------------------------------------

    @property
    def live_calls(self) -> int:
        """Calls that count against the concurrency limit."""
        return sum(
            not leg.status.terminal and leg.status is not CallStatus.QUEUED for leg in self.legs.values()
        )

    @property
    def full(self) -> bool:
        """Whether the account's concurrency limit is reached."""
        limit = self.services.config.limits.concurrent_calls
        return limit is not None and self.live_calls >= limit

    def add(self, leg: Leg) -> Leg:
        """Take a new leg into the books."""
        self.legs[leg.sid] = leg
        self.services.log.record(
            EventKind.CALL_CREATED, leg.sid, direction=leg.direction.value, app=leg.is_app
        )
        self.services.tasks.start(self._watch(leg), f"watch over {leg.sid}")
        return leg

    def drive(self, leg: Leg, work: Callable[[], Awaitable[None]]) -> None:
        """Let `work` control the leg; when it is through, the call is over."""

        async def to_the_end() -> None:
            await work()
            self.end(leg, CallStatus.COMPLETED)

        leg.driver = self.services.tasks.start(to_the_end(), f"driver of {leg.sid}")

    def place_inbound(
        self, phone_call: PhoneCall, to: str, from_: str, fields: tuple[tuple[str, str], ...] = ()
    ) -> Leg:
        """A telephone calls one of the account's numbers, or a client calls an application.

        Raises:
            UnknownNumber: the account has no such number or application.
        """
        base, _ = split_address(to)
        number = self.account.numbers.get(base)
        application = self.account.applications.get(base.removeprefix("app:"))
        if number is not None:
            target = self.account.voice_target(number.value)
            owner = self.account.applications.get(number.value.voice_application_sid)
            callback = (owner or number).value
            leg = Leg(
                self.services,
                Direction.INBOUND,
                to,
                from_,
                phone_number_sid=number.value.sid,
                extra_fields=(*_caller_facts(to, from_), *fields),
            )
        elif application is not None:
            callback = application.value
            target = Target(
                callback.voice_url,
                callback.voice_method,
                callback.voice_fallback_url,
                callback.voice_fallback_method,
            )
            leg = Leg(
                self.services,
                Direction.INBOUND,
                "",
                from_,
                application_sid=application.value.sid,
                extra_fields=fields,
            )
        else:
            raise UnknownNumber(f"{to} is not one of the account's numbers or applications")
        leg.progress = Progress(callback.status_callback, callback.status_callback_method)
        phone_call.connect(leg)
        full = self.full
        self.add(leg)
        if full:
            self.services.log.notify(CONCURRENCY_EXCEEDED, "concurrent call limit exceeded", leg.sid)
            leg.become(CallStatus.BUSY)
            return leg
        leg.status = CallStatus.RINGING
        self.services.log.record(EventKind.CALL_RINGING, leg.sid, status="ringing")
        self.drive(leg, lambda: self.run_twiml(leg, target))
        return leg

    async def run_twiml(
        self, leg: Leg, source: Target | Document, more: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Fetch TwiML unless it is here already, and execute it to its end."""
        program = Program(leg, self)
        if isinstance(source, Target):
            try:
                document = await self.services.webhooks.ask_for_twiml(source, [*leg.fields(), *more], leg.sid)
            except WebhookFailed:
                await program.application_error()
                return
        else:
            document = source
        await program.run(document)

    def phone_call(self) -> PhoneCall:
        """A telephone handset that is not connected yet."""
        return PhoneCall(self.services, lambda leg: self.hang_up_far_end(leg))

    def behaviour_of(self, leg: Leg) -> PhoneBehaviour:
        """The script of the phone that was called."""
        return self.behaviours.get(leg.sid, PhoneBehaviour())

    def phone_at(self, address: str) -> Phone | None:
        """The phone with that address, if there is one."""
        return self.directory.find(address)

    # --- conferences -----------------------------------------------------------------------------

    def join(self, leg: Leg, name_or_sid: str, terms: Membership, *, by_rest: bool) -> Participant:
        """Let a leg into the conference of that name.

        Raises:
            JoinRefused: see `Conference.join`; the account's debugger knows already.
        """
        conference = self.rooms.with_sid(name_or_sid) or self.rooms.open(name_or_sid, by_rest=by_rest)
        try:
            participant = conference.join(leg, terms, turned=by_rest and leg.is_app)
        except JoinRefused as refused:
            self.services.log.notify(refused.code, str(refused), leg.sid)
            raise
        if participant.turned:
            participant.left.add_done_callback(lambda left: self._app_leg_left(leg, left))
        return participant

    def _app_leg_left(self, leg: Leg, left: asyncio.Future[LeaveReason]) -> None:
        # An app leg stands in its conference with its far side: outside of it nobody is on the line. A
        # replaced TwiML document keeps it alive, as for any other leg.
        if not left.cancelled() and left.result() is not LeaveReason.UPDATED_BY_API:
            self.end(leg, CallStatus.COMPLETED)

    def open_in_background(self, stream: MediaStream) -> None:
        """Open a tap without holding up the call."""

        async def work() -> None:
            await stream.open()

        self.services.tasks.start(work(), f"opening of stream {stream.sid}")

    # --- recordings ------------------------------------------------------------------------------

    def record_leg(self, leg: Leg, order: RecordingOrder) -> Recording:
        """Start recording a leg."""
        recording = self.shelf.add(Recording(order, self.services, call_sid=leg.sid))
        leg.recordings.append(recording)
        return recording

    # --- calls change and end --------------------------------------------------------------------

    def redirect(self, leg: Leg, source: Target | Document) -> None:
        """Replace what a live call does: it leaves its conference, bridge and `<Connect>` first."""
        self._release(leg, LeaveReason.UPDATED_BY_API)
        kinds = [StreamKind.CONNECT]
        if not self.services.config.switches.tap_survives_update:
            kinds.append(StreamKind.TAP)
        leg.stop_streams(kinds)
        self.services.log.record(EventKind.CALL_UPDATED, leg.sid)
        self.drive(leg, lambda: self.run_twiml(leg, source))

    def end(self, leg: Leg, status: CallStatus) -> None:
        """End a call in every respect. Safe more than once and from within its own driver."""
        if leg.status.terminal:
            return
        for recording in leg.recordings:
            recording.stop()
        leg.become(status)
        self._release(leg, LeaveReason.HUNG_UP)
        leg.stop_streams()

    def hang_up_far_end(self, leg: Leg) -> None:
        """The telephone at the far end hangs up (or gives up while it still rings)."""
        if leg.status.terminal:
            return
        if leg.live:
            self._after_hang_up(leg)
            self.end(leg, CallStatus.COMPLETED)
        else:
            self.end(leg, CallStatus.NO_ANSWER if leg.direction is Direction.INBOUND else CallStatus.BUSY)

    def hang_up_where(self, call_sid: str) -> bool:
        """Hang up the telephone behind a call, or the first caller when it is about no telephone."""
        leg = self.legs.get(call_sid)
        callers = [c for c in self._live.values() if c.direction is Direction.INBOUND]
        if leg is None or leg.far is None:
            leg = callers[0] if callers else None
        if leg is None or leg.status.terminal:
            return False
        self.hang_up_far_end(leg)
        return True

    def kick(self, participant: Participant) -> None:
        """Remove a participant by REST; without TwiML of its own its call ends."""
        participant.conference.leave(participant, LeaveReason.KICKED)

    def _release(self, leg: Leg, reason: LeaveReason) -> None:
        if leg.driver is not None and leg.driver is not asyncio.current_task():
            leg.driver.cancel()
        for participant in (leg.near_conference, leg.far_conference):
            if participant is not None:
                participant.conference.leave(participant, reason)
        if leg.bridge is not None:
            leg.bridge.bridge = None
            leg.bridge = None
        for child in leg.children:
            if child.live:
                self.end(child, CallStatus.COMPLETED)
            else:
                self.end(child, CallStatus.CANCELED)
        leg.children.clear()
        leg.stop_playing()

    def _after_hang_up(self, leg: Leg) -> None:
        action = leg.action_after_hang_up
        if action is None or not self.services.config.switches.dial_action_after_hangup:
            return
        target, more = action
        fields = [(k, CallStatus.COMPLETED.value if k == "CallStatus" else v) for k, v in leg.fields()]
        self.services.callbacks.fire(
            Callback(leg.sid, target.url, target.method, [*fields, *more], "dial-action", leg.sid)
        )

    async def _watch(self, leg: Leg) -> None:
        """Let audio flow while the leg is live."""
        await first_of(leg.answered, leg.ended)
        if leg.live:
            self._live[leg.sid] = leg
            self.limit(leg, leg.time_limit_s)
            await first_of(leg.ended)
            del self._live[leg.sid]

    def limit(self, leg: Leg, seconds: int) -> None:
        """End a call `seconds` after its answer; a later limit replaces an earlier one."""
        leg.time_limit_s = seconds
        if leg.answered_at is None:
            return
        deadline = leg.answered_at + seconds

        async def work() -> None:
            timer = asyncio.ensure_future(self.services.clock.sleep_until(deadline))
            try:
                await first_of(leg.ended, timer)
            finally:
                timer.cancel()
            if leg.time_limit_s == seconds:
                self.end(leg, CallStatus.COMPLETED)

        self.services.tasks.start(work(), f"time limit of {leg.sid}")


def _caller_facts(to: str, from_: str) -> tuple[tuple[str, str], ...]:
    facts = [("CallToken", "emulated"), ("StirVerstat", "TN-Validation-Passed-A")]
    for side, address in (("From", from_), ("Caller", from_), ("To", to), ("Called", to)):
        if address.startswith("+1"):
            facts += [(f"{side}City", ""), (f"{side}State", ""), (f"{side}Zip", ""), (f"{side}Country", "US")]
    return tuple(facts)
