"""The command line as a whole: quick, and plain about mistakes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voice_agent.cli import app
from voice_agent.cli.command import CommandError
from voice_agent.cli.server import own_server

HEAVY = ("pipecat", "numpy", "fastapi", "sqlalchemy", "twilio", "onnxruntime", "uvicorn", "voice_agent.app")


def test_help_loads_nothing_heavy() -> None:
    program = f"import sys, voice_agent.cli; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_command_explains_itself() -> None:
    runner = CliRunner()
    told = runner.invoke(app, ["--help"]).output
    for command in ("serve", "call", "doctor", "graph"):
        assert command in told
        assert runner.invoke(app, [command, "--help"]).exit_code == 0


def test_an_unknown_command_is_a_mistake_in_one_line() -> None:
    result = CliRunner().invoke(app, ["sing"])
    assert result.exit_code == 2
    assert "No such command 'sing'" in result.output


@pytest.mark.parametrize("command", ["check", "draw"])
def test_a_graph_that_is_not_there_is_said_in_words(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["graph", command, str(tmp_path / "none.yaml")])
    assert result.exit_code == 2
    assert "cannot be read" in result.output


def test_a_broken_graph_is_told_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "graph.yaml"
    file.write_text("states:\n  - name: [1, 2\n")
    result = CliRunner().invoke(app, ["graph", "check", str(file)])
    assert result.exit_code == 1
    assert "error" in result.output
    assert CliRunner().invoke(app, ["graph", "draw", str(file)]).exit_code == 2


async def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    settings = {"VOICE_AGENT_MAX_CALLS": "many"}
    with pytest.raises(CommandError, match="VOICE_AGENT_MAX_CALLS"):
        async with own_server(tmp_path / "data", tmp_path / "server.log", settings):
            pass
