"""Calls tools on behalf of the current state: their arguments, their context, their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from voice_agent.reasoning.effects import Thought
from voice_agent.reasoning.errors import ToolError
from voice_agent.reasoning.parts import ToolCallSpec
from voice_agent.reasoning.session import Session
from voice_agent.reasoning.templates import render_value
from voice_agent.reasoning.tool_runs import ToolRun, ToolRuns
from voice_agent.reasoning.tools import ToolContext


@dataclass
class Calling:
    """The tool calls of one conversation."""

    session: Session
    runs: ToolRuns

    def start(self, spec: ToolCallSpec, *, listed: frozenset[str]) -> ToolRun | None:
        """Start a tool with arguments from the conversation; None (and a failed result) when it cannot be
        called."""
        session = self.session
        try:
            arguments = self.arguments(spec)
            return self.runs.start(spec, arguments, listed=listed, visit=session.visit, context=self.context)
        except ToolError as error:
            session.emit(Thought(f"could not call {spec.tool_id}: {error}"))
            session.memory.results[spec.result_name] = {"failed": True, "error": type(error).__name__}
            return None

    def arguments(self, spec: ToolCallSpec) -> dict[str, Any]:
        """A tool's arguments: the spec's templates, and collected fields of the same name for the rest."""
        memory = self.session.memory
        given = {
            name: value
            for name, template in spec.params.items()
            if (value := render_value(template, memory.lookup, today=memory.today)) is not None
        }
        for name in self.runs.registry.get(spec.tool_id).arguments.model_fields:
            if name not in spec.params and name in memory.slots:
                given[name] = memory.slots[name].value
        return given

    def context(self, idempotency_key: str) -> ToolContext:
        """What a tool is told about the conversation."""
        memory = self.session.memory
        known: Mapping[str, Any] = memory.caller
        return ToolContext(
            conversation_id=self.session.conversation_id,
            idempotency_key=idempotency_key,
            caller_phone=known.get("phone"),
            caller=known,
            now=memory.now or datetime.now(UTC),
        )

    def keep(self, run: ToolRun) -> bool:
        """Remember a finished run's result; True when it succeeded."""
        session = self.session
        outcome = run.task.result()
        session.keep_result(run.spec.result_name, outcome.as_result(), run.spec.retention, run.spec.merge)
        if outcome.succeeded and not run.tool.idempotent:
            session.written_serial = session.memory.serial
        return outcome.succeeded
