"""The small interface behind which any reasoner stands, and what it gets to see.

A step is Cut (the grammars compress the caller's words into fields), Navigate (choose where to go) and Engage
(say something). The first is always ours; :class:`Reasoner` is the other two. A reasoner sees one
:class:`Situation`: the current state and nothing else of the graph, so it cannot name a tool or a way that
the state does not list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from models.expectation import AnswerKind


class OptionKind(StrEnum):
    """What choosing an option does."""

    EXIT = "exit"
    """Leaves the state."""
    ACTION = "action"
    """Answers without leaving it."""
    INTENT = "intent"
    """Something that is possible in every state."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing the caller may mean.

    Attributes:
        id: unique in its situation ("exit:0", "intent:person").
        description: in words.
        label: short, for a question; "" when it has none.
        examples: sentences that mean it.
        answer: a plain yes or no means it.
        catch_all: meant when nothing else is.
        ends: the conversation is over by it.
        brief: meant only when little else is said ("wait", but not "wait, I need to cancel").
    """

    kind: OptionKind
    id: str
    description: str
    label: str = ""
    examples: tuple[str, ...] = ()
    answer: Literal["yes", "no"] | None = None
    catch_all: bool = False
    brief: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field of the current state as a reasoner sees it."""

    key: str
    label: str
    kind: AnswerKind
    known: bool
    asked: bool


@dataclass(frozen=True, slots=True)
class ToolView:
    """A tool the current state lists."""

    name: str
    description: str
    schema: Mapping[str, Any]
    instruction: str = ""


class Speaker(StrEnum):
    """Who said a line."""

    CALLER = "caller"
    AGENT = "agent"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of the conversation; of the agent's only what the caller heard."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a reasoner may know at one moment. Holds patient data: never to be logged.

    Attributes:
        state, state_type, objective: of the current state.
        options: what the caller may mean; a decision state must choose one of its exits.
        must_choose: True in a decision state.
        utterance: what the caller just said ("" on entry).
        alternatives: other readings of the recognizer.
        known: collected fields, results and facts in plain values.
        guidance: what an operator or the system wants worked into the next reply.
        max_sentences, max_words: of one reply.
    """

    state: str
    state_type: str
    objective: str
    channel: str
    now: datetime
    options: tuple[Option, ...] = ()
    fields: tuple[FieldView, ...] = ()
    tools: tuple[ToolView, ...] = ()
    must_choose: bool = False
    utterance: str = ""
    alternatives: tuple[str, ...] = ()
    history: tuple[Line, ...] = ()
    known: Mapping[str, Any] = field(default_factory=dict)
    actions: tuple[str, ...] = ()
    action_guidelines: tuple[str, ...] = ()
    navigation_guidelines: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    guidance: tuple[str, ...] = ()
    emotion: Mapping[str, Any] = field(default_factory=dict)
    max_sentences: int = 3
    max_words: int = 60


@dataclass(frozen=True, slots=True)
class Usage:
    """What thinking took."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    retry_attempts: int = 0
    used_fallback: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What the caller meant.

    Attributes:
        option: the one chosen, None when nothing fits.
        score: 0..1, how sure.
        clarify: when several fit equally well: ask which.
        fields: words for fields that a model found; they go through the grammars like the caller's own.
    """

    option: Option | None
    score: float
    usage: Usage
    clarify: tuple[Option, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)


ToolCaller = Callable[[str, Mapping[str, Any]], Awaitable[Any]]
"""Calls a tool through the state's gate. Raises ToolError when it is not listed, unknown or badly called;
gives ``{"failed": True, "error": ...}`` when it failed."""


class Reasoner(Protocol):
    """Chooses and speaks."""

    @property
    def model(self) -> str:
        """Name for the record."""

    @property
    def rephrases(self) -> bool:
        """True when :meth:`engage` makes sentences of its own from a draft; the engine then hands it the
        whole reply at once."""

    async def navigate(self, situation: Situation) -> Choice:
        """What the utterance means here. Never raises for a failing model: it falls back and says so in the
        usage."""

    def engage(
        self, situation: Situation, draft: tuple[str, ...], call_tool: ToolCaller
    ) -> AsyncIterator[str | Usage]:
        """The reply, sentence by sentence, then what it took. ``draft`` holds the graph's own words for this
        moment: they are said when nothing better comes."""

    async def reflect(self, situation: Situation, problem: str, word_limit: int) -> str:
        """A thought about ``problem`` in at most ``word_limit`` words."""
