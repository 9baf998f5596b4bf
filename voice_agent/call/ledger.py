"""What the caller really heard: every sentence of the agent with the audio sent, played and never played of
it.

Twilio returns a mark when the audio before it was played, but also when it was thrown away by a ``clear``.
So a sentence is closed at the moment it is stopped: marks that come back for it later count for nothing,
and what was not acknowledged before the clear counts as unheard.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from models.speech import SAMPLE_RATE
from voice_agent.reasoning.effects import SayKind


class UtteranceStatus(StrEnum):
    """The life of a sentence."""

    WAITING = "waiting"
    PLAYING = "playing"
    PLAYED = "played"
    STOPPED = "stopped"


@dataclass(eq=False)
class AgentUtterance:
    """One sentence of the agent.

    Attributes:
        id: unique within the call.
        text: what is spoken.
        interruptible: False protects it from barge-in.
        shield_s: seconds at its start in which barge-in is ignored.
        urgent: heard even while the agent has stopped and a person is waited for.
        turn: the caller's turn that it answers.
        sent: samples handed to the network so far; ``played`` of them are known to have been played.
        total: samples in all, known once synthesis is complete.
        started: ``time.monotonic()`` when its first sample is due to play, None before.
    """

    id: str
    text: str
    kind: SayKind = SayKind.REPLY
    interruptible: bool = True
    shield_s: float = 0.0
    urgent: bool = False
    turn: int = 0
    status: UtteranceStatus = UtteranceStatus.WAITING
    sent: int = 0
    played: int = 0
    total: int | None = None
    started: float | None = None
    ended: float | None = None
    synthesis_started: float = field(default=0.0)

    @property
    def over(self) -> bool:
        """True when nothing of it will be played any more."""
        return self.status in (UtteranceStatus.PLAYED, UtteranceStatus.STOPPED)

    def split(self) -> tuple[str, str]:
        """The text as (heard, unheard), cut between words in proportion to the audio played."""
        if self.status is UtteranceStatus.PLAYED:
            return self.text, ""
        if not self.played:
            return "", self.text
        length = self.total or max(self.sent, round(len(self.text) / 15 * SAMPLE_RATE))
        budget = len(self.text) * min(1.0, self.played / max(1, length))
        words = self.text.split()
        heard: list[str] = []
        used = 0.0
        for word in words:
            used += len(word) + 1
            if used > budget + 2:
                break
            heard.append(word)
        return " ".join(heard), " ".join(words[len(heard) :])


class PlaybackLedger:
    """Accounts of everything the agent says, in order.

    ``on_over`` is called once per sentence when it was played or stopped.
    """

    def __init__(self, on_over: Callable[[AgentUtterance], None]) -> None:
        self._open: OrderedDict[str, AgentUtterance] = OrderedDict()
        self._on_over = on_over

    @property
    def open(self) -> list[AgentUtterance]:
        """Sentences that are waiting, playing, or sent and not yet acknowledged."""
        return list(self._open.values())

    def begin(self, utterance: AgentUtterance) -> None:
        """A sentence is about to be spoken."""
        self._open[utterance.id] = utterance

    def mark_name(self, utterance: AgentUtterance) -> str:
        """The name of a mark placed after everything sent of ``utterance`` so far: sentence and samples."""
        return f"{utterance.id}:{utterance.sent}"

    def acknowledge(self, name: str) -> AgentUtterance | None:
        """A mark came back. Returns its sentence, or None when it belongs to something already thrown
        away."""
        identifier, _, samples = name.rpartition(":")
        utterance = self._open.get(identifier)
        if utterance is None or not samples.isdecimal():
            return None
        # Marks return in order: everything before this sentence was played too.
        for earlier in list(self._open.values()):
            if earlier is utterance:
                break
            if earlier.total is not None and earlier.sent >= earlier.total:
                earlier.played = earlier.sent
                self._close(earlier, UtteranceStatus.PLAYED)
        utterance.played = max(utterance.played, int(samples))
        if utterance.total is not None and utterance.played >= utterance.total:
            self._close(utterance, UtteranceStatus.PLAYED)
        return utterance

    def finish(self, utterance: AgentUtterance) -> None:
        """Take a sentence as played: its mark is overdue, or it had no audio at all."""
        if utterance.id in self._open:
            utterance.played = utterance.sent
            self._close(utterance, UtteranceStatus.PLAYED if utterance.sent else UtteranceStatus.STOPPED)

    def stop(self, *, protected: bool = False) -> list[AgentUtterance]:
        """Everything interruptible that is still open (``protected``: everything) is thrown away now.
        Returns it, in order."""
        stopped = [u for u in self._open.values() if u.interruptible or protected]
        for utterance in stopped:
            self._close(utterance, UtteranceStatus.STOPPED)
        return stopped

    def _close(self, utterance: AgentUtterance, status: UtteranceStatus) -> None:
        self._open.pop(utterance.id, None)
        utterance.status = status
        self._on_over(utterance)
