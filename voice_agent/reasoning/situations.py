"""What a reasoner gets to see of the conversation: the current state and nothing else of the graph."""

from __future__ import annotations

from typing import Any

from voice_agent.reasoning.conditions import parse_condition
from voice_agent.reasoning.guidance import GuidanceKind
from voice_agent.reasoning.interjections import BRIEF, intents_at
from voice_agent.reasoning.parts import Action, ExitCondition, Intent, Retention
from voice_agent.reasoning.reasoner import FieldView, Option, OptionKind, Situation, ToolView
from voice_agent.reasoning.session import Session
from voice_agent.reasoning.states import ActionState, DataCollectionState, DecisionState
from voice_agent.reasoning.tools import ToolRegistry
from voice_agent.reasoning.wiring import tool_specs

MAX_RESULT_CHARACTERS = 5000
"""A longer result is shown to a model only in the visit that fetched it (published limit)."""


def holds(session: Session, when: str | None) -> bool:
    """Whether a condition holds now; no condition always does."""
    return when is None or parse_condition(when).holds(session.memory.lookup)


def exits_of(session: Session) -> tuple[ExitCondition, ...]:
    """The exit conditions of the current state."""
    state = session.here.state
    return (
        state.exit_conditions if isinstance(state, ActionState | DecisionState | DataCollectionState) else ()
    )


def actions_of(session: Session) -> tuple[Action, ...]:
    """The actions of the current state."""
    state = session.here.state
    return state.actions if isinstance(state, ActionState | DataCollectionState) else ()


def catch_all(session: Session) -> ExitCondition | None:
    """The last exit, when nothing restricts it."""
    exits = exits_of(session)
    return exits[-1] if exits and exits[-1].is_catch_all else None


def options_of(session: Session, *, intents: bool = True) -> tuple[Option, ...]:
    """What the caller may mean now. Automatic exits are not among them: they need no words."""
    last = catch_all(session)
    options: list[Option] = []
    for index, exit_ in enumerate(exits_of(session)):
        if exit_.is_automatic or not holds(session, exit_.when):
            continue
        options.append(
            Option(
                OptionKind.EXIT,
                f"exit:{index}",
                exit_.description,
                exit_.label or "",
                exit_.examples,
                exit_.answer,
                exit_ is last,
                ends=exit_.next_state == session.linked.root.terminal_state,
            )
        )
    for index, action in enumerate(actions_of(session)):
        if action.examples and holds(session, action.when):
            options.append(
                Option(OptionKind.ACTION, f"action:{index}", action.description, "", action.examples)
            )
    if intents:
        options.extend(_intent_option(intent) for intent in intents_at(session))
    return tuple(options)


def _intent_option(intent: Intent) -> Option:
    return Option(
        OptionKind.INTENT,
        f"intent:{intent.name}",
        intent.description,
        intent.label or "",
        intent.examples,
        brief=intent.name in BRIEF,
    )


def situation_of(
    session: Session,
    registry: ToolRegistry,
    *,
    utterance: str = "",
    alternatives: tuple[str, ...] = (),
    options: tuple[Option, ...] | None = None,
) -> Situation:
    """The current state as a reasoner sees it."""
    state = session.here.state
    graphs = [session.linked.root]
    if session.here.graph is not session.linked.root:
        graphs.append(session.here.graph)
    override = getattr(state, "channel_overrides", {}).get(session.channel.value)
    guidelines = [*getattr(state, "action_guidelines", ()), *getattr(state, "decision_guidelines", ())]
    if override is not None:
        guidelines.extend(override.action_guidelines)
    rails = [f"{rail.name}: {rail.description}" for rail in getattr(state, "guardrails", ())]
    return Situation(
        state=session.here.name,
        state_type=state.type,
        objective=(override and override.objective) or str(getattr(state, "objective", "")),
        channel=session.channel.value,
        now=_now(session),
        options=options_of(session) if options is None else options,
        fields=_fields(session),
        tools=_tools(session, registry),
        must_choose=isinstance(state, DecisionState),
        utterance=utterance,
        alternatives=alternatives,
        history=session.history.lines(session.settings.history_lines),
        known=_known(session),
        actions=tuple(action.description for action in actions_of(session)),
        action_guidelines=(
            *(line for graph in graphs for line in graph.global_action_guidelines),
            *guidelines,
            *_risk_guidelines(session),
        ),
        navigation_guidelines=(
            *(line for graph in graphs for line in graph.global_intra_state_navigation_guidelines),
            *getattr(state, "intra_state_navigation_guidelines", ()),
        ),
        constraints=(
            *(line for graph in graphs for line in graph.global_boundary_constraints),
            *getattr(state, "boundary_constraints", ()),
            *rails,
        ),
        guidance=tuple(item.text for item in session.guidance if item.kind is GuidanceKind.OTHER),
        emotion=dict(session.memory.emotion),
        max_sentences=session.settings.max_response_sentences,
        max_words=session.settings.max_response_words,
    )


def _risk_guidelines(session: Session) -> tuple[str, ...]:
    """What the graph wants at the call's level of risk."""
    wanted = session.linked.root.risk_guidelines.get(session.memory.risk.get("level", ""))
    return wanted.action_guidelines if wanted is not None else ()


def _now(session: Session) -> Any:
    if session.memory.now is None:
        raise RuntimeError("the conversation has not started; send Started first")
    return session.memory.now


def _fields(session: Session) -> tuple[FieldView, ...]:
    state = session.here.state
    if not isinstance(state, DataCollectionState):
        return ()
    return tuple(
        FieldView(
            field.key, field.label, field.kind, field.key in session.memory.slots, field.key == session.asked
        )
        for field in state.fields
    )


def _tools(session: Session, registry: ToolRegistry) -> tuple[ToolView, ...]:
    views: list[ToolView] = []
    for spec in tool_specs(session.here.state):
        if spec.tool_id in registry.names:
            tool = registry.get(spec.tool_id)
            views.append(ToolView(tool.name, tool.description, tool.schema, spec.additional_instruction))
    return tuple(views)


def _known(session: Session) -> dict[str, Any]:
    known: dict[str, Any] = dict(session.memory.constants)
    known.update({key: slot.value for key, slot in session.memory.slots.items()})
    for name, calls in session.results.items():
        shown = [value for visit, value in calls if _is_shown(session, name, visit, value)]
        if shown:
            known[name] = shown[0] if len(shown) == 1 else shown
    return known


def _is_shown(session: Session, name: str, visit: str, value: Any) -> bool:
    if visit == session.visit:
        return True
    retention = session.retention.get(name, Retention.PERSISTED_PREFERRED)
    return retention is not Retention.EPHEMERAL and len(repr(value)) <= MAX_RESULT_CHARACTERS
