"""The agent's voice as others may rule it: silent at once, free again, or waiting for a person."""

from __future__ import annotations

from voice_agent.call.ending import Ending
from voice_agent.call.floor import Floor
from voice_agent.call.pipeline import CallPipeline
from voice_agent.call.speaker import GateState
from voice_agent.call.tasks import CallTasks


class AgentVoice:
    """Every method returns at once, and has had its effect on what is sent."""

    def __init__(self, pipeline: CallPipeline, floor: Floor, ending: Ending, tasks: CallTasks) -> None:
        self._pipeline = pipeline
        self._floor = floor
        self._ending = ending
        self._tasks = tasks

    @property
    def is_free(self) -> bool:
        """True while the agent may speak."""
        return self._pipeline.gate.state is GateState.AGENT

    def silence(self) -> None:
        """A person speaks now: what plays is cleared, what is thought is cancelled, nothing further passes
        the gate; a goodbye or transfer that has not happened is off."""
        self._pipeline.gate.state = GateState.TAKEOVER
        self._floor.give_up()
        self._ending.revoke()
        self._tasks.start(self._pipeline.interrupt(), "silence the agent")

    def wait(self) -> None:
        """The agent has said that a person comes: what was said before is heard, nothing further is."""
        if self.is_free:
            self._pipeline.gate.state = GateState.WAITING

    def stop_waiting(self) -> None:
        """Nobody comes: speak again, unless somebody is speaking."""
        if self._pipeline.gate.state is GateState.WAITING:
            self.free()

    def free(self) -> None:
        """The agent speaks for the practice again."""
        self._pipeline.gate.state = GateState.AGENT
