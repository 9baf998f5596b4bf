"""The frame pipeline of one call: meaning only.

``entrance -> turns -> reasoner -> gate -> speaker -> output``. The entrance is where the ear and the
watchdogs put in what happened; turn-taking is pipecat's turn processor with our two strategies; the rest
are the call's own processors.
"""

from __future__ import annotations

import asyncio

from pipecat.frames.frames import Frame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.turns.user_turn_processor import UserTurnProcessor
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from models.speech import SAMPLE_RATE
from voice_agent.call.output import MouthOutput
from voice_agent.call.reasoner import ReasonerProcessor
from voice_agent.call.speaker import AgentGate, Speaker
from voice_agent.call.turns import TURN_TIMEOUT_S, AnswerStopStrategy, BargeInStartStrategy

START_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 5.0


class Entrance(FrameProcessor):
    """Where frames of the call's own making enter."""

    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass on."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class CallPipeline:
    """Owns the pipecat worker of one call. A runner per call: a shared one keeps finished workers alive."""

    def __init__(
        self,
        start: BargeInStartStrategy,
        stop: AnswerStopStrategy,
        reasoner: ReasonerProcessor,
        gate: AgentGate,
        speaker: Speaker,
        output: MouthOutput,
    ) -> None:
        self.entrance = Entrance()
        self.gate = gate
        self._speaker = speaker
        turns = UserTurnProcessor(
            user_turn_strategies=UserTurnStrategies(start=[start], stop=[stop]),
            user_turn_stop_timeout=TURN_TIMEOUT_S,
        )
        self._worker = PipelineWorker(
            Pipeline([self.entrance, turns, reasoner, gate, speaker, output]),
            params=PipelineParams(audio_in_sample_rate=SAMPLE_RATE, audio_out_sample_rate=SAMPLE_RATE),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )
        self._runner = WorkerRunner(handle_sigint=False)
        self._task: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._worker.add_event_handler("on_pipeline_started", self._on_started)

    async def start(self) -> None:
        """Start the pipeline and wait until frames may be pushed. Raises :class:`TimeoutError`."""
        await self._runner.add_workers(self._worker)
        self._task = asyncio.create_task(self._runner.run(), name="call-pipeline")
        async with asyncio.timeout(START_TIMEOUT_S):
            await self._started.wait()

    async def push(self, frame: Frame) -> None:
        """Put a frame in at the entrance."""
        await self.entrance.push_frame(frame)

    async def speak(self, frame: Frame) -> None:
        """Put a sentence in behind the reasoner (fillers while it is busy)."""
        await self.gate.queue_frame(frame)

    async def interrupt(self) -> None:
        """Give up whatever is being thought, spoken or sent; frames that must survive do."""
        await self.entrance.broadcast_interruption()

    async def close(self) -> None:
        """Cancel the pipeline; bounded. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        await self._worker.cancel(reason="call ended")
        done, pending = await asyncio.wait({task}, timeout=STOP_TIMEOUT_S)
        for stuck in pending:
            stuck.cancel()
        await asyncio.gather(*done, *pending, return_exceptions=True)

    async def _on_started(self, *_: object) -> None:
        self._started.set()
