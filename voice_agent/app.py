"""The composition root: everything is built here from settings, and nowhere else.

Read top to bottom it is the list of parts of a process: database, services, speech, models, calls, web. A
process either carries calls on the local phone network, which it starts beside itself, or on a Twilio
account.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi import FastAPI

from models.speech import SpeechError
from models.turn.smart_turn import SmartTurn
from models.vad.silero import SileroVad
from telephony.rest import TwilioRest
from telephony.signature import PublicOrigin, SignatureChecker
from telephony.tokens import StreamTokens
from voice_agent.access.entrance import Entrance, open_entrance
from voice_agent.access.errors import AccessError
from voice_agent.api.calls import calls_router
from voice_agent.api.console_desk import desk_of
from voice_agent.api.health import health_router
from voice_agent.api.media import MediaEndpoint
from voice_agent.api.metrics import CallMetrics
from voice_agent.api.platform.composition import PREFIX, composed_platform
from voice_agent.api.server import Dispatcher, HttpServer
from voice_agent.api.services import services_router
from voice_agent.api.twilio import twilio_router
from voice_agent.call.admission import Admission, Limits, LoadProbe
from voice_agent.call.cloud_speech import SpeechConfigurationError
from voice_agent.call.emotion_models import EmotionModels, EmotionNetworks
from voice_agent.call.network import Network
from voice_agent.call.parts import CallParts
from voice_agent.call.record_writer import RecordWriter
from voice_agent.call.recording import CallRecordings
from voice_agent.call.records import CallRecords
from voice_agent.call.sessions import Sessions
from voice_agent.call.speech import SpeechServices, speech_services
from voice_agent.call.switchboard import Switchboard
from voice_agent.call.turn_model import TurnModel
from voice_agent.call.voice_activity import VadTick
from voice_agent.call.watch import WatchTicker
from voice_agent.local_network import Account, local_network
from voice_agent.operators.duty import OnDuty
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.keeper import OperatorKeeper
from voice_agent.operators.live import LocalLiveCalls
from voice_agent.operators.ports import LiveCalls
from voice_agent.practice.scenario import demonstration
from voice_agent.practice.seed import PATIENTS
from voice_agent.practice.service import Services, load_services, service_folders
from voice_agent.practice.settings import ServiceError
from voice_agent.reasoning.llm import LanguageModelReasoner, LanguageModelSettings
from voice_agent.settings import Settings
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database
from voice_agent.web.console import console_router
from voice_agent.web.login import login_router
from voice_agent.web.models import models_router
from voice_agent.web.pages import Caller, PracticeNumber, Site, pages_router
from voice_agent.web.voice import voice_router

log = structlog.get_logger(__name__)


class StartError(Exception):
    """The settings do not make a working system; the message says what to change."""


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
    switchboard: Switchboard
    admission: Admission
    duty: OnDuty
    ready: Ready
    entrance: Entrance
    escalations: EscalationRecords
    live: LiveCalls


async def serve(
    settings: Settings, *, host: str, port: int, announce: Callable[[Ready], None] = lambda _: None
) -> None:
    """Run until SIGTERM or SIGINT, then let the live calls finish (bounded by ``drain_timeout_s``).

    Raises:
        StartError: settings that cannot work. OSError: the address is taken.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, host=host, port=port) as application:
        announce(application.ready)
        await stop.wait()
        stop.clear()
        application.admission.drain()
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
        server = HttpServer(host, port)
        stack.push_async_callback(server.stop)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        database = Database(settings.effective_database_url)
        stack.push_async_callback(database.close)
        await database.migrate()
        bus = EventBus()
        writer = RecordWriter(database, bus, settings.data_dir)
        await writer.start()
        stack.push_async_callback(writer.close)
        # Before that: open event streams end when the bus does, and would hold the server up.
        stack.callback(bus.close)
        duty = OnDuty()
        services = await _services(settings, database, duty)
        speech = await _speech(settings, services, stack)
        account = await _account(settings, server, services, stack)
        origin = _origin(settings, server)
        parts = await _shared_parts(settings, bus, speech, duty, stack)
        probe = LoadProbe()
        probe.start()
        stack.callback(probe.stop)
        calls: list[Switchboard] = []
        admission = Admission(_limits(settings), probe, lambda: calls[0].active_calls if calls else 0)
        tokens = StreamTokens()
        rest = TwilioRest(account.account_sid, account.auth_token, base_url=account.base_url)
        stack.push_async_callback(rest.aclose)
        sessions = Sessions(bus, parts, services, settings.max_call_duration_s)
        live = LocalLiveCalls(bus, sessions, duty)
        await live.start()
        stack.push_async_callback(live.close)
        switchboard = Switchboard(
            Network(rest, tokens, origin, account.app_sid),
            sessions,
            admission,
            sessions.emit,
            overload_forward_to=settings.overload_forward_to,
        )
        calls.append(switchboard)
        stack.push_async_callback(switchboard.close)
        signatures = SignatureChecker(account.auth_token, origin)
        metrics = CallMetrics(
            bus,
            {
                "voice_active_calls": lambda: float(switchboard.active_calls),
                "voice_loop_lag_p99_ms": lambda: probe.lag_ms(99),
                "voice_cpu_percent": lambda: probe.cpu_percent,
            },
        )
        folding = asyncio.create_task(metrics.run(), name="metrics")
        stack.callback(folding.cancel)
        records = CallRecords(database)
        entrance = await _entrance(settings, database)
        escalations = EscalationRecords(database, entrance.workspace_id)
        keeper = OperatorKeeper(bus, escalations, entrance.roster, duty)
        await keeper.start()
        stack.push_async_callback(keeper.close)
        ready = Ready(server.base_url, account.base_url or None, list(services.numbers))
        application = Application(
            settings=settings,
            bus=bus,
            database=database,
            records=records,
            services=services,
            switchboard=switchboard,
            admission=admission,
            ready=ready,
            entrance=entrance,
            escalations=escalations,
            live=live,
            duty=duty,
        )
        http = _http(application, signatures, metrics, speech, account)
        http.openapi()
        # What was loaded stays: a full collection of it in the middle of a call would take 0.1 s.
        gc.collect()
        gc.freeze()
        await server.start(Dispatcher(http, MediaEndpoint(switchboard, signatures, tokens)))
        try:
            yield application
        finally:
            admission.drain()


def quiet_logs(level: str) -> None:
    """Logs to standard error from ``level`` on; pipecat's debug lines hold what people say and are never
    written."""
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="WARNING" if level in ("DEBUG", "INFO") else level)
    numeric = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}[level]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


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


async def _speech(settings: Settings, services: Services, stack: AsyncExitStack) -> SpeechServices:
    try:
        speech = speech_services(settings, services.default.settings.keyterms)
        stack.push_async_callback(speech.close)
        await speech.start()
    except (SpeechConfigurationError, SpeechError) as error:
        raise StartError(str(error)) from error
    return speech


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


async def _account(
    settings: Settings, server: HttpServer, services: Services, stack: AsyncExitStack
) -> Account:
    if settings.uses_emulator:
        return await stack.enter_async_context(local_network(server.base_url, list(services.numbers)))
    missing = [
        name
        for name, value in (
            ("TWILIO_ACCOUNT_SID", settings.twilio_account_sid),
            ("TWILIO_AUTH_TOKEN", settings.twilio_auth_token.get_secret_value()),
            ("TWILIO_APP_SID", settings.twilio_app_sid),
            ("PUBLIC_BASE_URL", settings.public_base_url),
        )
        if not value
    ]
    if missing:
        raise StartError(f"a Twilio account needs {', '.join(missing)} too; voice-agent doctor explains each")
    return Account(
        settings.twilio_account_sid,
        settings.twilio_auth_token.get_secret_value(),
        settings.twilio_app_sid,
        base_url=settings.twilio_api_base_url,
    )


async def _entrance(settings: Settings, database: Database) -> Entrance:
    try:
        return await open_entrance(
            database,
            settings.data_dir,
            secret_key=settings.secret_key.get_secret_value(),
            public_base_url=settings.public_base_url,
            rate_limit_storage=settings.rate_limit_storage,
        )
    except AccessError as error:
        raise StartError(str(error)) from error


def _origin(settings: Settings, server: HttpServer) -> PublicOrigin:
    try:
        return PublicOrigin.parse(settings.public_base_url or server.base_url)
    except ValueError as error:
        raise StartError(f"PUBLIC_BASE_URL: {error}") from error


def _limits(settings: Settings) -> Limits:
    return Limits(settings.max_calls, settings.max_loop_lag_ms, settings.max_cpu_percent)


async def _shared_parts(
    settings: Settings, bus: EventBus, speech: SpeechServices, duty: OnDuty, stack: AsyncExitStack
) -> CallParts:
    def fault(where: str) -> Callable[[Exception], None]:
        return lambda error: log.error("tick_failed", where=where, error=type(error).__name__)

    vad = VadTick(SileroVad(), fault("vad"))
    turn_model = TurnModel(SmartTurn())
    watches = WatchTicker(fault("watch"))
    stack.callback(turn_model.close)
    for ticker in (vad, watches):
        await ticker.start()
        stack.push_async_callback(ticker.close)
    emotion = EmotionModels(EmotionNetworks.load()) if settings.emotion else None
    if emotion is not None:
        stack.callback(emotion.close)
    recordings = CallRecordings(settings.recordings_dir, tts_provider=settings.tts)
    return CallParts(
        bus=bus,
        vad=vad,
        watches=watches,
        turn_model=turn_model,
        recognizers=speech.recognizers,
        voice=speech.voice,
        recorder=recordings if settings.recordings else lambda *_: None,
        anyone_free=duty.anyone_free,
        emotion=emotion,
    )


def _http(
    application: Application,
    signatures: SignatureChecker,
    metrics: CallMetrics,
    speech: SpeechServices,
    account: Account,
) -> FastAPI:
    app = FastAPI(title="voice-agent", version="0.1.0", docs_url=None, redoc_url=None)

    async def state() -> tuple[bool, str]:
        if application.admission.is_draining:
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
    app.include_router(health_router(state, metrics))
    app.include_router(twilio_router(application.switchboard, signatures))
    app.include_router(
        calls_router(application.records, application.bus, application.settings.recordings_dir)
    )
    app.include_router(services_router(services, account.phone_url))
    app.include_router(voice_router(speech.voice))
    app.include_router(pages_router(site))
    app.include_router(models_router(site))
    app.include_router(console_router(site, desk_of(application.entrance.guard)))
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
