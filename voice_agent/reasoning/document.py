"""Reads YAML or JSON that anybody may have written, with the line of every value.

Size, depth and number of values are bounded before anything is built, aliases count as often as they are
used, and no YAML tag makes an object. Scalars follow YAML 1.2 (``true``/``false`` only), so ``answer: yes``
stays a word and ``8:30`` stays a time.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from voice_agent.reasoning.problems import LineMap, Path, Problem

MAX_BYTES = 2_000_000
MAX_DEPTH = 40
MAX_VALUES = 100_000
MAX_PROBLEMS = 200

_TAGS = frozenset({"str", "int", "float", "bool", "null", "timestamp", "merge", "value"})
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
}  # fmt: skip

Explain = Callable[[str, str, Path, Any], tuple[str, str]]
"""(pydantic's kind of error, its message, path, value) -> what is wrong, and the remedy."""


class Unreadable(Exception):
    """The document cannot be turned into data."""

    def __init__(self, message: str, remedy: str, line: int = 0) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.line = line


def read_document(document: str | bytes, *, key: str) -> tuple[dict[str, Any], LineMap]:
    """A mapping and the lines of its values.

    Args:
        key: a key that such a document has, for the remedy of one that is no mapping.

    Raises:
        Unreadable: what keeps it from being data.
    """
    if len(document) > MAX_BYTES:
        raise Unreadable(f"the document has {len(document)} bytes", f"keep it under {MAX_BYTES}")
    if isinstance(document, bytes):
        try:
            document = document.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Unreadable(f"byte {error.start} is not UTF-8", "save the file as UTF-8 text") from error
    try:
        _check_depth(document)
        root = yaml.compose(document, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise Unreadable(f"not YAML: {error.problem or error.context}", "correct the line", line) from error
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable(
            f"not YAML: {' '.join(str(error).split())[:200]}", "save the file as plain text"
        ) from error
    if root is None:
        raise Unreadable("the document is empty", f"write a mapping with {key!r}")
    builder = _Builder()
    data = builder.build(root, ())
    if not isinstance(data, dict):
        raise Unreadable(f"the document is a {type(data).__name__}", f"write a mapping with {key!r}", 1)
    return data, LineMap(builder.lines)


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
            raise Unreadable(f"nested deeper than {MAX_DEPTH}", "flatten it", line)
        if values > 2 * MAX_VALUES:
            raise Unreadable(f"more than {MAX_VALUES} values", "split the graph into subgraphs")


class _Builder:
    """Turns YAML nodes into plain data and remembers lines."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self._left = MAX_VALUES

    def build(self, node: yaml.Node, path: Path) -> Any:
        self._left -= 1
        line = node.start_mark.line + 1
        if self._left < 0:
            raise Unreadable(f"more than {MAX_VALUES} values, aliases counted", "use fewer aliases", line)
        if len(path) > 2 * MAX_DEPTH:
            raise Unreadable("an alias contains itself", "write it out", line)
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
                raise Unreadable("a key is a list or a mapping", "use plain words as keys", line)
            key = str(key_node.value)
            if key in built:
                raise Unreadable(f"the key {key!r} appears twice in one mapping", "remove one", line)
            built[key] = self.build(value_node, (*path, key))
            self.lines[(*path, key)] = line
        return built


def _scalar(node: yaml.ScalarNode, line: int) -> Any:
    text: str = node.value
    if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
        raise Unreadable(f"the tag {node.tag!r} is not allowed", "write plain values", line)
    if node.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def shape_problems(invalid: ValidationError, data: Any, lines: LineMap, explain: Explain) -> list[Problem]:
    """What pydantic found wrong, at the lines where it is."""
    found: dict[tuple[Path, str], Problem] = {}
    for error in invalid.errors(include_url=False, include_context=False)[:MAX_PROBLEMS]:
        path, value = _locate(error["loc"], data)
        if error["type"] == "too_short" and value:
            continue  # said of a list whose items are wrong: those are told of themselves
        if error["type"].startswith("union_tag") and isinstance(value, Mapping) and "type" in value:
            path = (*path, "type")
        message, remedy = explain(error["type"], error["msg"], path, value)
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


def explained(kind: str, message: str, path: Path, value: Any, known: Sequence[str]) -> tuple[str, str]:
    """What is wrong with a value, and the remedy. ``known``: names of fields, for suggestions."""
    name = str(path[-1]) if path else "document"
    if kind == "missing":
        return f"{name!r} is missing", f"add {name!r}"
    if kind == "extra_forbidden":
        close = difflib.get_close_matches(name, known, n=1)
        return f"{name!r} is not a field here", f"did you mean {close[0]!r}?" if close else "remove it"
    return f"{short(value)}: {message.removeprefix('Value error, ')}", "correct the value"


def short(value: Any) -> str:
    """A value in a message: never more than a line of it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
