"""Finds what would go wrong with a graph before a caller does.

Shape was checked by the models; here it is sense: every way leads somewhere, every state can be reached and
left, every tool and every template variable exists, every condition can be read. Nothing is raised.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from voice_agent.reasoning.conditions import parse_condition
from voice_agent.reasoning.errors import ExpressionError
from voice_agent.reasoning.fields import FieldType
from voice_agent.reasoning.graph import ContextGraph
from voice_agent.reasoning.memory import RESERVED_ROOTS
from voice_agent.reasoning.parts import ExitCondition, NextState, Retention
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.problems import LineMap, Path, Problem, Severity
from voice_agent.reasoning.states import (
    RETURN,
    ActionState,
    AnnotationState,
    DataCollectionState,
    DecisionState,
    State,
    ToolCallState,
)
from voice_agent.reasoning.templates import holes
from voice_agent.reasoning.wiring import known_names, listed_tools, templates_of, ways_out

MAX_SUBGRAPH_DEPTH = 4
_NESTED_QUANTIFIER = re.compile(r"[+*}]\)+[+*{]")


def validate(
    graph: ContextGraph,
    *,
    lines: LineMap | None = None,
    tools: frozenset[str] | None = None,
    facts: frozenset[str] = frozenset(),
) -> list[Problem]:
    """Everything wrong with a graph, in the order of the document.

    Args:
        graph: the graph; subgraphs written inside it are checked with it.
        lines: lines of its source.
        tools: names of registered tools; None leaves tool names unchecked.
        facts: names of constants that the engine's settings supply.
    """
    found = list(_Check(graph, lines or LineMap(), tools, facts, (), 0).problems())
    return sorted(found, key=lambda problem: (problem.line, problem.path, problem.message))


@dataclass
class _Check:
    """The checks of one graph (and, from it, of the graphs inside)."""

    graph: ContextGraph
    lines: LineMap
    tools: frozenset[str] | None
    names: frozenset[str]
    prefix: Path
    depth: int

    def problems(self) -> Iterator[Problem]:
        self.names = self.names | known_names(self.graph) | RESERVED_ROOTS
        yield from self._names()
        yield from self._ends()
        yield from self._reach()
        for index, state in enumerate(self.graph.states):
            yield from self._state(state, ("states", index))
        yield from self._intents()
        yield from self._phrases()
        for name, inner in self.graph.references.items():
            if not isinstance(inner, ContextGraph):
                continue
            if self.depth >= MAX_SUBGRAPH_DEPTH:
                yield self._at(("references", name), "subgraphs are nested too deeply", "flatten them")
                continue
            path = (*self.prefix, "references", name)
            yield from _Check(inner, self.lines, self.tools, self.names, path, self.depth + 1).problems()

    def _at(self, path: Path, message: str, remedy: str, severity: Severity = Severity.ERROR) -> Problem:
        return self.lines.problem((*self.prefix, *path), message, remedy, severity)

    def _names(self) -> Iterator[Problem]:
        seen: set[str] = set()
        for index, state in enumerate(self.graph.states):
            path: Path = ("states", index, "name")
            if state.name in seen:
                yield self._at(path, f"two states are called {state.name!r}", "rename one")
            if state.name == RETURN:
                yield self._at(
                    path, f"{RETURN!r} is reserved for coming back from a side trip", "rename the state"
                )
            seen.add(state.name)

    def _ends(self) -> Iterator[Problem]:
        graph = self.graph
        for role in ("new_user_initial_state", "returning_user_initial_state", "terminal_state"):
            name = getattr(graph, role)
            state = graph.by_name.get(name)
            if state is None:
                yield self._at((role,), f"the state {name!r} does not exist", self._closest(name))
            elif role == "terminal_state" and not isinstance(state, ActionState):
                yield self._at(
                    (role,), f"the terminal state {name!r} is a {state.type} state", "use an action state"
                )
            elif self.depth == 0 and not isinstance(state, ActionState):
                yield self._at(
                    (role,), f"the initial state {name!r} is a {state.type} state", "use an action state"
                )
            elif role == "terminal_state" and isinstance(state, ActionState):
                yield from self._terminal(state)
        for index, name in enumerate(graph.entrances):
            if name not in graph.by_name:
                yield self._at(
                    ("entrances", index), f"the state {name!r} does not exist", self._closest(name)
                )

    def _terminal(self, state: ActionState) -> Iterator[Problem]:
        path: Path = ("states", self.graph.states.index(state))
        if len(state.actions) != 1:
            count = len(state.actions)
            yield self._at(
                path, f"the terminal state {state.name!r} has {count} actions", "give it exactly one"
            )
        if state.exit_conditions:
            message = f"the terminal state {state.name!r} has exit conditions"
            yield self._at(path, message, "remove them: the conversation ends here", Severity.WARNING)

    def _closest(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.graph.by_name, n=1)
        return f"did you mean {close[0]!r}?" if close else "add the state or name another"

    def _reach(self) -> Iterator[Problem]:
        graph = self.graph
        ways = {state.name: {way for _, way in local_ways(graph, state)} for state in graph.states}
        roots = {graph.new_user_initial_state, graph.returning_user_initial_state, graph.terminal_state}
        roots |= set(graph.entrances)
        roots |= {intent.next_state for intent in graph.intents if intent.next_state}
        reached = _closure(roots & set(ways), ways)
        backwards: dict[str, set[str]] = {name: set() for name in ways}
        ending = {graph.terminal_state} & set(ways)
        for index, state in enumerate(graph.states):
            for way in ways[state.name] & set(ways):
                backwards[way].add(state.name)
            if _can_end(graph, state):
                ending.add(state.name)
            if state.name not in reached and self.depth == 0:
                message = f"no way leads to the state {state.name!r}"
                yield self._at(
                    ("states", index), message, "lead an exit to it or remove it", Severity.WARNING
                )
        finishing = _closure(ending, backwards)
        for index, state in enumerate(graph.states):
            if state.name in reached and state.name not in finishing and ways[state.name] & set(ways):
                message = f"from {state.name!r} the conversation can never end"
                yield self._at(
                    ("states", index), message, f"lead to {graph.terminal_state!r}", Severity.WARNING
                )
        yield from self._endless_thoughts()

    def _endless_thoughts(self) -> Iterator[Problem]:
        for index, state in enumerate(self.graph.states):
            seen = {state.name}
            current: State | None = state
            while isinstance(current, AnnotationState) and isinstance(current.next_state, str):
                if current.next_state in seen:
                    message = f"the annotation {state.name!r} leads back to itself"
                    yield self._at(("states", index), message, "lead one of them to another state")
                    break
                seen.add(current.next_state)
                current = self.graph.by_name.get(current.next_state)

    def _state(self, state: State, path: Path) -> Iterator[Problem]:
        for step, way in ways_out(state):
            yield from self._way(way, (*path, *step))
        for step, text, extra in templates_of(state):
            yield from self._template(text, (*path, *step), extra)
        for step, text in _conditions_of(state):
            yield from self._condition(text, (*path, *step))
        for step, tool in listed_tools(state):
            yield from self._tool(tool, (*path, *step))
        if isinstance(state, ActionState):
            yield from self._action(state, path)
        elif isinstance(state, DecisionState):
            yield from self._catch_all(state.exit_conditions, path, Severity.ERROR)
        elif isinstance(state, DataCollectionState):
            yield from self._collection(state, path)
        elif isinstance(state, ToolCallState) and state.designated_tool.retention is Retention.EPHEMERAL:
            message = f"the result of {state.designated_tool.tool_id!r} would be lost"
            remedy = "use accumulate, override, persisted-preferred or persisted"
            yield self._at((*path, "designated_tool"), message, remedy)

    def _action(self, state: ActionState, path: Path) -> Iterator[Problem]:
        permitted = {spec.tool_id for spec in state.action_tool_call_specs}
        for index, action in enumerate(state.actions):
            if action.tool is not None and action.tool not in permitted:
                message = f"the action calls {action.tool!r}, which the state does not list"
                yield self._at((*path, "actions", index, "tool"), message, "add it to action_tool_call_specs")
        if state.name == self.graph.terminal_state:
            return
        if not state.exit_conditions:
            if not _can_end(self.graph, state):
                yield self._at(path, f"nothing leads out of {state.name!r}", "add exit_conditions, or 'then'")
            return
        if not all(exit_.is_automatic for exit_ in state.exit_conditions):
            yield from self._catch_all(state.exit_conditions, path, Severity.WARNING)

    def _catch_all(
        self, exits: tuple[ExitCondition, ...], path: Path, missing: Severity
    ) -> Iterator[Problem]:
        for index, exit_ in enumerate(exits[:-1]):
            if exit_.is_catch_all:
                message = "the embedded reasoner has only the description to tell this exit by"
                remedy = "add examples, answer or when"
                yield self._at((*path, "exit_conditions", index), message, remedy, Severity.WARNING)
        if exits and not exits[-1].is_catch_all:
            remedy = "end with an exit that has no examples, answer or when"
            yield self._at((*path, "exit_conditions"), "there is no catch-all exit", remedy, missing)

    def _collection(self, state: DataCollectionState, path: Path) -> Iterator[Problem]:
        seen: set[str] = set()
        for index, field in enumerate(state.fields):
            place: Path = (*path, "fields", index)
            if field.key in seen:
                yield self._at(place, f"the field {field.key!r} appears twice", "remove one")
            if field.key in RESERVED_ROOTS:
                yield self._at(place, f"{field.key!r} already means something else", "rename the field")
            seen.add(field.key)
            if field.type is FieldType.CHOICE and not field.options and not field.options_from:
                yield self._at(
                    place, f"the choice {field.key!r} has no options", "add options or options_from"
                )
            if field.validation is not None:
                yield from self._pattern(field.validation, (*place, "validation"))
            if field.options_from is not None:
                yield from self._root(field.options_from, (*place, "options_from"), frozenset())

    def _pattern(self, pattern: str, path: Path) -> Iterator[Problem]:
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            yield self._at(path, f"{pattern[:60]!r} is not a regular expression: {error}", "correct it")
            return
        if len(pattern) > 200 or _NESTED_QUANTIFIER.search(pattern):
            yield self._at(path, f"{pattern[:60]!r} could take forever", "do not repeat a repetition")

    def _way(self, way: NextState, path: Path) -> Iterator[Problem]:
        if isinstance(way, tuple):
            yield from self._reference(way[0], path)
            yield from self._way(way[1], path)
        elif "." in way:
            message = f"{way!r} enters a subgraph without a state to come back to"
            yield self._at(path, message, f"write [{way}, state_after_it]")
        elif way != RETURN and way not in self.graph.by_name:
            yield self._at(path, f"the state {way!r} does not exist", self._closest(way))

    def _reference(self, way: str, path: Path) -> Iterator[Problem]:
        name, _, state = way.partition(".")
        if name not in self.graph.references:
            known = ", ".join(sorted(self.graph.references)) or "none"
            yield self._at(path, f"{name!r} is not a reference (known: {known})", "add it to 'references'")
            return
        inner = self.graph.references[name]
        if isinstance(inner, ContextGraph) and state not in inner.by_name:
            close = difflib.get_close_matches(state, inner.by_name, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else f"name a state of {name!r}"
            yield self._at(path, f"{name!r} has no state {state!r}", remedy)

    def _tool(self, tool: str, path: Path) -> Iterator[Problem]:
        if self.tools is not None and tool not in self.tools:
            close = difflib.get_close_matches(tool, self.tools, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else "register it or name another"
            yield self._at(path, f"no tool is called {tool!r}", remedy)

    def _template(self, text: str, path: Path, extra: frozenset[str]) -> Iterator[Problem]:
        try:
            paths = [path_ for path_, _ in holes(text)]
        except ExpressionError as error:
            yield self._at(path, str(error), "correct the template")
            return
        for variable in paths:
            yield from self._root(variable, path, extra)

    def _condition(self, text: str, path: Path) -> Iterator[Problem]:
        try:
            condition = parse_condition(text)
        except ExpressionError as error:
            yield self._at(path, str(error), "see the language of conditions")
            return
        for variable in condition.paths():
            yield from self._root(variable, path, frozenset())

    def _root(self, variable: str, path: Path, extra: frozenset[str]) -> Iterator[Problem]:
        root = variable.partition(".")[0]
        if root not in self.names and root not in extra:
            close = difflib.get_close_matches(root, self.names | extra, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else "collect it, set it, or add it to 'facts'"
            yield self._at(path, f"nothing is ever called {root!r}", remedy)

    def _intents(self) -> Iterator[Problem]:
        seen: set[str] = set()
        for index, intent in enumerate(self.graph.intents):
            path: Path = ("intents", index)
            if intent.name in seen:
                yield self._at((*path, "name"), f"two intents are called {intent.name!r}", "rename one")
            seen.add(intent.name)
            if intent.next_state is not None:
                if "." in intent.next_state:
                    yield from self._reference(intent.next_state, (*path, "next_state"))
                else:
                    yield from self._way(intent.next_state, (*path, "next_state"))
            elif intent.returns:
                yield self._at(path, f"the intent {intent.name!r} returns from nowhere", "add next_state")
            if intent.when is not None:
                yield from self._condition(intent.when, (*path, "when"))
            if intent.tool is not None:
                yield from self._tool(intent.tool.tool_id, (*path, "tool"))
            for text in intent.say:
                yield from self._template(text, (*path, "say"), frozenset())

    def _phrases(self) -> Iterator[Problem]:
        for name, variants in self.graph.phrases.items():
            path: Path = ("phrases", name)
            if name not in set(PhraseName):
                close = difflib.get_close_matches(name, [str(known) for known in PhraseName], n=1)
                remedy = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(PhraseName)}"
                yield self._at(path, f"no phrase is called {name!r}", remedy)
            for text in variants:
                yield from self._template(text, path, frozenset({"value", "options", "label", "text"}))


def local_ways(graph: ContextGraph, state: State) -> Iterator[tuple[Path, str]]:
    """Ways out of a state to states of the same graph (after a subgraph: the state it comes back to)."""
    for path, way in ways_out(state):
        target = way[1] if isinstance(way, tuple) else way
        if target in graph.by_name:
            yield path, target


def _can_end(graph: ContextGraph, state: State) -> bool:
    """Whether a conversation may rightly stay or stop here."""
    if state.name == graph.terminal_state or any(way == RETURN for _, way in ways_out(state)):
        return True
    then = state.then if isinstance(state, ActionState) else None
    return then is not None and bool(then.escalate or then.transfer or then.end)


def _conditions_of(state: State) -> Iterator[tuple[Path, str]]:
    for name in ("exit_conditions", "actions", "fields"):
        for index, part in enumerate(getattr(state, name, ())):
            if part.when is not None:
                yield (name, index, "when"), part.when


def _closure(roots: Iterable[str], ways: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    frontier = list(roots)
    while frontier:
        name = frontier.pop()
        if name not in reached and name in ways:
            reached.add(name)
            frontier.extend(ways[name])
    return reached
