"""What a process finds around itself before it builds anything: where logs go, whose account it works on,
under which addresses it is reached, and who may come in."""

from __future__ import annotations

import sys
import tempfile
from contextlib import AsyncExitStack

import structlog

from telephony.signature import PublicOrigin
from voice_agent.access.entrance import Entrance, open_entrance
from voice_agent.access.errors import AccessError
from voice_agent.api.server import HttpServer
from voice_agent.call.faults import write_traceback
from voice_agent.local_network import Account, local_network
from voice_agent.practice.service import Services
from voice_agent.settings import Role, Settings
from voice_agent.store.database import Database


class StartError(Exception):
    """The settings do not make a working system; the message says what to change."""


def quiet_logs(level: str) -> None:
    """Logs to standard error from ``level`` on; pipecat's debug lines hold what people say and are never
    written."""
    from loguru import logger

    logger.remove()
    # Diagnosing would print the values in every frame.
    logger.add(sys.stderr, level="WARNING" if level in ("DEBUG", "INFO") else level, diagnose=False)
    numeric = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}[level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.set_exc_info,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            # The formatter that is the default prints the variables of every frame: people's words, and keys.
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=write_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def listening(host: str, port: int) -> HttpServer:
    """The server's socket, bound. Raises :class:`StartError` when the address cannot be had."""
    try:
        return HttpServer(host, port)
    except OSError as error:
        raise StartError(
            f"cannot serve on {host}:{port}: {error.strerror}; take another --host or --port"
        ) from error


def data_folder(settings: Settings) -> None:
    """See that the folder for data is there and takes files. Raises :class:`StartError` when not."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.data_dir):
            pass
    except OSError as error:
        raise StartError(
            f"nothing can be written to {settings.data_dir.absolute()}: {error.strerror}; make it writable,"
            " or set VOICE_AGENT_DATA_DIR to a folder that is"
        ) from error


async def account_of(
    settings: Settings, server: HttpServer, services: Services, stack: AsyncExitStack
) -> Account:
    """The account to work on; without one a local network, which a process that does everything starts.

    Raises :class:`StartError` for half an account.
    """
    if settings.uses_emulator and settings.role is Role.ALL:
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
        phone_url=settings.phone_url,
    )


async def entrance_of(settings: Settings, database: Database) -> Entrance:
    """Who may come in. Raises :class:`StartError` for a secret that could be guessed."""
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


def origins_of(settings: Settings, server: HttpServer) -> list[PublicOrigin]:
    """The address of this very process, and the common one if that is another.

    Raises :class:`StartError` for what is no address.
    """
    found: list[PublicOrigin] = []
    public = settings.public_base_url or server.base_url
    for name, url in (("VOICE_AGENT_WORKER_URL", settings.worker_url), ("PUBLIC_BASE_URL", public)):
        try:
            found += [PublicOrigin.parse(url)] if url else []
        except ValueError as error:
            raise StartError(f"{name}: {error}") from error
    return list(dict.fromkeys(found))
