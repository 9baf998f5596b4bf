"""What a state refers to: other states, tools, templates. Read by the validator, the drawing and the
engine."""

from __future__ import annotations

from collections.abc import Iterator

from voice_agent.reasoning.graph import ContextGraph
from voice_agent.reasoning.parts import Consequence, NextState, ToolCallSpec
from voice_agent.reasoning.problems import Path
from voice_agent.reasoning.states import (
    ActionState,
    AnnotationState,
    DataCollectionState,
    DecisionState,
    RecallState,
    ReflectionState,
    State,
    ToolCallState,
)


def ways_out(state: State) -> Iterator[tuple[Path, NextState]]:
    """Every ``next_state`` of a state with its path inside it."""
    if isinstance(state, ActionState | DecisionState | DataCollectionState):
        for index, exit_ in enumerate(state.exit_conditions):
            yield ("exit_conditions", index, "next_state"), exit_.next_state
    if isinstance(state, DataCollectionState):
        yield ("on_complete",), state.on_complete
        if state.on_give_up is not None:
            yield ("on_give_up",), state.on_give_up
    if isinstance(state, AnnotationState | RecallState | ReflectionState | ToolCallState):
        yield ("next_state",), state.next_state
    if isinstance(state, ToolCallState) and state.on_failure is not None:
        yield ("on_failure",), state.on_failure


def tool_specs(state: State) -> tuple[ToolCallSpec, ...]:
    """The tools a reasoner may call in a state; preloaded and designated ones are the engine's to call."""
    if isinstance(state, ActionState):
        return state.action_tool_call_specs + state.exit_condition_tool_call_specs
    if isinstance(state, DecisionState | DataCollectionState | ReflectionState | ToolCallState):
        return state.tool_call_specs
    return ()


def listed_tools(state: State) -> Iterator[tuple[Path, str]]:
    """Every tool a state names, with its path."""
    for name in ("action_tool_call_specs", "exit_condition_tool_call_specs", "tool_call_specs", "preload"):
        for index, spec in enumerate(getattr(state, name, ())):
            yield (name, index, "tool_id"), spec.tool_id
    if isinstance(state, ToolCallState):
        yield ("designated_tool", "tool_id"), state.designated_tool.tool_id


def templates_of(state: State) -> Iterator[tuple[Path, str, frozenset[str]]]:
    """Every template of a state with its path and the extra names it may use."""
    none: frozenset[str] = frozenset()
    for name in ("say_on_entry", "say_again", "prompts", "say_on_failure"):
        for text in getattr(state, name, ()):
            yield (name,), text, none
    for name in ("exit_conditions", "actions"):
        for index, part in enumerate(getattr(state, name, ())):
            for text in part.say:
                yield (name, index, "say"), text, none
    for index, exit_ in enumerate(getattr(state, "exit_conditions", ())):
        for text in _texts(exit_.set.values()):
            yield ("exit_conditions", index, "set"), text, none
    for channel, override in getattr(state, "channel_overrides", {}).items():
        for text in override.say_on_entry:
            yield ("channel_overrides", channel, "say_on_entry"), text, none
    for name in ("preload", "action_tool_call_specs", "exit_condition_tool_call_specs", "tool_call_specs"):
        for index, spec in enumerate(getattr(state, name, ())):
            for text in _texts(spec.params.values()):
                yield (name, index, "params"), text, none
    if isinstance(state, ToolCallState):
        for text in _texts(state.designated_tool.params.values()):
            yield ("designated_tool", "params"), text, none
    if isinstance(state, ActionState) and state.then is not None:
        for text in _texts(state.then.set.values()):
            yield ("then", "set"), text, none
        if state.then.transfer is not None:
            yield ("then", "transfer"), state.then.transfer, none
    if isinstance(state, DataCollectionState):
        yield from _field_templates(state)


def _field_templates(state: DataCollectionState) -> Iterator[tuple[Path, str, frozenset[str]]]:
    for index, field in enumerate(state.fields):
        questions = (field.ask_prompt,) if field.ask_prompt is not None else ()
        for text in (*questions, *field.ask_again, *field.say_options):
            yield ("fields", index, "ask_prompt"), text, frozenset({"options", "label"})
        if isinstance(field.read_back, str):
            yield ("fields", index, "read_back"), field.read_back, frozenset({"value"})
        yield ("fields", index, "option_text"), field.option_text, frozenset({"item"})


def known_names(graph: ContextGraph) -> frozenset[str]:
    """Everything that may come to have a value in a conversation over this graph."""
    names: set[str] = set(graph.facts)
    for intent in graph.intents:
        names |= set(intent.set)
        if intent.tool is not None:
            names.add(intent.tool.result_name)
    for state in graph.states:
        names |= _names_of(state)
    for inner in graph.references.values():
        if isinstance(inner, ContextGraph):
            names |= known_names(inner)
    return frozenset(names)


def _names_of(state: State) -> set[str]:
    names: set[str] = set()
    specs = list(tool_specs(state))
    if isinstance(state, ToolCallState):
        specs.append(state.designated_tool)
    names |= {spec.result_name for spec in specs}
    names |= {call.save_as or call.tool_id for call in getattr(state, "preload", ())}
    consequences: list[Consequence] = list(getattr(state, "exit_conditions", ()))
    if isinstance(state, ActionState) and state.then is not None:
        consequences.append(state.then)
    for consequence in consequences:
        names |= set(consequence.set)
    if isinstance(state, DataCollectionState):
        names |= {field.key for field in state.fields}
    if isinstance(state, RecallState):
        names.add(state.save_as)
    return names


def _texts(values: object) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, list | tuple) or hasattr(values, "__iter__"):
        for value in values:
            yield from _texts(value)
