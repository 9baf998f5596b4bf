"""States that say nothing to the caller: decisions, thoughts, memories."""

from __future__ import annotations

from collections.abc import Sequence

from tests.reasoning.conftest import MakeTalk, of_kind, said
from voice_agent.reasoning.effects import (
    StateChanged,
    Thought,
)
from voice_agent.reasoning.signals import Utterance

HEAD = """
new_user_initial_state: start
returning_user_initial_state: {returning}
terminal_state: bye
facts: {{clinic: Maple Clinic}}
states:
  - {{name: bye, type: action, objective: End., actions: [Say goodbye.], say_on_entry: Goodbye.}}
"""


def graph(states: str, returning: str = "start") -> str:
    return HEAD.format(returning=returning) + states


START = """
  - name: start
    type: action
    objective: Begin.
    say_on_entry: Welcome to {clinic}. What is it?
    exit_conditions:
      - {description: go on, examples: [go on please], next_state: %s}
      - {description: anything else, next_state: bye}
"""


async def test_a_decision_takes_the_first_exit_that_holds_and_says_nothing_itself(
    talk_over: MakeTalk,
) -> None:
    states = (
        START % "fork"
        + """
  - name: fork
    type: decision
    objective: Known?
    exit_conditions:
      - {description: vip, when: caller.vip, next_state: special}
      - {description: known, when: caller.patient_id, next_state: known}
      - {description: nobody, next_state: bye}
  - {name: special, type: action, objective: x, say_on_entry: Special., then: {end: completed}}
  - {name: known, type: action, objective: x, say_on_entry: Known., then: {end: completed}}
"""
    )
    for facts, words in (
        ({"patient_id": "p"}, "Known."),
        ({"vip": True, "patient_id": "p"}, "Special."),
        ({}, "Goodbye."),
    ):
        talk = talk_over(graph(states))
        await talk.start(**facts)
        assert await talk.hear("go on please") == words


async def test_a_decision_may_rest_on_what_the_caller_said(talk_over: MakeTalk) -> None:
    states = (
        (START % "fork").replace("[go on please]", "[i have a question, question about my bill]")
        + """
  - name: fork
    type: decision
    objective: Which?
    exit_conditions:
      - {description: billing, examples: [i have a question about my bill], next_state: bill}
      - {description: other, next_state: bye}
  - {name: bill, type: action, objective: x, say_on_entry: Billing., then: {end: completed}}
"""
    )
    talk = talk_over(graph(states))
    await talk.start()
    assert await talk.hear("i have a question about my bill") == "Billing."
    talk = talk_over(graph(states))
    await talk.start()
    assert await talk.hear("i have a question") == "Goodbye."


async def test_an_annotation_is_thought_and_never_spoken(talk_over: MakeTalk) -> None:
    states = START % "note" + "  - {name: note, type: annotation, inner_thought: Be kind., next_state: bye}\n"
    talk = talk_over(graph(states))
    await talk.start()
    effects = await talk.send(Utterance("go on please"))
    assert of_kind(effects, Thought) == [Thought("Be kind.")]
    assert said(effects) == "Goodbye."
    assert [change.type for change in of_kind(effects, StateChanged)] == ["exit_condition", "annotation"]


async def test_a_recall_brings_passages_from_memory(talk_over: MakeTalk) -> None:
    asked: list[Sequence[str]] = []

    async def recall(queries: Sequence[str]) -> Sequence[str]:
        asked.append(queries)
        return ["likes mornings"]

    states = (
        START % "look"
        + """
  - {name: look, type: recall, queries: [preferred times], next_state: tell}
  - {name: tell, type: action, objective: x, say_on_entry: "It {recall.first}.", then: {end: completed}}
"""
    )
    talk = talk_over(graph(states), recall=recall)
    await talk.start()
    assert await talk.hear("go on please") == "It likes mornings."
    assert asked == [("preferred times",)]
    assert Thought("Recalled: likes mornings") in talk.effects


async def test_a_memory_that_fails_is_an_empty_one(talk_over: MakeTalk) -> None:
    async def recall(queries: Sequence[str]) -> Sequence[str]:
        raise RuntimeError("memory is down")

    states = (
        START % "look" + "  - {name: look, type: recall, requested_information: habits, next_state: bye}\n"
    )
    talk = talk_over(graph(states), recall=recall)
    await talk.start()
    assert await talk.hear("go on please") == "Goodbye."
    assert Thought("Recalled: nothing") in talk.effects


async def test_a_reflection_is_a_bounded_thought(talk_over: MakeTalk) -> None:
    states = START % "think" + (
        "  - {name: think, type: reflection, problem: What does this caller need today, word_limit: 5,"
        " next_state: bye}\n"
    )
    talk = talk_over(graph(states))
    await talk.start()
    effects = await talk.send(Utterance("go on please"))
    [thought] = of_kind(effects, Thought)
    assert thought.text == "What does this caller need"
    assert said(effects) == "Goodbye."
