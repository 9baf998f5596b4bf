"""Everything that would go wrong with a graph is found before a caller finds it."""

from __future__ import annotations

import pytest

from tests.reasoning.conftest import GRAPHS
from voice_agent.reasoning.loader import read_graph
from voice_agent.reasoning.problems import Problem, Severity

SMALL = (GRAPHS / "small.yaml").read_text()


def problems(old: str, new: str, *, tools: frozenset[str] | None = None) -> list[tuple[int, Problem]]:
    """The problems of the example with one change, beside the line of the change."""
    assert old in SMALL
    text = SMALL.replace(old, new, 1)
    line = SMALL[: SMALL.index(old)].count("\n") + 1
    return [(line, problem) for problem in read_graph(text, tools=tools).problems]


@pytest.mark.parametrize(
    ("old", "new", "message", "remedy"),
    [
        ("next_state: choose", "next_state: chose", "'chose' does not exist", "did you mean 'choose'"),
        ("on_complete: search", "on_complete: serach", "'serach' does not exist", "did you mean 'search'"),
        ("on_failure: person", "on_failure: persona", "'persona' does not exist", "did you mean 'person'"),
        ("next_state: take_card", "next_state: take_cart", "'take_cart' does not exist", "did you mean"),
        ("terminal_state: goodbye", "terminal_state: gone", "'gone' does not exist", "add the state"),
        ("terminal_state: goodbye", "terminal_state: search", "is a tool_call state", "use an action state"),
        (
            "new_user_initial_state: greet",
            "new_user_initial_state: found",
            "is a decision state",
            "action state",
        ),
        ("actions: [Say goodbye.]", "actions: [Say goodbye., Sing.]", "has 2 actions", "exactly one"),
        ("when: find_slots.slots.count > 0", "when: find_slots.slots.count >", "ends too early", "language"),
        ("when: find_slots.slots.count > 0", "when: find_slot.slots.count > 0", "'find_slot'", "find_slots"),
        ('"See you on {slot.start|date}. Goodbye!"', '"See you on {slott.start|date}."', "'slott'", "slot"),
        (
            '"See you on {slot.start|date}. Goodbye!"',
            '"See you on {slot.start|dat}."',
            "'dat' is not a filter",
            "",
        ),
        ('"See you on {slot.start|date}. Goodbye!"', '"See you on {slot."', "stray '{'", "correct"),
        ("options_from: find_slots.slots", "options: []", "has no options", "add options"),
        ("name: take_card", "name: return", "reserved", "rename"),
        ("key: slot", "key: now", "already means something else", "rename"),
        ("label: time", "label: time\n        validation: '(a+)+'", "could take forever", "repeat"),
        ("label: time", "label: time\n        validation: '['", "not a regular expression", "correct"),
        ("name: new_card", "name: hours", "two intents are called 'hours'", "rename"),
        ("params: {day:", "result_persistence: ephemeral, params: {day:", "would be lost", "persisted"),
        (
            "designated_tool: {tool_id: find_slots,",
            "designated_tool: {tool_id: find_slot,",
            "find_slot",
            "find_slots",
        ),
    ],
)
def test_an_error_names_its_line_the_value_and_a_remedy(
    old: str, new: str, message: str, remedy: str
) -> None:
    found = problems(old, new, tools=frozenset({"find_slots"}))
    match = [problem for _, problem in found if message in problem.message and remedy in problem.remedy]
    assert match, found
    assert match[0].severity is Severity.ERROR
    changed = found[0][0]
    assert (
        changed - 3 <= match[0].line <= changed + new.count("\n")
    )  # a mapping's problem is told where it begins


def test_two_states_of_one_name() -> None:
    assert any("two states" in problem.message for _, problem in problems("name: person", "name: found"))


def test_a_state_nobody_leads_to_is_a_warning() -> None:
    lost = "- {name: lost, type: annotation, inner_thought: x, next_state: goodbye}\n\n  - name: goodbye"
    [(line, problem)] = problems("- name: goodbye", lost)
    assert "no way leads to the state 'lost'" in problem.message
    assert problem.severity is Severity.WARNING
    assert problem.line == line


def test_a_state_without_a_way_out_is_an_error() -> None:
    found = [problem for _, problem in problems("    then: {escalate: caller needs a person}\n", "")]
    assert [problem.message for problem in found] == ["nothing leads out of 'person'"]


def test_a_conversation_that_can_never_end_is_a_warning() -> None:
    found = problems("    on_complete: goodbye", "    on_complete: identify")
    text = [problem.message for _, problem in found]
    assert "no way leads to the state 'goodbye'" not in text  # the terminal state is a goal of its own
    stuck = """
new_user_initial_state: a
returning_user_initial_state: a
terminal_state: z
states:
  - {name: a, type: action, objective: x, say_on_entry: H, exit_conditions: [{description: x, next_state: b}]}
  - {name: b, type: action, objective: x, say_on_entry: H, exit_conditions: [{description: x, next_state: a}]}
  - {name: z, type: action, objective: x, actions: [Bye.]}
"""
    messages = [problem.message for problem in read_graph(stuck).problems]
    assert "from 'a' the conversation can never end" in messages


def test_a_decision_needs_a_catch_all() -> None:
    found = problems(
        "{description: nothing is free, next_state: person}",
        "{description: none, when: day, next_state: person}",
    )
    assert any(
        "no catch-all" in problem.message and problem.severity is Severity.ERROR for _, problem in found
    )


def test_an_action_state_without_catch_all_is_warned_about() -> None:
    start = SMALL.index("      - description: anything else")
    cut = SMALL[start : SMALL.index("\n\n", start) + 1]
    found = problems(cut, "")
    assert [problem.severity for _, problem in found] == [Severity.WARNING]


def test_a_circle_of_thoughts_is_an_error() -> None:
    circle = (
        "- {name: x, type: annotation, inner_thought: a, next_state: y}\n"
        "  - {name: y, type: annotation, inner_thought: a, next_state: x}\n\n  - name: goodbye"
    )
    assert any(
        "leads back to itself" in problem.message for _, problem in problems("- name: goodbye", circle)
    )


def test_an_action_may_only_call_tools_the_state_lists() -> None:
    found = problems("actions: [Say goodbye.]", "actions: [{description: Bye., tool: find_slots}]")
    assert any("does not list" in problem.message for _, problem in found)


def test_names_of_the_settings_facts_are_known() -> None:
    text = SMALL.replace("See you on", "{clinic.motto} See you on")
    assert any("'clinic'" in problem.message for problem in read_graph(text).problems)
    assert read_graph(text, facts=frozenset({"clinic"})).problems == ()


SUBGRAPH = """
new_user_initial_state: a
returning_user_initial_state: a
terminal_state: z
references:
  card:
    new_user_initial_state: ask
    returning_user_initial_state: ask
    terminal_state: done
    states:
      - name: ask
        type: data_collection
        objective: x
        fields: [{key: number, type: digits, label: number}]
        on_complete: done
      - {name: done, type: action, objective: x, actions: [Thank.], say_on_entry: "Thanks, {number}."}
states:
  - {name: a, type: annotation, inner_thought: x, next_state: [card.ask, z]}
  - {name: z, type: action, objective: x, actions: [Bye.], say_on_entry: "Bye, {number}."}
"""


def test_subgraphs_are_checked_with_the_graph_that_holds_them() -> None:
    graph = SUBGRAPH.replace("{name: a, type: annotation, inner_thought: x, next_state: [card.ask, z]}",
                             "{name: a, type: action, objective: x, say_on_entry: Hi., exit_conditions: "
                             "[{description: any, next_state: [card.ask, z]}]}")  # fmt: skip
    assert read_graph(graph).problems == ()
    wrong = read_graph(graph.replace("[card.ask, z]", "[card.asks, z]")).problems
    assert "'card' has no state 'asks'" in wrong[0].message
    assert (
        "not a reference" in read_graph(graph.replace("[card.ask, z]", "[cart.ask, z]")).problems[0].message
    )
    inner = read_graph(graph.replace("on_complete: done", "on_complete: dun")).problems
    assert inner[0].path == "references.card.states[0].on_complete"
    assert inner[0].line == 15
    bare = read_graph(graph.replace("[card.ask, z]", "card.ask")).problems
    assert "without a state to come back to" in bare[0].message
