"""Documents are read with the line of everything, and no document can do harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reasoning.conftest import GRAPHS
from voice_agent.reasoning.document import MAX_BYTES
from voice_agent.reasoning.errors import GraphError
from voice_agent.reasoning.loader import load_graph, read_graph
from voice_agent.reasoning.problems import Severity
from voice_agent.reasoning.states import ActionState, ToolCallState

SMALL = (GRAPHS / "small.yaml").read_text()


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_the_documented_example_has_no_problem() -> None:
    loaded = read_graph(SMALL, tools=frozenset({"find_slots"}))
    assert loaded.problems == ()
    assert loaded.usable


def test_the_example_in_the_documentation_is_this_file() -> None:
    import textwrap

    import voice_agent.reasoning.graph as documented

    shown = (documented.__doc__ or "").split("complete small graph::\n", 1)[1].split("\n**Templates**", 1)[0]
    assert textwrap.dedent(shown).strip() == SMALL.strip()


def test_json_reads_the_same_as_yaml() -> None:
    as_json = json.dumps(yaml.safe_load(SMALL), indent=1)
    assert read_graph(as_json).graph == read_graph(SMALL).graph


def test_a_stored_version_of_a_server_is_read_without_its_server_fields() -> None:
    stored = SMALL + "\nid: 3f\ncontext_graph_id: 3f\nversion: 7\ncreated_at: 2026-01-01\n"
    assert read_graph(stored).usable


def test_yes_and_times_stay_words() -> None:
    text = SMALL.replace("hours: Monday to Friday from 8 to 5", "hours: 8:30")
    graph = read_graph(text.replace("label: move an appointment", "answer: yes")).graph
    assert graph is not None
    assert graph.facts["practice"]["hours"] == "8:30"
    greet = graph.by_name["greet"]
    assert isinstance(greet, ActionState)
    assert greet.exit_conditions[0].answer == "yes"


@pytest.mark.parametrize("spelling", ["tool_call", "tool-call", "side-effect", "side_effect"])
def test_older_spellings_of_types_are_accepted(spelling: str) -> None:
    graph = read_graph(SMALL.replace("type: tool_call", f"type: {spelling}")).graph
    assert graph is not None
    assert isinstance(graph.by_name["search"], ToolCallState)


def test_actions_may_be_plain_strings_or_objects() -> None:
    graph = read_graph(
        SMALL.replace("actions: [Say goodbye.]", "actions: [{description: Say goodbye.}]")
    ).graph
    assert graph == read_graph(SMALL).graph


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("objective: Let the caller pick.", "objektive: x", "'objektive' is not a field here"),
        ("type: decision", "type: dcision", "'dcision' is not a type of state"),
        ("type: choice", "type: chioce", "chioce"),
        ("name: choose", "name: choose it", "characters that are not allowed"),
        ("next_state: found", "next_state: 3", "3"),
    ],
)
def test_shape_problems_name_line_and_value(old: str, new: str, message: str) -> None:
    text = SMALL.replace(old, new, 1)
    loaded = read_graph(text)
    assert loaded.graph is None
    assert any(
        message in problem.message and problem.line == line_of(text, new.strip())
        for problem in loaded.problems
    ), loaded.problems


def test_a_misspelt_field_suggests_the_right_one() -> None:
    [problem] = read_graph(SMALL.replace("say_options:", "say_option:")).problems
    assert "say_options" in problem.remedy


@pytest.mark.parametrize(
    "document",
    [
        b"\xff\xfe\x00\x01binary",
        b"\x00" * 100,
        "",
        "   \n# only a comment\n",
        "just words",
        "- a\n- list\n",
        "a: [",
        "a: b: c",
        "\t- x",
        "a: 1\na: 2\n",
        "? [complex, key]\n: x\n",
        "!!python/object/apply:os.system [echo]",
        "a: !custom x",
        "a: &a [*a]",
        "[" * 5000,
        "{a: " * 200 + "1" + "}" * 200,
        "a: *nowhere",
        "%YAML 9.9\n---\na: 1",
        "--- a\n--- b\n",
        "states: 3",
        "states: [3, null, [], {}]",
        '{"states": [{"type": ["x"]}]}',
    ],
)
def test_garbage_is_a_problem_and_never_an_exception(document: str | bytes) -> None:
    loaded = read_graph(document)
    assert loaded.graph is None
    assert loaded.problems
    assert all(problem.message and problem.remedy for problem in loaded.problems)


def test_huge_documents_are_refused_unread() -> None:
    assert "bytes" in read_graph(b"a" * (MAX_BYTES + 1)).problems[0].message


def test_aliases_count_as_often_as_they_are_used() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    assert "values" in read_graph(bomb).problems[0].message


def test_loading_a_file_lists_every_error_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    text = SMALL.replace("next_state: choose", "next_state: chose").replace(
        "on_complete: search", "on_complete: nope"
    )
    file.write_text(text)
    with pytest.raises(GraphError) as raised:
        load_graph(file)
    assert f"line {line_of(text, 'next_state: chose')}" in str(raised.value)
    assert "did you mean 'choose'?" in str(raised.value)
    assert f"line {line_of(text, 'on_complete: nope')}" in str(raised.value)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_any_bytes_give_problems_and_no_exception(document: bytes | str) -> None:
    assert read_graph(document).graph is None


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, len(SMALL) - 1),
    st.integers(0, 40),
    st.text(alphabet="{}[]:-&*!'\" \nabz019|>", max_size=12),
)
def test_any_damage_to_a_good_graph_is_a_graph_or_problems(at: int, cut: int, added: str) -> None:
    loaded = read_graph(SMALL[:at] + added + SMALL[at + cut :])
    assert loaded.graph is not None or loaded.problems
    assert all(problem.severity in Severity for problem in loaded.problems)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(["states", "intents", "facts", "references", "phrases", "terminal_state", "name"]), values
)
def test_any_value_in_any_place_is_a_graph_or_problems(key: str, value: object) -> None:
    data = yaml.safe_load(SMALL)
    data[key] = value
    loaded = read_graph(json.dumps(data))
    assert loaded.graph is not None or loaded.problems
