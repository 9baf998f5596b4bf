"""Frames of our own: meaning travels through the pipeline, sound of the caller never does."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import ControlFrame, SystemFrame

from voice_agent.call.ledger import AgentUtterance
from voice_agent.reasoning.effects import End, Escalate, Transfer
from voice_agent.reasoning.signals import Signal


@dataclass
class SpeechProgressFrame(SystemFrame):
    """The caller has been speaking for ``seconds`` without a pause."""

    seconds: float = 0.0


@dataclass
class SpeechVerdictFrame(SystemFrame):
    """The turn model's opinion of the speech that just ended; ``speech`` numbers it."""

    probability: float = 0.0
    speech: int = 0


@dataclass
class SignalFrame(ControlFrame):
    """A signal for the reasoner. Whatever must survive a barge-in is made with ``interruptible = False``."""

    signal: Signal | None = None
    turn: int = 0
    speech_end: float = 0.0
    """``time.monotonic()`` of the caller's last voice, 0 when there was none."""


@dataclass
class SpeakFrame(ControlFrame):
    """A sentence to be spoken."""

    utterance: AgentUtterance | None = None


@dataclass
class UtteranceStartFrame(ControlFrame):
    """The audio behind this frame belongs to this sentence."""

    utterance: AgentUtterance | None = None


@dataclass
class UtteranceEndFrame(ControlFrame):
    """All audio of this sentence came before this frame."""

    utterance: AgentUtterance | None = None


@dataclass
class DeedFrame(ControlFrame):
    """Something to be done once everything said before it was heard: end, transfer, escalate.

    A barge-in takes back a goodbye or a transfer; a call for help it does not.
    """

    deed: End | Transfer | Escalate | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.interruptible = not isinstance(self.deed, Escalate)
