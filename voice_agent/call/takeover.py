"""Operators on one call: who listens, who is in charge, and how the caller's ear goes from the agent to a
person and back.

    AGENT     the agent speaks; operators listen, muted
    OPERATOR  one operator speaks; the agent is silent and observes
    LOST      the operator's leg broke off: for a few seconds the place is kept
    RETURNING the network is told; the agent speaks as soon as it has obeyed

What is wanted is decided at once and in one place, without waiting: a second operator who presses takeover in
the same instant is refused, and the agent is silent before any request has left. Only then the network is
asked. Whatever comes back late finds that the state has moved on (``_epoch``) and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

import structlog

from voice_agent.call import events
from voice_agent.call.agent_voice import AgentVoice
from voice_agent.call.escalation import Escalations
from voice_agent.call.log import CallLog
from voice_agent.call.operator_events import LEFT
from voice_agent.call.operator_leg import OperatorEar, OperatorSink
from voice_agent.call.ports import AddedLeg, LegSink, LegSocket, Line
from voice_agent.call.tasks import CallTasks
from voice_agent.operators.ports import (
    CallUnreachable,
    DeliveryStatus,
    Joined,
    NoSuchCall,
    OperatorBusy,
    OperatorError,
    OperatorLeg,
    OperatorMode,
    OperatorOnCall,
)
from voice_agent.reasoning.signals import External, HandedBack, OperatorSaid, OperatorTookOver, Signal

log = structlog.get_logger(__name__)

GRACE_S = 5.0
"""An operator whose leg broke off in the middle may come back within this, before the agent takes over."""


class Charge(StrEnum):
    """Who speaks for the practice."""

    AGENT = "agent"
    OPERATOR = "operator"
    LOST = "lost"
    RETURNING = "returning"


@dataclass
class Present:
    """An operator on the call. ``mode`` is what the network was told last, ``wish`` what the operator
    wants."""

    leg: OperatorLeg
    wish: OperatorMode
    ear: OperatorEar
    mode: OperatorMode = OperatorMode.LISTEN
    is_in: bool = False
    conference_sid: str = ""
    call_sid: str = ""
    joined_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    sink: OperatorSink | None = None


class CallOperators:
    """Implements :class:`voice_agent.call.ports.OperatorPresence`, and takes operators' commands.

    Args:
        ear: makes the ear of an operator, given ``operator_id`` and ``on_said``.
        post: brings a signal to the reasoner whatever else happens; False when that is impossible.
        is_listening: False while the reasoner has not started.
    """

    def __init__(
        self,
        line: Line,
        log: CallLog,
        tasks: CallTasks,
        agent: AgentVoice,
        escalations: Escalations,
        *,
        ear: Callable[..., OperatorEar],
        post: Callable[[Signal], bool],
        is_listening: Callable[[], bool],
    ) -> None:
        self._line = line
        self._log = log
        self._tasks = tasks
        self._agent = agent
        self._escalations = escalations
        self._make_ear = ear
        self._post = post
        self._is_listening = is_listening
        self._present: dict[str, Present] = {}
        self._claimed = ""
        """Who is in charge, or will be as soon as the leg is in."""
        self._epoch = 0
        self._closed = False
        self.charge = Charge.AGENT

    @property
    def on_call(self) -> tuple[OperatorOnCall, ...]:
        """Who is in."""
        return tuple(
            OperatorOnCall(each.leg.operator_id, each.leg.name, each.mode, each.call_sid, each.joined_at)
            for each in self._present.values()
            if each.is_in
        )

    def has(self, operator_id: str) -> bool:
        """True for an operator who is on the call or is being called into it."""
        return operator_id in self._present

    # -- commands

    async def join(self, operator: OperatorLeg, mode: OperatorMode) -> Joined:
        """See :meth:`voice_agent.operators.ports.LiveCalls.join`. Who is there already is switched."""
        self._must_live()
        name = operator.operator_id
        if mode is OperatorMode.TAKEOVER:
            self._claim(name)
        present = self._present.get(name)
        if present is None:
            present = self._invite(operator, mode)
        try:
            added = await self._line.operators.add(operator)
        except OperatorError:
            if self._present.get(name) is present and not present.is_in:
                self._take_out(present, "not called")
            raise
        if not present.is_in:
            present.conference_sid, present.call_sid = added.conference_sid, added.call_sid
        present.wish = mode
        await self._fulfil(present)
        return Joined(present.conference_sid, present.call_sid, mode)

    async def switch(self, operator_id: str, mode: OperatorMode) -> OperatorMode:
        """See :meth:`voice_agent.operators.ports.LiveCalls.switch`. Before the leg is in it changes the
        wish."""
        self._must_live()
        present = self._present.get(operator_id)
        if present is None:
            raise OperatorError("the operator is not on this call; join it first")
        if mode is OperatorMode.TAKEOVER:
            self._claim(operator_id)
        present.wish = mode
        await self._fulfil(present)
        return mode

    async def leave(self, operator_id: str) -> None:
        """See :meth:`voice_agent.operators.ports.LiveCalls.leave`."""
        self._line.operators.remove(operator_id)
        present = self._present.get(operator_id)
        if present is None:
            return
        was_in_charge = self._take_out(present, LEFT)
        if was_in_charge and not self._closed:
            await self._give_back(present)
        await self._let_go(present)

    def guide(self, operator_id: str, message: str) -> DeliveryStatus:
        """An instruction of an operator who is on the call."""
        present = self._present.get(operator_id)
        if present is None:
            raise OperatorError("the operator is not on this call; join it first")
        return self.inject(message, "guidance", present.leg.name, operator_id=operator_id)

    def inject(
        self,
        message: str,
        kind: Literal["external_event", "guidance"],
        sender: str,
        *,
        operator_id: str = "",
    ) -> DeliveryStatus:
        """A fact or an instruction for the reasoner. It waits while the reasoner starts or a person
        speaks."""
        self._must_live()
        if not self._post(External(message, kind, sender)):
            status = DeliveryStatus.FAILED
        elif self._is_listening() and self.charge is Charge.AGENT:
            status = DeliveryStatus.DELIVERED
        else:
            status = DeliveryStatus.QUEUED
        self._log.emit(
            events.Guidance(kind=kind, message=message, sender=sender, operator_id=operator_id, status=status)
        )
        return status

    # -- what the line tells (voice_agent.call.ports.OperatorPresence)

    def joined(self, operator_id: str, leg: AddedLeg) -> None:
        """The leg is in, muted: now the operator's wish can come true."""
        present = self._present.get(operator_id)
        if present is None or self._closed:
            self._line.operators.remove(operator_id)
            return
        present.is_in = True
        present.conference_sid, present.call_sid = leg.conference_sid, leg.call_sid
        self._log.emit(
            events.OperatorJoined(
                operator_id=operator_id,
                name=present.leg.name,
                method=present.leg.method,
                participant_call_sid=leg.call_sid,
                conference_sid=leg.conference_sid,
            )
        )
        if present.wish is not present.mode:
            self._tasks.start(self._fulfil_quietly(present), "operator's wish")

    def left(self, operator_id: str, reason: str, *, may_return: bool = True) -> None:
        """The leg is gone without anybody having asked for it."""
        present = self._present.get(operator_id)
        if present is None:
            return
        was_in_charge = self._take_out(present, reason)
        if was_in_charge and not self._closed:
            epoch = self._move(Charge.LOST)
            self._tasks.start(self._wait_for(present, epoch, GRACE_S if may_return else 0.0), "keep place")
        else:
            self._tasks.start(self._let_go(present), "operator gone")

    def attach(self, operator_id: str, socket: LegSocket) -> LegSink:
        """A stream of the operator's microphone."""
        present = self._present.get(operator_id)
        if present is None:
            return DeafSink()
        sink = present.sink = OperatorSink(present.ear, lambda each: present.sink is each)
        present.ear.new_stream()
        return sink

    async def close(self) -> None:
        """The call is over."""
        self._closed = True
        self._move(self.charge)
        for present in list(self._present.values()):
            self._take_out(present, "call ended")
            await present.ear.close()
        self._escalations.call_ended()

    # -- inside

    def _must_live(self) -> None:
        if self._closed:
            raise NoSuchCall("the call has ended")

    def _claim(self, operator_id: str) -> None:
        if self._claimed not in ("", operator_id):
            holder = self._present.get(self._claimed)
            who = holder.leg.name if holder is not None else "another operator"
            raise OperatorBusy(f"{who} is in charge of this call; listen until it is handed back")
        self._claimed = operator_id

    def _release(self, operator_id: str) -> None:
        if self._claimed == operator_id:
            self._claimed = ""

    def _move(self, charge: Charge) -> int:
        """A new state. The number returned is good until the next one."""
        self.charge = charge
        self._epoch += 1
        return self._epoch

    def _invite(self, operator: OperatorLeg, mode: OperatorMode) -> Present:
        name = operator.name

        def said(text: str) -> None:
            self._post(OperatorSaid(name, text))
            self._escalations.said()

        present = Present(operator, mode, self._make_ear(operator_id=operator.operator_id, on_said=said))
        self._present[operator.operator_id] = present
        self._log.emit(
            events.OperatorInvited(
                operator_id=operator.operator_id, name=operator.name, method=operator.method, mode=mode
            )
        )
        return present

    def _take_out(self, present: Present, reason: str) -> bool:
        """Forget an operator; True when the operator was in charge."""
        del self._present[present.leg.operator_id]
        self._release(present.leg.operator_id)
        in_charge = present.mode is OperatorMode.TAKEOVER
        present.mode = present.wish = OperatorMode.LISTEN
        was_in, present.is_in = present.is_in, False
        self._log.emit(events.OperatorLeft(operator_id=present.leg.operator_id, reason=reason, was_in=was_in))
        return in_charge

    async def _let_go(self, present: Present) -> None:
        await present.ear.close()
        self._escalations.operator_left(present.leg.operator_id)

    async def _wait_for(self, present: Present, epoch: int, seconds: float) -> None:
        """The place of a lost operator is kept for a while."""
        await present.ear.shut()
        await asyncio.sleep(seconds)
        if epoch == self._epoch:
            await self._give_back(present, lost=True)
        await self._let_go(present)

    async def _fulfil(self, present: Present) -> None:
        """Make an operator's wish true, when the leg is in and it is not true already."""
        if present.wish is OperatorMode.LISTEN:
            self._release(present.leg.operator_id)
        if not present.is_in or present.wish is present.mode:
            return
        present.mode = present.wish
        if present.wish is OperatorMode.TAKEOVER:
            await self._take_over(present)
        else:
            await self._give_back(present)

    async def _fulfil_quietly(self, present: Present) -> None:
        try:
            await self._fulfil(present)
        except OperatorError as error:
            log.warning(
                "operator_stays_muted",
                call_sid=self._log.call_sid,
                operator_id=present.leg.operator_id,
                error=str(error),
            )

    async def _take_over(self, present: Present) -> None:
        operator_id = present.leg.operator_id
        if self.charge is Charge.AGENT or self.charge is Charge.RETURNING:
            self._log.emit(events.SpeakerMuted(muted=True))
        epoch = self._move(Charge.OPERATOR)
        self._agent.silence()
        self._post(OperatorTookOver(present.leg.name))
        refused, _ = await asyncio.gather(
            self._line.operators.mute(operator_id, False), self._line.mute_agent(True), return_exceptions=True
        )
        if epoch != self._epoch:
            return
        if isinstance(refused, BaseException):
            present.mode = present.wish = OperatorMode.LISTEN
            self._release(operator_id)
            self._log.emit(events.Degraded(part="takeover", rung="agent", reason=str(refused)))
            await self._give_back(present, asked=False)
            raise refused
        present.ear.open()
        self._escalations.connected(operator_id)
        self._log.emit(events.OperatorModeSwitched(operator_id=operator_id, mode=OperatorMode.TAKEOVER))

    async def _give_back(self, present: Present, *, lost: bool = False, asked: bool = True) -> None:
        """The agent takes the call back from ``present``, who may be gone, or not have ``asked`` for it."""
        epoch = self._move(Charge.RETURNING)
        self._escalations.handed_back()
        await asyncio.gather(
            self._line.mute_agent(False),
            present.ear.shut(),
            self._mute(present, asked),
            return_exceptions=True,
        )
        if epoch != self._epoch:
            return
        self._move(Charge.AGENT)
        self._agent.free()
        self._log.emit(events.SpeakerMuted(muted=False))
        self._post(HandedBack(present.leg.name, lost))

    async def _mute(self, present: Present, asked: bool) -> None:
        """Mute an operator who stays. One who cannot be muted must not stay."""
        if not present.is_in:
            return
        operator_id = present.leg.operator_id
        try:
            await self._line.operators.mute(operator_id, True)
        except CallUnreachable:
            if present.mode is OperatorMode.LISTEN and self._present.get(operator_id) is present:
                self._line.operators.remove(operator_id)
                self._take_out(present, "could not be muted")
            return
        if present.mode is OperatorMode.LISTEN and present.is_in:
            switched = events.OperatorModeSwitched(
                operator_id=operator_id, mode=OperatorMode.LISTEN, asked=asked
            )
            self._log.emit(switched)


class DeafSink:
    """For a stream of an operator who has just left."""

    def on_media(self, timestamp_ms: int, payload: bytes) -> None:
        """Nobody listens."""

    def on_mark(self, name: str) -> None:
        """Nothing was sent."""

    def on_dtmf(self, digit: str) -> None:
        """Nobody listens."""

    def on_closed(self, reason: str) -> None:
        """Nothing is kept."""
