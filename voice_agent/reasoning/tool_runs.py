"""Running tools: through the state's gate, beside the conversation, and at most once per visit and arguments.

A run is a task of its own. A caller who talks over the agent ends what was to be said, never a booking; its
result is there at the next step. The same call in the same visit of a state is the same run, so starting it
again cannot book twice; the idempotency key says so to whatever lies behind the tool.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic_core import to_json

from voice_agent.reasoning.effects import Effect, FillerType, Say, SayKind, ToolCompleted, ToolStarted
from voice_agent.reasoning.errors import ToolNotListed
from voice_agent.reasoning.memory import plain
from voice_agent.reasoning.parts import ProgressHint, ProgressMode, ToolCallSpec
from voice_agent.reasoning.phrasebook import Phrasebook
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.settings import EngineSettings
from voice_agent.reasoning.tools import CONTEXT_PARAMETER, Tool, ToolContext, ToolRegistry

log = structlog.get_logger(__name__)

MAX_RUNNING = 16
"""Runs of one conversation at a time; the graph asks for far fewer."""
_CANCEL_GRACE_S = 1.0

_FILLERS = {
    FillerType.WORKING: PhraseName.WORKING,
    FillerType.RECEIPT: PhraseName.ACKNOWLEDGED,
    FillerType.EMPATHY: PhraseName.EMPATHY_WORRY,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. ``error`` names the kind of failure, never a patient's data."""

    value: Any
    succeeded: bool
    duration_s: float
    error: str = ""

    def as_result(self) -> Any:
        """What templates and conditions see."""
        return self.value if self.succeeded else {"failed": True, "error": self.error}


@dataclass(eq=False, slots=True)
class ToolRun:
    """One call of a tool."""

    call_id: str
    tool: Tool
    spec: ToolCallSpec
    arguments: dict[str, Any]
    task: asyncio.Task[Outcome]
    announced: bool = False
    reported: bool = False


@dataclass
class ToolRuns:
    """The runs of one conversation.

    Args:
        registry: all tools.
        conversation_id: seeds idempotency keys and call ids.
        phrases: words for waiting.
        filler: what a wait is first covered with; None leaves it silent.
    """

    registry: ToolRegistry
    conversation_id: str
    settings: EngineSettings
    phrases: Phrasebook
    filler: FillerType | None = FillerType.WORKING
    runs: dict[str, ToolRun] = field(default_factory=dict)

    def start(
        self,
        spec: ToolCallSpec,
        arguments: Mapping[str, Any],
        *,
        listed: frozenset[str],
        visit: str,
        context: Callable[[str], ToolContext],
    ) -> ToolRun:
        """Start a tool, or find the run that already does exactly this.

        Args:
            listed: names the current state permits.
            visit: the state and how often it was entered.
            context: makes the tool's context from the idempotency key.

        Raises:
            ToolNotListed: when the state does not list it.
            UnknownTool: when nobody registered it.
            BadToolArguments: when the arguments do not fit.
        """
        if spec.tool_id not in listed:
            log.warning("tool_refused", tool=spec.tool_id, visit=visit, conversation=self.conversation_id)
            raise ToolNotListed(
                f"the state {visit.partition('#')[0]!r} does not list the tool {spec.tool_id!r}"
            )
        tool = self.registry.get(spec.tool_id)
        checked = tool.check(arguments)
        key = self._key(visit, tool.name, checked)
        known = self.runs.get(key)
        if known is not None and not _failed(known.task):
            return known
        if sum(not run.task.done() for run in self.runs.values()) >= MAX_RUNNING:
            raise ToolNotListed(f"{MAX_RUNNING} tools are running already; wait for one")
        values = {**checked, CONTEXT_PARAMETER: context(key)} if tool.wants_context else checked
        task = asyncio.create_task(self._execute(tool, values), name=f"tool:{tool.name}")
        run = ToolRun(f"{key[:12]}-{len(self.runs)}", tool, spec, checked, task)
        self.runs[key] = run
        return run

    def _key(self, visit: str, tool: str, arguments: Mapping[str, Any]) -> str:
        canonical = to_json({name: plain(arguments[name]) for name in sorted(arguments)}, fallback=repr)
        seed = f"{self.conversation_id}|{visit}|{tool}|".encode() + canonical
        return hashlib.sha256(seed).hexdigest()[:32]

    async def _execute(self, tool: Tool, arguments: Mapping[str, Any]) -> Outcome:
        clock = self.settings.clock
        started = clock()
        task = asyncio.ensure_future(tool.function(**arguments))
        try:
            done, _ = await asyncio.wait({task}, timeout=tool.timeout_s)
        finally:
            if not task.done():
                task.cancel()
        if not done:
            await asyncio.wait({task}, timeout=_CANCEL_GRACE_S)
            return Outcome(None, False, clock() - started, f"no answer within {tool.timeout_s:g} s")
        if task.cancelled():
            return Outcome(None, False, clock() - started, "cancelled")
        if (error := task.exception()) is not None:
            log.warning(
                "tool_failed", tool=tool.name, error=type(error).__name__, conversation=self.conversation_id
            )
            return Outcome(None, False, clock() - started, type(error).__name__)
        return Outcome(plain(task.result()), True, clock() - started)

    async def wait(self, runs: Sequence[ToolRun]) -> AsyncGenerator[Effect]:
        """Wait for runs: announces them, narrates a long wait, and reports each as it comes back.

        Abandoning this iterator leaves the runs alone.
        """
        for run in runs:
            if not run.announced:
                run.announced = True
                yield ToolStarted(run.call_id, run.tool.name, run.arguments)
        narrator = _Narrator.of(runs, self.settings, self.phrases, self.filler)
        waiting = {run.task for run in runs if not run.reported}
        while waiting:
            delay = narrator.delay_s if narrator is not None else None
            done, waiting = await asyncio.wait(waiting, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            if not done and narrator is not None:
                yield narrator.say()
            for run in runs:
                if run.task in done:
                    yield self.report(run)

    def report(self, run: ToolRun) -> ToolCompleted:
        """The effect of a finished run; each is reported once."""
        run.reported = True
        outcome = run.task.result()
        return ToolCompleted(
            call_id=run.call_id,
            tool=run.tool.name,
            output=outcome.value,
            succeeded=outcome.succeeded,
            duration_ms=round(outcome.duration_s * 1000, 3),
            error=outcome.error,
        )

    def unreported(self) -> list[ToolRun]:
        """Finished runs that no step has reported yet."""
        return [run for run in self.runs.values() if run.announced and run.task.done() and not run.reported]

    async def close(self) -> None:
        """Wait for running tools as long as the settings allow, then cancel them. Idempotent."""
        running = {run.task for run in self.runs.values() if not run.task.done()}
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=self.settings.close_timeout_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_CANCEL_GRACE_S)


def _failed(task: asyncio.Task[Outcome]) -> bool:
    return task.done() and (task.cancelled() or not task.result().succeeded)


@dataclass(slots=True)
class _Narrator:
    """What to say while waiting, and when."""

    phrases: Phrasebook
    filler: FillerType
    lines: tuple[str, ...]
    first_s: float
    interval_s: float
    said: int = 0

    @classmethod
    def of(
        cls,
        runs: Sequence[ToolRun],
        settings: EngineSettings,
        phrases: Phrasebook,
        filler: FillerType | None,
    ) -> _Narrator | None:
        """None where nothing is to be said: what a tool or a state keeps silent, no other filler breaks."""
        hints = [hint for run in runs if (hint := _hint(run)) is not None]
        if filler is None:
            return None
        if hints and all(hint.mode is ProgressMode.SILENT for hint in hints):
            return None
        loud = next((hint for hint in hints if hint.mode is not ProgressMode.SILENT), ProgressHint())
        lines = loud.phrases or ((loud.custom_phrase,) if loud.custom_phrase else ())
        first = settings.filler_delay_ms if loud.trigger_delay_ms is None else loud.trigger_delay_ms
        interval = settings.progress_interval_ms if loud.interval_ms is None else loud.interval_ms
        return cls(phrases, filler, lines, first / 1000, interval / 1000)

    @property
    def delay_s(self) -> float:
        """Seconds until the next words."""
        return self.first_s if self.said == 0 else self.interval_s

    def say(self) -> Say:
        """The next words."""
        self.said += 1
        first = self.said == 1
        if first and self.filler is not FillerType.WORKING:
            return Say(self.phrases.phrase(_FILLERS[self.filler]), SayKind.FILLER, filler_type=self.filler)
        text = self.phrases.at(self.lines, self.said - 1) if first or len(self.lines) > 1 else ""
        if not text:
            text = self.phrases.phrase(PhraseName.WORKING if first else PhraseName.PROGRESS)
        kind = SayKind.FILLER if first else SayKind.PROGRESS
        return Say(text, kind, filler_type=FillerType.WORKING)


def _hint(run: ToolRun) -> ProgressHint | None:
    spec = run.spec
    if spec.progress is not None:
        return spec.progress
    if spec.audio_fillers:
        after = spec.audio_filler_triggered_after
        delay = None if after is None else int(after * 1000)
        return ProgressHint(phrases=spec.audio_fillers, trigger_delay_ms=delay)
    return run.tool.progress
