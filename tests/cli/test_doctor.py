"""What `doctor` finds on machines of several kinds."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from models.stt.phone_model import FOLDER
from voice_agent.call.emotion_models import EmotionNetworks
from voice_agent.cli import app
from voice_agent.cli.checks import Finding, Verdict, examine, machine, providers, speech
from voice_agent.settings import Settings

ACCOUNT = "AC" + "0" * 32
APP = "AP" + "0" * 32


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables and no .env of whoever runs the tests."""
    for name in ("TWILIO_EDGE", "TWILIO_REGION", *_variables()):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def _variables() -> list[str]:
    fields = Settings.model_fields.values()
    return [str(field.validation_alias.choices[0]) for field in fields if field.validation_alias]  # type: ignore[union-attr]


def settings(tmp_path: Path, **values: Any) -> Settings:
    return Settings(data_dir=tmp_path / "data", **values)


async def test_a_fresh_installation_is_ready_and_honest_about_its_ears(tmp_path: Path) -> None:
    findings = {
        finding.subject: finding for finding in await examine(settings(tmp_path), port=0, offline=True)
    }
    assert [finding for finding in findings.values() if finding.verdict is Verdict.MISSING] == []
    assert "one word in four is wrong" in findings["hearing"].detail
    assert findings["phone network"].verdict is Verdict.NOTE
    assert not (tmp_path / "data").exists(), "looking must not change anything"


def test_the_command_exits_with_1_when_something_essential_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VOICE_AGENT_DATA_DIR", str(tmp_path / "data"))
    assert CliRunner().invoke(app, ["doctor", "--offline", "--port", "0"]).exit_code == 0
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC123")
    result = CliRunner().invoke(app, ["doctor", "--offline", "--port", "0", "--json"])
    assert result.exit_code == 1
    missing = [item["subject"] for item in json.loads(result.stdout) if item["verdict"] == "missing"]
    assert missing == ["phone network", "public address"]


def test_missing_emotion_models_are_named_and_calls_still_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert speech.emotion(settings(tmp_path)).verdict is Verdict.GOOD
    assert speech.emotion(settings(tmp_path, emotion=False)).verdict is Verdict.NOTE
    nothing = EmotionNetworks.load(tmp_path)
    monkeypatch.setattr(EmotionNetworks, "load", lambda: nothing)
    found = speech.emotion(settings(tmp_path))
    assert found.verdict is Verdict.WEAK
    assert "emotion_encoder" in found.detail
    assert found.remedy


def test_no_secret_is_ever_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VOICE_AGENT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VOICE_AGENT_LLM_MODEL", "gpt-5")
    monkeypatch.setenv("VOICE_AGENT_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:9/none")
    for name in ("TWILIO_AUTH_TOKEN", "VOICE_AGENT_LLM_API_KEY", "VOICE_AGENT_STT_API_KEY"):
        monkeypatch.setenv(name, "hunter2")
    output = CliRunner().invoke(app, ["doctor", "--offline", "--port", "0"]).output
    assert "hunter2" not in output
    assert "key set" in " ".join(output.split())


def test_a_setting_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_AGENT_MAX_CALLS", "many")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 2
    assert "VOICE_AGENT_MAX_CALLS" in result.output
    assert "Traceback" not in result.output


async def test_a_database_that_is_down_is_missing(tmp_path: Path) -> None:
    down = settings(tmp_path, database_url="postgresql://127.0.0.1:9/none")
    assert (await machine.database(down)).verdict is Verdict.MISSING


async def test_a_database_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = settings(tmp_path, database_url="mysql://127.0.0.1/none")
    finding = await machine.database(other)
    assert (finding.verdict, "not supported" in finding.detail) == (Verdict.MISSING, True)


def test_a_data_directory_that_cannot_be_written_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = machine.disk(Settings(data_dir=tmp_path / "file" / "data"))
    assert finding.verdict is Verdict.MISSING
    assert finding.remedy == "set VOICE_AGENT_DATA_DIR"


def test_a_port_that_is_taken_is_noticed() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert machine.listening_port(taken.getsockname()[1]).verdict is Verdict.WEAK


def test_more_recognizers_than_cores_are_too_many(tmp_path: Path) -> None:
    assert machine.processor(settings(tmp_path, stt_workers=64)).verdict is Verdict.WEAK


def test_a_package_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "site-packages" not in path])
    finding = machine.packages()
    assert (finding.verdict, finding.remedy) == (Verdict.MISSING, "run scripts/start")


async def test_a_package_that_cannot_be_imported_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "models.vad.silero", None)
    findings = await examine(settings(tmp_path), port=0, offline=True)
    (broken,) = (finding for finding in findings if finding.verdict is Verdict.MISSING)
    assert (broken.subject, broken.remedy) == ("voice activity, end of turn", "run scripts/start")


def test_a_cloud_recognizer_wants_its_key(tmp_path: Path) -> None:
    assert speech.recognizer(settings(tmp_path, stt="cartesia")).remedy == "set VOICE_AGENT_STT_API_KEY"
    assert speech.recognizer(settings(tmp_path, stt="cartesia", stt_api_key="x")).verdict is Verdict.GOOD


def test_an_ear_without_its_weights_is_weak_and_the_reason_is_told(tmp_path: Path) -> None:
    for stt in ("embedded", "cartesia"):
        finding = speech.recognizer(settings(tmp_path, stt=stt, stt_api_key="x"), tmp_path)
        assert finding.verdict is Verdict.WEAK
        assert "PocketSphinx" in finding.detail
        assert "model.json" in finding.detail
        assert finding.remedy == "restore the folder models from the release"


def test_an_ear_without_its_second_network_says_so(tmp_path: Path) -> None:
    for name in ("model.json", "phones.onnx"):
        (tmp_path / name).symlink_to(FOLDER / name)
    told = speech.recognizer(settings(tmp_path, stt="embedded"), tmp_path).detail
    assert "digits and letters" in told
    assert str(tmp_path / "spelling") in told
    assert "digits and letters" not in speech.recognizer(settings(tmp_path, stt="embedded")).detail


def test_a_model_wants_a_key_or_an_address_of_its_own(tmp_path: Path) -> None:
    assert providers.language_model(settings(tmp_path, llm_model="m")).verdict is Verdict.WEAK
    local = settings(tmp_path, llm_model="m", llm_base_url="http://127.0.0.1:11434/v1")
    assert providers.language_model(local).verdict is Verdict.GOOD


def test_complete_credentials_are_shown_in_part(tmp_path: Path) -> None:
    real = settings(tmp_path, twilio_account_sid=ACCOUNT, twilio_app_sid=APP, twilio_auth_token="t")
    (finding,) = providers.twilio(real)
    assert finding == Finding("phone network", Verdict.GOOD, "account AC0000... at Twilio")


@pytest.mark.parametrize("name", ["TWILIO_EDGE", "TWILIO_REGION"])
def test_variables_that_bend_addresses_are_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(name, "dublin")
    assert [finding.remedy for finding in providers.twilio(settings(tmp_path))][-1] == f"unset {name}"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://voice.example.org", "https"),
        ("https://voice.example.org:8443", "port"),
        ("https://voice.example.org/voice", "origin"),
        ("https://", "no host"),
        ("https://voice.example.org:port", "Port"),
    ],
)
async def test_an_address_that_twilio_could_not_use_is_explained(
    tmp_path: Path, url: str, words: str
) -> None:
    finding = await providers.public_address(settings(tmp_path, public_base_url=url), offline=True)
    assert (finding.verdict, words in finding.detail) == (Verdict.MISSING, True)


async def test_an_address_that_does_not_answer_is_weak(tmp_path: Path) -> None:
    local = settings(tmp_path, public_base_url="http://127.0.0.1:9", twilio_api_base_url="http://127.0.0.1:9")
    assert (await providers.public_address(local, offline=False)).verdict is Verdict.WEAK
    assert (await providers.public_address(local, offline=True)).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("chosen", "check", "remedy"),
    [
        ({"stt": "moonshine"}, speech.recognizer, "voice-agent models pull moonshine"),
        ({"tts": "kokoro"}, speech.voice, "voice-agent models pull kokoro"),
    ],
)
def test_a_local_model_that_is_set_and_not_here_is_missing(
    tmp_path: Path, chosen: dict[str, str], check: Callable[[Settings], Finding], remedy: str
) -> None:
    finding = check(settings(tmp_path, **chosen))
    assert (finding.verdict, finding.remedy) == (Verdict.MISSING, remedy)


def test_local_models_are_told_whether_they_are_set_or_not(tmp_path: Path) -> None:
    finding = speech.local_models(settings(tmp_path))
    assert (finding.verdict, finding.detail) == (Verdict.NOTE, "moonshine not here, kokoro not here")
