"""``voice-agent safety``: what is wrong with rules, and what they make of a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voice_agent.cli import app

PRACTICE = Path(__file__).parents[2] / "voice_agent" / "practice" / "safety.yaml"


def test_the_rules_of_the_example_practice_are_fine() -> None:
    result = CliRunner().invoke(app, ["safety", "check", str(PRACTICE)])
    assert result.exit_code == 0
    assert "ok" in result.output


def test_broken_rules_are_told_by_line(tmp_path: Path) -> None:
    file = tmp_path / "safety.yaml"
    file.write_text("template_ids:\n  - standard\n  - nonsense\n")
    result = CliRunner().invoke(app, ["safety", "check", str(file)])
    assert result.exit_code == 1
    assert "line 3" in result.output
    assert "nonsense" in result.output


@pytest.mark.parametrize("beside", [True, False], ids=["beside", "named"])
def test_states_are_looked_up_in_the_practices_graph(tmp_path: Path, beside: bool) -> None:
    file, graph = tmp_path / "safety.yaml", tmp_path / ("graph.yaml" if beside else "other.yaml")
    shutil.copy(PRACTICE.with_name("graph.yaml"), graph)
    file.write_text("behaviors:\n  - {name: late, trigger: {states: [emergncy]}, action: {instruction: x}}\n")
    named = [] if beside else ["--graph", str(graph)]
    result = CliRunner().invoke(app, ["safety", "check", str(file), *named])
    assert result.exit_code == 1
    assert "did you mean 'emergency'?" in " ".join(result.output.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "none.yaml"],
        ["check", str(PRACTICE), "--graph", "none.yaml"],
        ["judge", "hello", "--rules", "none.yaml"],
    ],
)
def test_rules_that_are_not_there_are_said_in_words(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["safety", *arguments])
    assert result.exit_code == 2
    assert "cannot be read" in result.output


def test_rules_that_are_broken_judge_nothing(tmp_path: Path) -> None:
    file = tmp_path / "safety.yaml"
    file.write_text("concepts: 7")
    result = CliRunner().invoke(app, ["safety", "judge", "hello", "--rules", str(file)])
    assert result.exit_code == 2


def test_a_sentence_is_judged_with_the_reason() -> None:
    result = CliRunner().invoke(app, ["safety", "judge", "friday, and I have chest pain"])
    assert result.exit_code == 0
    assert "escalate_now" in result.output
    assert "chest_pain, acute" in result.output
