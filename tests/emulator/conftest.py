from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from telephony.emulator import Emulator, EmulatorConfig, Limits

from .conference_app import ConferenceApp

FAST = Limits(calls_per_second=100.0, ring_s=0.02)


@pytest.fixture
async def app() -> AsyncIterator[ConferenceApp]:
    application = ConferenceApp()
    await application.start()
    yield application
    await application.stop()


Launch = Callable[..., Awaitable[Emulator]]


@pytest.fixture
async def launch(app: ConferenceApp) -> AsyncIterator[Launch]:
    """Start an emulator for the application with any settings."""
    running: list[Emulator] = []

    async def start(**settings: Any) -> Emulator:
        config = EmulatorConfig(voice_url=app.url + "/voice", app_voice_url=app.url + "/agent", limits=FAST)
        emulator = Emulator(replace(config, **settings))
        await emulator.start()
        app.config = emulator.config
        app.emulator_url = emulator.base_url
        running.append(emulator)
        return emulator

    yield start
    for emulator in running:
        await emulator.stop()


@pytest.fixture
async def emulator(launch: Launch) -> Emulator:
    return await launch()
