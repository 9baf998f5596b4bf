"""What is done about the calls of a worker that died: each caller hears an apology instead of silence, and
each record gets its end.

Exactly one process takes a dead worker's calls upon itself (:meth:`Register.claim`). Where an operator speaks
with the caller, the conversation needs no worker: it is left alone, and the record says that nobody hears it
any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import structlog
from sqlalchemy.exc import SQLAlchemyError

from telephony.errors import CallGone, RestError
from telephony.rest import TwilioRest
from telephony.webhook import CallStatus
from voice_agent.call.events import CallEvent, Degraded, SessionEnd, SessionStart
from voice_agent.call.phase import COMPLETION_REASONS
from voice_agent.call.records import CallRecords
from voice_agent.fleet.live import RemoteCall
from voice_agent.fleet.register import DEAD_AFTER_S, Register, Worker
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.ports import Escalation, EscalationStatus, OperatorMode
from voice_agent.store.bus import EventBus

HEALTH_S: Final = httpx.Timeout(7.0, connect=1.0)
"""A process that is gone refuses at once; one that lives answers, if late while it waits for the database."""
AT_ONCE: Final = 20
"""Calls that are looked after at the same time."""

log = structlog.get_logger(__name__)


class Warden:
    """Looks after the calls of workers that died. Ask it to look around after every beat of the register."""

    def __init__(
        self,
        register: Register,
        records: CallRecords,
        escalations: EscalationRecords,
        rest: TwilioRest,
        own: EventBus,
        *,
        seen: Callable[[str], dict[str, RemoteCall]],
        document: str,
        patience_s: float = DEAD_AFTER_S,
    ) -> None:
        """
        Args:
            own: where this process's own events go; from here into the records.
            seen: the calls of a process, as far as this one follows them.
            document: TwiML that a caller gets.
            patience_s: how long a worker must have been silent, and how long this process must have seen.
        """
        self._register = register
        self._records = records
        self._escalations = escalations
        self._rest = rest
        self._own = own
        self._seen = seen
        self._document = document
        self._patience_s = patience_s
        self._busy: asyncio.Task[None] | None = None
        self._http = httpx.AsyncClient(timeout=HEALTH_S, trust_env=False)

    async def close(self) -> None:
        """Stop; somebody else will go on. Idempotent."""
        if self._busy is not None:
            self._busy.cancel()
            await asyncio.gather(self._busy, return_exceptions=True)
        await self._http.aclose()

    async def finished(self) -> None:
        """Wait until the calls that were found are looked after."""
        if self._busy is not None:
            await asyncio.wait({self._busy})

    def look_around(self) -> None:
        """See whether a worker has died, and if so look after its calls. Returns at once."""
        if self._busy is not None and not self._busy.done():
            return
        if self._register.seeing_s < self._patience_s:
            return
        silent = [worker for worker in self._register.workers if worker.age_s > self._patience_s]
        if silent:
            self._busy = asyncio.create_task(self._look_after(silent), name="warden")

    async def _look_after(self, workers: list[Worker]) -> None:
        for worker in workers:
            try:
                if await self._answers(worker) or not await self._register.claim(worker.id):
                    continue
                calls = await self._calls_of(worker.id)
                log.error("call_worker_died", worker=worker.id, calls=len(calls))
                gate = asyncio.Semaphore(AT_ONCE)
                await asyncio.gather(*(self._end(sid, call, gate) for sid, call in calls.items()))
                await self._register.settle(worker.id)
            except (SQLAlchemyError, OSError) as error:
                log.warning("warden_interrupted", worker=worker.id, error=type(error).__name__)

    async def _answers(self, worker: Worker) -> bool:
        """Whether the very process answers. At its address may be a proxy that outlived it by now, or the
        process that was started in its place."""
        try:
            response = await self._http.get(f"{worker.url}/healthz")
            told = response.json()
        except (httpx.HTTPError, ValueError):
            return False
        lives = isinstance(told, dict) and told.get("process") == worker.id
        if lives:
            log.warning("call_worker_cut_off", worker=worker.id)
        return lives

    async def _calls_of(self, worker_id: str) -> dict[str, RemoteCall]:
        """The worker's unfinished calls, with everything that is known of each: what was recorded, and what
        was only seen."""
        seen = self._seen(worker_id)
        calls: dict[str, RemoteCall] = {}
        for record in await self._records.unfinished():
            recorded = await self._records.events(record.call_sid)
            start = recorded[0] if recorded else None
            if isinstance(start, SessionStart) and start.process == worker_id:
                call = calls[record.call_sid] = RemoteCall(worker_id, start)
                for event in recorded:
                    call.apply(event)
        for sid, call in seen.items():
            if sid not in calls:
                if await self._records.call(sid) is not None:
                    continue  # it has ended
                calls[sid] = RemoteCall(worker_id, call.start)
            for event in call.newest:
                if event.seq == calls[sid].seq + 1:
                    calls[sid].apply(event)
                    self._own.publish(event)
        return {sid: call for sid, call in calls.items() if call.newest}

    async def _end(self, call_sid: str, call: RemoteCall, gate: asyncio.Semaphore) -> None:
        async with gate:
            in_charge = any(each.mode is OperatorMode.TAKEOVER for each in call.view.call.operators)
            try:
                reason, rung = await self._tell_caller(call_sid, spoken_with=in_charge)
            except RestError as error:
                log.error("caller_not_told", call_sid=call_sid, error=str(error))
                reason, rung = "error", "none"
        await self._complete_escalation(call_sid, call.view.call.escalation)
        newest = call.newest[-1]
        age_s = (datetime.now(UTC) - newest.at).total_seconds()
        stamp: dict[str, Any] = {"call_sid": call_sid, "t": newest.t + max(0.0, age_s)}
        ending: list[CallEvent] = [
            Degraded(**stamp, part="worker", rung=rung, reason="the process that carried the call died"),
            SessionEnd(**stamp, completion_reason=reason, duration_seconds=round(max(0.0, newest.t), 3)),
        ]
        for seq, event in enumerate(ending, newest.seq + 1):
            self._own.publish(event.model_copy(update={"seq": seq}))

    async def _complete_escalation(self, call_sid: str, escalation: Escalation | None) -> None:
        """Whoever was on the call has done the work; a request that nobody answered stays one."""
        if escalation is None or escalation.status not in (
            EscalationStatus.CONNECTED,
            EscalationStatus.HANDBACK,
        ):
            return
        completed = replace(escalation, status=EscalationStatus.COMPLETED, completed_at=datetime.now(UTC))
        await self._escalations.save(completed, call_sid)

    async def _tell_caller(self, call_sid: str, *, spoken_with: bool) -> tuple[str, str]:
        """Do what can be done for a caller; the call's completion reason, and what was done."""
        status = await self._rest.call_status(call_sid)
        if status.is_terminal:
            return COMPLETION_REASONS.get(status, "error"), "none"
        if spoken_with and status is CallStatus.IN_PROGRESS:
            return "error", "operator"
        try:
            await self._rest.update_call_twiml(call_sid, self._document)
        except CallGone:
            return "caller_hangup", "none"
        return "error", "apology"
