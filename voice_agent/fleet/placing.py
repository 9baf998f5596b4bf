"""Which worker carries a call: a webhook that reaches any process is answered by the one it belongs to.

A call that rings goes to the worker with the most room. That worker answers with its own address in the
document, so that both sockets and all later callbacks of the call reach it directly. What still comes to the
account's common address (the agent's leg, the number's own status callback) is passed on.

A passed-on request is signed anew for the worker's address, as the phone network would sign it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import httpx
import structlog

from telephony.signature import SIGNATURE_HEADER, webhook_signature
from telephony.webhook import WebhookFields
from voice_agent.api.twilio import KEY, NO_ROOM, PLACED_HEADER, PROCESS_HEADER, NoRoom
from voice_agent.call import network as addresses
from voice_agent.call.admission import Admission, Refuse
from voice_agent.call.switchboard import Switchboard, refusal
from voice_agent.fleet.register import Register, Worker

CONNECT_S: Final = 1.0
"""A worker that lives accepts at once."""
ANSWER_S: Final = 8.0
"""Longer than a worker takes for an answer; the phone network waits 15 s in all."""
KEPT_OPEN_S: Final = 2.0
"""A connection that was idle for so long is given up. A worker's server closes it after 5 s, and a request
that crosses that looks as if it had been taken."""
BAD_GATEWAY: Final = 502
REMEMBERED: Final = 5_000
"""Calls of which it is known where they were placed."""

log = structlog.get_logger(__name__)


class Unanswered(Exception):
    """A worker did not answer. ``reached``: it may have taken the request nevertheless."""

    def __init__(self, reason: str, *, reached: bool) -> None:
        super().__init__(reason)
        self.reached = reached


@dataclass(frozen=True, slots=True)
class Carrying:
    """This process as a worker."""

    switchboard: Switchboard
    admission: Admission


class Placement:
    """Implements :class:`voice_agent.api.twilio.Elsewhere`."""

    def __init__(
        self,
        process: str,
        register: Register,
        auth_token: str,
        *,
        here: Carrying | None,
        process_of: Callable[[str], str],
        overload_forward_to: str = "",
    ) -> None:
        """``process_of`` tells which other process carries a call, as far as is known; "" if none."""
        self._process = process
        self._register = register
        self._auth_token = auth_token
        self._here = here
        self._process_of = process_of
        self._placed: OrderedDict[str, str] = OrderedDict()
        self._recent: Counter[str] = Counter()
        self._failed: set[str] = set()
        self._beat = 0
        self._overload_forward_to = overload_forward_to
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=200, keepalive_expiry=KEPT_OPEN_S),
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def answer(self, path: str, fields: WebhookFields, key: str, placed_on: str) -> str | None:
        """See :class:`~voice_agent.api.twilio.Elsewhere`."""
        if placed_on not in ("", self._process):  # it was here before us; passed on again it would come back
            raise NoRoom("the process that this was passed on to is gone")
        if placed_on:
            if path == addresses.VOICE:
                self._must_have_room(fields.sid("CallSid"))
            return None
        if path == addresses.VOICE:
            return await self._place(fields)
        if path in (addresses.AGENT, addresses.STATUS):
            return await self._pass_on(path, fields, key)
        return None

    def _must_have_room(self, call_sid: str) -> None:
        here = self._here
        if here is None:
            raise NoRoom("this process carries no calls")
        if not here.switchboard.knows(call_sid) and isinstance(decision := here.admission.decide(), Refuse):
            raise NoRoom(decision.reason)

    async def _place(self, fields: WebhookFields) -> str | None:
        call_sid = fields.sid("CallSid")
        if self._here is not None and self._here.switchboard.knows(call_sid):
            return None
        before = self._where(call_sid)
        candidates = [before] if before else self._by_room()
        if not candidates:
            await self._register.beat()  # somebody may have come since the last one
            candidates = self._by_room()
        for worker_id in candidates:
            if worker_id == self._process:
                self._remember(call_sid, worker_id)
                return None
            worker = self._register.worker(worker_id)
            if worker is None:
                continue
            try:
                answer = await self._post(worker, addresses.VOICE, fields, "")
            except Unanswered as error:
                log.warning("call_not_placed", call_sid=call_sid, worker=worker_id, error=str(error))
                if error.reached:  # it may ring there, and two workers would fight for the caller
                    return refusal(self._overload_forward_to)
                self._failed.add(worker_id)
            else:
                self._remember(call_sid, worker_id)
                return answer
        return None

    def _by_room(self) -> list[str]:
        """Workers that would take a call, the one with the largest free part first; this one among equals."""
        if self._beat != self._register.beats:
            self._beat = self._register.beats
            self._recent.clear()  # the workers have counted them themselves by now
            self._failed.clear()
        free: dict[str, float] = {}
        for worker in self._register.workers:
            if worker.id != self._process and worker.alive and worker.id not in self._failed:
                free[worker.id] = self._free(worker)
        if self._here is not None and not isinstance(self._here.admission.decide(), Refuse):
            calls, room = self._here.switchboard.active_calls, self._here.admission.room
            free[self._process] = room / max(1, calls + room)
        chosen = [name for name, share in free.items() if share > 0]
        return sorted(chosen, key=lambda name: (-free[name], name != self._process, name))

    def _free(self, worker: Worker) -> float:
        standing = worker.standing
        room = standing.room - self._recent[worker.id]
        return room / max(1, standing.calls + standing.room)

    async def _pass_on(self, path: str, fields: WebhookFields, key: str) -> str | None:
        named = key.partition(addresses.KEY_SEPARATOR)[0] if addresses.KEY_SEPARATOR in key else ""
        owner = (
            named or self._where(fields.get("CallSid", "")) or self._where(fields.get("ParentCallSid", ""))
        )
        worker = self._register.worker(owner) if owner != self._process else None
        if worker is None:
            return None
        try:
            return await self._post(worker, path, fields, key)
        except Unanswered as error:
            log.warning("webhook_not_passed_on", path=path, worker=worker.id, error=str(error))
            return None

    def _where(self, call_sid: str) -> str:
        return self._placed.get(call_sid) or self._process_of(call_sid)

    def _remember(self, call_sid: str, worker_id: str) -> None:
        self._placed[call_sid] = worker_id
        self._recent[worker_id] += 1
        while len(self._placed) > REMEMBERED:
            self._placed.popitem(last=False)

    async def _post(self, worker: Worker, path: str, fields: WebhookFields, key: str) -> str:
        url = f"{worker.url}{path}" + (f"?{urlencode({KEY: key})}" if key else "")
        headers = {
            SIGNATURE_HEADER: webhook_signature(self._auth_token, url, fields),
            PLACED_HEADER: worker.id,
            "content-type": "application/x-www-form-urlencoded",
        }
        body = urlencode([(name, value) for name in fields for value in fields.getlist(name)])
        try:
            response = await self._http.post(url, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unanswered(type(error).__name__, reached=False) from error
        except httpx.HTTPError as error:
            raise Unanswered(type(error).__name__, reached=True) from error
        if response.is_success and PROCESS_HEADER in response.headers:
            return response.text
        status = response.status_code
        if status == NO_ROOM:
            raise Unanswered("no room", reached=False)
        # What a worker refuses it has not taken, nor what a proxy could not hand to it, nor what somebody
        # else answers at its address. A proxy that gave up waiting for it cannot tell.
        raise Unanswered(f"status {status}", reached=status >= 500 and status != BAD_GATEWAY)
