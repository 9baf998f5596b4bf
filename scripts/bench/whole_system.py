"""Application and phone network in this process, with stub speech: what is measured is everything around
it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bench.servers import free_port
from telephony.emulator import Emulator, EmulatorConfig, Limits, NumberConfig
from voice_agent.app import Application, running
from voice_agent.settings import Settings

NUMBER = "+14155550100"


@asynccontextmanager
async def whole_system(folder: Path, **settings: Any) -> AsyncIterator[tuple[Application, Emulator]]:
    """A practice that answers :data:`NUMBER`. ``folder`` holds its data; ``settings`` are further fields of
    :class:`~voice_agent.settings.Settings`."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    config = EmulatorConfig(
        voice_url=f"{origin}/twilio/voice",
        app_voice_url=f"{origin}/twilio/agent",
        numbers=(NumberConfig(NUMBER),),
        limits=Limits(calls_per_second=50),
    )
    async with Emulator(config) as emulator:
        chosen = Settings(
            _env_file=None,
            twilio_account_sid=config.account_sid,
            twilio_auth_token=SecretStr(config.auth_token),
            twilio_app_sid=config.application_sid,
            twilio_api_base_url=emulator.base_url,
            public_base_url=origin,
            data_dir=folder,
            stt="stub",
            tts="stub",
            max_loop_lag_ms=5000,
            log_level="ERROR",
            **settings,
        )
        async with running(chosen, port=port) as application:
            yield application, emulator
