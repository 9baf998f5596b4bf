"""The pieces that states of a context graph are made of: exits, actions, tool specs, policies.

Names and defaults are those of the published interface. What the embedded reasoner needs and the published
schema has no place for (what to say, example sentences of callers, conditions) is marked *ours* in each
docstring; a graph without any of it is valid and runs under an LLM.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from models.expectation import AnswerKind

NextState = str | tuple[str, str]
"""A state's name, or ``(ref.state, return_state)``: run a referenced graph and go on at ``return_state``
after it."""

Value = str | int | float | bool | None


def as_list(value: Any) -> Any:
    """A single phrase as a list of one."""
    return [value] if isinstance(value, str) else value


Phrases = Annotated[tuple[str, ...], BeforeValidator(as_list)]
"""One template or several variants; they are used in turn, so a caller does not hear the same words twice."""


class Part(BaseModel):
    """Base of everything in a graph: immutable, and a misspelt field is an error rather than silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProgressMode(StrEnum):
    """How waiting for a tool is narrated."""

    AUTO = "auto"
    SILENT = "silent"
    BACKCHANNEL = "backchannel"
    VERBAL = "verbal"


class ProgressHint(Part):
    """How the agent narrates waiting for a tool.

    Attributes:
        deterministic: True plays ``phrases`` verbatim and in order; False takes them as hints.
        trigger_delay_ms: wait before the first filler, 0 = at once; default of the engine settings (400).
        interval_ms: between further fillers; default of the engine settings (5000).
        custom_phrase: legacy spelling of a single phrase.
    """

    mode: ProgressMode = ProgressMode.AUTO
    deterministic: bool = False
    phrases: Annotated[tuple[str, ...], Field(min_length=1, max_length=10)] | None = None
    trigger_delay_ms: Annotated[int, Field(ge=0, le=30000)] | None = None
    interval_ms: Annotated[int, Field(ge=100, le=30000)] | None = None
    expected_latency_ms: Annotated[int, Field(ge=0, le=60000)] | None = None
    progress_class: Literal["lookup", "write", "external_call", "compute", "multi_step"] | None = None
    custom_phrase: Annotated[str, Field(max_length=500)] | None = None


class ChannelOverride(Part):
    """What differs on one channel (``voice``, ``text``)."""

    objective: str | None = None
    action_guidelines: tuple[str, ...] = ()
    progress: ProgressHint | None = None
    say_on_entry: Phrases = ()
    """Ours: other entry words on this channel."""


class Guardrail(Part):
    """A named rule of one state."""

    name: Annotated[str, Field(max_length=128)]
    description: Annotated[str, Field(max_length=1000)]
    enforcement: Literal["hard", "soft"] = "hard"


class RiskOverride(Part):
    """Published ``StateRiskOverride``: how touchy the risk score is in this state (``None`` = inherit)."""

    auto_escalate_threshold: float | None = None
    max_loop_count: Annotated[int, Field(ge=1)] = 3
    operator_skill: str | None = None
    topic_risk_score: float = 0.0


class RiskGuideline(Part):
    """Ours: what changes while a call's risk is at one level.

    Attributes:
        action_guidelines: told to a language model, on top of the state's.
        offer_person: a person is offered once, in place of the next question (with any reasoner).
    """

    action_guidelines: tuple[str, ...] = ()
    offer_person: bool = False


class TurnPolicy(Part):
    """How turns are taken in this state: the state is the policy."""

    barge_in_enabled: bool = True
    greeting_shield_s: Annotated[float, Field(ge=0.0)] = 0.0
    stt_eot_threshold: float | None = None
    stt_eager_eot_threshold: float | None = None
    stt_eot_timeout_ms: int | None = None
    safety_response: Literal["suspend_forward", "stay_empathize", "alert"] = "stay_empathize"
    block_forward_call: bool = False
    block_forward_call_after_turns: Annotated[int, Field(ge=-1)] = -1
    context_strategy: Literal["full", "summarize", "compact"] = "full"
    degradation_threshold: Annotated[int, Field(ge=-1)] = -1


class Retention(StrEnum):
    """How long a tool's result is kept for the reasoner."""

    EPHEMERAL = "ephemeral"
    PERSISTED_PREFERRED = "persisted-preferred"
    PERSISTED = "persisted"


class Merge(StrEnum):
    """What happens to earlier results of the same tool."""

    ACCUMULATE = "accumulate"
    OVERRIDE = "override"


class ToolCallSpec(Part):
    """Permission to call one tool in a state, and how.

    Attributes:
        tool_id: name in the registry. A tool without a spec in the current state cannot be called.
        params: (ours) argument -> template; a template that is exactly one ``{path}`` passes the value
            itself. Arguments not named here are filled from collected fields of the same name.
        save_as: (ours) name of the result in templates and conditions; the tool's name by default.
        result_persistence: either published vocabulary, see :attr:`retention` and :attr:`merge`.
    """

    tool_id: str
    additional_instruction: str = ""
    audio_fillers: Annotated[tuple[str, ...], Field(max_length=5)] | None = None
    audio_filler_triggered_after: Annotated[float, Field(gt=0.0, le=10.0)] | None = None
    navigate_on_completion: bool = False
    progress: ProgressHint | None = None
    result_persistence: Literal["accumulate", "override", "ephemeral", "persisted-preferred", "persisted"] = (
        "accumulate"
    )
    version_constraint: str | None = None
    delivery: Literal["interrupt", "queue"] = "interrupt"
    failure_delivery: Literal["interrupt", "queue"] | dict[str, Literal["interrupt", "queue"]] | None = None
    execution: Literal["blocking", "background"] = "blocking"
    lifecycle: Literal["coupled", "independent"] = "independent"
    params: dict[str, Value | list[Value]] = Field(default_factory=dict)
    save_as: str | None = None

    @property
    def result_name(self) -> str:
        """Name under which templates and conditions find the result."""
        return self.save_as or self.tool_id

    @property
    def retention(self) -> Retention:
        """Classic words name it; the Platform's words imply ``persisted-preferred``."""
        if self.result_persistence in ("accumulate", "override"):
            return Retention.PERSISTED_PREFERRED
        return Retention(self.result_persistence)

    @property
    def merge(self) -> Merge:
        """The Platform's words name it; Classic words imply ``accumulate``."""
        return Merge.OVERRIDE if self.result_persistence == "override" else Merge.ACCUMULATE


class PreloadCall(Part):
    """A tool called on entry, in parallel with the others of the list, before anything is said."""

    tool_id: str
    params: dict[str, Value | list[Value]] = Field(default_factory=dict)
    save_as: str | None = None


class Expect(Part):
    """Ours: what a sensible answer looks like; derived from exits and fields when left out."""

    kinds: tuple[AnswerKind, ...] = ()
    digits: Annotated[int, Field(ge=1, le=40)] | None = None
    phrases: Phrases = ()
    keyterms: Phrases = ()


class Consequence(Part):
    """Ours: what an exit, an intent or a state does besides saying and moving.

    Attributes:
        set: fields to write; values are templates (a lone ``{path}`` copies the value).
        clear: fields to forget, so that they are asked again.
        escalate: ask for a person: the reason, or ``{reason, hard}``.
        transfer: number (E.164) or location name to move the call to.
        end: published completion reason with which the conversation ends.
    """

    set: dict[str, Value] = Field(default_factory=dict)
    clear: Annotated[tuple[str, ...], BeforeValidator(as_list)] = ()
    escalate: Escalation | str | None = None
    transfer: str | None = None
    end: str | None = None


class Escalation(Part):
    """A request for a person. ``hard`` stops the agent's own turns once it has said so."""

    reason: str
    hard: bool = False


class ExitCondition(Consequence):
    """One way out of a state.

    Attributes:
        description: what must be the case, in words (for the LLM, the drawing and a clarifying question).
        next_state: where it leads.
        filler_hint: published kind of filler to play while moving.
        examples: (ours) sentences a caller may say to mean it.
        answer: (ours) taken on a plain yes or no.
        when: (ours) condition over fields and results (see ``conditions.py``); with ``examples`` or
            ``answer`` both must hold. Alone it is automatic: taken as soon as it holds, on entry or later.
        say: (ours) said while leaving.
        label: (ours) a short name in questions: "Did you want to {label a} or {label b}?"
    """

    description: str
    next_state: NextState
    filler_hint: str | None = None
    examples: Phrases = ()
    answer: Literal["yes", "no"] | None = None
    when: str | None = None
    say: Phrases = ()
    label: str | None = None

    @property
    def is_catch_all(self) -> bool:
        """True when nothing restricts it. As the last exit, a decision takes it when no other fits, an action
        state when the caller is not understood; before others, only its description tells it."""
        return not self.examples and self.answer is None and self.when is None

    @property
    def is_automatic(self) -> bool:
        """True when only a condition restricts it: needs no words of the caller."""
        return self.when is not None and not self.examples and self.answer is None


class Action(Part):
    """One thing the agent does in a state.

    Attributes:
        description: WHAT to do.
        filler_hint: published kind of filler.
        say: (ours) the words for it. On entry the first action with ``say``, no ``examples`` and a true
            ``when`` is spoken (unless the state has ``say_on_entry``).
        examples: (ours) sentences of callers it answers without leaving the state ("do you take Aetna").
        when: (ours) condition.
        tool: (ours) tool to call before saying it; must be in the state's ``action_tool_call_specs``.
    """

    description: str
    filler_hint: str | None = None
    say: Phrases = ()
    examples: Phrases = ()
    when: str | None = None
    tool: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _classic_is_a_string(cls, data: Any) -> Any:
        return {"description": data} if isinstance(data, str) else data


Consequence.model_rebuild()
ExitCondition.model_rebuild()


class Intent(Consequence):
    """Ours: something a caller may want at any time, whatever the state.

    ``person``, ``repeat``, ``slower``, ``hold_on``, ``start_over`` and ``goodbye`` exist without being
    listed; listing one of these names replaces its words and, where given, its effect.

    Attributes:
        name: unique name.
        description: what the caller wants, in words.
        examples: sentences that mean it (added to the built-in ones for the six names above).
        say: the answer. Without ``next_state`` the conversation then returns to the open question.
        next_state: where it leads.
        returns: with ``next_state``: a side trip. It ends where the referenced graph ends, or at a state
            whose ``next_state`` is ``return``; then the interrupted state goes on where it was.
        when: condition under which it exists at all.
        tool: a tool called before saying it. The intent is the permission, as a spec is in a state.
        label: a short name in clarifying questions.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
    description: str = ""
    examples: Phrases = ()
    say: Phrases = ()
    next_state: str | None = None
    returns: bool = False
    when: str | None = None
    tool: ToolCallSpec | None = None
    label: str | None = None
