"""A call from the command line, against a practice that speaks the same interfaces as the real one."""

from __future__ import annotations

import asyncio
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tests.cli.fake_practice import CALL_SID, FakePractice, tone
from voice_agent.call.events import call_event_adapter
from voice_agent.cli import app
from voice_agent.cli.hearing import stretches_of
from voice_agent.cli.wav import read_wav, write_wav


async def voice_agent(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


@pytest.fixture
async def finished_call(fake_practice: FakePractice, tmp_path: Path) -> tuple[FakePractice, Path, Result]:
    """A call of two spoken sentences that the practice ends."""
    report = tmp_path / "report"
    result = await voice_agent(
        "call", "--server", fake_practice.base_url, "--say", "first", "--say", "second",
        "--from", "+12025550142", "--report", str(report),
    )  # fmt: skip
    return fake_practice, report, result


async def test_a_call_says_each_sentence_when_the_agent_has_finished(
    finished_call: tuple[FakePractice, Path, Result],
) -> None:
    practice, report, result = finished_call
    assert result.exit_code == 0, result.output
    assert practice.dialled == {"to": "+12025550100", "from": "+12025550142"}
    assert practice.spoken_texts == ["first", "second"]
    caller = stretches_of(read_wav(report / "inbound.wav"))
    agent = stretches_of(read_wav(report / "outbound.wav"))
    assert len(caller) == 2
    assert len(agent) == 3
    for said, before, after in zip(caller, agent, agent[1:], strict=False):
        assert before.end < said.start < said.end < after.start


async def test_a_call_leaves_everything_behind(finished_call: tuple[FakePractice, Path, Result]) -> None:
    practice, report, _ = finished_call
    lines = (report / "events.jsonl").read_text().splitlines()
    assert [call_event_adapter.validate_json(line) for line in lines] == practice.events
    summary: dict[str, Any] = json.loads((report / "summary.json").read_text())
    assert summary["call_sid"] == CALL_SID
    assert summary["completion_reason"] == "terminal_state"
    assert summary["states"] == ["state_1", "state_2"]
    assert summary["latency_ms"]["replies"] == {"n": 2, "p50": 302, "p95": 302, "max": 302}
    assert summary["latency_ms"]["mouth_to_ear"]["n"] == 2
    assert "Agent     Answer 2." in (report / "transcript.txt").read_text()
    drawn = f"of {CALL_SID} with {len(practice.events)} events"
    assert (report / "timeline.svg").read_text() == f"timeline.svg {drawn}"
    assert (report / "timeline.png").read_text() == f"timeline.png {drawn}"
    with wave.open(str(report / "stereo.wav")) as stereo:
        assert (stereo.getnchannels(), stereo.getframerate()) == (2, 8000)


async def test_the_conversation_is_printed_as_it_happens(
    finished_call: tuple[FakePractice, Path, Result],
) -> None:
    _, _, result = finished_call
    for words in ("Hello.", "words 1", "Answer 1.", "state_1 -> state_2", "terminal_state"):
        assert words in result.output


async def test_a_recording_is_played_as_it_is(fake_practice: FakePractice, tmp_path: Path) -> None:
    write_wav(tmp_path / "patient.wav", tone(0.5))
    fake_practice.turns = 1
    report = str(tmp_path / "report")
    result = await voice_agent(
        "call", "--server", fake_practice.base_url, "--wav", str(tmp_path / "patient.wav"), "--report", report
    )
    assert result.exit_code == 0, result.output
    assert fake_practice.dialled == {"to": "+12025550100"}
    heard = np.frombuffer(bytes(fake_practice.heard), np.uint8)
    assert 3900 < np.count_nonzero(heard != 0xFF) <= 4000


async def test_the_caller_hangs_up_when_everything_is_said(
    fake_practice: FakePractice, tmp_path: Path
) -> None:
    fake_practice.turns = 9
    report = tmp_path / "report"
    result = await voice_agent(
        "call", "--server", fake_practice.base_url, "--say", "only this", "--report", str(report)
    )
    assert result.exit_code == 0, result.output
    assert json.loads((report / "summary.json").read_text())["completion_reason"] == "caller_hangup"


async def test_a_broken_event_stream_is_taken_up_again(fake_practice: FakePractice, tmp_path: Path) -> None:
    fake_practice.turns = 1
    fake_practice.break_stream_after = 2
    report = tmp_path / "report"
    result = await voice_agent(
        "call", "--server", fake_practice.base_url, "--say", "hello", "--report", str(report)
    )
    assert result.exit_code == 0, result.output
    assert fake_practice.streams == 2
    seqs = [json.loads(line)["seq"] for line in (report / "events.jsonl").read_text().splitlines()]
    assert seqs == list(range(1, len(fake_practice.events) + 1))


async def test_a_refused_call_is_said_in_words(fake_practice: FakePractice, tmp_path: Path) -> None:
    fake_practice.refuse = True
    result = await voice_agent(
        "call", "--server", fake_practice.base_url, "--say", "hello", "--report", str(tmp_path)
    )
    assert result.exit_code == 2
    assert "refused the call to +12025550100: busy" in " ".join(result.output.split())


async def test_a_server_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    result = await voice_agent("call", "--server", "http://127.0.0.1:9", "--say", "hello")
    assert result.exit_code == 2
    assert "does not answer: start it with `voice-agent serve`" in " ".join(result.output.split())


@pytest.mark.parametrize(
    "arguments", [(), ("--say", "hello", "--wav", "hello.wav"), ("--wav", "missing.wav")], ids=str
)
async def test_a_call_without_exactly_one_kind_of_words_is_a_mistake(arguments: tuple[str, ...]) -> None:
    result = await voice_agent("call", "--server", "http://127.0.0.1:9", *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
