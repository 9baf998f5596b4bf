"""The seven types of state, a union told apart by ``type``.

The published sets differ between the two interfaces; this is their union, and import accepts the other
spellings (``tool-call``, ``side-effect``). Fields marked *ours* serve the embedded reasoner (see
``parts.py``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from voice_agent.reasoning.fields import CollectionField
from voice_agent.reasoning.parts import (
    Action,
    ChannelOverride,
    Consequence,
    ExitCondition,
    Expect,
    Guardrail,
    NextState,
    Part,
    Phrases,
    PreloadCall,
    RiskOverride,
    ToolCallSpec,
    TurnPolicy,
)

RETURN = "return"
"""Reserved ``next_state``: the end of a side trip, back to the interrupted state."""

_TYPE_SPELLINGS = {
    "tool-call": "tool_call",
    "side-effect": "tool_call",
    "side_effect": "tool_call",
    "data-collection": "data_collection",
}

StateName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=128)]


class BaseState(Part):
    """What every state has."""

    name: StateName

    @model_validator(mode="before")
    @classmethod
    def _one_spelling_of_the_type(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("type"), str):
            return {**data, "type": _TYPE_SPELLINGS.get(data["type"], data["type"])}
        return data


class ActionState(BaseState):
    """The agent engages: says something, listens, answers, and leaves by an exit condition.

    On entry ``preload`` runs, then ``say_on_entry`` (or the first fitting action's ``say``) is spoken, then
    automatic exits (``when`` alone) are tried. A state without exit conditions other than automatic ones
    never waits for words.

    Attributes:
        say_on_entry: (ours) words on entry.
        say_again: (ours) words on coming back to it (after a side trip or an answer given in passing);
            default: the question, i.e. the last sentence said in it that ends with "?".
        prompts: (ours) other wordings of the question, after it was not understood or met by silence.
        expect: (ours) form of the answer.
        then: (ours) escalate, transfer, end, set or clear once the entry words were said.
        verbatim: (ours) the entry words are said as they are written, whatever reasoner speaks.
        takes_up_wishes: (ours) a wish is done here: the caller is asked about another one that was named in
            the same breath, in the place of the state's question.
    """

    type: Literal["action"]
    objective: str
    actions: tuple[Action, ...] = ()
    intra_state_navigation_guidelines: tuple[str, ...] = ()
    action_guidelines: tuple[str, ...] = ()
    boundary_constraints: tuple[str, ...] = ()
    exit_conditions: tuple[ExitCondition, ...] = ()
    action_tool_call_specs: tuple[ToolCallSpec, ...] = ()
    exit_condition_tool_call_specs: tuple[ToolCallSpec, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    channel_overrides: dict[str, ChannelOverride] = Field(default_factory=dict)
    turn_policy: TurnPolicy | None = None
    escalation_config: RiskOverride | None = None
    surface_spec_template: dict[str, Any] | None = None
    wait_for: Literal["surface_submission", "human_approval"] | None = None
    skip_active_memory_retrieval: bool = False
    preload: Annotated[tuple[PreloadCall, ...], Field(max_length=20)] = ()
    say_on_entry: Phrases = ()
    say_again: Phrases = ()
    prompts: Phrases = ()
    expect: Expect | None = None
    then: Consequence | None = None
    verbatim: bool = False
    takes_up_wishes: bool = False


class DecisionState(BaseState):
    """Pass-through: picks exactly one exit condition, says nothing to the caller, waits for nobody.

    Exits are tried in order: the first whose ``when`` holds (and whose ``examples`` fit what the caller said
    last); the last one is the catch-all.
    """

    type: Literal["decision"]
    objective: str
    decision_guidelines: tuple[str, ...] = ()
    exit_conditions: Annotated[tuple[ExitCondition, ...], Field(min_length=1)]
    tool_call_specs: tuple[ToolCallSpec, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    channel_overrides: dict[str, ChannelOverride] = Field(default_factory=dict)
    turn_policy: TurnPolicy | None = None
    wait_for: Literal["surface_submission", "human_approval"] | None = None
    audio_fillers: Annotated[tuple[str, ...], Field(max_length=5)] = ()
    audio_filler_triggered_after: Annotated[float, Field(gt=0.0, le=10.0)] | None = None


class AnnotationState(BaseState):
    """Adds a fixed inner thought and goes on; no model is asked and nothing is said."""

    type: Literal["annotation"]
    inner_thought: str
    next_state: NextState


class DataCollectionState(BaseState):
    """Learns the values of its fields, in any order the caller gives them.

    A field that is already known (volunteered earlier, found by a tool, carried over) is not asked again.

    Attributes:
        on_complete: next state once every required field is known and confirmed.
        max_turns: caller turns after which it gives up: ``on_give_up``, or a person is offered.
        on_give_up: (ours) next state after ``max_turns``.
        exit_conditions: (ours) other ways out, as in an action state ("I don't have the card with me").
        say_on_entry: (ours) words before the first question.
        preload: (ours) tools called on entry, as in an action state.
        actions: (ours) with ``examples``: answers in passing, as in an action state.
    """

    type: Literal["data_collection"]
    objective: str
    fields: Annotated[tuple[CollectionField, ...], Field(min_length=1)]
    on_complete: NextState
    max_turns: Annotated[int, Field(ge=1)] = 10
    surface_fallback: bool = False
    surface_fallback_after_turns: Annotated[int, Field(ge=1)] = 6
    action_guidelines: tuple[str, ...] = ()
    boundary_constraints: tuple[str, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    channel_overrides: dict[str, ChannelOverride] = Field(default_factory=dict)
    tool_call_specs: tuple[ToolCallSpec, ...] = ()
    turn_policy: TurnPolicy | None = None
    escalation_config: RiskOverride | None = None
    on_give_up: NextState | None = None
    exit_conditions: tuple[ExitCondition, ...] = ()
    say_on_entry: Phrases = ()
    preload: Annotated[tuple[PreloadCall, ...], Field(max_length=20)] = ()
    actions: tuple[Action, ...] = ()


class RecallState(BaseState):
    """Looks into memory: either fixed ``queries`` or ``requested_information`` in words, never both.

    The passages found are kept under ``save_as`` (ours, default ``recall``) and as an inner thought.
    """

    type: Literal["recall"]
    queries: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    requested_information: str | None = None
    next_state: NextState
    save_as: str = "recall"

    @model_validator(mode="after")
    def _one_of_both(self) -> RecallState:
        if (self.queries is None) == (self.requested_information is None):
            raise ValueError("give either queries or requested_information, not both and not neither")
        return self


class ReflectionState(BaseState):
    """Thinks about ``problem`` in at most ``word_limit`` words; the thought is kept, never spoken."""

    type: Literal["reflection"]
    problem: str
    word_limit: Annotated[int, Field(gt=0)]
    next_state: NextState
    tool_call_specs: tuple[ToolCallSpec, ...] = ()
    audio_fillers: Annotated[tuple[str, ...], Field(max_length=5)] = ()
    audio_filler_triggered_after: Annotated[float, Field(gt=0.0, le=10.0)] | None = None


def _spec_from_name(value: Any) -> Any:
    return {"tool_id": value} if isinstance(value, str) else value


class ToolCallState(BaseState):
    """Calls one designated tool and goes on; its result is there for the next state.

    Attributes:
        designated_tool: the tool; its result is always persisted.
        on_failure: (ours) next state when the tool fails or takes too long; without it ``next_state`` follows
            and ``<result>.failed`` is true in conditions.
        say_on_entry: (ours) said before the tool is called ("Let me book that for you.").
        say_on_failure: (ours) said when it failed, before moving.
    """

    type: Literal["tool_call"]
    designated_tool: Annotated[ToolCallSpec, BeforeValidator(_spec_from_name)]
    next_state: NextState
    designated_tool_call_objective: str = ""
    designated_tool_call_context: str = ""
    designated_tool_call_guidances: tuple[str, ...] = ()
    designated_tool_call_validations: tuple[str, ...] = ()
    designated_tool_call_params_generation_audio_fillers: Annotated[tuple[str, ...], Field(max_length=5)] = ()
    designated_tool_call_params_generation_audio_filler_triggered_after: (
        Annotated[float, Field(gt=0.0, le=10.0)] | None
    ) = None
    tool_call_specs: tuple[ToolCallSpec, ...] = ()
    turn_policy: TurnPolicy | None = None
    on_failure: NextState | None = None
    say_on_entry: Phrases = ()
    say_on_failure: Phrases = ()


def _type_of(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return _TYPE_SPELLINGS.get(kind, kind) if isinstance(kind, str) else None


State = Annotated[
    Annotated[ActionState, Tag("action")]
    | Annotated[DecisionState, Tag("decision")]
    | Annotated[AnnotationState, Tag("annotation")]
    | Annotated[DataCollectionState, Tag("data_collection")]
    | Annotated[RecallState, Tag("recall")]
    | Annotated[ReflectionState, Tag("reflection")]
    | Annotated[ToolCallState, Tag("tool_call")],
    Discriminator(_type_of),
]
