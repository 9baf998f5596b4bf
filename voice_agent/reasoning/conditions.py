"""The language of ``when``: comparisons over what the conversation knows, and nothing else.

::

    condition = or
    or        = and ("or" and)*
    and       = not ("and" not)*
    not       = "not" not | comparison
    comparison= value (("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") value)?
    value     = number | "text" | 'text' | true | false | null | [value, ...] | path | (or)
    path      = name ("." (name | number))*

Nothing is called and nothing is evaluated by Python. An unknown path is null; comparing values that have no
order is false, never an error, because a condition must not be able to end a call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

from voice_agent.reasoning.errors import ExpressionError

Lookup = Callable[[str], Any]
"""Value of a path, None when unknown."""

MAX_LENGTH = 500
_MAX_NESTING = 20

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<path>[A-Za-z_]\w*(?:\.\w+)*)
    | (?P<sign>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)
    )""",
    re.VERBOSE,
)
_CONSTANTS = {"true": True, "false": False, "null": None}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_KEYWORDS = frozenset({"and", "or", "not", "in"})


@dataclass(frozen=True, slots=True)
class _Constant:
    value: Any

    def evaluate(self, lookup: Lookup) -> Any:
        return self.value

    def paths(self) -> Iterator[str]:
        return iter(())


@dataclass(frozen=True, slots=True)
class _Path:
    path: str

    def evaluate(self, lookup: Lookup) -> Any:
        return lookup(self.path)

    def paths(self) -> Iterator[str]:
        yield self.path


@dataclass(frozen=True, slots=True)
class _List:
    items: tuple[_Node, ...]

    def evaluate(self, lookup: Lookup) -> Any:
        return [item.evaluate(lookup) for item in self.items]

    def paths(self) -> Iterator[str]:
        for item in self.items:
            yield from item.paths()


@dataclass(frozen=True, slots=True)
class _Operation:
    operator: str
    operands: tuple[_Node, ...]

    def evaluate(self, lookup: Lookup) -> Any:
        if self.operator == "not":
            return not self.operands[0].evaluate(lookup)
        if self.operator == "and":
            return all(operand.evaluate(lookup) for operand in self.operands)
        if self.operator == "or":
            return any(operand.evaluate(lookup) for operand in self.operands)
        left, right = (operand.evaluate(lookup) for operand in self.operands)
        return _compare(self.operator, left, right)

    def paths(self) -> Iterator[str]:
        for operand in self.operands:
            yield from operand.paths()


_Node = _Constant | _Path | _List | _Operation


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition."""

    root: _Node

    def holds(self, lookup: Lookup) -> bool:
        """Whether it is true of what ``lookup`` knows."""
        return bool(self.root.evaluate(lookup))

    def paths(self) -> tuple[str, ...]:
        """The paths it reads."""
        return tuple(self.root.paths())


@lru_cache(maxsize=4096)
def parse_condition(text: str) -> Condition:
    """Parse a condition.

    Raises:
        ExpressionError: naming the place that is not understood.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"a condition of {len(text)} characters; write at most {MAX_LENGTH}")
    parser = _Parser(_tokens(text), text)
    root = parser.disjunction(0)
    parser.finish()
    return Condition(root)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    while text[position:].strip():
        found = _TOKEN.match(text, position)
        if found is None:
            raise ExpressionError(
                f"{text[position:].strip()[:20]!r} is not understood in the condition {text!r}"
            )
        kind = str(found.lastgroup)
        token = found.group(kind)
        tokens.append(("word" if token in _KEYWORDS else kind, token))
        position = found.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens, bounded in depth."""

    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._at = 0

    def finish(self) -> None:
        if self._at < len(self._tokens):
            raise ExpressionError(f"unexpected {self._tokens[self._at][1]!r} in the condition {self._text!r}")

    def disjunction(self, depth: int) -> _Node:
        if depth > _MAX_NESTING:
            raise ExpressionError(f"the condition {self._text[:40]!r}... is nested too deeply")
        operands = [self._conjunction(depth)]
        while self._take("or"):
            operands.append(self._conjunction(depth))
        return operands[0] if len(operands) == 1 else _Operation("or", tuple(operands))

    def _conjunction(self, depth: int) -> _Node:
        operands = [self._negation(depth)]
        while self._take("and"):
            operands.append(self._negation(depth))
        return operands[0] if len(operands) == 1 else _Operation("and", tuple(operands))

    def _negation(self, depth: int) -> _Node:
        negations = 0
        while self._take("not"):
            negations += 1
        node = self._comparison(depth)
        if negations == 0:
            return node
        negated = _Operation("not", (node,))
        return negated if negations % 2 else _Operation("not", (negated,))

    def _comparison(self, depth: int) -> _Node:
        left = self._value(depth)
        if self._at < len(self._tokens) and self._tokens[self._at][1] in _COMPARISONS:
            kind, operator = self._tokens[self._at]
            if kind in ("sign", "word"):
                self._at += 1
                return _Operation(operator, (left, self._value(depth)))
        return left

    def _value(self, depth: int) -> _Node:
        if self._at >= len(self._tokens):
            raise ExpressionError(f"the condition {self._text!r} ends too early")
        kind, token = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return _Constant(float(token) if "." in token else int(token))
        if kind == "text":
            return _Constant(token[1:-1])
        if kind == "path":
            return _Constant(_CONSTANTS[token]) if token in _CONSTANTS else _Path(token)
        if token == "(":
            node = self.disjunction(depth + 1)
            self._require(")")
            return node
        if token == "[":
            return self._list(depth)
        raise ExpressionError(f"unexpected {token!r} in the condition {self._text!r}")

    def _list(self, depth: int) -> _Node:
        if depth > _MAX_NESTING:
            raise ExpressionError(f"the condition {self._text[:40]!r}... is nested too deeply")
        items: list[_Node] = []
        while not self._take("]"):
            if items:
                self._require(",")
            items.append(self._value(depth + 1))
        return _List(tuple(items))

    def _take(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] in (("word", token), ("sign", token)):
            self._at += 1
            return True
        return False

    def _require(self, token: str) -> None:
        if not self._take(token):
            raise ExpressionError(f"{token!r} is missing in the condition {self._text!r}")


def _compare(operator: str, left: Any, right: Any) -> bool:
    left, right = _comparable(left, right)
    if operator == "==":
        return bool(left == right)
    if operator == "!=":
        return bool(left != right)
    try:
        if operator == "in":
            return left is not None and right is not None and left in right
        if operator == "<":
            return bool(left < right)
        if operator == "<=":
            return bool(left <= right)
        if operator == ">":
            return bool(left > right)
        return bool(left >= right)
    except TypeError:
        return False


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """Dates and times compare with their ISO text."""
    for one, other, flip in ((left, right, False), (right, left, True)):
        if isinstance(one, date | datetime | time) and isinstance(other, str):
            written = one.isoformat()
            return (other, written) if flip else (written, other)
    return left, right
