"""What the engine may be told: one union of immutable signals.

Phone, SMS, web chat and simulation are adapters that turn their input into these. Nothing here knows audio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from models.expectation import Expectation
from voice_agent.reasoning.effects import FillerType


class Channel(StrEnum):
    """Where the conversation takes place."""

    VOICE = "voice"
    TEXT = "text"


class Via(StrEnum):
    """How an utterance reached us."""

    SPEECH = "speech"
    KEYPAD = "keypad"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on the line, as far as the line itself tells.

    Attributes:
        phone: E.164, or None when withheld.
        facts: what a lookup during ringing found (``patient_id``, ``first_name``...), never read to the
            caller before verification.
    """

    phone: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    """The conversation begins. ``now`` is aware; its zone is the practice's."""

    caller: Caller
    channel: Channel
    now: datetime


@dataclass(frozen=True, slots=True)
class Utterance:
    """The caller's whole turn.

    Attributes:
        text: lower-case words as recognized, or typed text.
        confidence: 0..1 of the recognizer (1.0 for text and keypad).
        accepted: False when the recognizer does not trust its own words.
        alternatives: other readings, best first, with confidences.
        via: speech, keypad or text.
        barge_in: True when the caller interrupted the agent to say it.
        expectation: what was expected when it was heard.
    """

    text: str
    confidence: float = 1.0
    accepted: bool = True
    alternatives: tuple[tuple[str, float], ...] = ()
    via: Via = Via.SPEECH
    barge_in: bool = False
    expectation: Expectation = Expectation()


@dataclass(frozen=True, slots=True)
class Heard:
    """What the caller really heard of the agent's last turn: ``heard`` was played, ``unheard`` was not.

    ``interrupted`` is True when the caller's voice stopped it. Sent before the utterance that interrupted.
    """

    heard: str
    unheard: str = ""
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """The caller has said nothing for ``seconds`` after the agent finished; ``count`` prompts were due so
    far (1 = first)."""

    seconds: float
    count: int


@dataclass(frozen=True, slots=True)
class Emotion:
    """The newest reading of how the caller sounds (valence -1..1, arousal 0..1).

    ``details`` may say ``empathy_tier`` (0..3, how much empathy the reply needs), ``acknowledge`` (whether it
    is sure enough for words), ``trend``, ``burst`` and ``compounds``; conditions see them beside the rest.
    """

    dominant: str
    valence: float
    arousal: float
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RiskChanged:
    """How the call stands: ``score`` 0..100, ``level`` normal, monitor, alert or escalate."""

    score: float
    level: str


@dataclass(frozen=True, slots=True)
class External:
    """Something from outside the conversation: a fact (``external_event``) or an instruction
    (``guidance``)."""

    message: str
    kind: Literal["external_event", "guidance"] = "external_event"
    sender: str = "System"


@dataclass(frozen=True, slots=True)
class FillerChosen:
    """What a wait for tools is first covered with from now on; None leaves it silent."""

    filler: FillerType | None = FillerType.WORKING


@dataclass(frozen=True, slots=True)
class OperatorTookOver:
    """A person speaks for the practice now; the engine observes and says nothing."""

    operator: str


@dataclass(frozen=True, slots=True)
class OperatorSaid:
    """What the operator said to the caller while in charge."""

    operator: str
    text: str


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The person has left; the engine speaks again, with everything said meanwhile in its history.

    ``lost``: the person's connection broke off, which the caller has noticed and is told.
    """

    operator: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class NotReached:
    """A person who was asked for did not come, or a transfer was not answered: the engine speaks again.

    ``promised``: the caller waits for that person, so silence about it would be dishonest.
    """

    who: Literal["operator", "transfer"]
    promised: bool = True


@dataclass(frozen=True, slots=True)
class TransferWithdrawn:
    """The caller spoke before a transfer happened: it is off, and the next words are to be answered."""


@dataclass(frozen=True, slots=True)
class SafetyRaised:
    """A safety rule has answered, not the graph: the engine keeps it in mind.

    Attributes:
        text: what the caller said; "" for a rule about where the conversation is.
        said: what was answered, sentence by sentence.
        concept: what was found.
        next_state: where the conversation goes, where the graph has such a state; None stays.
        hard: the agent stops its own turns until a person comes or is known not to.
    """

    text: str
    said: tuple[str, ...]
    concept: str
    next_state: str | None = None
    hard: bool = False


Signal = (
    Started
    | Utterance
    | Heard
    | Silence
    | Emotion
    | RiskChanged
    | External
    | FillerChosen
    | OperatorTookOver
    | OperatorSaid
    | HandedBack
    | NotReached
    | TransferWithdrawn
    | SafetyRaised
)
