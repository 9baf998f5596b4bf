"""Each type of state does what it is for."""

from __future__ import annotations

from datetime import date

import pytest

from models.expectation import AnswerKind
from tests.reasoning.conftest import Calls, MakeTalk, moves, of_kind, said
from voice_agent.reasoning.effects import (
    End,
    Escalate,
    Expect,
    Say,
    SayKind,
    StateChanged,
    ToolCompleted,
    ToolStarted,
    Transfer,
)
from voice_agent.reasoning.signals import Channel, External, Signal, Utterance

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


async def test_an_action_state_speaks_listens_and_leaves_by_the_exit_that_was_meant(
    talk_over: MakeTalk,
) -> None:
    talk = talk_over(graph(START % "bye"))
    assert await talk.start() == "Welcome to Maple Clinic. What is it?"
    assert talk.state == "start"
    assert await talk.hear("please go on") == "Goodbye."
    assert talk.state == "bye"
    assert isinstance(talk.effects[-2], End)


async def test_the_first_words_are_a_greeting_and_the_last_a_goodbye(talk_over: MakeTalk) -> None:
    talk = talk_over(graph(START % "bye"))
    await talk.start()
    await talk.hear("go on please")
    kinds = [say.kind for say in of_kind(talk.effects, Say)]
    assert kinds == [SayKind.GREETING, SayKind.GREETING, SayKind.GOODBYE]


async def test_a_returning_caller_starts_elsewhere(talk_over: MakeTalk) -> None:
    known = (
        "  - {name: again, type: action, objective: x, say_on_entry: Welcome back., then: {end: completed}}\n"
    )
    talk = talk_over(graph(START % "bye" + known, returning="again"))
    assert await talk.start(patient_id="p1") == "Welcome back."
    assert of_kind(talk.effects, End) == [End("completed")]


async def test_the_turn_policy_of_a_state_protects_its_words_and_tunes_turn_taking(
    talk_over: MakeTalk,
) -> None:
    states = (
        (START % "quiet").replace(
            "    exit_conditions", "    turn_policy: {greeting_shield_s: 1.5}\n    exit_conditions"
        )
        + """
  - name: quiet
    type: action
    objective: Read the terms.
    say_on_entry: These are the terms. Agreed?
    turn_policy: {barge_in_enabled: false, stt_eot_threshold: 0.8, stt_eot_timeout_ms: 900}
    exit_conditions: [{description: any, next_state: bye}]
"""
    )
    talk = talk_over(graph(states))
    await talk.start()
    assert [say.shield_s for say in of_kind(talk.effects, Say)] == [1.5, 0.0]
    effects = await talk.send(Utterance("go on please"))
    assert not any(say.interruptible for say in of_kind(effects, Say))
    [expect] = of_kind(effects, Expect)
    assert (expect.barge_in_enabled, expect.eot_threshold, expect.eot_timeout_ms) == (False, 0.8, 900)


async def test_what_may_be_heard_is_told_before_the_question(talk_over: MakeTalk) -> None:
    talk = talk_over(graph(START % "bye"))
    await talk.start()
    kinds = [type(effect) for effect in talk.effects]
    assert kinds.index(Expect) < kinds.index(Say)
    expectation = talk.conversation.expectation
    assert expectation.kinds == (AnswerKind.PHRASES, AnswerKind.FREE)
    assert "go on please" in expectation.phrases
    assert "can i talk to a person" in expectation.phrases


async def test_an_action_may_answer_in_passing_and_asks_again(talk_over: MakeTalk) -> None:
    states = (START % "bye").replace(
        "    exit_conditions",
        "    actions: [{description: parking, examples: [is there parking], say: Parking is free.}]\n"
        "    exit_conditions",
    )
    talk = talk_over(graph(states))
    await talk.start()
    assert await talk.hear("is there any parking") == "Parking is free. What is it?"
    assert talk.state == "start"


async def test_the_first_fitting_action_is_spoken_on_entry(talk_over: MakeTalk) -> None:
    states = """
  - name: start
    type: action
    objective: Begin.
    actions:
      - {description: for text, when: 'channel == "text"', say: Hello in writing.}
      - {description: for voice, say: Hello aloud.}
    exit_conditions: [{description: any, next_state: bye}]
"""
    assert await talk_over(graph(states)).start() == "Hello aloud."
    assert await talk_over(graph(states)).start(channel=Channel.TEXT) == "Hello in writing."


async def test_a_channel_may_have_words_of_its_own(talk_over: MakeTalk) -> None:
    states = (START % "bye").replace(
        "    exit_conditions",
        "    channel_overrides: {text: {say_on_entry: Hi! Type away.}}\n    exit_conditions",
    )
    assert await talk_over(graph(states)).start(channel=Channel.TEXT) == "Hi! Type away."


async def test_a_state_without_words_still_asks_something(talk_over: MakeTalk) -> None:
    leaves = "[{description: any, next_state: bye}]"
    states = f"  - {{name: start, type: action, objective: Help., exit_conditions: {leaves}}}\n"
    assert await talk_over(graph(states)).start() == "How can I help you?"


async def test_an_automatic_exit_needs_no_words_of_the_caller(talk_over: MakeTalk) -> None:
    states = """
  - name: start
    type: action
    objective: Tell.
    say_on_entry: We are closed.
    exit_conditions: [{description: always, when: "true", next_state: bye}]
"""
    talk = talk_over(graph(states))
    assert await talk.start() == "We are closed. Goodbye."
    assert moves(talk.effects) == ["start", "bye"]


async def test_a_state_may_escalate_transfer_and_end(talk_over: MakeTalk) -> None:
    states = """
  - name: start
    type: action
    objective: Hand over.
    say_on_entry: I'll connect you.
    then: {escalate: {reason: wants a nurse}, transfer: "{caller.desk}"}
"""
    talk = talk_over(graph(states))
    await talk.start(desk="+14155550100")
    assert of_kind(talk.effects, Escalate) == [Escalate("wants a nurse", "graph")]
    assert of_kind(talk.effects, Transfer) == [Transfer("+14155550100", "start")]
    order = [type(effect) for effect in talk.effects]
    assert order.index(Say) < order.index(Escalate) < order.index(Transfer)


TOOL = (
    START % "search"
    + """
  - name: search
    type: tool_call
    say_on_entry: One second.
    designated_tool: {tool_id: find_slots, params: {day: "2026-12-01"}, save_as: found}
    next_state: told
  - name: told
    type: decision
    objective: x
    exit_conditions:
      - {description: it failed, when: found.failed, say: It failed., next_state: bye}
      - {description: it worked, say: "There are {found.slots.count}.", next_state: bye}
"""
)


async def test_a_tool_call_state_calls_its_tool_and_goes_on_with_the_result(talk_over: MakeTalk) -> None:
    talk = talk_over(graph(TOOL))
    await talk.start()
    effects = await talk.send(Utterance("go on please"))
    assert said(effects) == "One second. There are 3. Goodbye."
    assert talk.calls.made == [("find_slots", {"day": date(2026, 12, 1), "born": None})]
    kinds = [type(effect) for effect in effects if isinstance(effect, ToolStarted | ToolCompleted | Say)]
    assert kinds[:3] == [Say, ToolStarted, ToolCompleted]


async def test_a_failed_tool_is_admitted_and_never_papered_over(talk_over: MakeTalk) -> None:
    talk = talk_over(graph(TOOL), calls=Calls(broken=True))
    await talk.start()
    effects = await talk.send(Utterance("go on please"))
    assert said(effects) == "One second. I'm sorry, I couldn't get that done just now. It failed. Goodbye."
    [completed] = of_kind(effects, ToolCompleted)
    assert (completed.succeeded, completed.error) == (False, "RuntimeError")


async def test_a_failed_tool_takes_its_own_way_out(talk_over: MakeTalk) -> None:
    own = TOOL.replace(
        "    next_state: told\n", "    next_state: told\n    on_failure: bye\n    say_on_failure: Sorry.\n", 1
    )
    talk = talk_over(graph(own), calls=Calls(broken=True))
    await talk.start()
    assert await talk.hear("go on please") == "One second. Sorry. Goodbye."


async def test_a_tool_that_cannot_be_called_counts_as_failed(talk_over: MakeTalk) -> None:
    talk = talk_over(graph(TOOL.replace('{day: "2026-12-01"}', "{day: someday}")))
    await talk.start()
    assert "It failed." in await talk.hear("go on please")
    assert talk.calls.made == []


async def test_preloaded_tools_run_in_parallel_before_anything_is_said(talk_over: MakeTalk) -> None:
    states = """
  - name: start
    type: action
    objective: Begin.
    preload:
      - {tool_id: find_slots, params: {day: "2026-12-01"}}
      - {tool_id: insurance_on_file, save_as: cover}
    say_on_entry: "You have {cover.carrier}, and {find_slots.slots.count} times are free. Which one?"
    exit_conditions: [{description: any, next_state: bye}]
"""
    talk = talk_over(graph(states))
    assert await talk.start() == "You have Aetna, and 3 times are free. Which one?"
    kinds = [type(effect) for effect in talk.effects if isinstance(effect, ToolStarted | ToolCompleted)]
    assert kinds == [ToolStarted, ToolStarted, ToolCompleted, ToolCompleted]


async def test_a_state_that_waits_for_a_form_goes_on_when_it_arrives(talk_over: MakeTalk) -> None:
    states = """
  - name: start
    type: action
    objective: Wait.
    wait_for: surface_submission
    say_on_entry: Please fill in the form.
    exit_conditions:
      - {description: it came, when: event.count > 0, next_state: bye}
      - {description: gives up, examples: [i give up], next_state: bye}
"""
    talk = talk_over(graph(states))
    await talk.start()
    assert await talk.hear("it is a long form") == "I'm still waiting for that to come through."
    assert said(await talk.send(External("form submitted"))) == "Goodbye."


async def test_a_circle_without_anybody_speaking_is_broken(talk_over: MakeTalk) -> None:
    states = """
  - name: start
    type: action
    objective: x
    exit_conditions: [{description: a, when: "true", next_state: other}]
  - name: other
    type: decision
    objective: x
    exit_conditions: [{description: b, next_state: start}]
"""
    talk = talk_over(graph(states), max_transitions=10)
    assert "Let me get someone to help you." in await talk.start()
    assert len(moves(talk.effects)) <= 12
    assert [escalation.promised for escalation in of_kind(talk.effects, Escalate)] == [True]


SUB = """
new_user_initial_state: start
returning_user_initial_state: start
terminal_state: bye
references:
  card:
    new_user_initial_state: ask
    returning_user_initial_state: ask
    terminal_state: done
    states:
      - name: ask
        type: data_collection
        objective: x
        fields: [{key: number, type: digits, digits: 3, label: number, ask_prompt: "What's the number?"}]
        on_complete: done
      - {name: done, type: action, objective: x, actions: [Thank.], say_on_entry: "Noted {number|spell}."}
intents:
  - {name: card, description: new card, examples: [i have a new card], next_state: card.ask, returns: true}
states:
  - name: start
    type: action
    objective: x
    say_on_entry: What is it?
    exit_conditions:
      - {description: card, examples: [take my number], next_state: [card.ask, after]}
      - {description: other, next_state: bye}
  - {name: after, type: action, objective: x, say_on_entry: "Back with {number}.", then: {end: completed}}
  - {name: bye, type: action, objective: x, actions: [Bye.], say_on_entry: Bye.}
"""


async def test_a_subgraph_runs_and_comes_back_to_the_named_state(talk_over: MakeTalk) -> None:
    talk = talk_over(SUB)
    await talk.start()
    assert await talk.hear("please take my number") == "What's the number?"
    assert talk.state == "card.ask"
    assert await talk.hear("one two three") == "Noted 1 2 3. Back with 123."
    assert [c.type for c in of_kind(talk.effects, StateChanged)][-2:] == ["data_collection", "jumpback"]


async def test_a_side_trip_into_a_subgraph_comes_back_to_where_it_was(talk_over: MakeTalk) -> None:
    talk = talk_over(SUB)
    await talk.start()
    assert await talk.hear("i have a new card") == "What's the number?"
    assert await talk.hear("one two three") == "Noted 1 2 3. Now, back to where we were. What is it?"
    assert talk.state == "start"


@pytest.mark.parametrize("signal", [External("early"), Utterance("early")])
async def test_nothing_happens_before_the_start(talk_over: MakeTalk, signal: Signal) -> None:
    talk = talk_over(graph(START % "bye"))
    assert said(await talk.send(signal)) == ""
    assert talk.state == ""
