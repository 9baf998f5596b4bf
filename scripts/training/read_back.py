"""A caller who says a number, listens to it being read back, and says it again when it is wrong: with the
product's own reasoning in between."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from models.speech import Transcript
from training.stt_sets import Case
from voice_agent.reasoning.effects import Effect, Say
from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.engine import GraphConversation
from voice_agent.reasoning.loader import read_graph
from voice_agent.reasoning.signals import Caller, Channel, Signal, Started, Utterance
from voice_agent.reasoning.tools import ToolRegistry

_GRAPH = """
new_user_initial_state: form
returning_user_initial_state: form
terminal_state: bye
states:
  - name: form
    type: data_collection
    objective: learn a number
    fields:
      - {key: number, type: digits, digits: 10, label: it, confirm: true, ask_prompt: "What's your number?"}
    on_complete: bye
  - {name: bye, type: action, objective: end, actions: [Bye.], say_on_entry: Bye.}
"""
_DIGITS = {
    "zero": "0",
    "oh": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
}

Hear = Callable[[Case], Transcript]
"""Recognizes one saying, expecting what the case expects."""


async def ends_right(hear: Hear, sayings: Iterator[Case]) -> bool:
    """Whether a caller who says the number as often as there are sayings ends up with the right one.

    The agent's words decide what the caller does: a read-back gets a yes or a no (taken as understood), any
    other question the number once more.
    """
    loaded = read_graph(_GRAPH)
    assert loaded.graph is not None
    conversation = GraphConversation(
        loaded.graph, ToolRegistry([]), EmbeddedReasoner(), conversation_id="read-back"
    )
    number = ""
    try:
        now = datetime(2026, 1, 5, 9, tzinfo=UTC)
        agent = await _said(conversation, Started(Caller(), Channel.VOICE, now))
        while True:
            read = "".join(re.findall(r"\d", agent))
            if len(read) == 10:
                if read == number:
                    return True
                agent = await _said(conversation, Utterance("no"))
                continue
            case = next(sayings, None)
            if case is None:
                return False
            number = "".join(_DIGITS[word] for word in case.said.split())
            expected = Case(case.group, case.speaker, case.said, case.pcm, conversation.expectation)
            heard = hear(expected)
            agent = await _said(
                conversation,
                Utterance(
                    heard.text,
                    heard.confidence,
                    heard.accepted,
                    heard.alternatives,
                    expectation=expected.expectation,
                ),
            )
    finally:
        await conversation.close()


async def _said(conversation: GraphConversation, signal: Signal) -> str:
    effects: list[Effect] = [effect async for effect in conversation.step(signal)]
    return " ".join(effect.text for effect in effects if isinstance(effect, Say))
