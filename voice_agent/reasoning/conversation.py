"""The door of the engine: one conversation, fed with signals, answering with effects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from models.expectation import Expectation
from voice_agent.reasoning.effects import Effect
from voice_agent.reasoning.parts import RiskOverride
from voice_agent.reasoning.signals import Signal


class Conversation(Protocol):
    """One conversation on any channel.

    Steps are taken one at a time. Closing the iterator early (a barge-in) abandons what was still to be
    said; tool calls that were started run on, and their results are there at the next step.
    """

    @property
    def state(self) -> str:
        """Name of the current state of the graph."""

    @property
    def expectation(self) -> Expectation:
        """What may be heard next."""

    @property
    def escalation_config(self) -> RiskOverride | None:
        """What the current state says about risk; None for nothing of its own."""

    def step(self, signal: Signal) -> AsyncIterator[Effect]:
        """Take one signal and yield effects as they become known, sentence by sentence. Never raises for a
        failing tool or model: it falls to the next rung and says so in an effect."""

    def snapshot(self) -> dict[str, Any]:
        """State, visited states, collected fields (for pages and briefings; may hold patient data)."""

    async def close(self) -> None:
        """Wait for running tools (bounded) and let go of everything. Idempotent."""


class ConversationFactory(Protocol):
    """Makes the conversation of a service for a call."""

    def __call__(self, *, conversation_id: str) -> Conversation:
        """A new conversation; ``conversation_id`` seeds idempotency keys of its tools."""
