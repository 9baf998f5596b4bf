"""Reads safety rules and puts them together with their templates; every problem is told with its line."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from voice_agent.reasoning.document import Unreadable, explained, read_document, shape_problems
from voice_agent.reasoning.problems import LineMap, Problem
from voice_agent.reasoning.problems import Path as Place
from voice_agent.safety.errors import PatternError, SafetyRulesError
from voice_agent.safety.patterns import Pattern, WordSets
from voice_agent.safety.rules import (
    Behavior,
    BehaviorAction,
    BehaviorTrigger,
    ConceptEscalation,
    HardEscalationRule,
    MonitorConcept,
    Response,
    SafetyConfig,
    SafetyRules,
    Template,
)

TEMPLATES = Path(__file__).parent / "templates"

DEFAULT_TEMPLATE = "standard"
"""A composite: the doctor's line and the three regulations."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything one service listens for, templates and own rules as one. Made by :func:`load_rules`.

    ``words`` are the sets for the service's own patterns, ``sets`` those for each concept's, by its name: a
    set of the same name in another template does not change what a concept means. ``templates``: those that
    apply, also the ones that others brought. ``written_at``: when the document was last changed, 1970 for one
    that is no file.
    """

    config: SafetyConfig
    words: WordSets
    sets: dict[str, WordSets]
    heard_as: dict[str, tuple[str, ...]]
    harmless_examples: tuple[str, ...]
    expected: tuple[str, ...]
    responses: dict[str, Response]
    concepts: tuple[MonitorConcept, ...]
    hard_rules: tuple[HardEscalationRule, ...]
    behaviors: tuple[Behavior, ...]
    templates: tuple[str, ...]
    written_at: datetime = datetime.fromtimestamp(0, UTC)

    def response(self, name: str | None) -> Response:
        """The response called so; an empty one for None."""
        return self.responses[name] if name is not None else Response()


def load_rules(path: Path | None = None, *, states: Collection[str] | None = None) -> RuleSet:
    """The rules of a ``safety.yaml``; without a file the standard ones.

    Args:
        states: names of the graph's states; None leaves unchecked which states the rules speak of.

    Raises:
        SafetyRulesError: listing every problem with its line. OSError: when the file cannot be read.
    """
    if path is None:
        rules, path = (
            read_rules(f"template_ids: [{DEFAULT_TEMPLATE}]"),
            TEMPLATES / f"{DEFAULT_TEMPLATE}.yaml",
        )
    else:
        rules = read_rules(path.read_bytes(), name=path.name, states=states)
    return replace(rules, written_at=datetime.fromtimestamp(path.stat().st_mtime, UTC))


def read_rules(
    document: str | bytes, *, name: str = "safety rules", states: Collection[str] | None = None
) -> RuleSet:
    """The rules of a document; see :func:`load_rules`."""
    own, lines = _read(document, name, SafetyRules)
    parts: dict[str, Template] = {}
    problems: list[Problem] = []
    for index, wanted in enumerate(own.template_ids):
        try:
            _gather(wanted, parts)
        except KeyError:
            known = ", ".join(template_names())
            problems.append(
                lines.problem(("template_ids", index), f"{wanted!r} is no template", f"use some of {known}")
            )
    rules = _joined(own, parts)
    problems += _problems(own, rules, lines)
    if states is not None:
        problems += _unknown_states(own, states, lines)
    if problems:
        raise SafetyRulesError(_listed(name, problems))
    return rules


def template_names() -> list[str]:
    """The templates that come along."""
    return sorted(path.stem for path in TEMPLATES.glob("*.yaml"))


def _gather(name: str, parts: dict[str, Template]) -> None:
    """Add a template and those it brings; one that was added stays as it is."""
    if name in parts:
        return
    parts[name] = template = _template(name)
    for other in template.template_ids:
        _gather(other, parts)


@lru_cache(maxsize=64)
def _template(name: str) -> Template:
    """A template that comes along; read once, for the files do not change. Raises :class:`KeyError`."""
    path = TEMPLATES / f"{name}.yaml"
    if not path.is_file():
        raise KeyError(name)
    template, lines = _read(path.read_bytes(), path.name, Template)
    if problems := list(_pattern_problems(template, template.words, lines)):
        raise SafetyRulesError(_listed(path.name, problems))
    return template


def _joined(own: SafetyRules, gathered: dict[str, Template]) -> RuleSet:
    parts, names = tuple(gathered.values()), tuple(gathered)
    words: dict[str, tuple[str, ...]] = {}
    heard_as: dict[str, tuple[str, ...]] = {}
    responses: dict[str, Response] = {}
    concepts: dict[str, MonitorConcept] = {}
    sets: dict[str, WordSets] = {}
    for part in (*parts, own):
        words.update(part.words)
        for said, wrong in part.heard_as.items():
            heard_as[said] = (*heard_as.get(said, ()), *wrong)
        for key, response in part.responses.items():
            # A service that gives only some of the words keeps the template's others.
            before = responses.get(key, Response())
            responses[key] = before.model_copy(update=response.model_dump(exclude_unset=True))
        for concept in part.concepts:
            if concept.name not in concepts or (part is own and own.override_existing):
                concepts[concept.name] = concept
                sets[concept.name] = part.words if part is not own else words
    return RuleSet(
        own.config,
        words,
        sets,
        heard_as,
        tuple(dict.fromkeys(text for part in (*parts, own) for text in part.harmless_examples)),
        tuple(dict.fromkeys(text for part in (*parts, own) for text in part.expected)),
        responses,
        tuple(concepts.values()),
        own.hard_escalation_rules,
        own.behaviors,
        names,
    )


def _problems(own: SafetyRules, rules: RuleSet, lines: LineMap) -> Iterator[Problem]:
    yield from _pattern_problems(own, rules.words, lines)
    known = ", ".join(sorted(rules.responses)) or "none"
    for place, response in _responses_named(own):
        if response is not None and response not in rules.responses:
            yield lines.problem(place, f"{response!r} is no response", f"use one of {known}, or write it")
    for index, rule in enumerate(own.hard_escalation_rules):
        yield from _check(
            rule.intent_patterns, ("hard_escalation_rules", index, "intent_patterns"), rules, lines
        )
    for index, behavior in enumerate(own.behaviors):
        yield from _check(
            behavior.trigger.keywords, ("behaviors", index, "trigger", "keywords"), rules, lines
        )
    for concept in rules.concepts:
        if concept.response is not None and concept.response not in rules.responses:
            yield lines.problem(
                (), f"the concept {concept.name!r} has no response {concept.response!r}", "write it"
            )


def _unknown_states(own: SafetyRules, states: Collection[str], lines: LineMap) -> Iterator[Problem]:
    """States that the graph does not have: a rule about one would never come true."""
    for place, speaker, state in _states_named(own):
        if state not in states:
            close = difflib.get_close_matches(state, states, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(sorted(states))}"
            yield lines.problem(
                place, f"{speaker} speaks of {state!r}, which is no state of the graph", remedy
            )


def _states_named(own: SafetyRules) -> Iterator[tuple[Place, str, str]]:
    """Place, whose it is, and the name. Those of templates are for graphs that have them."""
    for index, rule in enumerate(own.hard_escalation_rules):
        for number, state in enumerate(rule.states):
            yield ("hard_escalation_rules", index, "states", number), f"the rule {rule.name!r}", state
    for index, behavior in enumerate(own.behaviors):
        for number, state in enumerate(behavior.trigger.states):
            place: Place = ("behaviors", index, "trigger", "states", number)
            yield place, f"the behavior {behavior.name!r}", state
    for key, response in own.responses.items():
        if response.next_state is not None:
            yield ("responses", key, "next_state"), f"the response {key!r}", response.next_state


def _responses_named(own: SafetyRules) -> Iterator[tuple[Place, str | None]]:
    for index, concept in enumerate(own.concepts):
        yield ("concepts", index, "response"), concept.response
    for index, rule in enumerate(own.hard_escalation_rules):
        yield ("hard_escalation_rules", index, "response"), rule.response


def _pattern_problems(part: Template, words: WordSets, lines: LineMap) -> Iterator[Problem]:
    for index, concept in enumerate(part.concepts):
        for field in ("acute", "significant", "mild", "harmless"):
            yield from _check_patterns(getattr(concept, field), ("concepts", index, field), words, lines)


def _check(patterns: tuple[str, ...], place: Place, rules: RuleSet, lines: LineMap) -> Iterator[Problem]:
    return _check_patterns(patterns, place, rules.words, lines)


def _check_patterns(
    patterns: tuple[str, ...], place: Place, words: WordSets, lines: LineMap
) -> Iterator[Problem]:
    for index, source in enumerate(patterns):
        try:
            Pattern(source, words)
        except PatternError as error:
            message, _, remedy = str(error).partition("; ")
            yield lines.problem((*place, index), message, remedy or "correct the pattern")


_Model = TypeVar("_Model", bound=BaseModel)


def _read(document: str | bytes, name: str, model: type[_Model]) -> tuple[_Model, LineMap]:
    try:
        data, lines = read_document(document, key="concepts")
    except Unreadable as unreadable:
        problem = Problem(unreadable.line, "", str(unreadable), unreadable.remedy)
        raise SafetyRulesError(_listed(name, [problem])) from unreadable
    try:
        return model.model_validate(data), lines
    except ValidationError as invalid:
        raise SafetyRulesError(_listed(name, shape_problems(invalid, data, lines, _explain))) from invalid


def _explain(kind: str, message: str, path: Place, value: Any) -> tuple[str, str]:
    models: list[type[BaseModel]] = [SafetyRules, MonitorConcept, HardEscalationRule, Behavior, Response]
    models += [ConceptEscalation, SafetyConfig, BehaviorTrigger, BehaviorAction]
    known = sorted({name for model in models for name in model.model_fields})
    return explained(kind, message, path, value, known)


def _listed(name: str, problems: list[Problem]) -> str:
    return "the safety rules cannot be used:\n" + "\n".join(f"{name}: {problem}" for problem in problems)
