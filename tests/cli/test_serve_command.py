"""The whole system as a program: it says where it is, answers, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

import models
from voice_agent.cli.command import CommandError
from voice_agent.cli.practice import Line, Practice
from voice_agent.cli.server import own_server
from voice_agent.surroundings import StartError, listening

MODELS = Path(models.__file__).parent

STUBS = {"VOICE_AGENT_STT": "stub", "VOICE_AGENT_TTS": "stub"}
"""No speech is needed to see it start and stop."""


@dataclass(frozen=True)
class Life:
    """What was seen of a server from its start to its end."""

    health: int
    line: Line
    has_database: bool
    family: list[psutil.Process]
    commands: list[str]
    log: str


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """One server, started, looked at and stopped."""
    return asyncio.run(_live(tmp_path_factory.mktemp("served")))


async def _live(folder: Path) -> Life:
    log = folder / "server.log"
    async with own_server(folder / "data", log, STUBS) as (address, pid):
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        commands = [" ".join(process.cmdline()) for process in family]
        async with httpx.AsyncClient(base_url=address) as client:
            health = (await client.get("/healthz")).status_code
        async with Practice(address) as practice:
            line = await practice.line()
        has_database = (folder / "data" / "voice_agent.db").is_file()
    return Life(health, line, has_database, family, commands, log.read_text())


def test_it_answers_where_it_says(life: Life) -> None:
    assert life.health == 200
    assert life.line.phone_url.startswith("ws://127.0.0.1:")
    assert life.line.numbers


def test_its_data_is_where_it_was_told(life: Life) -> None:
    assert life.has_database


def test_its_phone_network_goes_with_it(life: Life) -> None:
    assert any("emulator" in command for command in life.commands)
    assert [process for process in life.family if process.is_running()] == []


def test_nothing_alarming_is_logged_by_a_start_and_a_stop(life: Life) -> None:
    assert "Traceback" not in life.log
    assert "Warning" not in life.log
    assert "error" not in life.log.lower()


async def test_it_starts_without_the_weights_of_its_models(tmp_path: Path) -> None:
    installed = tmp_path / "installed" / "models"
    shutil.copytree(MODELS, installed, copy_function=os.symlink)
    for weights in ("stt/phones.onnx", "prosody/prosody.npz"):
        (installed / weights).unlink()
    path = os.pathsep.join([str(installed.parent), str(MODELS.parent)])
    settings = {**STUBS, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    server = own_server(tmp_path / "data", tmp_path / "server.log", settings)
    async with server as (address, _), httpx.AsyncClient(base_url=address) as client:
        page = await client.get("/models")
    assert page.text.count("missing here") == 2


async def test_data_that_cannot_be_written_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CommandError, match="VOICE_AGENT_DATA_DIR") as refused:
        async with own_server(tmp_path / "file" / "data", tmp_path / "server.log", STUBS):
            pass
    assert "cannot serve on" not in str(refused.value)


async def test_an_address_that_is_taken_is_told_as_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"cannot serve on 127.0.0.1:{port}.*--port"):
            listening("127.0.0.1", port)
