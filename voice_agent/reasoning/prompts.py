"""What a language model is told: the current state in words, and nothing else of the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import to_json

from voice_agent.reasoning.memory import plain
from voice_agent.reasoning.reasoner import Line, Situation, Speaker
from voice_agent.reasoning.templates import say_value

MAX_KNOWN_CHARACTERS = 12_000
"""Facts and results shown to a model; the rest is cut off."""

_SPACE = 3
"""Empathy tier from which a caller needs room."""

_SPEAKERS = {Speaker.CALLER: "Caller", Speaker.AGENT: "You", Speaker.OPERATOR: "Colleague"}


def navigation_prompt(situation: Situation) -> str:
    """Instructions for choosing what the caller means."""
    return "\n".join(
        (
            "You decide what a caller of a doctor's office means. You do not talk to them.",
            *_state(situation),
            *_section("How to decide", situation.navigation_guidelines),
            *_section("Never", situation.constraints),
            "Options (give the id):",
            *(
                f"- {option.id}: {_option(option.description, option.examples)}"
                for option in situation.options
            ),
            *_fields(situation),
            "Choose exactly one option."
            if situation.must_choose
            else "Choose 'none' when no option is meant.",
            "Copy the caller's own words for fields; leave out fields they did not speak about.",
        )
    )


def reply_prompt(situation: Situation, draft: Iterable[str]) -> str:
    """Instructions for the next words to the caller."""
    return "\n".join(
        (
            "You speak for a doctor's office. Reply with what is to be said next and nothing else.",
            f"At most {situation.max_sentences} sentences and {situation.max_words} words.",
            "Plain spoken English, no lists.",
            "One question or one statement per reply.",
            "Never state a date, time, number or name that is not given below.",
            *_state(situation),
            *_section("What you do here", situation.actions),
            *_section("How", situation.action_guidelines),
            *_section("Never", situation.constraints),
            *_section("Work in now (from a colleague)", situation.guidance),
            *_emotion(situation.emotion),
            "What is known:",
            known_facts(situation.known),
            *_section("Convey exactly this, in your own words", draft),
        )
    )


def transcript(lines: Iterable[Line], utterance: str) -> str:
    """The conversation so far, and the words to act on."""
    said = "\n".join(f"{_SPEAKERS[line.speaker]}: {line.text}" for line in lines)
    return f"{said}\n\nThe caller just said: {utterance or '(nothing yet)'}"


def known_facts(known: Mapping[str, Any]) -> str:
    """Facts as JSON."""
    return to_json(plain(known), fallback=str).decode()[:MAX_KNOWN_CHARACTERS]


def spoken_facts(value: Any, situation: Situation) -> Iterable[str]:
    """Every way a fact may be said: as written, and as a date or time is spoken."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from spoken_facts(item, situation)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from spoken_facts(item, situation)
    else:
        yield str(value)
        for how in ("date", "time", "spell"):
            yield say_value(value, today=situation.now.date(), how=how)


def _state(situation: Situation) -> Iterable[str]:
    yield f"Today is {situation.now:%A, %B %d, %Y, %H:%M}. Channel: {situation.channel}."
    yield f"Current step: {situation.state}. Objective: {situation.objective}"


def _option(description: str, examples: tuple[str, ...]) -> str:
    return description + (f" (for example: {'; '.join(examples[:4])})" if examples else "")


def _section(title: str, lines: Iterable[str]) -> Iterable[str]:
    listed = [f"- {line}" for line in lines if line]
    return [f"{title}:", *listed] if listed else []


def _fields(situation: Situation) -> Iterable[str]:
    if not situation.fields:
        return
    yield "Fields the caller may be giving:"
    for field in situation.fields:
        state = "being asked" if field.asked else "known" if field.known else "open"
        yield f"- {field.key}: {field.label} ({field.kind.value}, {state})"


def _emotion(emotion: Mapping[str, Any]) -> Iterable[str]:
    dominant = emotion.get("dominant")
    if not dominant or dominant == "neutral":
        return
    yield f"The caller may feel {dominant}: a guess from voice and words, not a fact."
    yield "Let wording take that up. Never name a feeling to them and never say that you know how they feel."
    tier = int(emotion.get("empathy_tier", 1))
    if tier >= _SPACE:
        yield "Few and slow words, room to breathe; do not hurry to the next question."
    if emotion.get("acknowledge"):
        yield "Begin with one short sentence that takes their situation seriously, then go on."
    elif tier:
        yield "A little warmth in the wording is enough; no sentence about feelings."
