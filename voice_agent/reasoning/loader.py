"""Reads a context graph from YAML or JSON, with the line of every value, and never trusts the document.

A document may be written by anybody (pages let people edit graphs): size, depth and number of values are
bounded before anything is built, aliases count as often as they are used, and no YAML tag makes an object.
Scalars follow YAML 1.2 (``true``/``false`` only), so ``answer: yes`` stays a word and ``8:30`` stays a time.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

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

MAX_BYTES = 2_000_000
MAX_DEPTH = 40
MAX_VALUES = 100_000
MAX_PROBLEMS = 200

_SERVER_FIELDS = frozenset({"id", "context_graph_id", "workspace_id", "version", "created_at", "updated_at"})
"""What a server adds to a stored version; not part of the graph."""

_TAGS = frozenset({"str", "int", "float", "bool", "null", "timestamp", "merge", "value"})
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
}  # fmt: skip


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
        data, lines = _parse(document)
    except _Unreadable as unreadable:
        problem = Problem(unreadable.line, "", str(unreadable), unreadable.remedy)
        return LoadedGraph(None, (problem,), LineMap())
    if not isinstance(data, dict):
        problem = lines.problem(
            (), f"the document is a {type(data).__name__}", "write a mapping with 'states'"
        )
        return LoadedGraph(None, (problem,), lines)
    data = {key: value for key, value in data.items() if key not in _SERVER_FIELDS}
    try:
        graph = ContextGraph.model_validate(data)
    except ValidationError as invalid:
        return LoadedGraph(None, tuple(_shape_problems(invalid, data, lines)), lines)
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


class _Unreadable(Exception):
    """The document cannot be turned into data."""

    def __init__(self, message: str, remedy: str, line: int = 0) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.line = line


def _parse(document: str | bytes) -> tuple[Any, LineMap]:
    if len(document) > MAX_BYTES:
        raise _Unreadable(f"the document has {len(document)} bytes", f"keep it under {MAX_BYTES}")
    if isinstance(document, bytes):
        try:
            document = document.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _Unreadable(f"byte {error.start} is not UTF-8", "save the file as UTF-8 text") from error
    try:
        _check_depth(document)
        root = yaml.compose(document, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise _Unreadable(f"not YAML: {error.problem or error.context}", "correct the line", line) from error
    except (yaml.YAMLError, ValueError) as error:
        raise _Unreadable(
            f"not YAML: {' '.join(str(error).split())[:200]}", "save the file as plain text"
        ) from error
    if root is None:
        raise _Unreadable("the document is empty", "write a mapping with 'states'")
    builder = _Builder()
    return builder.build(root, ()), LineMap(builder.lines)


def _check_depth(document: str) -> None:
    """Bound depth and size from the event stream, which does not recurse, before a tree is composed."""
    depth = 0
    for values, event in enumerate(yaml.parse(document, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark is not None else 0
            raise _Unreadable(f"nested deeper than {MAX_DEPTH}", "flatten it", line)
        if values > 2 * MAX_VALUES:
            raise _Unreadable(f"more than {MAX_VALUES} values", "split the graph into subgraphs")


class _Builder:
    """Turns YAML nodes into plain data and remembers lines."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self._left = MAX_VALUES

    def build(self, node: yaml.Node, path: Path) -> Any:
        self._left -= 1
        line = node.start_mark.line + 1
        if self._left < 0:
            raise _Unreadable(f"more than {MAX_VALUES} values, aliases counted", "use fewer aliases", line)
        if len(path) > 2 * MAX_DEPTH:
            raise _Unreadable("an alias contains itself", "write it out", line)
        self.lines[path] = line
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Unreadable("a key is a list or a mapping", "use plain words as keys", line)
            key = str(key_node.value)
            if key in built:
                raise _Unreadable(f"the key {key!r} appears twice in one mapping", "remove one", line)
            built[key] = self.build(value_node, (*path, key))
            self.lines[(*path, key)] = line
        return built


def _scalar(node: yaml.ScalarNode, line: int) -> Any:
    text: str = node.value
    if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
        raise _Unreadable(f"the tag {node.tag!r} is not allowed", "write plain values", line)
    if node.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _shape_problems(invalid: ValidationError, data: Any, lines: LineMap) -> list[Problem]:
    found: dict[tuple[Path, str], Problem] = {}
    for error in invalid.errors(include_url=False, include_context=False)[:MAX_PROBLEMS]:
        path, value = _locate(error["loc"], data)
        if error["type"] == "too_short" and value:
            continue  # said of a list whose items are wrong: those are told of themselves
        if error["type"].startswith("union_tag") and isinstance(value, Mapping) and "type" in value:
            path = (*path, "type")
        message, remedy = _explain(error["type"], error["msg"], path, value)
        found.setdefault((path, message), lines.problem(path, message, remedy))
    return sorted(found.values(), key=lambda problem: (problem.line, problem.path))


def _locate(location: tuple[int | str, ...], data: Any) -> tuple[Path, Any]:
    """The path in the document: pydantic's location without the names of union members it tried."""
    path: list[str | int] = []
    value = data
    for index, step in enumerate(location):
        inside_mapping = isinstance(value, Mapping) and step in value
        inside_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if inside_mapping or inside_list:
            value = value[step]
            path.append(step)
        elif index == len(location) - 1 and isinstance(value, Mapping):
            path.append(step)
            value = None
    return tuple(path), value


def _known_fields() -> list[str]:
    """Every field name there is, for suggestions."""
    models: list[type[BaseModel]] = [ContextGraph, Intent, ExitCondition, Action, CollectionField]
    models += [ToolCallSpec, ActionState, DecisionState, AnnotationState, DataCollectionState]
    models += [RecallState, ReflectionState, ToolCallState, TurnPolicy, Consequence, Expect, PreloadCall]
    return sorted({name for model in models for name in model.model_fields})


def _explain(kind: str, message: str, path: Path, value: Any) -> tuple[str, str]:
    name = str(path[-1]) if path else "document"
    if kind == "missing":
        return f"{name!r} is missing", f"add {name!r}"
    if kind == "extra_forbidden":
        close = difflib.get_close_matches(name, _known_fields(), n=1)
        return f"{name!r} is not a field here", f"did you mean {close[0]!r}?" if close else "remove it"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        types = "action, decision, annotation, data_collection, recall, reflection, tool_call"
        given = value.get("type") if isinstance(value, Mapping) else value
        return f"{_short(given)} is not a type of state", f"use one of {types}"
    if kind == "string_pattern_mismatch":
        return (
            f"the name {_short(value)} has characters that are not allowed",
            "use letters, digits and underscores",
        )
    return f"{_short(value)}: {message.removeprefix('Value error, ')}", "correct the value"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
