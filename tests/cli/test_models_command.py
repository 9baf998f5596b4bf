"""`voice-agent models`: what a user sees of fetching a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import models.local
from models.local import MODELS, LocalModel
from tests.models.file_server import FileServer, file_server, recognizer_model, voice_model
from voice_agent.cli import app


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        yield running


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VOICE_AGENT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path / "data"


@pytest.fixture
def tiny(data: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> tuple[LocalModel, ...]:
    """Two small models instead of the large ones."""
    tiny = (recognizer_model(server), voice_model(server))
    monkeypatch.setattr(models.local, "MODELS", tiny)
    return tiny


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments])


def test_the_list_tells_size_licence_and_what_is_here(data: Path) -> None:
    told = run("list").output
    for model in MODELS:
        assert f"{model.size / 1e6:.0f} MB" in told
        assert model.licence in told
    assert told.count("not here") == len(MODELS)
    assert not data.exists(), "looking must not change anything"


@pytest.mark.usefixtures("tiny")
def test_a_model_is_pulled_listed_and_checked(data: Path) -> None:
    result = run("pull", "tinyears")
    assert result.exit_code == 0
    assert "VOICE_AGENT_STT=tinyears" in result.output
    assert "ready" in run("list").output
    assert "as published" in run("check").output
    (data / "models" / "tinyears" / "tokens.txt").write_bytes(b"a 1\nc 2\n")
    result = run("check", "tinyears")
    assert (result.exit_code, "tokens.txt has sha256" in result.output) == (1, True)


def test_offline_the_address_the_place_and_the_hash_are_told(
    data: Path, tiny: tuple[LocalModel, ...]
) -> None:
    result = run("pull", "tinyvoice", "--mirror", "http://127.0.0.1:9")
    assert result.exit_code == 2
    told = "".join(result.output.split())
    file = tiny[1].files[0]
    for part in (file.url, file.sha256, str(data / "models" / "tinyvoice" / file.name)):
        assert part in told
    assert "Traceback" not in result.output


def test_a_folder_of_copies_will_do(server: FileServer, tiny: tuple[LocalModel, ...], tmp_path: Path) -> None:
    for file in tiny[1].files:
        (tmp_path / file.name).write_bytes(server.files[f"/{file.name}"])
    result = run("pull", "tinyvoice", "--from", str(tmp_path))
    assert (result.exit_code, server.requests) == (0, [])


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("command", ["pull", "check"])
def test_a_name_that_does_not_exist_is_told_with_those_that_do(command: str) -> None:
    result = run(command, "whisper")
    assert (result.exit_code, "moonshine, kokoro" in result.output) == (2, True)


@pytest.mark.usefixtures("data")
def test_checking_nothing_says_so() -> None:
    result = run("check")
    assert (result.exit_code, "no model is in" in result.output) == (0, True)
