"""The agent's leg in the conference: asked for while the phone rings, watched, added again once, given up.

A leg is ready when it has joined and its stream is open. One that dies is replaced by a new generation with a
label and a key of its own, so that nothing of the old one can be taken for the new. When that fails too, or
the first one is refused or late, :class:`AgentLegs` says so once and is done: the caller then gets everything
on the own leg.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any, Final

import structlog

from telephony import twiml
from telephony.errors import RestError
from telephony.roster import Member
from telephony.tokens import StreamGrant
from telephony.twiml import StreamTarget
from telephony.webhook import CallStatus
from voice_agent.call import network as addresses
from voice_agent.call.events import CallEvent, SessionInfo
from voice_agent.call.leg_ender import LegEnder
from voice_agent.call.leg_feed import LegFeed
from voice_agent.call.mute_switch import MuteSwitch
from voice_agent.call.network import Network
from voice_agent.call.ports import CallInfo, LegRole
from voice_agent.call.tasks import CallTasks

log = structlog.get_logger(__name__)

DUPLICATE_LABEL: Final = 16025
LABEL: Final = "agent"


class Verdict(StrEnum):
    """What became of asking for a leg."""

    READY = "ready"
    REFUSED = "refused"
    LATE = "late"
    DIED = "died"


class AgentLeg:
    """One generation of the agent's leg. ``key`` rides in its address and comes back in its webhooks."""

    def __init__(self, generation: int, key: str, mute: MuteSwitch) -> None:
        self.generation = generation
        self.mute = mute
        self.label = LABEL if generation == 1 else f"{LABEL}-{generation}"
        self.key = key
        self.leg_sid = ""
        self.conference_sid = ""
        self.document = ""
        self.joined = False
        self.feed: LegFeed | None = None
        self.reason = ""
        self.verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self.died = asyncio.Event()
        self.ended = asyncio.Event()
        """The network itself has ended the leg."""

    def decide(self, verdict: Verdict, reason: str = "") -> None:
        """The first verdict holds."""
        if not self.verdict.done():
            self.reason = reason or self.reason
            self.verdict.set_result(verdict)

    def die(self, reason: str) -> None:
        """The leg is of no use any more."""
        if not self.died.is_set():
            self.reason = reason
            self.died.set()
            self.decide(Verdict.DIED)

    @property
    def is_refused(self) -> bool:
        """REST would not have this leg."""
        decided = self.verdict.done() and not self.verdict.cancelled()
        return decided and self.verdict.result() is Verdict.REFUSED

    def settle(self) -> None:
        """Ready once it is both in the conference and streaming."""
        if self.joined and self.feed is not None:
            self.decide(Verdict.READY)


class AgentLegs:
    """All generations of one call's agent leg."""

    def __init__(
        self,
        info: CallInfo,
        network: Network,
        tasks: CallTasks,
        *,
        emit: Callable[[CallEvent], None],
        reconcile: Callable[[], Coroutine[Any, Any, None]],
        on_given_up: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        """``reconcile`` asks the network who is in the conference and reports it as callbacks would have.

        ``on_given_up`` is awaited once, with the reason, when there will be no agent's leg any more.
        """
        self._info = info
        self._network = network
        self._tasks = tasks
        self._ender = LegEnder(info, network.rest)
        self._emit = emit
        self._reconcile = reconcile
        self._on_given_up = on_given_up
        self._keeper: asyncio.Task[None] | None = None
        self._caller_is_in = False
        self._muted = False
        self._asked = asyncio.Event()
        self.conference_sid = ""
        """Where the caller is, once known: a new leg is added there and not by name."""
        self.leg: AgentLeg | None = None

    def start(self) -> None:
        """Ask for the first leg."""
        self._keeper = self._tasks.start(self._keep(), "keep agent leg")

    @property
    def known_conference_sid(self) -> str:
        """The conference of the call as far as it is known, else ""."""
        return self.conference_sid or (self.leg.conference_sid if self.leg is not None else "")

    @property
    def conference(self) -> str:
        """The conference's SID, or its name while that is not known."""
        return self.known_conference_sid or self._info.conference

    async def first_answer(self) -> None:
        """Wait until REST has answered about the first leg, and a refusal has had its effect."""
        await self._asked.wait()
        if self._keeper is not None and self.leg is not None and self.leg.is_refused:
            await asyncio.wait({self._keeper})

    def caller_is_in(self) -> None:
        """From now on the caller waits for the agent. Idempotent."""
        if not self._caller_is_in:
            self._caller_is_in = True
            if self.leg is not None:
                self._start_waiting(self.leg)

    def document(self, key: str, leg_sid: str) -> str:
        """TwiML for the leg that presents ``key``: its stream, or the end when it is not the leg we wait
        for."""
        leg = self.leg
        if leg is None or leg.key != key or leg.died.is_set() or leg.leg_sid not in ("", leg_sid):
            return twiml.hang_up()
        if not leg.document:
            leg.leg_sid = leg_sid
            token = self._network.tokens.issue(
                StreamGrant(self._info.call_sid, leg_sid, LegRole.AGENT, leg.generation)
            )
            leg.document = twiml.bidirectional_stream(
                StreamTarget(
                    url=self._network.media_url(addresses.MEDIA_AGENT),
                    name=f"mouth-{leg.generation}",
                    token=token,
                    status_callback=self._network.url(addresses.STREAM),
                )
            )
        return leg.document

    def holds_key(self, key: str) -> bool:
        """True when ``key`` is the current leg's."""
        return self.leg is not None and self.leg.key == key

    def owns(self, call_sid: str) -> bool:
        """True for the call of the current leg."""
        return self.leg is not None and self.leg.leg_sid == call_sid

    def accepts(self, generation: int) -> bool:
        """True for the stream of the leg we wait for."""
        leg = self.leg
        return leg is not None and leg.generation == generation and leg.feed is None and not leg.died.is_set()

    def attach(self, feed: LegFeed) -> None:
        """The leg's stream is open."""
        if self.leg is not None:
            self.leg.feed = feed
            self.leg.settle()

    def on_joined(self, member: Member) -> None:
        """The leg is in a conference: hopefully the caller's."""
        leg = self._leg_of(member.call_sid, member.label)
        if leg is None:
            return
        leg.leg_sid = leg.leg_sid or member.call_sid
        leg.conference_sid = member.conference_sid
        if self.conference_sid and member.conference_sid != self.conference_sid:
            leg.die("joined another conference of the same name")
            return
        leg.joined = True
        leg.settle()
        if self._muted:
            self._tasks.start(self._apply_mute(), "mute agent leg")

    @property
    def muted(self) -> bool:
        """True while a person speaks in the agent's place."""
        return self._muted

    async def mute(self, muted: bool) -> None:
        """Mute or unmute the leg; a later generation is muted when it joins. Nothing to do without a leg.

        A leg that cannot be unmuted is of no use: it is replaced.
        """
        self._muted = muted
        await self._apply_mute()

    async def _apply_mute(self) -> None:
        """Bring the leg to what is wanted now, which may have changed since this was asked for."""
        leg, muted = self.leg, self._muted
        if leg is None or not leg.joined or leg.died.is_set():
            return
        try:
            await leg.mute.set(leg.conference_sid, leg.leg_sid, muted=muted)
        except RestError as error:
            log.warning("agent_leg_not_muted", call_sid=self._info.call_sid, muted=muted, error=str(error))
            if not self._muted and leg.mute.may_be_muted:
                leg.die("could not be unmuted")

    def on_left(self, member: Member, reason: str) -> None:
        """The leg is out of its conference."""
        leg = self._leg_of(member.call_sid, member.label)
        if leg is not None:
            leg.ended.set()
            leg.die(f"left the conference: {reason or 'no reason given'}")

    def on_status(self, key: str, leg_sid: str, status: CallStatus) -> None:
        """Progress of the leg's own call."""
        leg = self.leg
        if leg is not None and status.is_terminal and (leg.key == key or leg.leg_sid == leg_sid):
            leg.ended.set()
            leg.die(f"call {status}")

    def on_closed(self, generation: int, reason: str) -> None:
        """The leg's stream is over."""
        leg = self.leg
        if leg is not None and leg.generation == generation:
            if reason == "stop":
                leg.ended.set()
            leg.die(f"stream {reason}")

    def caller_entered(self, conference_sid: str) -> None:
        """Where the caller is."""
        self.conference_sid = conference_sid
        leg = self.leg
        if leg is not None and leg.joined and leg.conference_sid != conference_sid:
            leg.die("joined another conference of the same name")

    def stop(self) -> None:
        """Do not replace the leg any more. Idempotent."""
        if self._keeper is not None and self._keeper is not asyncio.current_task():
            self._keeper.cancel()

    def abandon(self) -> None:
        """No agent's leg is wanted any more (the caller was taken elsewhere): end what there is."""
        self.stop()
        if self.leg is not None:
            self._discard(self.leg)

    async def close(self) -> None:
        """The call is over: give the network a moment to end the leg by itself, then see to it."""
        leg = self.leg
        if leg is not None and (leg.feed is not None or leg.leg_sid) and not leg.ended.is_set():
            try:
                async with asyncio.timeout(self._network.timings.leave_grace):
                    await leg.ended.wait()
            except TimeoutError:
                self._discard(leg)
        if leg is not None and leg.feed is not None:
            leg.feed.cut()
        await self._ender.finished()

    async def _keep(self) -> None:
        reason = "never asked for"
        for generation in range(1, self._network.timings.agent_generations + 1):
            mute = MuteSwitch(self._network.rest, muted=False)
            leg = self.leg = AgentLeg(generation, self._network.new_key(), mute)
            ask = self._tasks.start(self._ask(leg), "ask for agent leg")
            if self._caller_is_in:
                self._start_waiting(leg)
            verdict = await leg.verdict
            if verdict is Verdict.LATE and leg.feed is not None:
                # The stream is open and no callback told of the entry: it may just have been lost.
                await self._reconcile()
                verdict = Verdict.READY if leg.joined else verdict
            if verdict is Verdict.READY:
                await leg.died.wait()
                verdict = Verdict.DIED
            ask.cancel()
            self._discard(leg)
            reason = leg.reason or str(verdict)
            self._emit(
                SessionInfo(
                    call_sid=self._info.call_sid,
                    name="agent_leg_lost",
                    detail={"generation": generation, "verdict": str(verdict), "reason": reason},
                )
            )
            if verdict is not Verdict.DIED:
                break
            # When the caller hangs up the agent's leg may be the first to go; the call's end cancels this.
            await asyncio.sleep(self._network.timings.hangup_grace)
        await self._on_given_up(reason)

    async def _ask(self, leg: AgentLeg) -> None:
        by_sid = self.conference_sid if leg.generation > 1 else ""
        try:
            participant = await self._network.rest.add_agent_leg(
                by_sid or self._info.conference,
                from_=self._info.called,
                app_sid=self._network.app_sid,
                key=leg.key,
                label=leg.label,
                conference_callback=self._network.url(addresses.CONFERENCE),
                status_callback=self._network.url(addresses.STATUS, f"s={leg.key}"),
            )
        except RestError as error:
            leg.decide(Verdict.DIED if error.code == DUPLICATE_LABEL else Verdict.REFUSED, str(error))
            return
        finally:
            self._asked.set()
        leg.conference_sid = leg.conference_sid or participant.conference_sid
        if leg.leg_sid in ("", participant.call_sid):
            leg.leg_sid = participant.call_sid
        else:
            # A repeated request had taken effect the first time: one leg is enough.
            self._ender.end(participant.call_sid)

    def _start_waiting(self, leg: AgentLeg) -> None:
        delay = self._network.timings.agent_join
        asyncio.get_running_loop().call_later(
            delay, leg.decide, Verdict.LATE, f"not there {delay:g} s after the caller"
        )

    def _leg_of(self, call_sid: str, label: str) -> AgentLeg | None:
        leg = self.leg
        if leg is None or (leg.leg_sid != call_sid if leg.leg_sid else leg.label != label):
            return None
        return leg

    def _discard(self, leg: AgentLeg) -> None:
        leg.died.set()
        if leg.feed is not None:
            leg.feed.cut()
        if leg.leg_sid and not leg.ended.is_set():
            leg.ended.set()
            self._ender.end(leg.leg_sid)
