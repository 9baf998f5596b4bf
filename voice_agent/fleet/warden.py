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
TELLING: Final = 20
"""Callers who are told at the same time."""
READING: Final = 4
"""Records that are read at the same time: the process's own calls need the database too."""

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
        self._reading = asyncio.Semaphore(READING)
        self._telling = asyncio.Semaphore(TELLING)
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
                log.error("call_worker_died", worker=worker.id)
                if await self._end_calls(worker.id):
                    await self._register.settle(worker.id)
            except (SQLAlchemyError, OSError) as error:
                log.warning("warden_interrupted", worker=worker.id, error=type(error).__name__)
            except Exception:
                # Whatever is wrong with what this one left, the callers of the next one wait.
                log.exception("warden_failed", worker=worker.id)

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

    async def _end_calls(self, worker_id: str) -> bool:
        """End all calls of a worker, each for itself. False when one could not be: whoever claims the worker
        next tries it again."""
        seen = self._seen(worker_id)
        unfinished = [record.call_sid for record in await self._records.unfinished()]
        sids = list(dict.fromkeys([*seen, *unfinished]))
        outcomes = await asyncio.gather(
            *(self._end(worker_id, sid, seen.get(sid)) for sid in sids), return_exceptions=True
        )
        failed = [
            (sid, error)
            for sid, error in zip(sids, outcomes, strict=True)
            if isinstance(error, BaseException)
        ]
        for sid, error in failed:
            log.error("call_not_ended", worker=worker_id, call_sid=sid, exc_info=error)
        log.info("calls_ended", worker=worker_id, calls=outcomes.count(True), failed=len(failed))
        return not failed

    async def _end(self, worker_id: str, call_sid: str, seen: RemoteCall | None) -> bool:
        """Tell the caller and end the record; False for a call that is none of the worker's or is over."""
        async with self._reading:
            call = await self._known(worker_id, call_sid, seen)
        if call is None:
            return False
        async with self._telling:
            in_charge = any(each.mode is OperatorMode.TAKEOVER for each in call.view.call.operators)
            try:
                reason, rung = await self._tell_caller(call_sid, spoken_with=in_charge)
            except RestError as error:
                log.error("caller_not_told", call_sid=call_sid, error=str(error))
                reason, rung = "error", "none"
        newest = call.newest[-1]
        age_s = (datetime.now(UTC) - newest.at).total_seconds()
        stamp: dict[str, Any] = {"call_sid": call_sid, "t": newest.t + max(0.0, age_s)}
        ending: list[CallEvent] = [
            Degraded(**stamp, part="worker", rung=rung, reason="the process that carried the call died"),
            SessionEnd(**stamp, completion_reason=reason, duration_seconds=round(max(0.0, newest.t), 3)),
        ]
        for seq, event in enumerate(ending, newest.seq + 1):
            self._own.publish(event.model_copy(update={"seq": seq}))
        await self._complete_escalation(call_sid, call.view.call.escalation)
        return True

    async def _known(self, worker_id: str, call_sid: str, seen: RemoteCall | None) -> RemoteCall | None:
        """A live call of the worker with everything that is known of it: what was recorded, and what was
        only seen, which goes into the record now."""
        first = await self._records.events(call_sid, limit=1)
        if first:
            start = first[0]
            if not isinstance(start, SessionStart) or start.process != worker_id:
                return None
            call = RemoteCall(worker_id, start)
            for event in await self._records.events(call_sid):
                if isinstance(event, SessionEnd):
                    return None
                call.apply(event)
        elif seen is not None:
            call = RemoteCall(worker_id, seen.start)
        else:
            return None
        for event in seen.newest if seen is not None else ():
            if event.seq == call.seq + 1:
                call.apply(event)
                self._own.publish(event)
        return call if call.newest else None

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
