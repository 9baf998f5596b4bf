"""What the engine wants done: one union of immutable effects, in the order they are to happen.

An adapter carries them out (speaks, types, hangs up) or records them. Observations such as
:class:`ToolCompleted` need no action; they are there so that everything that happened can be logged and
seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from models.expectation import Expectation


class SayKind(StrEnum):
    """Why something is said."""

    GREETING = "greeting"
    REPLY = "reply"
    FILLER = "filler"
    """A short sound of life while work goes on ("Let me check on that.")."""
    PROGRESS = "progress"
    PROMPT = "prompt"
    """After silence, or when nothing usable was heard."""
    GOODBYE = "goodbye"


class FillerType(StrEnum):
    """The published kinds of filler."""

    EMPATHY = "empathy"
    RECEIPT = "receipt"
    WORKING = "working"


@dataclass(frozen=True, slots=True)
class Say:
    """Say one sentence.

    Attributes:
        text: plain words with punctuation; numbers and times as written ("2:30 PM", "W204177").
        kind: why it is said.
        interruptible: False protects it from barge-in.
        shield_s: seconds at its start during which the caller's voice does not stop it.
        filler_type: set for fillers.
        urgent: a life may depend on it: heard even while a person is waited for and the agent has stopped.
    """

    text: str
    kind: SayKind = SayKind.REPLY
    interruptible: bool = True
    shield_s: float = 0.0
    filler_type: FillerType | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Expect:
    """What may be heard next; comes before or with the question it belongs to and holds until replaced.

    The remaining fields are the state's turn policy (names of the published interface, ``None`` = default).
    """

    expectation: Expectation
    barge_in_enabled: bool = True
    eot_threshold: float | None = None
    eot_timeout_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The engine moved in its graph. ``from_state`` is "" for the first state."""

    from_state: str
    to_state: str
    type: str = "exit_condition"
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool was called. ``input`` may hold patient data: it goes to the record, never to a log."""

    call_id: str
    tool: str
    input: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolCompleted:
    """A tool came back (or failed, or took too long)."""

    call_id: str
    tool: str
    output: Any
    succeeded: bool
    duration_ms: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Thought:
    """An inner thought: never spoken, kept for the record."""

    text: str


@dataclass(frozen=True, slots=True)
class Navigation:
    """How long a step took and by which reasoner (published event ``nav_timing``)."""

    nav_ms: float
    render_ms: float
    total_ms: float
    model: str
    state: str
    selected_action: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    retry_attempts: int = 0
    used_fallback: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """Speak faster or slower from now on: ``speed`` is a factor on the delivery's own (1.0 = as it is)."""

    speed: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Escalate:
    """A person is wanted. ``hard`` means the agent stops its own turns once it has said so; ``promised`` that
    the caller was told that somebody comes, so that silence is no answer when nobody does.

    Where a safety rule asks: ``concept`` and ``similarity`` say what was found, ``operator_type`` who should
    come, ``regulatory_basis`` why it must be.
    """

    reason: str
    trigger: str
    hard: bool = False
    promised: bool = False
    concept: str = ""
    similarity: float | None = None
    operator_type: str = ""
    regulatory_basis: str = ""


@dataclass(frozen=True, slots=True)
class ConceptMatch:
    """Something that was listened for and found in a turn (published ``concept_matches``)."""

    concept: str
    similarity: float
    agent_action: str
    agent_confidence: float
    agent_reasoning: str


@dataclass(frozen=True, slots=True)
class SafetyAssessed:
    """A turn of the caller gave cause for concern (published ``SafetyState``).

    Attributes:
        concern_level: of this turn, 0..3.
        concern_turn_count: concerned turns in the window.
        triage_history: levels of the newest turns, oldest first.
        elapsed_ms: what the judgement took.
    """

    concept_matches: tuple[ConceptMatch, ...]
    concern_level: int
    concern_turn_count: int
    peak_concern_level: int
    trajectory: str
    triage_history: tuple[int, ...]
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move the caller to a number once everything said so far was heard. ``target`` is E.164 or a
    location's name."""

    target: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """End the conversation once everything said so far was heard. ``reason`` is a published completion
    reason."""

    reason: str = "terminal_state"


Effect = (
    Say
    | Expect
    | StateChanged
    | ToolStarted
    | ToolCompleted
    | Thought
    | Navigation
    | Pace
    | Escalate
    | SafetyAssessed
    | Transfer
    | End
)
