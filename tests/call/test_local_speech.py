"""A local recognizer and voice are chosen by name, and what they lack is told before any call."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.expectation import Expectation
from models.local import KOKORO, MOONSHINE, LocalModel, Shelf
from models.local.shelf import Kept, sha256_of
from models.onnx import pipecat_file
from models.speech import Delivery
from voice_agent.app import running
from voice_agent.call.cloud_speech import SpeechConfigurationError
from voice_agent.call.speech import SpeechServices, speech_services
from voice_agent.settings import Settings
from voice_agent.surroundings import StartError

STAND_INS = str(Path(__file__).parents[1] / "models" / "local_stand_ins")


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The optional packages are installed."""
    monkeypatch.syspath_prepend(STAND_INS)
    monkeypatch.setenv("PYTHONPATH", STAND_INS)


def settings(tmp_path: Path, **values: Any) -> Settings:
    return Settings(data_dir=tmp_path, **values)


def put(tmp_path: Path, model: LocalModel, **contents: bytes) -> None:
    """The model's files are there, as if they had been fetched."""
    shelf = Shelf(settings(tmp_path).models_dir)
    place = shelf.place(model)
    place.mkdir(parents=True)
    kept = {}
    for name in model.provides:
        (place / name).write_bytes(contents.get(name, name.encode()))
        kept[name] = Kept((place / name).stat().st_size, sha256_of(place / name))
    shelf.sign(model, kept)


def services(tmp_path: Path, **values: Any) -> SpeechServices:
    return speech_services(settings(tmp_path, **values))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (
            {"stt": "moonshine"},
            "VOICE_AGENT_STT='moonshine': .* not here: run `voice-agent models pull moonshine`",
        ),
        ({"tts": "kokoro"}, "VOICE_AGENT_TTS='kokoro': .* not here: run `voice-agent models pull kokoro`"),
    ],
)
@pytest.mark.usefixtures("packages")
def test_a_model_that_was_not_fetched_names_the_command(
    tmp_path: Path, chosen: dict[str, str], words: str
) -> None:
    with pytest.raises(SpeechConfigurationError, match=words):
        services(tmp_path, **chosen)


@pytest.mark.parametrize(
    ("chosen", "model"), [({"stt": "moonshine"}, MOONSHINE), ({"tts": "kokoro"}, KOKORO)]
)
def test_a_package_that_is_not_installed_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], model: LocalModel
) -> None:
    put(tmp_path, model)
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == model.package else real(name, *rest)
    )
    with pytest.raises(SpeechConfigurationError, match=r"pip install 'voice-agent\[local\]'"):
        services(tmp_path, **chosen)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"stt": "moonshine", "stt_options": {"model": "tiny"}}, "it knows threads, workers"),
        ({"stt": "moonshine", "stt_options": {"threads": "many"}}, "threads is 'many'"),
        ({"stt": "moonshine", "stt_options": {"workers": "0"}}, "workers is '0'"),
        ({"tts": "kokoro", "tts_options": {"speed": "2"}}, "it knows voice, language"),
    ],
)
@pytest.mark.usefixtures("packages")
def test_options_that_do_not_exist_are_refused(tmp_path: Path, chosen: dict[str, Any], words: str) -> None:
    for model in (MOONSHINE, KOKORO):
        put(tmp_path, model)
    with pytest.raises(SpeechConfigurationError, match=words):
        services(tmp_path, **chosen)


@pytest.mark.usefixtures("packages")
async def test_the_local_pair_is_the_first_rung_with_the_embedded_one_below(tmp_path: Path) -> None:
    put(tmp_path, MOONSHINE)
    put(tmp_path, KOKORO, **{"kokoro-v1.0.onnx": pipecat_file("audio/vad/data/silero_vad.onnx").read_bytes()})
    speech = services(tmp_path, stt="moonshine", tts="kokoro", stt_workers=1)
    assert [recognizer.name for recognizer in speech.recognizers] == ["moonshine", "embedded"]
    await speech.start()
    try:
        async with asyncio.timeout(20):
            utterance = speech.recognizers[0].open(Expectation())
            utterance.feed(np.full(8000, 3000, np.int16))
            assert (await utterance.finish()).text == "on thursday at 2:30 1.0 seconds"
            said = [chunk async for chunk in speech.voice.synthesize("Good morning.", Delivery())]
        assert speech.voice.name == "kokoro"
        assert sum(map(len, said)) == pytest.approx(8000 * len("Good morning.") / 50, rel=0.1)
    finally:
        await speech.close()


@pytest.mark.usefixtures("packages")
async def test_a_server_does_not_start_without_what_it_was_told_to_use(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="models pull moonshine"):
        async with running(settings(tmp_path, stt="moonshine", stt_workers=1)):
            pass
    put(tmp_path, MOONSHINE, **{"tokens.txt": b"damaged"})
    with pytest.raises(StartError, match=r"tokens\.txt failed"):
        async with running(settings(tmp_path, stt="moonshine", stt_workers=1)):
            pass
