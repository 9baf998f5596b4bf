"""What the engine makes of a turn that a safety rule has answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.reasoning.conftest import Calls, MakeTalk, Talk, moves, of_kind, said
from voice_agent.reasoning.effects import Say, StateChanged, Thought
from voice_agent.reasoning.reasoner import Line, Speaker
from voice_agent.reasoning.signals import HandedBack, NotReached, OperatorTookOver, SafetyRaised

CRY = SafetyRaised("i can't breathe", ("Hang up.", "Call 911."), "breathing", "help", hard=True)

GRAPH = """
new_user_initial_state: greet
returning_user_initial_state: greet
terminal_state: bye
entrances: [help]
states:
  - name: greet
    type: action
    objective: Learn the wish.
    say_on_entry: How can I help you?
    exit_conditions:
      - {description: book, examples: [i need an appointment], next_state: search}
      - {description: else, next_state: bye}
  - name: search
    type: tool_call
    designated_tool: {tool_id: insurance_on_file}
    next_state: bye
  - name: help
    type: action
    objective: Wait for a person.
    say_again: Please call 911.
    exit_conditions:
      - {description: nobody, when: 'event.message == "operator not reached"', next_state: alone}
      - {description: fine, examples: [i'm fine], next_state: greet}
      - {description: else, next_state: bye}
  - name: alone
    type: action
    objective: Nobody comes.
    verbatim: true
    say_on_entry: Nobody is here. Please call 911.
    exit_conditions:
      - {description: else, next_state: bye}
  - name: bye
    type: action
    objective: Say goodbye.
    actions: [Say goodbye.]
    say_on_entry: Goodbye.
"""


@dataclass
class SlowCalls(Calls):
    """Tools that tell when they begin."""

    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def _did(self, name: str, **arguments: Any) -> None:
        self.began.set()
        await super()._did(name, **arguments)


@pytest.fixture
def talk(talk_over: MakeTalk) -> Talk:
    made: Talk = talk_over(GRAPH)
    return made


async def test_both_sides_are_remembered_and_the_state_is_entered(talk: Talk) -> None:
    await talk.start()
    effects = await talk.send(CRY)
    assert of_kind(effects, StateChanged) == [StateChanged("greet", "help", "safety", "breathing")]
    assert of_kind(effects, Thought) == [Thought("safety rule: breathing")]
    assert talk.conversation.history[-2:] == (
        Line(Speaker.CALLER, "i can't breathe"),
        Line(Speaker.AGENT, "Hang up. Call 911."),
    )


async def test_until_a_person_comes_the_agent_says_nothing(talk: Talk) -> None:
    await talk.start()
    assert of_kind(await talk.send(CRY), Say) == []
    assert await talk.hear("hello are you there") == ""
    assert said(await talk.send(HandedBack("Ann"))) == "I'm back on the line with you. Please call 911."


async def test_when_nobody_comes_the_graph_says_so(talk: Talk) -> None:
    await talk.start()
    await talk.send(CRY)
    assert said(await talk.send(NotReached("operator"))) == "Nobody is here. Please call 911."
    assert talk.state == "alone"


async def test_a_rule_about_a_state_stops_the_agent_and_puts_no_words_in_the_callers_mouth(
    talk: Talk,
) -> None:
    await talk.start()
    await talk.send(SafetyRaised("", ("A person is coming.",), "locked", hard=True))
    [line] = talk.conversation.history
    assert line.speaker is Speaker.AGENT
    assert line.text.endswith("A person is coming.")
    assert await talk.hear("hello") == ""


async def test_a_state_that_the_graph_does_not_have_changes_nothing(talk: Talk) -> None:
    await talk.start()
    effects = await talk.send(SafetyRaised("i can't breathe", ("Call 911.",), "breathing", "elsewhere"))
    assert moves(effects) == []
    assert talk.state == "greet"
    assert await talk.hear("i need an appointment") == "Goodbye."


async def test_a_cry_while_tools_run_is_not_kept_waiting(talk_over: MakeTalk) -> None:
    calls = SlowCalls(hold=asyncio.Event())
    talk = talk_over(GRAPH, calls=calls)
    await talk.start()
    searching = asyncio.create_task(talk.hear("i need an appointment"))
    async with asyncio.timeout(5):
        await calls.began.wait()
    searching.cancel()
    await asyncio.wait({searching})
    await talk.send(SafetyRaised("help", ("Call 911.",), "emergency", "help"))
    assert talk.state == "help"
    assert calls.hold is not None
    calls.hold.set()
    assert await talk.hear("i'm fine") == "How can I help you?"


async def test_while_an_operator_speaks_the_state_stays(talk: Talk) -> None:
    await talk.start()
    await talk.send(OperatorTookOver("Ann"))
    assert moves(await talk.send(CRY)) == []
    assert talk.state == "greet"


async def test_after_the_goodbye_a_cry_reopens_the_conversation(talk: Talk) -> None:
    await talk.start()
    await talk.hear("i need an appointment")
    await talk.send(CRY)
    assert talk.state == "help"
    await talk.send(NotReached("operator"))
    assert talk.state == "alone"
