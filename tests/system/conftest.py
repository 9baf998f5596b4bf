"""The whole system in one process: the application, an emulator that it takes for Twilio, a telephone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from models.speech import Delivery, Pcm
from models.tts.espeak import EspeakVoice
from telephony.emulator import (
    Emulator,
    EmulatorConfig,
    Limits,
    NumberConfig,
    PhoneCall,
)
from voice_agent.app import Application, running
from voice_agent.call import events
from voice_agent.call.events import CallEvent
from voice_agent.settings import Settings

NUMBER = "+14155550100"
MARIA = "+14155550134"


@dataclass
class System:
    """A running practice on a local phone network, with everything that happens in it."""

    application: Application
    emulator: Emulator
    voice: EspeakVoice
    seen: list[CallEvent] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def collect(self) -> None:
        subscription = self.application.bus.subscribe()
        async for event in subscription:
            async with self._changed:
                self.seen.append(event)
                self._changed.notify_all()

    def all(self, kind: type, call_sid: str | None = None) -> list[Any]:
        return [e for e in self.seen if isinstance(e, kind) and call_sid in (None, e.call_sid)]

    async def wait_for(self, test: Callable[[CallEvent], bool], within: float = 20.0) -> Any:
        """The first event, past or coming, that satisfies ``test``."""
        n = 0
        try:
            async with asyncio.timeout(within), self._changed:
                while True:
                    while n < len(self.seen):
                        if test(self.seen[n]):
                            return self.seen[n]
                        n += 1
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError("never happened; what did:\n" + self.story()) from None

    def story(self) -> str:
        """What happened, a line each."""
        left_out = {"at", "call_sid", "seq", "t", "type"}
        return "\n".join(
            f"{e.t:8.2f} {e.type} {e.model_dump(exclude=left_out, exclude_defaults=True)}" for e in self.seen
        )

    async def said(self, words: str, within: float = 20.0) -> events.AgentTranscript:
        """Wait until the caller has heard a sentence of the agent with these words."""
        found = await self.wait_for(
            lambda e: isinstance(e, events.AgentTranscript) and words.lower() in e.heard.lower(), within
        )
        assert isinstance(found, events.AgentTranscript)
        return found

    async def ring(self, *, to: str = NUMBER, from_: str = MARIA, **options: Any) -> PhoneCall:
        """Place a call and wait until it is answered."""
        call = await self.emulator.place_call(to=to, from_=from_, **options)
        await call.answered()
        return call

    async def speech(self, text: str) -> Pcm:
        """A sentence in a voice that is not the agent's."""
        chunks = [chunk async for chunk in self.voice.synthesize(text, Delivery(pitch=0.8))]
        return np.concatenate(chunks)

    async def ended(self, call: PhoneCall) -> events.SessionEnd:
        """Wait for the end of the call's record."""
        found = await self.wait_for(lambda e: isinstance(e, events.SessionEnd) and e.call_sid == call.sid)
        assert isinstance(found, events.SessionEnd)
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def whole_system(
    tmp_path: Path, *, numbers: tuple[str, ...] = (NUMBER,), **settings: Any
) -> AsyncIterator[System]:
    """Application and emulator, each believing that the other is far away."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    config = EmulatorConfig(
        voice_url=f"{origin}/twilio/voice",
        app_voice_url=f"{origin}/twilio/agent",
        numbers=tuple(NumberConfig(number) for number in numbers),
        limits=Limits(calls_per_second=50),
    )
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(Emulator(config))
        chosen = Settings(
            _env_file=None,
            twilio_account_sid=config.account_sid,
            twilio_auth_token=SecretStr(config.auth_token),
            twilio_app_sid=config.application_sid,
            twilio_api_base_url=emulator.base_url,
            public_base_url=origin,
            data_dir=tmp_path,
            **{"phone_url": f"ws{emulator.base_url.removeprefix('http')}/emulator/phone", **settings},
        )
        application = await stack.enter_async_context(running(chosen, port=port))
        voice = EspeakVoice()
        await voice.start()
        stack.push_async_callback(voice.close)
        system = System(application, emulator, voice)
        collecting = asyncio.create_task(system.collect())
        stack.callback(collecting.cancel)
        yield system


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    async with whole_system(tmp_path) as running_system:
        yield running_system
