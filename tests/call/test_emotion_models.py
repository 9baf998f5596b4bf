"""The emotion models behind their workers: what they are given, and what becomes of missing ones."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

import models
from models.prosody import CallerBaseline
from models.speech import SAMPLE_RATE, Pcm
from tests.models.emotion_stand_ins import voice
from voice_agent.call.emotion_models import EmotionModels, EmotionNetworks

SHIPPED = Path(models.__file__).parent
NOBODY = CallerBaseline.unknown()
NAMES = ("emotion_encoder", "prosody", "vocal_burst", "language")


@pytest.fixture(scope="module")
def networks() -> EmotionNetworks:
    return EmotionNetworks.load()


@pytest.fixture
async def asked(networks: EmotionNetworks) -> AsyncIterator[EmotionModels]:
    asked = EmotionModels(networks)
    yield asked
    asked.close()


def copy_of_the_models(folder: Path) -> Path:
    for name in NAMES:
        shutil.copytree(SHIPPED / name, folder / name, ignore=shutil.ignore_patterns("*.py", "*.svg"))
    return folder


async def test_a_window_is_heard_by_both_voice_models(asked: EmotionModels) -> None:
    heard = await asked.hear("call", voice(), NOBODY)
    assert heard is not None
    assert heard.prosody is not None
    assert heard.burst is not None
    assert heard.measures is not None
    assert heard.prosody.usable
    assert asked.silent == ()
    assert set(asked.versions) == {"prosody", "vocal_burst", "language"}


async def test_windows_of_many_calls_get_each_their_own_answer(asked: EmotionModels) -> None:
    windows = [voice(seed=n, pitch=100 + 20 * n) for n in range(6)]
    alone = [await asked.hear("call", window, NOBODY) for window in windows]
    together = await asyncio.gather(*(asked.hear(f"call {n}", w, NOBODY) for n, w in enumerate(windows)))
    for one, other in zip(alone, together, strict=True):
        assert one is not None
        assert other is not None
        assert one.prosody is not None
        assert other.prosody is not None
        assert other.prosody.valence == pytest.approx(one.prosody.valence, abs=1e-3)


T = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE


@pytest.mark.parametrize(
    "window",
    [
        np.zeros(2 * SAMPLE_RATE, np.int16),
        np.full(2 * SAMPLE_RATE, 9000, np.int16),
        (30000 * np.sin(2 * np.pi * 440 * T)).astype(np.int16),
        np.where(voice(level=0.5) >= 0, 32767, -32768).astype(np.int16),
        np.array([1], np.int16),
        np.zeros(0, np.int16),
    ],
    ids=["silence", "DC", "tone", "square", "one sample", "nothing"],
)
async def test_what_is_no_voice_gives_the_neutral_reading(asked: EmotionModels, window: Pcm) -> None:
    heard = await asked.hear("call", window, NOBODY)
    assert heard is not None
    assert heard.prosody is not None
    assert (heard.prosody.usable, heard.prosody.valence) == (False, 0.0)
    assert asked.learn(NOBODY, heard).windows == 0


async def test_numbers_that_are_none_do_not_break_anything(asked: EmotionModels) -> None:
    window = np.full(SAMPLE_RATE, np.nan)
    heard = await asked.hear("call", window, NOBODY)  # type: ignore[arg-type]
    assert heard is not None
    assert heard.prosody is not None
    assert not heard.prosody.usable


async def test_words_are_read(asked: EmotionModels) -> None:
    reading = await asked.read("call", "i am really worried about this")
    assert reading is not None
    assert reading.valence < 0
    nothing = await asked.read("call", "")
    assert nothing is not None
    assert not nothing.usable


@pytest.mark.parametrize("name", NAMES)
async def test_a_model_that_is_not_there_costs_itself_and_what_stands_on_it(
    name: str, tmp_path: Path
) -> None:
    folder = copy_of_the_models(tmp_path)
    shutil.rmtree(folder / name)
    networks = EmotionNetworks.load(folder)
    asked = EmotionModels(networks)
    assert set(networks.missing) == {name}
    assert "restore it from the release" in networks.missing[name]
    heard = await asked.hear("call", voice(), NOBODY)
    if name == "emotion_encoder":
        assert heard is None
    else:
        assert heard is not None
        assert (heard.prosody is None) == (name == "prosody")
        assert (heard.burst is None) == (name == "vocal_burst")
    assert ((await asked.read("call", "thank you so much")) is None) == (name == "language")
    asked.close()


async def test_weights_that_are_not_the_measured_ones_are_refused(tmp_path: Path) -> None:
    folder = copy_of_the_models(tmp_path)
    weights = folder / "prosody" / "prosody.npz"
    weights.write_bytes(weights.read_bytes() + b"0")
    networks = EmotionNetworks.load(folder)
    assert networks.prosody is None
    assert "sha256" in networks.missing["prosody"]
    asked = EmotionModels(networks)
    assert asked.silent == ("prosody",)
    asked.close()
