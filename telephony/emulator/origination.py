"""Calls that the network makes for the application: paced, rung, answered or not, machines detected."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .answering_machine import MachineOrder, detect, detect_in_background
from .audio_documents import pressed
from .clock import pause, within
from .errors import ReplyTimeout, WebhookFailed
from .events import EventKind
from .faults import FaultKind
from .leg import CallStatus, Leg
from .phones import Answer, Phone, PhoneCall
from .recordings import RecordingOrder
from .sources import Clip
from .twiml import Document
from .webhook import Target

if TYPE_CHECKING:
    from .exchange import Exchange

NO_ANSWER_SIP = 487
BUSY_SIP = 486
REJECTED_SIP = 603
UNREACHABLE_SIP = 404

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OutboundPlan:
    """What becomes of a created call.

    Attributes:
        on_answer: takes over when the call is connected, given the fields of the machine verdict; for an
            `app:` leg also its document, which is fetched before the answer.
        on_failure: called when it never gets connected.
        application: where an `app:` leg gets its TwiML.
    """

    on_answer: Callable[[Leg, Fields, Document | None], Awaitable[None]]
    on_failure: Callable[[Leg], None] = lambda leg: None
    application: Target | None = None
    timeout_s: float = 60.0
    machine: MachineOrder | None = None
    record: RecordingOrder | None = None
    send_digits: str = ""


def originate(exchange: Exchange, leg: Leg, plan: OutboundPlan) -> None:
    """Queue a created call; it leaves when the account's rate allows it. Sets `leg.queue_time_ms`."""
    departure = exchange.creation.reserve()
    clock = exchange.services.clock
    leg.queue_time_ms = round(max(0.0, departure - clock.monotonic()) * 1000)
    exchange.add(leg)

    async def work() -> None:
        await clock.sleep_until(departure)
        leg.become(CallStatus.INITIATED)
        if leg.is_app:
            await _run_application(exchange, leg, plan)
            return
        if not await ring(exchange, leg, plan.timeout_s):
            plan.on_failure(leg)
            return
        await _answered(exchange, leg, plan)

    exchange.drive(leg, work)


async def ring(exchange: Exchange, leg: Leg, timeout_s: float) -> bool:
    """Ring the phone at the leg's address; True when it was picked up, else the leg has its final status."""
    clock = exchange.services.clock
    phone = exchange.phone_at(leg.to)
    if phone is None:
        _fail(exchange, leg, CallStatus.FAILED, UNREACHABLE_SIP)
        return False
    behaviour = phone.behaviour
    exchange.behaviours[leg.sid] = behaviour
    if behaviour.answer is Answer.UNREACHABLE:
        _fail(exchange, leg, CallStatus.FAILED, UNREACHABLE_SIP)
        return False
    call = exchange.phone_call()
    call.connect(leg)
    leg.become(CallStatus.RINGING)
    await phone.ring(call)
    waits_forever = behaviour.answer is Answer.NO_ANSWER
    await pause(clock, timeout_s if waits_forever else min(behaviour.after_s, timeout_s))
    if waits_forever or behaviour.after_s > timeout_s:
        _fail(exchange, leg, CallStatus.NO_ANSWER, NO_ANSWER_SIP)
        return False
    if behaviour.answer in (Answer.BUSY, Answer.REJECTS):
        code = BUSY_SIP if behaviour.answer is Answer.BUSY else REJECTED_SIP
        _fail(exchange, leg, CallStatus.BUSY, code)
        return False
    _pick_up(exchange, leg, phone, call)
    return True


def _pick_up(exchange: Exchange, leg: Leg, phone: Phone, call: PhoneCall) -> None:
    behaviour, tasks, clock = phone.behaviour, exchange.services.tasks, exchange.services.clock
    leg.become(CallStatus.IN_PROGRESS)
    if behaviour.says is not None:
        call.play(behaviour.says)
    if behaviour.hangs_up_after_s is not None:
        seconds = behaviour.hangs_up_after_s

        async def hang_up() -> None:
            await pause(clock, seconds)
            exchange.hang_up_far_end(leg)

        tasks.start(hang_up(), f"phone of {leg.sid} hangs up")
    if behaviour.on_call is not None:
        script = behaviour.on_call

        async def follow() -> None:
            await script(call)

        tasks.start(follow(), f"phone of {leg.sid} follows its script")


def _fail(exchange: Exchange, leg: Leg, status: CallStatus, sip_code: int) -> None:
    leg.sip_code = sip_code
    exchange.end(leg, status)


async def _answered(exchange: Exchange, leg: Leg, plan: OutboundPlan) -> None:
    verdict: Fields = ()
    if plan.record is not None:
        exchange.record_leg(leg, plan.record)
    if plan.send_digits:
        await leg.play(Clip(pressed(plan.send_digits)))
    elif plan.machine is not None:  # sending digits switches the detection off
        behaviour = exchange.behaviour_of(leg)
        if plan.machine.asynchronous:
            exchange.services.tasks.start(
                detect_in_background(leg, plan.machine, behaviour), f"machine detection on {leg.sid}"
            )
        else:
            verdict = tuple(await detect(leg, plan.machine, behaviour))
    await plan.on_answer(leg, verdict, None)


async def _run_application(exchange: Exchange, leg: Leg, plan: OutboundPlan) -> None:
    services = exchange.services
    leg.become(CallStatus.RINGING)
    if plan.application is None or services.faults.take(FaultKind.FAIL_APP_LEG, leg.to, call_sid=leg.sid):
        _fail(exchange, leg, CallStatus.FAILED, 0)
        plan.on_failure(leg)
        return
    delay = services.config.limits.ring_s
    if late := services.faults.take(FaultKind.LATE_APP_LEG, leg.to, call_sid=leg.sid):
        delay += late.value
    try:
        document, _ = await asyncio.gather(
            within(
                services.clock,
                plan.timeout_s,
                services.webhooks.ask_for_twiml(plan.application, leg.fields(), leg.sid),
            ),
            pause(services.clock, delay),
        )
    except (WebhookFailed, ReplyTimeout) as failed:
        services.log.record(EventKind.WEBHOOK_FAILED, leg.sid, reason=type(failed).__name__)
        _fail(exchange, leg, CallStatus.FAILED, 0)
        plan.on_failure(leg)
        return
    leg.become(CallStatus.IN_PROGRESS)
    if plan.record is not None:
        exchange.record_leg(leg, plan.record)
    await plan.on_answer(leg, (), document)
