"""A session on a fake network: real voice activity and turn-taking, scripted words and answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.call.fakes import CallerLeg, FakeLine, FakeNetwork, ScriptedConversation, ScriptedRecognizer
from voice_agent.call import events
from voice_agent.call.emotion_models import EmotionModels
from voice_agent.call.events import CallEvent
from voice_agent.call.parts import CallParts, CallService
from voice_agent.call.ports import CallInfo, LegRole
from voice_agent.call.session import CallSession
from voice_agent.call.stub_speech import StubVoice
from voice_agent.call.voice_activity import VadTick
from voice_agent.call.watch import WatchPolicy, WatchTicker
from voice_agent.reasoning.effects import Effect, Say, SayKind
from voice_agent.reasoning.signals import Signal, Started, Utterance
from voice_agent.store.bus import EventBus

INFO = CallInfo("CA" + "a" * 32, "+14155550134", "+14155550100", "inbound", "call-x")
GREETING = "Hi, this is Dr. Chen's office, how can I help you today?"


async def nobody(_: str | None) -> Mapping[str, Any]:
    return {}


@dataclass
class Call:
    """A live call of a test."""

    session: CallSession
    conversation: ScriptedConversation
    network: FakeNetwork
    caller: CallerLeg
    line: FakeLine
    seen: list[CallEvent]
    changed: asyncio.Event

    def all(self, kind: type) -> list[Any]:
        return [e for e in self.seen if isinstance(e, kind)]

    async def wait_for(self, test: Callable[[CallEvent], bool], within: float = 8.0) -> Any:
        """The first event (past or coming) that satisfies ``test``."""
        async with asyncio.timeout(within):
            n = 0
            while True:
                while n < len(self.seen):
                    if test(self.seen[n]):
                        return self.seen[n]
                    n += 1
                self.changed.clear()
                await self.changed.wait()

    async def heard_whole(self, text: str) -> Any:
        return await self.wait_for(lambda e: isinstance(e, events.AgentTranscript) and e.heard == text, 15)


Begin = Callable[..., Awaitable[Call]]


@pytest.fixture
async def begin(vad: VadTick) -> AsyncIterator[Begin]:
    calls: list[tuple[Call, asyncio.Task[None]]] = []
    watches = WatchTicker(lambda error, _: pytest.fail(str(error)))
    await watches.start()

    async def start(
        answer: Callable[[Signal], AsyncIterator[Effect]],
        *recognizers: ScriptedRecognizer,
        watch: WatchPolicy | None = None,
        voice: Any = None,
        lookup: Any = nobody,
        attach: bool = True,
        anyone_free: bool = False,
        service_options: Mapping[str, Any] | None = None,
        recording: Any = None,
        emotion: EmotionModels | None = None,
    ) -> Call:
        bus = EventBus()
        subscription = bus.subscribe()
        conversation = ScriptedConversation(answer)
        line = FakeLine()

        async def someone() -> bool:
            return anyone_free

        parts = CallParts(
            bus, vad, watches, None, recognizers, voice or StubVoice(), lambda *_: recording, someone, emotion
        )
        service = CallService("practice", conversation, lookup, lambda: datetime.now(UTC))
        service = replace(service, watch=watch or WatchPolicy(), **(service_options or {}))
        session = CallSession(INFO, line, parts, service)
        call = Call(session, conversation, FakeNetwork(), CallerLeg(), line, [], asyncio.Event())

        async def collect() -> None:
            async for event in subscription:
                call.seen.append(event)
                call.changed.set()

        calls.append((call, asyncio.create_task(collect())))
        await session.prewarm()
        if attach:
            call.network.start(session.attach(LegRole.AGENT, 1, call.network))
            call.caller.start(session.attach(LegRole.TAP, 1, call.caller))
            session.caller_joined()
        return call

    yield start
    for call, task in calls:
        await call.session.end("caller_hangup")
        call.caller.close()
        call.network.close()
        task.cancel()
    await watches.close()


async def greet_then_echo(signal: Signal) -> AsyncIterator[Effect]:
    match signal:
        case Started():
            yield Say(GREETING, SayKind.GREETING)
        case Utterance(text=text):
            yield Say(f"You said: {text}.")
