"""The composition root: everything is built here from settings, and nowhere else.

Read top to bottom it is the list of parts of a process: database, services, calls, web. A process works
either on the local phone network, which it starts beside itself, or on a Twilio account; with PostgreSQL it
may be one of several (:mod:`voice_agent.fleet`).
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi import FastAPI

from models.speech import SpeechError
from telephony.rest import TwilioRest
from telephony.signature import SignatureChecker
from telephony.tokens import StreamTokens
from voice_agent.access.entrance import Entrance
from voice_agent.api.calls import calls_router
from voice_agent.api.console_desk import desk_of
from voice_agent.api.database_away import add_database_handler
from voice_agent.api.health import health_router
from voice_agent.api.media import MediaEndpoint
from voice_agent.api.metrics import CallMetrics
from voice_agent.api.platform.composition import PREFIX, composed_platform
from voice_agent.api.server import Dispatcher
from voice_agent.api.services import services_router
from voice_agent.api.twilio import Exchange, twilio_router
from voice_agent.call.cloud_speech import SpeechConfigurationError
from voice_agent.call.network import Network
from voice_agent.call.record_writer import RecordWriter
from voice_agent.call.records import CallRecords
from voice_agent.call.switchboard import Switchboard
from voice_agent.carrying import Carrier, carrier
from voice_agent.fleet.membership import Household, Membership, process_name
from voice_agent.fleet.no_calls import NoExchange
from voice_agent.fleet.placing import Carrying
from voice_agent.local_network import Account
from voice_agent.operators.duty import OnDuty
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.keeper import OperatorKeeper
from voice_agent.operators.no_live_calls import NoLiveCalls
from voice_agent.operators.ports import LiveCalls
from voice_agent.practice.scenario import demonstration
from voice_agent.practice.seed import PATIENTS
from voice_agent.practice.service import Services, load_services, service_folders
from voice_agent.practice.settings import ServiceError
from voice_agent.reasoning.llm import LanguageModelReasoner, LanguageModelSettings
from voice_agent.settings import Role, Settings
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database
from voice_agent.surroundings import (
    StartError,
    account_of,
    data_folder,
    entrance_of,
    listening,
    origins_of,
    quiet_logs,
)
from voice_agent.web.console import console_router
from voice_agent.web.login import login_router
from voice_agent.web.models import models_router
from voice_agent.web.pages import Caller, PracticeNumber, Site, pages_router
from voice_agent.web.voice import voice_router

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a started system is reached. ``emulator_url`` is None on a real account."""

    base_url: str
    emulator_url: str | None
    numbers: list[str]


@dataclass(frozen=True, slots=True)
class Application:
    """A running process, for its composition's own use and for tests."""

    settings: Settings
    bus: EventBus
    database: Database
    records: CallRecords
    services: Services
    carrier: Carrier | None
    """None in a process that carries no calls."""
    membership: Membership | None
    """None in a process that is alone."""
    duty: OnDuty
    ready: Ready
    entrance: Entrance
    escalations: EscalationRecords

    @property
    def switchboard(self) -> Switchboard:
        """The calls of this process. Raises :class:`LookupError` where there can be none."""
        if self.carrier is None:
            raise LookupError(f"a process with the role {self.settings.role} carries no calls")
        return self.carrier.switchboard

    @property
    def live(self) -> LiveCalls:
        """The live calls that operators see from here."""
        if self.membership is not None:
            return self.membership.live
        assert self.carrier is not None  # whoever is alone carries calls
        return self.carrier.live

    @property
    def is_draining(self) -> bool:
        """Whether no further call is taken."""
        return self.carrier is not None and self.carrier.admission.is_draining

    def drain(self) -> None:
        """Take no further call."""
        if self.carrier is not None:
            self.carrier.admission.drain()

    def problems(self) -> list[str]:
        """What operators should know about the state of the installation, in sentences."""
        if self.membership is None:
            return []
        if not self.membership.connected:
            return [
                "The bus between the processes is down. Calls go on, but what you see of them comes late, and"
                " you can neither join nor guide them until it is back."
            ]
        return (
            ["A call worker hears no commands. Its calls cannot be joined."] if self.membership.deaf else []
        )


async def serve(
    settings: Settings, *, host: str, port: int, announce: Callable[[Ready], None] = lambda _: None
) -> None:
    """Run until SIGTERM or SIGINT, then let the live calls finish (bounded by ``drain_timeout_s``).

    Raises:
        StartError: settings that cannot work, an address that is taken.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, host=host, port=port) as application:
        announce(application.ready)
        await stop.wait()
        stop.clear()
        application.drain()
        if application.carrier is None:
            return
        log.info("draining", calls=application.switchboard.active_calls)
        idle = asyncio.create_task(application.switchboard.wait_idle())
        again = asyncio.create_task(stop.wait())
        await asyncio.wait(
            {idle, again}, timeout=settings.drain_timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        for task in (idle, again):
            task.cancel()
        await asyncio.gather(idle, again, return_exceptions=True)


@asynccontextmanager
async def running(
    settings: Settings, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Application]:
    """A whole system for as long as the context is open; ``port`` 0 takes a free one."""
    quiet_logs(settings.log_level)
    async with AsyncExitStack() as stack:
        server = listening(host, port)
        stack.push_async_callback(server.stop)
        data_folder(settings)
        database = Database(settings.effective_database_url)
        stack.push_async_callback(database.close)
        if database.is_sqlite and settings.role is not Role.ALL:
            raise StartError(
                f"VOICE_AGENT_ROLE={settings.role} is for several processes, and these need PostgreSQL: set"
                " VOICE_AGENT_DATABASE_URL"
            )
        await database.migrate()
        bus = EventBus()
        own, process = (bus, "") if database.is_sqlite else (EventBus(wider=bus), process_name())
        writer = RecordWriter(database, own, settings.data_dir)
        await writer.start()
        stack.push_async_callback(writer.close)
        # Before that: open event streams end when the bus does, and would hold the server up.
        stack.callback(bus.close)
        duty = OnDuty()
        services = await _services(settings, database, duty)
        account = await account_of(settings, server, services, stack)
        origins = origins_of(settings, server)
        tokens = StreamTokens()
        rest = TwilioRest(account.account_sid, account.auth_token, base_url=account.base_url)
        stack.push_async_callback(rest.aclose)
        network = Network(rest, tokens, origins[0], account.app_sid, process=process)
        carried = await _carrier(settings, own, services, duty, network, stack)
        records = CallRecords(database)
        entrance = await entrance_of(settings, database)
        escalations = EscalationRecords(database, entrance.workspace_id)
        keeper = OperatorKeeper(own, escalations, entrance.roster, duty, entrance.audit)
        await keeper.start()
        stack.push_async_callback(keeper.close)
        membership = None
        if process:
            home = Household(
                process=process,
                url=origins[0].http(""),
                database=database,
                own=own,
                everywhere=bus,
                records=records,
                escalations=escalations,
                keeper=keeper,
                duty=duty,
                rest=rest,
                auth_token=account.auth_token,
                local=carried.live if carried is not None else NoLiveCalls(),
                carrying=Carrying(carried.switchboard, carried.admission) if carried is not None else None,
            )
            membership = Membership(settings, home)
            stack.push_async_callback(membership.close)
        metrics = CallMetrics(own, _gauges(writer, carried, membership), _model_figures(carried))
        folding = asyncio.create_task(metrics.run(), name="metrics")
        stack.callback(folding.cancel)
        application = Application(
            settings=settings,
            bus=bus,
            database=database,
            records=records,
            services=services,
            carrier=carried,
            membership=membership,
            ready=Ready(server.base_url, account.base_url or None, list(services.numbers)),
            entrance=entrance,
            escalations=escalations,
            duty=duty,
        )
        signatures = SignatureChecker(account.auth_token, *origins)
        exchange = _exchange(application, own)
        http = _http(application, process, exchange, signatures, metrics, account)
        http.openapi()
        # What was loaded stays: a full collection of it in the middle of a call would take 0.1 s.
        gc.collect()
        gc.freeze()
        await server.start(Dispatcher(http, MediaEndpoint(exchange, signatures, tokens)))
        if membership is not None:
            await membership.start()  # others give us calls from now on
        try:
            yield application
        finally:
            application.drain()


async def _services(settings: Settings, database: Database, duty: OnDuty) -> Services:
    folders = service_folders(settings.services_dir) if settings.services_dir else []
    try:
        services = load_services(
            database, folders, reasoner=_language_model(settings), person_available=duty.anyone_free
        )
    except ServiceError as error:
        raise StartError(str(error)) from error
    # The first is the example practice: it comes with people and a calendar.
    await services.services[0].seed()
    return services


async def _carrier(
    settings: Settings,
    bus: EventBus,
    services: Services,
    duty: OnDuty,
    network: Network,
    stack: AsyncExitStack,
) -> Carrier | None:
    if not settings.role.carries_calls:
        return None
    try:
        return await carrier(settings, bus, services, duty, network, stack)
    except (SpeechConfigurationError, SpeechError) as error:
        raise StartError(str(error)) from error


def _language_model(settings: Settings) -> LanguageModelReasoner | None:
    if not settings.llm_model:
        return None
    return LanguageModelReasoner(
        LanguageModelSettings(
            name=settings.llm_model,
            base_url=settings.llm_base_url or None,
            api_key=settings.llm_api_key,
            first_token_timeout_s=settings.llm_first_token_timeout_s,
            total_timeout_s=settings.llm_timeout_s,
        )
    )


def _gauges(
    writer: RecordWriter, carried: Carrier | None, membership: Membership | None
) -> dict[str, Callable[[], float]]:
    gauges: dict[str, Callable[[], float]] = {
        "voice_events_recorded": lambda: float(writer.stats.recorded),
        "voice_events_spilled": lambda: float(writer.stats.spilled),
        "voice_events_refused": lambda: float(writer.stats.refused),
        "voice_events_lost": lambda: float(writer.stats.lost),
        "voice_database_away": lambda: float(writer.stats.away),
    }
    if carried is not None:
        gauges |= {
            "voice_active_calls": lambda: float(carried.switchboard.active_calls),
            "voice_loop_lag_p99_ms": lambda: carried.probe.lag_ms(99),
            "voice_cpu_percent": lambda: carried.probe.cpu_percent,
        }
    if membership is not None:
        gauges |= {
            "voice_call_workers": lambda: float(membership.workers),
            "voice_link_dropped_messages": lambda: float(membership.link_dropped),
            "voice_link_lost_messages": lambda: float(membership.link_lost),
        }
    return gauges


def _model_figures(carried: Carrier | None) -> dict[str, Callable[[], dict[str, float]]]:
    """What the models could not answer: the only sign that callers' feelings are not read."""
    models = carried.emotion if carried is not None else None
    if models is None:
        return {}
    return {
        "voice_model_questions_dropped": lambda: {n: float(f.dropped) for n, f in models.figures.items()},
        "voice_model_batches_failed": lambda: {n: float(f.failed) for n, f in models.figures.items()},
    }


def _exchange(application: Application, own: EventBus) -> Exchange:
    if application.carrier is not None:
        return application.carrier.switchboard
    return NoExchange(own, overload_forward_to=application.settings.overload_forward_to)


def _http(
    application: Application,
    process: str,
    exchange: Exchange,
    signatures: SignatureChecker,
    metrics: CallMetrics,
    account: Account,
) -> FastAPI:
    app = FastAPI(title="voice-agent", version="0.1.0", docs_url=None, redoc_url=None)
    add_database_handler(app)

    async def state() -> tuple[bool, str]:
        if application.is_draining:
            return False, "draining"
        if not await application.database.healthy():
            return False, "the database does not answer; calls are taken and their records kept aside"
        return True, "ready"

    services = application.services
    site = Site(
        practice=services.default.settings.name,
        numbers=tuple(
            PracticeNumber(number, services.for_number(number).settings.name) for number in services.numbers
        ),
        callers=tuple(Caller(person.phone, person.name) for person in PATIENTS if person.phone),
        lines=tuple(line.text for line in demonstration(services.default.now().date()).lines),
        phone_url=account.phone_url,
    )
    app.include_router(health_router(state, metrics, process))
    elsewhere = application.membership.placement if application.membership is not None else None
    app.include_router(twilio_router(exchange, signatures, elsewhere, process))
    app.include_router(
        calls_router(application.records, application.bus, application.settings.recordings_dir)
    )
    app.include_router(services_router(services, account.phone_url))
    if application.carrier is not None:
        app.include_router(voice_router(application.carrier.speech.voice))
    app.include_router(pages_router(site))
    app.include_router(models_router(site))
    app.include_router(console_router(site, desk_of(application.entrance.guard), application.problems))
    app.include_router(login_router(site, application.entrance.guard, application.entrance.audit))
    app.mount(
        PREFIX,
        composed_platform(
            application.settings,
            application.database,
            application.entrance,
            services,
            application.records,
            application.escalations,
            application.live,
            application.bus,
            account,
        ),
    )
    return app
