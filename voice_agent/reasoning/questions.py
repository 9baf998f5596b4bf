"""The open question of a state: its words, and what a sensible answer looks like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from models.expectation import AnswerKind, Expectation
from voice_agent.reasoning.choosing import Offer
from voice_agent.reasoning.fields import SPELLED, CollectionField, FieldType, field_length
from voice_agent.reasoning.interjections import intents_at
from voice_agent.reasoning.parts import ExitCondition
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.session import (
    ConfirmValue,
    GuidedQuestion,
    PersonOffered,
    Session,
    WhichOne,
    WhichOption,
)
from voice_agent.reasoning.states import ActionState, DataCollectionState
from voice_agent.reasoning.templates import join_options, say_value, sentences

MAX_PHRASES = 200
"""Sentences handed to the recognizer."""

_POSITIONS = (
    "the first one",
    "the second one",
    "the third one",
    "the last one",
    "the earlier one",
    "the later one",
)
_NOT_A_WORD = re.compile(r"[^a-z0-9' ]+")


def question(session: Session, attempt: int = 0) -> str:
    """The question of the current state in words that fit the attempt (0 = first)."""
    state = session.here.state
    if isinstance(state, DataCollectionState):
        field = asked_field(session)
        return field_question(session, field, attempt) if field is not None else ""
    if not isinstance(state, ActionState):
        return ""
    if attempt > 0 and state.prompts:
        return session.phrases.at(state.prompts, attempt - 1)
    if state.say_again and (again := session.phrases.pick(state.say_again)):
        return again
    said = sentences(session.words.get(session.here.name, ""))
    asking = [sentence for sentence in said if sentence.endswith("?")]
    return asking[-1] if asking else (said[-1] if said else session.phrases.phrase(PhraseName.HELP))


def wish_question(session: Session, pending: WhichOption) -> str:
    """The question which of several wishes was meant, or whether one named before still is."""
    labels = [option.label for option in pending.options]
    if len(labels) == 1:
        return session.phrases.phrase(PhraseName.ALSO_WISHED, wish=labels[0])
    return session.phrases.phrase(PhraseName.CLARIFY, options=_either(labels))


def _either(labels: Sequence[str]) -> str:
    return ", or ".join([", ".join(labels[:-1]), labels[-1]]) if len(labels) > 2 else " or ".join(labels)


def asked_field(session: Session) -> CollectionField | None:
    """The field whose question is open in the current state."""
    state = session.here.state
    if not isinstance(state, DataCollectionState) or session.asked is None:
        return None
    return next((field for field in state.fields if field.key == session.asked), None)


def field_question(session: Session, field: CollectionField, attempt: int = 0) -> str:
    """The question for a field; further attempts get other words where the graph has them."""
    values: dict[str, Any] = {"label": field.label}
    choosing = field.type is FieldType.CHOICE and (field.say_options or field.options_from)
    if field.type is FieldType.CHOICE:
        offered = [offer.text for offer in offers(session, field)[: session.settings.offers]]
        values["options"] = join_options(offered)
    if (
        attempt > 0
        and field.ask_again
        and (again := session.phrases.at(field.ask_again, attempt - 1, **values))
    ):
        return again
    if choosing:
        words = session.phrases.pick(field.say_options, **values)
        return words or session.phrases.phrase(PhraseName.OPTIONS, **values)
    if field.ask_prompt and (asked := session.phrases.fill(field.ask_prompt, **values)):
        return asked
    name = PhraseName.OPTIONS if field.type is FieldType.CHOICE else PhraseName.ASK
    return session.phrases.phrase(name, **values)


def offers(session: Session, field: CollectionField) -> list[Offer]:
    """The items of a choice with the words for them."""
    if field.options_from is not None:
        items = session.memory.lookup(field.options_from)
        listed: Sequence[Any] = items if isinstance(items, list | tuple) else []
        texts = [(item, session.phrases.fill(field.option_text, item=item)) for item in listed]
        return [Offer(item, text) for item, text in texts if text]
    return [Offer(option, option) for option in field.options or ()]


def value_in_words(session: Session, field: CollectionField, value: Any) -> str:
    """A value as it is read back: characters one by one, dates and times as spoken."""
    if field.type is FieldType.CHOICE and field.options_from is not None:
        return session.phrases.fill(field.option_text, item=value)
    if field.type is FieldType.PHONE and isinstance(value, str):
        value = value.removeprefix("+1")  # the country of the grammar: callers do not say it
    how = "spell" if field.type in SPELLED else "time" if field.type is FieldType.TIME else ""
    return say_value(value, today=session.memory.today, how=how)


def expectation(session: Session, *, prompt: str | None = None) -> Expectation:
    """What may be heard next. ``prompt`` is what is about to be asked; by default what was said last."""
    if session.place is None:
        return Expectation()
    state = session.here.state
    exits = state.exit_conditions if isinstance(state, ActionState | DataCollectionState) else ()
    phrases = _words(_phrases_here(session, exits))
    prompt = session.history.repeatable if prompt is None else prompt
    pending = session.pending
    if isinstance(pending, ConfirmValue):
        field = find_field(session, pending.key)
        kind, digits = (field.kind, field_length(field)) if field else (AnswerKind.FREE, None)
        return Expectation((AnswerKind.YES_NO, kind), digits, phrases, prompt=prompt)
    if isinstance(pending, PersonOffered) or (isinstance(pending, GuidedQuestion) and pending.offer):
        return Expectation(kinds=(AnswerKind.YES_NO,), phrases=phrases, prompt=prompt)
    if isinstance(pending, WhichOne):
        return Expectation(kinds=(session_field_kind(session, pending.key),), phrases=phrases, prompt=prompt)
    if isinstance(pending, WhichOption):
        labels = _words([*(option.label for option in pending.options), *_POSITIONS[:2]])
        kind = AnswerKind.PHRASES if len(pending.options) > 1 else AnswerKind.YES_NO
        return Expectation(kinds=(kind,), phrases=labels + phrases, prompt=prompt)
    field = asked_field(session)
    if field is not None:
        return _of_field(session, field, phrases, prompt)
    return _of_action(session, exits, phrases, prompt)


def session_field_kind(session: Session, key: str) -> AnswerKind:
    """Form of a field's answer, wherever in the graph it is collected."""
    field = find_field(session, key)
    return field.kind if field is not None else AnswerKind.FREE


def find_field(session: Session, key: str) -> CollectionField | None:
    """A field by key: of the current state, else of the first state that collects it."""
    places = list(session.linked.places.values())
    if session.place is not None:
        places.insert(0, session.place)
    for place in places:
        if isinstance(place.state, DataCollectionState):
            for field in place.state.fields:
                if field.key == key:
                    return field
    return None


def _of_field(session: Session, field: CollectionField, phrases: tuple[str, ...], prompt: str) -> Expectation:
    kinds: tuple[AnswerKind, ...] = (field.kind, AnswerKind.PHRASES)
    if field.kind is AnswerKind.FREE:
        kinds = (AnswerKind.FREE,)
    if field.kind is AnswerKind.PHRASES:
        offered = _words(offer.text for offer in offers(session, field))
        phrases = (*offered, *_POSITIONS[: max(2, len(offered))], *phrases)
        kinds = (
            (AnswerKind.PHRASES, AnswerKind.TIME, AnswerKind.DATE)
            if field.options_from
            else (AnswerKind.PHRASES,)
        )
    digits = field_length(field)
    if digits is not None and (heard := session.partial.get(field.key)):
        digits = max(1, digits - len(heard))
    return Expectation(kinds, digits, phrases[:MAX_PHRASES], field.keyterms, prompt)


def _of_action(
    session: Session, exits: tuple[ExitCondition, ...], phrases: tuple[str, ...], prompt: str
) -> Expectation:
    state = session.here.state
    given = state.expect if isinstance(state, ActionState) else None
    if given is not None and given.kinds:
        return Expectation(given.kinds, given.digits, _words(given.phrases) + phrases, given.keyterms, prompt)
    keyterms = given.keyterms if given is not None else ()
    if any(exit_.answer is not None for exit_ in exits):
        return Expectation((AnswerKind.YES_NO, AnswerKind.PHRASES), None, phrases, keyterms, prompt)
    return Expectation((AnswerKind.PHRASES, AnswerKind.FREE), None, phrases, keyterms, prompt)


def _phrases_here(session: Session, exits: tuple[ExitCondition, ...]) -> Iterable[str]:
    state = session.here.state
    for exit_ in exits:
        yield from exit_.examples
    for action in getattr(state, "actions", ()):
        yield from action.examples
    for intent in intents_at(session):
        yield from intent.examples


def _words(texts: Iterable[str]) -> tuple[str, ...]:
    """Lower case, words only, each once, bounded."""
    plain = (" ".join(_NOT_A_WORD.sub(" ", text.lower()).split()) for text in texts)
    return tuple(dict.fromkeys(text for text in plain if text))[:MAX_PHRASES]
