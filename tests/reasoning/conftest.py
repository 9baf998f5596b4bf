"""A conversation to talk to: the small graph, and tools that can be made slow or broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from voice_agent.reasoning.effects import Effect, Expect, Navigation, Say, StateChanged
from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.engine import GraphConversation
from voice_agent.reasoning.graph import ContextGraph
from voice_agent.reasoning.loader import read_graph
from voice_agent.reasoning.reasoner import Reasoner
from voice_agent.reasoning.settings import EngineSettings
from voice_agent.reasoning.signals import Caller, Channel, Signal, Started, Utterance
from voice_agent.reasoning.tools import Tool, ToolContext, ToolRegistry

GRAPHS = Path(__file__).parent / "graphs"
NOW = datetime(2026, 11, 26, 14, 0, tzinfo=ZoneInfo("America/Los_Angeles"))  # a Thursday


class Ticks:
    """A clock that moves only by being read: the same reads give the same times."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@dataclass
class Calls:
    """Tools of a pretended practice, with what they were called with."""

    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None
    broken: bool = False
    finished: int = 0

    async def find_slots(self, day: date, born: date | None = None) -> dict[str, Any]:
        await self._did("find_slots", day=day, born=born)
        return {"slots": [{"start": f"{day.isoformat()}T{hour}:00:00"} for hour in ("09", "11", "14")]}

    async def book(self, start: datetime, *, context: ToolContext) -> dict[str, Any]:
        self.keys.append(context.idempotency_key)
        await self._did("book", start=start)
        return {"booked": True, "start": start}

    async def insurance_on_file(self) -> dict[str, Any]:
        await self._did("insurance_on_file")
        return {"carrier": "Aetna"}

    async def _did(self, name: str, **arguments: Any) -> None:
        self.made.append((name, arguments))
        if self.hold is not None:
            await self.hold.wait()
        if self.broken:
            raise RuntimeError("the calendar is down")
        self.finished += 1

    @property
    def registry(self) -> ToolRegistry:
        return ToolRegistry(
            [
                Tool("find_slots", self.find_slots, "Free times on a day", idempotent=True, timeout_s=5.0),
                Tool("book", self.book, "Book a time", timeout_s=5.0),
                Tool("insurance_on_file", self.insurance_on_file, "The insurance we have", idempotent=True),
            ]
        )


@dataclass
class Talk:
    """One conversation and everything that came out of it."""

    conversation: GraphConversation
    calls: Calls
    effects: list[Effect] = field(default_factory=list)

    async def send(self, signal: Signal) -> list[Effect]:
        """Take a whole step."""
        async with asyncio.timeout(10):
            effects = [effect async for effect in self.conversation.step(signal)]
        self.effects += effects
        return effects

    async def start(self, *, channel: Channel = Channel.VOICE, **facts: Any) -> str:
        return said(await self.send(Started(Caller("+13105550134", facts), channel, NOW)))

    async def hear(self, text: str, **changes: Any) -> str:
        """The caller says something; what the agent says to it."""
        return said(await self.send(replace(Utterance(text), **changes)))

    def field(self, key: str) -> Any:
        """Value of a collected field, None when unknown."""
        return self.conversation.snapshot()["fields"].get(key, {}).get("value")

    @property
    def state(self) -> str:
        return self.conversation.state


def said(effects: list[Effect]) -> str:
    return " ".join(effect.text for effect in effects if isinstance(effect, Say))


def moves(effects: list[Effect]) -> list[str]:
    return [effect.to_state for effect in effects if isinstance(effect, StateChanged)]


def of_kind(effects: list[Effect], kind: type[Any]) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


def without_times(effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if not isinstance(effect, Navigation)]


def last_expectation(effects: list[Effect]) -> Any:
    return of_kind(effects, Expect)[-1].expectation


def graph_of(text: str) -> ContextGraph:
    """A graph that must be right."""
    loaded = read_graph(text)
    assert loaded.usable, "\n".join(map(str, loaded.problems))
    assert loaded.graph is not None
    return loaded.graph


MakeTalk = Callable[..., Any]


@pytest.fixture
async def talk_over() -> AsyncIterator[MakeTalk]:
    """Makes conversations over any graph; all are closed at the end."""
    open_talks: list[Talk] = []

    def make(
        graph: ContextGraph | str,
        *,
        reasoner: Reasoner | None = None,
        calls: Calls | None = None,
        tools: ToolRegistry | None = None,
        conversation_id: str = "c1",
        **settings: Any,
    ) -> Talk:
        calls = calls or Calls()
        conversation = GraphConversation(
            graph_of(graph) if isinstance(graph, str) else graph,
            tools or calls.registry,
            reasoner or EmbeddedReasoner(),
            conversation_id=conversation_id,
            settings=EngineSettings(**{"clock": Ticks(), "close_timeout_s": 0.5, **settings}),
        )
        talk = Talk(conversation, calls)
        open_talks.append(talk)
        return talk

    yield make
    for talk in open_talks:
        await talk.conversation.close()


@pytest.fixture
def small_graph() -> ContextGraph:
    return graph_of((GRAPHS / "small.yaml").read_text())


@pytest.fixture
def small(talk_over: MakeTalk, small_graph: ContextGraph) -> Talk:
    """A conversation over the documented example."""
    talk: Talk = talk_over(small_graph)
    return talk


@asynccontextmanager
async def stepping(talk: Talk, signal: Signal) -> AsyncIterator[AsyncIterator[Effect]]:
    """A step taken effect by effect and abandoned at the end of the block, as a barge-in does."""
    step = talk.conversation.step(signal)
    try:
        yield step
    finally:
        await step.aclose()  # type: ignore[attr-defined]
