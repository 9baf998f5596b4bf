"""Reads a context graph from YAML or JSON, with the line of every value, and never trusts the document.

A document may be written by anybody (pages let people edit graphs): size, depth and number of values are
bounded before anything is built, aliases count as often as they are used, and no YAML tag makes an object.
Scalars follow YAML 1.2 (``true``/``false`` only), so ``answer: yes`` stays a word and ``8:30`` stays a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError

from voice_agent.reasoning.document import Unreadable, explained, read_document, shape_problems, short
from voice_agent.reasoning.errors import GraphError
from voice_agent.reasoning.fields import CollectionField
from voice_agent.reasoning.graph import ContextGraph
from voice_agent.reasoning.parts import (
    Action,
    Consequence,
    ExitCondition,
    Expect,
    Intent,
    PreloadCall,
    ToolCallSpec,
    TurnPolicy,
)
from voice_agent.reasoning.problems import LineMap, Path, Problem, errors
from voice_agent.reasoning.states import (
    ActionState,
    AnnotationState,
    DataCollectionState,
    DecisionState,
    RecallState,
    ReflectionState,
    ToolCallState,
)
from voice_agent.reasoning.validate import validate

_SERVER_FIELDS = frozenset({"id", "context_graph_id", "workspace_id", "version", "created_at", "updated_at"})
"""What a server adds to a stored version; not part of the graph."""


@dataclass(frozen=True, slots=True)
class LoadedGraph:
    """What reading a document gave: a graph when its shape is right, and everything wrong with it."""

    graph: ContextGraph | None
    problems: tuple[Problem, ...]
    lines: LineMap

    @property
    def usable(self) -> bool:
        """True when nothing keeps the graph from running."""
        return self.graph is not None and not errors(self.problems)


def read_graph(
    document: str | bytes, *, tools: frozenset[str] | None = None, facts: frozenset[str] = frozenset()
) -> LoadedGraph:
    """Read and check a document; problems are returned, never raised.

    Args:
        document: YAML or JSON.
        tools: names of the registered tools; None leaves tool names unchecked.
        facts: names of constants that the engine's settings supply besides the graph's own.
    """
    try:
        data, lines = read_document(document, key="states")
    except Unreadable as unreadable:
        problem = Problem(unreadable.line, "", str(unreadable), unreadable.remedy)
        return LoadedGraph(None, (problem,), LineMap())
    data = {key: value for key, value in data.items() if key not in _SERVER_FIELDS}
    try:
        graph = ContextGraph.model_validate(data)
    except ValidationError as invalid:
        return LoadedGraph(None, tuple(shape_problems(invalid, data, lines, _explain)), lines)
    except RecursionError:
        problem = lines.problem(
            (), "the graph is nested too deeply", "move inner graphs to documents of their own"
        )
        return LoadedGraph(None, (problem,), lines)
    return LoadedGraph(graph, tuple(validate(graph, lines=lines, tools=tools, facts=facts)), lines)


def load_graph(
    path: FilePath, *, tools: frozenset[str] | None = None, facts: frozenset[str] = frozenset()
) -> ContextGraph:
    """Read a graph from a file; see :func:`read_graph` for the arguments.

    Raises:
        GraphError: listing every error with its line.
        OSError: when the file cannot be read.
    """
    loaded = read_graph(path.read_bytes(), tools=tools, facts=facts)
    if loaded.graph is None or not loaded.usable:
        listed = "\n".join(f"{path.name}: {problem}" for problem in errors(loaded.problems))
        raise GraphError(f"the graph cannot be used:\n{listed}")
    return loaded.graph


def _known_fields() -> list[str]:
    """Every field name there is, for suggestions."""
    models: list[type[BaseModel]] = [ContextGraph, Intent, ExitCondition, Action, CollectionField]
    models += [ToolCallSpec, ActionState, DecisionState, AnnotationState, DataCollectionState]
    models += [RecallState, ReflectionState, ToolCallState, TurnPolicy, Consequence, Expect, PreloadCall]
    return sorted({name for model in models for name in model.model_fields})


def _explain(kind: str, message: str, path: Path, value: Any) -> tuple[str, str]:
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        types = "action, decision, annotation, data_collection, recall, reflection, tool_call"
        given = value.get("type") if isinstance(value, Mapping) else value
        return f"{short(given)} is not a type of state", f"use one of {types}"
    if kind == "string_pattern_mismatch":
        return (
            f"the name {short(value)} has characters that are not allowed",
            "use letters, digits and underscores",
        )
    return explained(kind, message, path, value, _known_fields())
