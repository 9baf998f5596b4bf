"""One process's membership in a fleet: its link, its entry in the register, its view of the others' calls,
and where it brings webhooks. Put together here for the composition root."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from telephony.rest import TwilioRest
from voice_agent.call.events import Degraded
from voice_agent.call.records import CallRecords
from voice_agent.call.switchboard import apology
from voice_agent.fleet.commands import CommandPost
from voice_agent.fleet.live import FleetLiveCalls
from voice_agent.fleet.placing import Carrying, Placement
from voice_agent.fleet.postgres_link import PostgresLink
from voice_agent.fleet.register import DEAD_AFTER_S, Register, Standing
from voice_agent.fleet.relay import EventReceiver, EventTransmitter
from voice_agent.fleet.warden import Warden
from voice_agent.operators.duty import OnDuty
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.keeper import OperatorKeeper
from voice_agent.operators.ports import LiveCalls
from voice_agent.settings import Role, Settings
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database

log = structlog.get_logger(__name__)


def process_name() -> str:
    """A name that no other process has, and that a process which is started again does not inherit."""
    return uuid4().hex[:12]


@dataclass(frozen=True, slots=True)
class Household:
    """What a membership needs of its own process. ``own`` carries what happens here, ``everywhere`` what
    happens anywhere."""

    process: str
    url: str
    database: Database
    own: EventBus
    everywhere: EventBus
    records: CallRecords
    escalations: EscalationRecords
    keeper: OperatorKeeper
    duty: OnDuty
    rest: TwilioRest
    auth_token: str
    local: LiveCalls
    carrying: Carrying | None


class Membership:
    """Made when its process is otherwise complete; closed before the process's calls are."""

    def __init__(self, settings: Settings, home: Household) -> None:
        self._home = home
        self._link = PostgresLink(settings.bus_url or settings.effective_database_url, home.process)
        self._transmitter = EventTransmitter(home.process, home.own, self._link)
        self._post = CommandPost(home.process, self._link, home.local, before_reply=self._transmitter.flush)
        carries = home.carrying is not None
        self._register = Register(home.database, home.process, home.url, self._standing if carries else None)
        self._watched = (
            FleetLiveCalls(home.process, home.local, home.records, home.everywhere, self._post)
            if settings.role.watches_others
            else None
        )
        if self._watched is not None:
            EventReceiver(home.process, home.everywhere, self._link)
        self.placement = Placement(
            home.process,
            self._register,
            home.auth_token,
            here=home.carrying,
            process_of=self._watched.process_of if self._watched is not None else lambda _: "",
            overload_forward_to=settings.overload_forward_to,
        )
        self._warden = Warden(
            self._register,
            home.records,
            home.escalations,
            home.rest,
            home.own,
            seen=self._watched.carried_by if self._watched is not None else lambda _: {},
            document=apology(settings.overload_forward_to),
            # Those who have seen the calls know more of them: the others wait whether one of these acts.
            patience_s=DEAD_AFTER_S * (2 if settings.role is Role.CALLS else 1),
        )
        self._beat = asyncio.Event()
        self._deaf: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None

    @property
    def live(self) -> LiveCalls:
        """The live calls that this process's operators see."""
        return self._watched if self._watched is not None else self._home.local

    @property
    def connected(self) -> bool:
        """Whether the bus between the processes works, as seen from here."""
        return self._link.connected

    @property
    def link_dropped(self) -> int:
        """Messages to other processes that could not be sent."""
        return self._link.dropped

    @property
    def link_lost(self) -> int:
        """Times that a message of another process did not arrive whole."""
        return self._link.lost

    @property
    def workers(self) -> int:
        """How many call workers live."""
        return sum(worker.alive for worker in self._register.workers)

    @property
    def deaf(self) -> frozenset[str]:
        """Workers that live and hear no commands."""
        return self._deaf

    async def start(self) -> None:
        """Join the others."""
        await self._link.start()
        await self._transmitter.start()
        self._register.on_beat = self._beat.set
        await self._register.start()
        if self._watched is not None:
            await self._watched.start()
        self._task = asyncio.create_task(self._tend(), name="fleet-membership")

    async def close(self) -> None:
        """Leave. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._warden.close()
        if self._watched is not None:
            await self._watched.close()
        await self._register.close()
        await self._post.close()
        await self._transmitter.close()
        await self._link.close()
        await self.placement.aclose()

    def _standing(self) -> Standing:
        here = self._home.carrying
        assert here is not None  # others have no standing
        return Standing(
            here.switchboard.active_calls, here.admission.room, self._link.connected, self._home.duty.on_calls
        )

    async def _tend(self) -> None:
        while True:
            await self._beat.wait()
            self._beat.clear()
            others = [worker for worker in self._register.workers if worker.id != self._home.process]
            self._home.duty.engaged_elsewhere(
                name for worker in others if worker.alive for name in worker.standing.operators
            )
            self._note_deaf(frozenset(w.id for w in others if w.alive and not w.standing.hears))
            if self._watched is not None:
                self._watched.compare({worker.id for worker in others})
            self._warden.look_around()
            try:
                await self._home.keeper.refresh()
            except (SQLAlchemyError, OSError) as error:
                log.warning("roster_not_read", error=type(error).__name__)

    def _note_deaf(self, deaf: frozenset[str]) -> None:
        for worker in deaf - self._deaf:
            reason = f"call worker {worker} hears no commands; its calls cannot be joined"
            self._home.everywhere.publish(Degraded(part="bus", rung="database", reason=reason))
        self._deaf = deaf
