"""The agent's voice as others may rule it: silent at once, free again, waiting for a person, or saying a
sentence past the reasoner."""

from __future__ import annotations

from itertools import count

from voice_agent.call import events
from voice_agent.call.ending import Ending
from voice_agent.call.floor import Floor
from voice_agent.call.frames import SpeakFrame
from voice_agent.call.ledger import AgentUtterance, PlaybackLedger
from voice_agent.call.log import CallLog
from voice_agent.call.pipeline import CallPipeline
from voice_agent.call.speaker import GateState
from voice_agent.call.tasks import CallTasks
from voice_agent.reasoning.effects import FillerType, SayKind


class AgentVoice:
    """Every method returns at once, and has had its effect on what is sent."""

    def __init__(
        self,
        pipeline: CallPipeline,
        floor: Floor,
        ending: Ending,
        tasks: CallTasks,
        ledger: PlaybackLedger,
        log: CallLog,
    ) -> None:
        self._pipeline = pipeline
        self._ledger = ledger
        self._log = log
        self._ids = count(1)
        self._floor = floor
        self._ending = ending
        self._tasks = tasks

    @property
    def is_free(self) -> bool:
        """True while the agent may speak."""
        return self._pipeline.gate.state is GateState.AGENT

    @property
    def awaits_person(self) -> bool:
        """True while the agent has stopped its turns and nobody has taken over."""
        return self._pipeline.gate.state is GateState.WAITING

    def fill(self, text: str, kind: SayKind, turn: int) -> None:
        """Say a sentence past the reasoner, which is busy or has stopped its turns. ``turn``: the caller's
        last."""
        utterance = AgentUtterance(id=f"f{next(self._ids)}", text=text, kind=kind, turn=turn)
        self._ledger.begin(utterance)
        self._log.emit(
            events.AgentTranscriptDelta(utterance_id=utterance.id, text=text, kind=FillerType.WORKING.value)
        )
        self._tasks.start(self._pipeline.speak(SpeakFrame(utterance=utterance)), "fill")

    def silence(self) -> None:
        """A person speaks now: what plays is cleared, what is thought is cancelled, nothing further passes
        the gate; a goodbye or transfer that has not happened is off."""
        self._pipeline.gate.state = GateState.TAKEOVER
        self._floor.give_up()
        self._ending.revoke()
        self._tasks.start(self._pipeline.interrupt(), "silence the agent")

    def wait(self) -> None:
        """The agent has said that a person comes: what was said before is heard, and further only what may
        be said to a caller who waits (see :class:`~voice_agent.call.speaker.AgentGate`)."""
        if self.is_free:
            self._pipeline.gate.state = GateState.WAITING

    def stop_waiting(self) -> None:
        """Nobody comes: speak again, unless somebody is speaking."""
        if self.awaits_person:
            self.free()

    def free(self) -> None:
        """The agent speaks for the practice again."""
        self._pipeline.gate.state = GateState.AGENT
