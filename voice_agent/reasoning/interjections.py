"""What a caller may want at any moment: a person, to hear it again, a minute, to start over, to go.

The six built-in intents exist in every graph; a graph adds its own and may replace words and effects of
these.
"""

from __future__ import annotations

from collections.abc import Mapping

from voice_agent.reasoning.conditions import parse_condition
from voice_agent.reasoning.parts import Intent
from voice_agent.reasoning.session import Session

PERSON = "person"
REPEAT = "repeat"
SLOWER = "slower"
HOLD_ON = "hold_on"
START_OVER = "start_over"
GOODBYE = "goodbye"

BRIEF = frozenset({REPEAT, SLOWER, HOLD_ON})
"""Meant only when little else is said with them."""

BUILT_IN: Mapping[str, Intent] = {
    PERSON: Intent(
        name=PERSON,
        description="wants to talk to a person",
        label="talk to a person",
        examples=(
            "can i talk to a person", "i want to speak to someone", "let me talk to a human",
            "representative", "operator please", "get me a real person", "transfer me to the front desk",
            "speak to the receptionist", "i want a person", "a real person please",
        ),
    ),
    REPEAT: Intent(
        name=REPEAT,
        description="wants to hear it again",
        label="hear that again",
        examples=(
            "can you repeat that", "say that again please", "what did you say", "sorry what was that",
            "come again", "i didn't catch that", "pardon", "could you say that one more time", "what",
            "what was the last thing you said", "can you speak up", "speak up please", "louder please",
            "can you say that louder", "i can't hear you", "i can hardly hear you", "you're breaking up",
        ),
    ),
    SLOWER: Intent(
        name=SLOWER,
        description="wants us to speak more slowly",
        label="have me speak more slowly",
        examples=(
            "can you speak slower", "slow down please", "you're talking too fast", "more slowly please",
        ),
    ),
    HOLD_ON: Intent(
        name=HOLD_ON,
        description="needs a moment",
        label="take a moment",
        examples=(
            "hold on", "one moment please", "just a second", "hang on a minute", "give me a second",
            "wait a minute", "bear with me", "let me get my card",
        ),
    ),
    START_OVER: Intent(
        name=START_OVER,
        description="wants to start over",
        label="start over",
        examples=("can we start over", "start again from the beginning", "let's begin again"),
    ),
    GOODBYE: Intent(
        name=GOODBYE,
        description="says goodbye",
        label="end the call",
        examples=("goodbye", "bye bye", "thanks bye", "okay bye", "thank you goodbye", "i have to go bye"),
    ),
}  # fmt: skip


def intents_at(session: Session) -> list[Intent]:
    """The intents that exist now: the built-in ones, the main graph's, and those of the graph we are in."""
    found: dict[str, Intent] = dict(BUILT_IN)
    graphs = [session.linked.root]
    if session.place is not None and session.place.graph is not session.linked.root:
        graphs.append(session.place.graph)
    for graph in graphs:
        for intent in graph.intents:
            found[intent.name] = _joined(BUILT_IN.get(intent.name), intent)
    return [
        intent
        for intent in found.values()
        if intent.when is None or parse_condition(intent.when).holds(session.memory.lookup)
    ]


def _joined(built_in: Intent | None, own: Intent) -> Intent:
    """A graph's intent, with the sentences and words of the built-in one of the same name."""
    if built_in is None:
        return own
    return own.model_copy(
        update={
            "examples": (*built_in.examples, *own.examples),
            "description": own.description or built_in.description,
            "label": own.label or built_in.label,
        }
    )
