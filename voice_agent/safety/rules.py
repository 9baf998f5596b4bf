"""Safety rules as documents say them: monitor concepts, responses, hard escalation rules, behaviors.

Names, defaults and limits are the published ones where one exists. What the published schema has no place for
(patterns, example sentences, what is said) is marked *ours*; a concept without any of it is valid and is
found by likeness to its description alone.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from voice_agent.reasoning.parts import Phrases

Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=64)]
OperatorType = Literal["clinical", "administrative", "crisis_counselor"]
Patterns = Phrases
"""In the language of :mod:`voice_agent.safety.patterns`."""


class Level(IntEnum):
    """The published concern levels."""

    NONE = 0
    MILD = 1
    """Counts with others like it."""
    SIGNIFICANT = 2
    """A person looks; the agent goes on, perhaps with a word about it."""
    ACUTE = 3
    """Help at once, whatever is being talked about."""


def _level(value: object) -> object:
    """Levels are written as words; numbers are allowed."""
    if isinstance(value, str) and value.upper() in Level.__members__:
        return Level[value.upper()]
    return value


LevelName = Annotated[Level, BeforeValidator(_level)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ConceptEscalation(_Rule):
    """Whom a concept calls. ``immediate``: an acute finding that has a response stops the agent's own turns;
    without words to leave the caller with, the agent goes on."""

    operator_type: OperatorType = "crisis_counselor"
    immediate: bool = True
    reason: Annotated[str, Field(max_length=2000)] = ""
    regulatory_basis: Annotated[str, Field(max_length=2000)] = ""


class Response(_Rule):
    """Ours: what the agent says, word for word, and where the conversation goes. Never a diagnosis.

    Attributes:
        say: on an acute finding.
        again: when it is acute once more; ``say`` when empty.
        unsure: on acute words that were badly heard; ``say`` when empty.
        soft: on a significant finding, before the reply; nothing when empty.
        next_state: state of the graph an acute finding leads to, where the graph has it.
    """

    say: str = ""
    again: str = ""
    unsure: str = ""
    soft: str = ""
    next_state: str | None = None


class MonitorConcept(_Rule):
    """Something to listen for.

    Attributes:
        description: in words; compared with what is said.
        threshold: likeness in accumulated context from which a turn counts as mild.
        standalone_threshold: likeness of one turn that is a finding by itself.
        level: (ours) of such a finding.
        examples: (ours) what people say who mean it, besides the description.
        harmless_examples: (ours) likeness to one of these that is as high outvotes the examples.
        acute, significant, mild: (ours) patterns, and what a match means.
        harmless: (ours) patterns; what lies inside their match is not found.
        past: (ours) level of something said to have been long ago.
        response: (ours) name of the response.
    """

    name: Name
    description: str = Field(min_length=1, max_length=2000)
    threshold: Annotated[float, Field(gt=0.0, le=1.0)] = 0.4
    standalone_threshold: Annotated[float, Field(gt=0.0, le=1.0)] = 0.85
    tags: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(max_length=50)] = ()
    escalation: ConceptEscalation = ConceptEscalation()
    level: LevelName = Level.SIGNIFICANT
    examples: Phrases = ()
    harmless_examples: Phrases = ()
    acute: Patterns = ()
    significant: Patterns = ()
    mild: Patterns = ()
    harmless: Patterns = ()
    past: LevelName = Level.NONE
    response: Name | None = None

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> MonitorConcept:
        if self.threshold > self.standalone_threshold:
            raise ValueError(
                f"threshold {self.threshold} is above standalone_threshold {self.standalone_threshold};"
                " a single turn needs the higher one"
            )
        return self


class HardEscalationRule(_Rule):
    """A rule of the service that no reasoner can overrule.

    Attributes:
        detection: ``intent``: what the caller says; ``state``: where the conversation is.
        intent_patterns: patterns over the caller's words.
        states: (ours) names of states, for ``state``.
        immediate: the agent stops its own turns; it says its ``response`` before that, so one is needed.
        response: (ours) name of what is said.
    """

    name: Name
    detection: Literal["intent", "state"]
    intent_patterns: Patterns = ()
    states: Phrases = ()
    immediate: bool = False
    operator_type: OperatorType
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    regulatory_basis: Annotated[str, Field(max_length=2000)] = ""
    response: Name | None = None

    @model_validator(mode="after")
    def _has_something_to_detect(self) -> HardEscalationRule:
        wanted = "intent_patterns" if self.detection == "intent" else "states"
        if not getattr(self, wanted):
            raise ValueError(f"a rule that detects by {self.detection} needs {wanted!r}")
        if self.immediate and self.response is None:
            raise ValueError(
                f"the rule {self.name!r} is immediate and says nothing: the caller would hear silence; give"
                " it a 'response', or 'immediate: false'"
            )
        return self


class BehaviorTrigger(_Rule):
    """When a behavior applies: every kind that is listed must fit. ``keywords`` are patterns."""

    states: Annotated[Phrases, Field(max_length=50)] = ()
    keywords: Annotated[Patterns, Field(max_length=50)] = ()
    emotion_tiers: Annotated[tuple[Annotated[int, Field(ge=0, le=3)], ...], Field(max_length=4)] = ()


class BehaviorAction(_Rule):
    """What it does in the turn in which it applies.

    Attributes:
        instruction: the reply works it in, as an operator's guidance.
        filler_override: what a wait for tools is first covered with.
    """

    instruction: Annotated[str, Field(max_length=2000)] = ""
    filler_override: Literal["empathy", "receipt", "working", "silent"] | None = None

    @model_validator(mode="after")
    def _does_something(self) -> BehaviorAction:
        if not self.instruction and self.filler_override is None:
            raise ValueError("an action that does nothing; give an instruction or a filler_override")
        return self


class Behavior(_Rule):
    """A workspace behavior. Higher ``priority`` first; after it applied it rests ``cooldown_turns`` turns."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    description: str = ""
    enabled: bool = True
    priority: Annotated[int, Field(ge=-10, le=10)] = 0
    cooldown_turns: Annotated[int, Field(ge=0, le=100)] = 3
    trigger: BehaviorTrigger
    action: BehaviorAction

    @model_validator(mode="after")
    def _has_a_trigger(self) -> Behavior:
        if not (self.trigger.states or self.trigger.keywords or self.trigger.emotion_tiers):
            raise ValueError(
                "a behavior without a trigger would apply always; give states, keywords or tiers"
            )
        return self


class SafetyConfig(_Rule):
    """When findings become deeds (published names; our numbers).

    Attributes:
        triage_max_history_turns: turns kept of how concerned each was.
        accumulation_window_size: turns in which mild findings add up.
        accumulation_mild_threshold: level from which a turn counts in the window.
        accumulation_single_turn_threshold: level of one turn at which a person is told.
        accumulation_cumulative_count: mild turns in the window that are as good as a significant one.
        accumulation_fast_track_level: level at which help is called at once.
    """

    triage_enabled: bool = True
    triage_max_history_turns: Annotated[int, Field(ge=1, le=100)] = 10
    accumulation_enabled: bool = True
    accumulation_window_size: Annotated[int, Field(ge=1, le=100)] = 10
    accumulation_mild_threshold: LevelName = Level.MILD
    accumulation_single_turn_threshold: LevelName = Level.SIGNIFICANT
    accumulation_cumulative_count: Annotated[int, Field(ge=1, le=100)] = 3
    accumulation_fast_track_level: LevelName = Level.ACUTE


class Template(_Rule):
    """Concepts that belong together, such as those of one regulation.

    Attributes:
        template_ids: further templates that come with it (a composite one).
        words: sets of words for patterns.
        heard_as: what was said -> what recognizers make of it.
        expected: what a recognizer should be ready to hear at any moment.
        harmless_examples: what people say on such a line all day; outvotes the examples of every concept.
    """

    name: Name
    description: str = ""
    template_ids: tuple[Name, ...] = ()
    words: dict[str, Phrases] = Field(default_factory=dict)
    heard_as: dict[str, Phrases] = Field(default_factory=dict)
    responses: dict[str, Response] = Field(default_factory=dict)
    harmless_examples: Phrases = ()
    expected: Phrases = ()
    concepts: tuple[MonitorConcept, ...] = ()


class SafetyRules(Template):
    """What one service listens for: templates, and what it adds or says differently (``safety.yaml``).

    ``override_existing``: its own concepts take the place of a template's of the same name; without it they
    are passed over, as the published interface does.
    """

    name: Name = "service"
    override_existing: bool = False
    config: SafetyConfig = SafetyConfig()
    hard_escalation_rules: tuple[HardEscalationRule, ...] = ()
    behaviors: Annotated[tuple[Behavior, ...], Field(max_length=100)] = ()
