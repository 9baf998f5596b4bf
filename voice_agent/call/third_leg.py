"""Operators' legs in the caller's conference: called in muted, watched until they are out.

A leg is *called*, then *in*, then *gone*, and each step happens once, whatever the callbacks do: the entry
is believed when the signed conference callback tells it, or when a leg that was answered turns up in the list
of participants. Whose leg a callback means is decided by its call SID, and by its label while that is
unknown. An operator who comes again gets a leg with a label and a key of its own, so that nothing of the old
one is taken for the new.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from enum import StrEnum
from itertools import count
from typing import Any, Final

from telephony.errors import CallGone, RestError, RestUnavailable
from telephony.rest import Participant
from telephony.roster import Member
from telephony.tokens import StreamGrant
from telephony.twiml import StreamTarget
from telephony.webhook import CallStatus
from voice_agent.call import network as addresses
from voice_agent.call.events import CallEvent, Degraded
from voice_agent.call.leg_ender import LegEnder
from voice_agent.call.leg_feed import LegFeed
from voice_agent.call.mute_switch import MuteSwitch
from voice_agent.call.network import Network
from voice_agent.call.ports import AddedLeg, CallInfo, LegRole, LegSocket, OperatorPresence
from voice_agent.call.tasks import CallTasks
from voice_agent.operators.ports import CallUnreachable, OperatorError, OperatorLeg

LABEL: Final = "operator"
RING_S: Final = 30
"""How long an operator's phone or browser rings."""
_LABELLED: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
"""Characters that may stand in a label: the SDK puts it into paths as it is."""


class LegState(StrEnum):
    """The life of an operator's leg. ``called -> in -> gone``, or ``called -> gone``."""

    CALLED = "called"
    IN = "in"
    GONE = "gone"


class ThirdLeg:
    """One leg of one operator. ``key`` rides in its status callbacks."""

    def __init__(self, operator: OperatorLeg, label: str, key: str, mute: MuteSwitch) -> None:
        self.operator = operator
        self.label = label
        self.key = key
        self.mute = mute
        self.state = LegState.CALLED
        self.leg_sid = ""
        self.conference_sid = ""
        self.ended_by_network = False
        self.tap: OperatorTap | None = None
        self.tapping: asyncio.Task[None] | None = None
        self.answered = False
        self.asked: asyncio.Future[RestError | None] = asyncio.get_running_loop().create_future()
        """What REST answered."""


class OperatorTap:
    """One stream of what an operator says."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.feed: LegFeed | None = None
        self.attached = asyncio.Event()
        self.lost = asyncio.Event()
        self.heard = False
        """It has brought audio."""

    def on_first_media(self) -> None:
        """The operator's microphone reaches us."""
        self.heard = True


class ThirdLegs:
    """All operators' legs of one call; implements :class:`voice_agent.call.ports.OperatorLegs`."""

    def __init__(
        self,
        info: CallInfo,
        network: Network,
        tasks: CallTasks,
        *,
        emit: Callable[[CallEvent], None],
        reconcile: Callable[[], Coroutine[Any, Any, None]],
        conference: Callable[[], str],
        presence: Callable[[], OperatorPresence | None],
    ) -> None:
        """``conference()`` is the SID (or name) where the caller is, "" when there is none to come into."""
        self._info = info
        self._network = network
        self._tasks = tasks
        self._ender = LegEnder(info, network.rest)
        self._emit = emit
        self._reconcile = reconcile
        self._conference = conference
        self._presence = presence
        self._legs: dict[str, ThirdLeg] = {}
        self._called: dict[str, int] = {}
        """How often each operator was called: the label of the next leg."""
        self._generations = count(1)

    # -- what a session may ask

    @property
    def reachable(self) -> bool:
        """See :class:`voice_agent.call.ports.OperatorLegs`."""
        return bool(self._conference())

    async def add(self, operator: OperatorLeg) -> AddedLeg:
        """See :class:`voice_agent.call.ports.OperatorLegs`."""
        leg = self._legs.get(operator.operator_id) or self._call(operator)
        error = await asyncio.shield(leg.asked)
        if error is not None:
            raise CallUnreachable(f"the phone network did not call the operator: {error}")
        if leg.state is LegState.GONE:
            raise CallUnreachable("the operator's leg ended before it was in; join again")
        return AddedLeg(leg.conference_sid, leg.leg_sid)

    async def mute(self, operator_id: str, muted: bool) -> None:
        """See :class:`voice_agent.call.ports.OperatorLegs`."""
        leg = self._legs.get(operator_id)
        if leg is None or leg.state is not LegState.IN:
            raise CallUnreachable("the operator's leg is not in the conference; join first")
        try:
            await leg.mute.set(leg.conference_sid, leg.leg_sid, muted=muted)
        except RestError as error:
            raise CallUnreachable(f"the operator's leg could not be (un)muted: {error}") from error

    def remove(self, operator_id: str) -> None:
        """See :class:`voice_agent.call.ports.OperatorLegs`."""
        leg = self._legs.get(operator_id)
        if leg is not None:
            self._drop(leg)

    # -- what the line knows

    def whose(self, member: Member) -> OperatorLeg | None:
        """The operator whose leg a member of the conference is."""
        leg = self._leg_of(member)
        return leg.operator if leg is not None else None

    def owns(self, call_sid: str) -> bool:
        """True for the call of an operator's leg."""
        return any(leg.leg_sid == call_sid for leg in self._legs.values())

    def holds_key(self, key: str) -> bool:
        """True when ``key`` rides in a leg's callbacks."""
        return any(leg.key == key for leg in self._legs.values())

    def on_joined(self, member: Member) -> None:
        """A leg that is neither the caller's nor the agent's is in the conference."""
        leg = self._leg_of(member)
        if leg is None:
            if member.label.startswith(f"{LABEL}-"):
                # One that was sent away while it came in, or the twin of a request that took effect twice.
                self._ender.end(member.call_sid)
            return
        if leg.leg_sid not in ("", member.call_sid):
            self._ender.end(leg.leg_sid)
        leg.leg_sid, leg.conference_sid = member.call_sid, member.conference_sid
        if leg.state is LegState.CALLED:
            leg.state = LegState.IN
            leg.tapping = self._tasks.start(self._keep_tap(leg), "operator's tap")
            if (presence := self._presence()) is not None:
                presence.joined(leg.operator.operator_id, AddedLeg(leg.conference_sid, leg.leg_sid))

    def on_left(self, member: Member, reason: str) -> None:
        """Such a leg is out; it may never have been in."""
        leg = next((each for each in self._legs.values() if each.leg_sid == member.call_sid), None)
        if leg is not None:
            leg.ended_by_network = True
            self._lose(leg, reason or "left the conference")

    def on_status(self, key: str, call_sid: str, status: CallStatus) -> None:
        """Progress of a leg's own call."""
        leg = next(
            (each for each in self._legs.values() if call_sid == each.leg_sid or (key and key == each.key)),
            None,
        )
        if leg is None or call_sid != (leg.leg_sid or call_sid):
            return
        leg.leg_sid = call_sid
        if status.is_terminal:
            leg.ended_by_network = True
            self._lose(leg, str(status))
        elif status is CallStatus.IN_PROGRESS and not leg.answered:
            leg.answered = True
            self._tasks.start(self._expect_entry(leg), "expect operator")

    def attach(self, generation: int, socket: LegSocket, on_closed: Callable[[str], None]) -> LegFeed | None:
        """A tap's socket is open."""
        leg, presence = self._tapped(generation), self._presence()
        if leg is None or leg.tap is None or presence is None:
            return None
        tap, sink = leg.tap, presence.attach(leg.operator.operator_id, socket)
        tap.feed = LegFeed(sink, socket, on_closed=on_closed, on_first_media=tap.on_first_media)
        tap.attached.set()
        return tap.feed

    def on_closed(self, generation: int) -> None:
        """A tap's socket is gone."""
        for leg in self._legs.values():
            if leg.tap is not None and leg.tap.generation == generation:
                leg.tap.lost.set()

    def abandon(self, reason: str) -> None:
        """The conference is over while the call goes on: no operator is there any more."""
        for leg in list(self._legs.values()):
            self._lose(leg, reason, may_return=False)

    async def close(self) -> None:
        """The call is over: end what the network has not ended by itself."""
        for leg in list(self._legs.values()):
            self._drop(leg)
        await self._ender.finished()

    # -- inside

    def _call(self, operator: OperatorLeg) -> ThirdLeg:
        name = operator.operator_id
        if not _LABELLED.fullmatch(name):
            raise OperatorError(f"operator id {name[:20]!r} must be 1 to 100 of A-Z, a-z, 0-9, _ and -")
        conference = self._conference()
        if not conference:
            raise CallUnreachable("the caller is not in a conference, so nobody can join; transfer the call")
        times = self._called[name] = self._called.get(name, 0) + 1
        label = f"{LABEL}-{name}" if times == 1 else f"{LABEL}-{name}-{times}"
        mute = MuteSwitch(self._network.rest, muted=True)
        leg = self._legs[name] = ThirdLeg(operator, label, self._network.new_key(), mute)
        self._tasks.start(self._ask(leg, conference), "call operator")
        return leg

    async def _ask(self, leg: ThirdLeg, conference: str) -> None:
        answer: RestError | None = RestUnavailable("add participant", 0)
        try:
            participant = await self._network.rest.add_participant(
                conference,
                from_=self._info.called,
                to=leg.operator.address,
                label=leg.label,
                conference_callback=self._network.url(addresses.CONFERENCE),
                status_callback=self._network.url(addresses.STATUS, f"s={leg.key}"),
                muted=True,
                start_conference_on_enter=False,
                timeout_s=RING_S,
            )
            answer = None
        except RestError as error:
            answer = error
        else:
            self._called_as(leg, participant)
        finally:
            if answer is not None:
                self._drop(leg)
            leg.asked.set_result(answer)

    def _called_as(self, leg: ThirdLeg, participant: Participant) -> None:
        leg.conference_sid = leg.conference_sid or participant.conference_sid
        if leg.leg_sid not in ("", participant.call_sid):
            # The request took effect twice; the other one already gave a sign of life.
            self._ender.end(participant.call_sid)
        leg.leg_sid = leg.leg_sid or participant.call_sid
        if leg.state is LegState.GONE:
            self._ender.end(leg.leg_sid)
        # A leg of which nothing is heard although it must have stopped ringing: its callbacks were lost.
        overdue = RING_S + self._network.timings.operator_overdue
        self._tasks.start(self._expect_entry(leg, overdue), "expect operator")

    async def _expect_entry(self, leg: ThirdLeg, seconds: float | None = None) -> None:
        """After the answer (or when it must have come) the leg has to be in: else look who is there."""
        await asyncio.sleep(self._network.timings.operator_entry if seconds is None else seconds)
        if leg.state is LegState.CALLED:
            await self._reconcile()
        if leg.state is LegState.CALLED and seconds is not None:
            self._lose(leg, "never came")

    async def _keep_tap(self, leg: ThirdLeg) -> None:
        timings = self._network.timings
        failures, cause = 0, ""
        while failures < timings.tap_tries:
            leg.tap = tap = OperatorTap(next(self._generations))
            try:
                await self._network.rest.start_tap(leg.leg_sid, self._target(leg, tap))
                async with asyncio.timeout(timings.tap_attach):
                    await tap.attached.wait()
            except CallGone:
                return
            except RestError as error:
                failures, cause = failures + 1, str(error)
                continue
            except TimeoutError:
                failures, cause = failures + 1, f"no stream within {timings.tap_attach:g} s"
                continue
            await tap.lost.wait()
            failures, cause = (0, "") if tap.heard else (failures + 1, "the stream ended without audio")
            # If the leg is gone too its own callback says so in a moment, and cancels this.
            await asyncio.sleep(timings.hangup_grace)
        reason = f"{leg.operator.operator_id} is not heard: {cause}"
        self._emit(Degraded(call_sid=self._info.call_sid, part="operator_tap", rung="none", reason=reason))

    def _target(self, leg: ThirdLeg, tap: OperatorTap) -> StreamTarget:
        token = self._network.tokens.issue(
            StreamGrant(self._info.call_sid, leg.leg_sid, LegRole.OPERATOR, tap.generation)
        )
        return StreamTarget(
            url=self._network.media_url(addresses.MEDIA_TAP),
            name=f"ear-operator-{tap.generation}",
            token=token,
            status_callback=self._network.url(addresses.STREAM),
        )

    def _tapped(self, generation: int) -> ThirdLeg | None:
        for leg in self._legs.values():
            tap = leg.tap
            if tap is not None and tap.generation == generation and not tap.attached.is_set():
                return leg
        return None

    def _leg_of(self, member: Member) -> ThirdLeg | None:
        legs = self._legs.values()
        known = next((each for each in legs if each.leg_sid == member.call_sid), None)
        if known is not None:
            return known
        labelled = next((each for each in legs if each.label == member.label), None)
        return labelled if labelled is not None and labelled.state is LegState.CALLED else None

    def _lose(self, leg: ThirdLeg, reason: str, *, may_return: bool = True) -> None:
        """The leg is out without our doing."""
        if leg.state is LegState.GONE:
            return
        self._drop(leg)
        if (presence := self._presence()) is not None:
            presence.left(leg.operator.operator_id, reason, may_return=may_return)

    def _drop(self, leg: ThirdLeg) -> None:
        if leg.state is LegState.GONE:
            return
        leg.state = LegState.GONE
        if self._legs.get(leg.operator.operator_id) is leg:
            del self._legs[leg.operator.operator_id]
        if leg.tapping is not None:
            leg.tapping.cancel()
        if leg.tap is not None and leg.tap.feed is not None:
            leg.tap.feed.cut()
        if leg.leg_sid and not leg.ended_by_network:
            self._ender.end(leg.leg_sid)
