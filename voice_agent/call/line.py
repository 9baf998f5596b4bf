"""One call's side of the phone network: where the caller is, and what is done when a part of it fails.

The caller normally sits in a conference, heard through a tap and spoken to through the agent's leg. When the
agent's leg or the tap cannot be had, the caller's own leg carries both (``DIRECT``). A transfer moves the
caller out and takes the caller back when nobody answers. Socket ends, callbacks and REST answers come in any
order and twice; each of them may end the call, and ending it again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from telephony import twiml
from telephony.errors import CallGone, RestError
from telephony.roster import ConferenceRoster, Joined, Left, Member
from telephony.tokens import StreamGrant
from telephony.webhook import CallStatus, ConferenceCallback, WebhookFields, is_e164
from voice_agent.call import network as addresses
from voice_agent.call.agent_legs import AgentLegs
from voice_agent.call.audit import CallAudit
from voice_agent.call.caller_tap import CallerTap
from voice_agent.call.direct_stream import DirectStream
from voice_agent.call.events import CallEvent, Degraded
from voice_agent.call.line_events import LegName, leg_name, membership_event
from voice_agent.call.line_media import LineMedia
from voice_agent.call.network import Network
from voice_agent.call.phase import COMPLETION_REASONS, Phase
from voice_agent.call.ports import CallInfo, LegRole, LegSink, LegSocket, Session
from voice_agent.call.tasks import CallTasks
from voice_agent.call.third_leg import ThirdLegs
from voice_agent.call.transfer import Transfer, TransferResult

log = structlog.get_logger(__name__)

CALLER_LABEL: Final = "caller"
HUNG_UP: Final = "participant_hung_up"


class CallLine:
    """The :class:`~voice_agent.call.ports.Line` of one call. All methods run on the event loop."""

    def __init__(
        self,
        info: CallInfo,
        network: Network,
        *,
        emit: Callable[[CallEvent], None],
        on_over: Callable[[CallLine, str], None],
    ) -> None:
        """``on_over`` hears once that the call has ended, and the published completion reason."""
        self.info = info
        self.phase = Phase.RINGING
        self.session: Session | None = None
        self._network = network
        self._emit = emit
        self._on_over = on_over
        self._tasks = CallTasks(info.call_sid)
        self._roster = ConferenceRoster()
        self._audit = CallAudit(info.call_sid, network.rest)
        gone = partial(self.finish, "caller_hangup")
        here = (info, network, self._tasks)
        self._direct = DirectStream(
            *here,
            self._audit,
            is_wanted=lambda: self.phase is Phase.DIRECT and not self._ending,
            on_call_over=gone,
            on_given_up=partial(self._end_call, "error"),
        )
        self._agents = AgentLegs(
            *here,
            emit=emit,
            reconcile=self._reconcile,
            on_given_up=partial(self._go_direct, "agent_leg"),
        )
        self._tap = CallerTap(
            *here,
            self._audit,
            emit=emit,
            on_call_over=gone,
            on_given_up=partial(self._go_direct, "tap"),
        )
        self.operators = ThirdLegs(
            *here,
            emit=emit,
            reconcile=self._reconcile,
            conference=lambda: self._agents.conference if self.phase is Phase.CONFERENCE else "",
            presence=lambda: self.session.operators if self.session is not None else None,
        )
        self.over = asyncio.Event()
        self._media = LineMedia(
            info,
            {LegRole.TAP: self._tap, LegRole.AGENT: self._agents, LegRole.DUPLEX: self._direct},
            self.operators,
            emit=lambda event: emit(event) if self.phase is not Phase.ENDED else None,
            on_attached=self._on_attached,
            on_closed=self._on_closed,
        )
        self._caller_joined = False
        self._ending = ""
        self._transfer: Transfer | None = None
        self._postponed: tuple[str, str] | None = None

    # -- what a session may ask (voice_agent.call.ports.Line)

    async def hang_up(self) -> None:
        """End the caller's call; the session is then told ``completed`` (it knows better why). Idempotent."""
        await self._end_call("completed")

    async def transfer(self, target: str) -> TransferResult:
        """Dial ``target`` (E.164) for the caller.

        Answered: the call is then out of our hands and ends here as ``forwarded``. Not answered because the
        number is none, REST refused, or nobody picked up: the caller then comes back, on the own leg.
        """
        if self.phase not in (Phase.CONFERENCE, Phase.DIRECT) or not is_e164(target):
            return TransferResult(False, "no number" if not is_e164(target) else f"caller is {self.phase}")
        before, self.phase = self.phase, Phase.TRANSFER
        self._transfer = Transfer(target, self.info.call_sid, self._network)
        refused = await self._transfer.dial()
        if refused is not None:
            if isinstance(refused, CallGone):
                self.finish("caller_hangup")
            elif self.phase is Phase.TRANSFER:
                self.phase = before
                (self._tap if before is Phase.CONFERENCE else self._direct).recheck()
            return TransferResult(False, "refused")
        self._tap.stop()
        self._agents.abandon()
        self.operators.abandon("the caller was transferred")
        result = await self._transfer.outcome()
        if result.answered:
            self.finish("forwarded")
        return result

    async def mute_agent(self, muted: bool) -> None:
        """Mute or unmute the agent's leg; holds for later generations too. Nothing to do in direct mode."""
        await self._agents.mute(muted)
        if not muted and self._postponed is not None:
            await self._go_direct(*self._postponed)

    # -- webhooks, through the switchboard

    async def answer(self) -> str:
        """The document for the ringing call. The agent's leg is asked for before it is returned."""
        if self.session is not None:
            self._tasks.start(self.session.prewarm(), "prewarm")
        self._agents.start()
        try:
            async with asyncio.timeout(self._network.timings.answer_wait):
                await self._agents.first_answer()
        except TimeoutError:
            log.info("agent_leg_still_asked_for", call_sid=self.info.call_sid)
        if self.phase is Phase.ENDED:
            return twiml.hang_up()
        self._tasks.start(self._watch(), "watch")
        if self.phase is Phase.DIRECT:
            return self._direct.document
        self.phase = Phase.CONFERENCE
        return twiml.caller_conference(
            self._tap.target(),
            conference=self.info.conference,
            label=CALLER_LABEL,
            action=self._network.url(addresses.AFTER_DIAL),
            status_callback=self._network.url(addresses.CONFERENCE),
        )

    def agent_document(self, key: str, leg_sid: str) -> str:
        """The document for a call to our TwiML App that presents ``key``."""
        wanted = self.phase in (Phase.RINGING, Phase.CONFERENCE)
        return self._agents.document(key, leg_sid) if wanted else twiml.hang_up()

    def holds_key(self, key: str) -> bool:
        """True when ``key`` is the current agent leg's, or an operator's."""
        return self._agents.holds_key(key) or self.operators.holds_key(key)

    def owns(self, call_sid: str) -> bool:
        """True for the caller's call, the agent's leg and operators'."""
        return call_sid == self.info.call_sid or self._agents.owns(call_sid) or self.operators.owns(call_sid)

    def on_conference(self, callback: ConferenceCallback) -> None:
        """A conference callback, however late or often."""
        change = self._roster.apply(callback)
        if change is not None and self.phase is not Phase.ENDED:
            self._on_change(change)

    def on_status(self, call_sid: str, status: CallStatus, key: str = "") -> None:
        """Call progress of the caller's leg, the agent's, or an operator's."""
        if call_sid == self.info.call_sid:
            if status.is_terminal:
                self.finish(COMPLETION_REASONS[status])
        elif self.phase is not Phase.ENDED:
            self._agents.on_status(key, call_sid, status)
            self.operators.on_status(key, call_sid, status)

    def on_transfer_progress(self, status: CallStatus) -> None:
        """Call progress of the number that is being dialled for the caller."""
        if self._transfer is not None and status is CallStatus.IN_PROGRESS:
            self._transfer.resolve(TransferResult(True))
            self.finish("forwarded")

    def on_stream_event(self, call_sid: str, name: str, event: str) -> None:
        """A stream's status callback; only the tap needs it, the others end with their legs."""
        if call_sid == self.info.call_sid and self.phase is Phase.CONFERENCE:
            self._tap.on_stream_event(name, event)

    def after_dial(self, fields: WebhookFields) -> str:
        """The conference is over for a caller who is still there: go on without it."""
        if self._hung_up(fields):
            return twiml.hang_up()
        if self.phase is Phase.CONFERENCE:
            self._enter_direct("conference", "the conference ended")
            self._agents.abandon()
        return self._direct.document if self.phase is Phase.DIRECT else twiml.hang_up()

    def after_stream(self, fields: WebhookFields) -> str:
        """The stream on the caller's own leg ended and the caller is still there: open another."""
        if self._hung_up(fields) or self.phase is not Phase.DIRECT:
            return twiml.hang_up()
        if not self._direct.renew():
            self.finish("error")
            return twiml.hang_up()
        return self._direct.document

    def after_transfer(self, fields: WebhookFields) -> str:
        """The dialled number is done with the caller, or never answered."""
        outcome = fields.get("DialCallStatus", "unreachable")
        if self._transfer is not None and outcome in ("completed", "answered"):
            self._transfer.resolve(TransferResult(True))
            self.finish("forwarded")
        if self._hung_up(fields) or self._transfer is None or self.phase is not Phase.TRANSFER:
            return twiml.hang_up()
        self._enter_direct("transfer", f"number {outcome}")
        self._transfer.resolve(TransferResult(False, outcome))
        return self._direct.document

    # -- media

    def attach(self, grant: StreamGrant, socket: LegSocket) -> LegSink | None:
        """A verified stream began; None when it is not (or no longer) wanted."""
        if self.session is None or self.phase is Phase.ENDED:
            return None
        return self._media.attach(self.session, grant, socket)

    # -- the end

    def finish(self, reason: str) -> None:
        """The call is over. The first reason holds; what we ended ourselves keeps our reason."""
        if self.phase is Phase.ENDED:
            return
        reason = self._ending or reason
        self.phase = Phase.ENDED
        self.over.set()
        if self._transfer is not None:
            self._transfer.resolve(TransferResult(False, "the call ended"))
        self._network.tokens.revoke_call(self.info.call_sid)
        self._on_over(self, reason)

    async def close(self) -> None:
        """After :meth:`finish`: stop everything that runs for this call, and end what the network did not."""
        await self._tasks.cancel()
        self._tap.stop()
        await asyncio.gather(self._agents.close(), self.operators.close())
        self._direct.cut()

    # -- inside

    def _on_attached(self, role: LegRole) -> None:
        if role is LegRole.TAP:
            self._agents.caller_is_in()
            self._tasks.start(self._expect_callbacks(), "expect callbacks")
        elif role is LegRole.DUPLEX:
            self._tap.stop()
            self._caller_entered()

    def _on_closed(self, role: LegRole, generation: int, reason: str) -> None:
        if role is LegRole.AGENT:
            self._agents.on_closed(generation, reason)
        elif role is LegRole.OPERATOR:
            self.operators.on_closed(generation)
        elif self.phase is Phase.CONFERENCE and role is LegRole.TAP:
            self._tap.on_closed(generation, reason)
        elif role is LegRole.DUPLEX:
            self._direct.on_closed(generation)

    def _on_change(self, change: Joined | Left) -> None:
        member = change.member
        leg = leg_name(member, self.info.call_sid)
        self._emit(membership_event(self.info, change, self.operators.whose(member)))
        if isinstance(change, Joined):
            self._on_joined(leg, member)
        elif leg == "operator":
            self.operators.on_left(member, change.reason)
        elif leg == "agent":
            self._agents.on_left(member, change.reason)
        elif leg == "caller" and self.phase is Phase.CONFERENCE and not self._ending:
            if change.reason == HUNG_UP:
                self.finish("caller_hangup")
            else:
                self._tasks.start(self._caller_left(change.reason), "caller left")

    def _on_joined(self, leg: LegName, member: Member) -> None:
        if leg == "caller":
            self._agents.caller_entered(member.conference_sid)
            self._caller_entered()
        elif leg == "agent":
            self._agents.on_joined(member)
        else:
            self.operators.on_joined(member)

    def _caller_entered(self) -> None:
        self._agents.caller_is_in()
        self._tap.expect()
        if not self._caller_joined and self.session is not None:
            self._caller_joined = True
            self.session.caller_joined()

    async def _caller_left(self, reason: str) -> None:
        """Out of the conference without having hung up: usually the document's next step takes over."""
        await asyncio.sleep(self._network.timings.join_grace)
        if await self._audit.is_over():
            self.finish("caller_hangup")
        elif self.phase is Phase.CONFERENCE:
            await self._go_direct("conference", f"caller left: {reason or 'no reason given'}")

    async def _go_direct(self, part: str, why: str) -> None:
        """One rung down: everything on the caller's own leg."""
        if self.phase not in (Phase.RINGING, Phase.CONFERENCE):
            return
        if self._agents.muted and part != "conference":
            # A person speaks with the caller: moving the caller away would cut them off.
            self._postponed = (part, why)
            return
        ringing = self.phase is Phase.RINGING
        self._enter_direct(part, why)
        self._agents.abandon()
        if not ringing:
            await self._direct.send()

    def _enter_direct(self, part: str, why: str) -> None:
        self.phase = Phase.DIRECT
        self._tap.stop()
        self._emit(Degraded(call_sid=self.info.call_sid, part=part, rung="caller_stream", reason=why))
        self._direct.begin()
        self.operators.abandon("the conference ended")

    async def _watch(self) -> None:
        """Notices what nobody tells: a call without audio, lost callbacks."""
        try:
            async with asyncio.timeout(self._network.timings.no_audio):
                await self._media.heard.wait()
        except TimeoutError:
            if await self._audit.is_over():
                self.finish("caller_hangup")
            else:
                await self._end_call("no_inbound_audio")
            return
        while True:
            await asyncio.sleep(self._network.timings.reconcile)
            await self._reconcile()

    async def _expect_callbacks(self) -> None:
        await asyncio.sleep(self._network.timings.join_grace)
        if not self._caller_joined:
            await self._reconcile()
        # Nobody confirms it, but the tap comes right before the conference: better greet than be silent.
        self._caller_entered()

    async def _reconcile(self) -> None:
        """Ask the network who is there and put right what callbacks did not tell."""
        if await self._audit.is_over():
            self.finish("caller_hangup")
            return
        if self.phase is Phase.CONFERENCE and (conference_sid := self._agents.known_conference_sid):
            for change in await self._audit.changes(self._roster, conference_sid):
                self._on_change(change)

    async def _end_call(self, reason: str) -> None:
        if self.phase is Phase.ENDED:
            return
        # From here on everything that ends does so because of us: nothing is to be repaired.
        self._ending = self._ending or reason
        self._agents.stop()
        self._tap.stop()
        try:
            await self._network.rest.complete_call(self.info.call_sid)
        except RestError as error:
            log.error("call_not_ended", call_sid=self.info.call_sid, error=str(error))
        self.finish(reason)

    def _hung_up(self, fields: WebhookFields) -> bool:
        status = fields.get("CallStatus", "")
        if status in COMPLETION_REASONS:
            self.finish(COMPLETION_REASONS[CallStatus(status)])
        return self.phase is Phase.ENDED
