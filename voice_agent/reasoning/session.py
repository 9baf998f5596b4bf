"""The state of one conversation: where it is, what is open, what is to be said.

Plain data; the modules around it (``walking``, ``collecting``, ``listening``, ``outside``) read and change
it, the engine carries out what they queued. One task owns it: steps are taken one at a time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from voice_agent.reasoning.effects import Effect, FillerType, SayKind
from voice_agent.reasoning.guidance import Guidance
from voice_agent.reasoning.history import History
from voice_agent.reasoning.linked import LinkedGraph, Place
from voice_agent.reasoning.memory import Memory
from voice_agent.reasoning.parts import Merge, Retention, TurnPolicy
from voice_agent.reasoning.phrasebook import Phrasebook
from voice_agent.reasoning.reasoner import Option, Speaker
from voice_agent.reasoning.sayings import SaidBefore
from voice_agent.reasoning.settings import EngineSettings
from voice_agent.reasoning.signals import Channel
from voice_agent.reasoning.tool_runs import ToolRun


class Phase(StrEnum):
    """What the engine does next."""

    NEW = "new"
    ENTERING = "entering"
    """The current state has just been entered; its entry is still to be done."""
    WORKING = "working"
    """Tools are running that the current state waits for."""
    WAITING = "waiting"
    """It is the caller's turn."""
    ENDED = "ended"


class Voice(StrEnum):
    """Who speaks for the practice."""

    AGENT = "agent"
    OPERATOR = "operator"
    SILENT = "silent"
    """A hard escalation: the agent has stopped and nobody has taken over yet."""


class WorkKind(StrEnum):
    """What the running tools are for."""

    PRELOAD = "preload"
    DESIGNATED = "designated"
    ANSWER = "answer"
    """An action or intent that looks something up before it answers."""


@dataclass(frozen=True, slots=True)
class Work:
    """Tools the current state waits for. ``words`` are said afterwards (answers only)."""

    kind: WorkKind
    runs: tuple[ToolRun, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Words to be said, before they are cut into sentences.

    Attributes:
        question: it asks something; an operator's question takes its place.
        verbatim: must not be rephrased (read-backs, an operator's words).
        policy: turn policy of the state that says it.
    """

    text: str
    kind: SayKind = SayKind.REPLY
    question: bool = False
    verbatim: bool = False
    filler_type: FillerType | None = None
    policy: TurnPolicy | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """An interrupted state: where a side trip or a subgraph comes back to.

    Attributes:
        name: qualified name of the state to come back to.
        prefix: of the subgraph whose terminal state ends it; None for a side trip inside the same graph.
        resume: True to go on in the middle of the state, False to enter it anew.
    """

    name: str
    prefix: str | None
    resume: bool


@dataclass(frozen=True, slots=True)
class ConfirmValue:
    """A value was read back; a yes keeps it."""

    key: str


@dataclass(frozen=True, slots=True)
class WhichOne:
    """A value had several meanings; the caller was asked which."""

    key: str
    candidates: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class WhichOption:
    """A wish had several meanings; the caller was asked which."""

    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class PersonOffered:
    """A person was offered: after repeated failures, or because the call goes badly. ``reason`` and
    ``trigger`` are told with the request when the caller says yes."""

    reason: str = "caller could not be understood"
    trigger: str = "misunderstanding"


@dataclass(frozen=True, slots=True)
class GuidedQuestion:
    """An operator's question or offer was put to the caller. ``key`` is the field it asks for, when it is
    one."""

    text: str
    key: str | None = None
    offer: bool = False


Pending = ConfirmValue | WhichOne | WhichOption | PersonOffered | GuidedQuestion


@dataclass
class Session:
    """Everything about one conversation that changes."""

    conversation_id: str
    linked: LinkedGraph
    settings: EngineSettings
    memory: Memory
    phrases: Phrasebook
    history: History = field(default_factory=History)
    channel: Channel = Channel.VOICE
    phase: Phase = Phase.NEW
    voice: Voice = Voice.AGENT
    place: Place | None = None
    work: Work | None = None
    pending: Pending | None = None
    asked: str | None = None
    """Key of the field whose question is open."""
    failures: int = 0
    """Times in a row the caller was not understood."""
    turns_in_state: int = 0
    moves: int = 0
    """Moves in this step."""
    wished: list[str] = field(default_factory=list)
    """What the caller wished besides the wish that is being served."""
    holds: int = 0
    """Silences still tolerated after "hold on"."""
    released: bool = False
    """What the state waits for has come."""
    words: dict[str, str] = field(default_factory=dict)
    """What each state said on entry, to ask again."""
    heard: str = ""
    """What the caller said last."""
    silences: int = 0
    """Silences since the caller last spoke."""
    returning: bool = False
    """The state is being resumed after a side trip: its entry words were said before."""
    partial: dict[str, str] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    """Keys to be read back because they were heard badly."""
    readings: tuple[tuple[str, float], ...] = ()
    """What the recognizer made of the caller's last words, all of it, best first; empty when they were keyed
    or typed."""
    sayings: dict[str, SaidBefore] = field(default_factory=dict)
    """Per field: what was heard of a value that is not settled yet."""
    attempts: Counter[str] = field(default_factory=Counter)
    visits: Counter[str] = field(default_factory=Counter)
    trail: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    preloaded: str = ""
    written_serial: int = 0
    """Newest field when a tool that changes something last succeeded."""
    guidance: list[Guidance] = field(default_factory=list)
    retention: dict[str, Retention] = field(default_factory=dict)
    results: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)
    """Per result name: ``(visit, value)`` of every call, as far as it is to be merged."""
    acknowledged_at: int = -100
    """Turn of the last empathy."""
    felt_at: int = -100
    """Turn of the newest reading of how the caller sounds."""
    person_offered: bool = False
    """A person was offered because of the risk."""
    queue: list[Effect | Draft] = field(default_factory=list)

    @property
    def here(self) -> Place:
        """The current state."""
        if self.place is None:
            raise RuntimeError("the conversation has not started; send Started first")
        return self.place

    @property
    def visit(self) -> str:
        """The current state and how often it was entered: the scope of idempotency."""
        return f"{self.here.name}#{self.visits[self.here.name]}"

    def caller_said(self, text: str) -> None:
        """A turn of the caller, whoever answers it."""
        self.history.says(Speaker.CALLER, text)
        self.heard = text
        self.memory.turns += 1
        self.turns_in_state += 1
        self.silences = self.holds = 0

    def say(
        self,
        text: str,
        kind: SayKind = SayKind.REPLY,
        *,
        question: bool = False,
        verbatim: bool = False,
        filler_type: FillerType | None = None,
    ) -> None:
        """Queue words; empty ones are left out."""
        if text:
            self.queue.append(Draft(text, kind, question, verbatim, filler_type, self.policy))

    @property
    def queue_has_words(self) -> bool:
        """Whether anything is about to be said."""
        return any(isinstance(item, Draft) for item in self.queue)

    def say_something(self) -> None:
        """Queue a turn for which the graph has no words: a model finds its own, the embedded reasoner
        asks."""
        self.queue.append(Draft("", policy=self.policy))

    @property
    def policy(self) -> TurnPolicy | None:
        """The current state's turn policy."""
        return getattr(self.here.state, "turn_policy", None)

    def emit(self, effect: Effect) -> None:
        """Queue an effect."""
        self.queue.append(effect)

    def keep_result(self, name: str, value: Any, retention: Retention, merge: Merge) -> None:
        """Remember a tool's result: the newest for templates, all of them for a model where they
        accumulate."""
        self.memory.results[name] = value
        self.retention[name] = retention
        kept = self.results.setdefault(name, [])
        if merge is Merge.OVERRIDE:
            kept.clear()
        kept.append((self.visit, value))
