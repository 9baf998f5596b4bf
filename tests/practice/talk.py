"""A conversation by text signals, as a test reads it: what the caller says, what the agent answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from office import NOW, ZONE

from models.expectation import Expectation
from voice_agent.practice.seed import MARIA
from voice_agent.practice.service import Service
from voice_agent.reasoning.effects import (
    Effect,
    End,
    Escalate,
    Expect,
    Say,
    StateChanged,
    ToolCompleted,
    Transfer,
)
from voice_agent.reasoning.signals import Caller, Channel, Heard, Signal, Silence, Started, Utterance
from voice_agent.reasoning.tools import Tool, ToolRegistry


class Talk:
    """One call to a service."""

    last = ""
    """What the agent said last."""

    def __init__(
        self,
        service: Service,
        *,
        phone: str | None = MARIA.phone,
        conversation: str = "call-1",
        confidence: float = 0.9,
    ) -> None:
        self.service = service
        self.phone = phone
        self.confidence = confidence
        self.conversation = service(conversation_id=conversation)
        self.effects: list[Effect] = []
        self.transcript: list[str] = []

    async def begin(self) -> str:
        """The phone is picked up; returns the greeting."""
        facts = await self.service.lookup(self.phone)
        return await self.signal(Started(Caller(self.phone, facts), Channel.VOICE, self.service.now()))

    async def say(self, text: str, *, barge_in: bool = False, **more: Any) -> str:
        """The caller says something; returns what the agent answers."""
        self.transcript.append(f"caller: {text}")
        words = " ".join(text.lower().replace(",", "").replace(".", "").replace("-", " ").split())
        utterance = Utterance(words, confidence=self.confidence, barge_in=barge_in, **more)
        return await self.signal(utterance)

    async def interrupt(self, text: str) -> str:
        """The caller talks over the agent's last turn: only its first words were heard."""
        heard = " ".join(self.last.split()[:4])
        await self.signal(Heard(heard, self.last.removeprefix(heard).strip(), interrupted=True))
        return await self.say(text, barge_in=True)

    async def silence(self, count: int = 1) -> str:
        """Nobody speaks."""
        return await self.signal(Silence(8.0 * count, count))

    async def signal(self, signal: Signal) -> str:
        """Send a signal; returns everything the agent says to it."""
        effects = [effect async for effect in self.conversation.step(signal)]
        self.effects += effects
        said = " ".join(effect.text for effect in effects if isinstance(effect, Say))
        if said:
            self.last = said
            self.transcript.append(f"agent:  {said}")
        return said

    async def lines(self, *texts: str) -> str:
        """Several turns of the caller; returns the last answer."""
        said = ""
        for text in texts:
            said = await self.say(text)
        return said

    @property
    def state(self) -> str:
        """Where the conversation is."""
        return self.conversation.state

    @property
    def expectation(self) -> Expectation:
        """What it expects to hear."""
        return self.conversation.expectation

    @property
    def ended(self) -> str:
        """Completion reason, "" while it goes on."""
        return next((effect.reason for effect in self.effects if isinstance(effect, End)), "")

    @property
    def escalations(self) -> list[str]:
        """Reasons for which a person was wanted."""
        return [effect.reason for effect in self.effects if isinstance(effect, Escalate)]

    @property
    def transfers(self) -> list[str]:
        """Numbers the caller was transferred to."""
        return [effect.target for effect in self.effects if isinstance(effect, Transfer)]

    @property
    def states(self) -> list[str]:
        """States entered, in order."""
        return [effect.to_state for effect in self.effects if isinstance(effect, StateChanged)]

    @property
    def expectations(self) -> list[Expectation]:
        """Everything that was expected, in order."""
        return [effect.expectation for effect in self.effects if isinstance(effect, Expect)]

    @property
    def said(self) -> str:
        """All words of the agent."""
        return " ".join(effect.text for effect in self.effects if isinstance(effect, Say))

    def tools(self, name: str) -> list[ToolCompleted]:
        """How the calls of a tool ended."""
        return [e for e in self.effects if isinstance(e, ToolCompleted) and e.tool == name]


BORN = "march second nineteen eighty four"
"""Maria's date of birth in words."""
THURSDAY_TEN = datetime(2026, 11, 19, 10, tzinfo=ZONE)
"""Her appointment at the beginning of every test."""


async def call(service: Service, *lines: str, phone: str | None = MARIA.phone) -> Talk:
    """A call in which the caller has said all this."""
    talk = Talk(service, phone=phone)
    await talk.begin()
    await talk.lines(*lines)
    return talk


async def starts(service: Service) -> list[datetime]:
    """When Maria's appointments are."""
    [maria] = await service.store.patients_with_phone(MARIA.phone)
    return [appointment.start for appointment in await service.store.upcoming(maria.patient_id, NOW)]


def with_tool(
    service: Service, name: str, function: Callable[..., Awaitable[Any]], timeout_s: float
) -> Service:
    """The service with one tool doing something else."""
    tools = [
        Tool(name, function, tool.description, timeout_s=timeout_s) if tool.name == name else tool
        for tool in service.tools
    ]
    return replace(service, tools=ToolRegistry(tools))
