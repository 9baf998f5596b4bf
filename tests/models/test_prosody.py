"""The prosody model: defined readings for everything, batches, the caller's baseline, and weights that are
checked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models.emotion_encoder import Defect, EmotionEncoder
from models.model_file import ModelError
from models.prosody import CallerBaseline, ProsodyModel, ProsodyReading, VoiceEmotion, neutral
from models.prosody.baseline import PRIOR_WINDOWS
from models.prosody.prosody import FOLDER
from tests.models.emotion_stand_ins import in_window, voice


@pytest.fixture(scope="module")
def encoder() -> EmotionEncoder:
    return EmotionEncoder()


@pytest.fixture(scope="module")
def model(encoder: EmotionEncoder) -> ProsodyModel:
    return ProsodyModel(encoder)


def numbers(reading: ProsodyReading) -> list[float]:
    return [*reading.categories.values(), reading.valence, reading.arousal, reading.dominance]


def test_a_reading_keeps_to_its_ranges(model: ProsodyModel) -> None:
    for reading in model.run(
        np.stack([voice(pitch=pitch, seed=seed) for seed, pitch in enumerate((90, 200, 320))])
    ):
        assert set(reading.categories) == set(VoiceEmotion)
        assert sum(reading.categories.values()) == pytest.approx(1, abs=1e-5)
        assert -1 <= reading.valence <= 1
        assert 0 <= reading.arousal <= 1
        assert 0 <= reading.dominance <= 1
        assert reading.usable


def test_a_batch_reads_what_each_window_reads_alone(model: ProsodyModel) -> None:
    windows = np.stack([voice(seed=seed, pitch=120 + 40 * seed) for seed in range(4)])
    for window, reading in zip(windows, model.run(windows), strict=True):
        assert numbers(model.run(window[None])[0]) == pytest.approx(numbers(reading), abs=1e-4)


def test_the_same_window_is_read_the_same_twice(model: ProsodyModel) -> None:
    assert model.run(voice()[None]) == model.run(voice()[None])


@pytest.mark.parametrize(
    ("window", "defect"),
    [
        (np.zeros(16000, np.int16), Defect.SILENT),
        (np.full(16000, -7000, np.int16), Defect.SILENT),
        (np.full(16000, np.nan), Defect.NOT_FINITE),
        (np.ones(1, np.int16), Defect.TOO_SHORT),
        (np.asarray(8000 * np.sin(np.arange(16000) * 0.35), np.int16), Defect.TONE),
        (np.asarray(np.sign(voice().astype(float)) * 32767, np.int16), Defect.CLIPPED),
    ],
    ids=["silence", "dc", "nan", "one sample", "tone", "square"],
)
def test_what_is_no_voice_reads_neutral_and_says_why(
    model: ProsodyModel, window: npt.NDArray[np.generic], defect: Defect
) -> None:
    assert model.run([window])[0] == neutral(defect)
    assert not neutral(defect).usable


def test_no_windows_give_no_readings(model: ProsodyModel) -> None:
    assert model.run(np.zeros((0, 16000), np.int16)) == []


def test_a_shared_encoding_gives_what_the_windows_give(encoder: EmotionEncoder, model: ProsodyModel) -> None:
    windows = voice()[None]
    assert model.read(encoder.encode(windows)) == model.run(windows)


def test_an_unknown_caller_is_read_without_a_baseline(model: ProsodyModel) -> None:
    assert model.run(voice()[None], CallerBaseline.unknown()) == model.run(voice()[None])


def test_a_known_caller_is_held_against_their_own_voice(encoder: EmotionEncoder, model: ProsodyModel) -> None:
    calm = [voice(pitch=110, seed=seed) for seed in range(12)]
    baseline = model.learn(CallerBaseline.unknown(), encoder.encode(calm))
    assert 0 < baseline.windows <= 12
    reading = model.run(voice(pitch=110, seed=40)[None], baseline)[0]
    assert reading.baseline_windows == baseline.windows
    assert numbers(reading) != pytest.approx(numbers(model.run(voice(pitch=110, seed=40)[None])[0]), abs=1e-3)


def test_windows_without_a_voice_teach_nothing(encoder: EmotionEncoder, model: ProsodyModel) -> None:
    silence = encoder.encode(np.zeros((3, 16000), np.int16))
    assert model.learn(CallerBaseline.unknown(), silence).windows == 0


def test_a_baseline_is_the_mean_of_its_windows_and_half_trusted_after_eight() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((PRIOR_WINDOWS, 1536)).astype(np.float32)
    baseline = CallerBaseline.unknown()
    for vector in vectors:
        baseline = baseline.with_window(vector)
    np.testing.assert_allclose(baseline.mean, vectors.mean(axis=0), atol=1e-5)
    assert baseline.weight == 0.5
    population = np.ones(1536, np.float32)
    np.testing.assert_allclose(baseline.centre(population), (1 + vectors.mean(axis=0)) / 2, atol=1e-5)


def test_each_window_needs_its_baseline(encoder: EmotionEncoder, model: ProsodyModel) -> None:
    with pytest.raises(ValueError, match="2 baselines for 1 windows"):
        model.read(encoder.encode(voice()[None]), [None, None])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER, tmp_path / "prosody", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "prosody"


def test_weights_that_differ_by_a_byte_are_refused(encoder: EmotionEncoder, copy: Path) -> None:
    weights = bytearray((copy / "prosody.npz").read_bytes())
    weights[len(weights) // 2] ^= 1
    (copy / "prosody.npz").write_bytes(weights)
    with pytest.raises(ModelError, match=r"prosody\.npz have sha256"):
        ProsodyModel(encoder, copy)


def test_missing_weights_are_named(encoder: EmotionEncoder, copy: Path) -> None:
    (copy / "prosody.npz").unlink()
    with pytest.raises(ModelError, match=r"prosody\.npz cannot be read"):
        ProsodyModel(encoder, copy)


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"name": 1}', "\x00"])
def test_a_manifest_that_says_nothing_is_refused(encoder: EmotionEncoder, copy: Path, manifest: str) -> None:
    (copy / "model.json").write_text(manifest)
    with pytest.raises(ModelError, match=r"model\.json cannot be read"):
        ProsodyModel(encoder, copy)


def test_weights_of_another_encoder_are_refused(encoder: EmotionEncoder, copy: Path) -> None:
    class AnotherEncoder(EmotionEncoder):
        def __init__(self) -> None:
            self.identity = type(encoder.identity)("emotion_encoder", "0", "0" * 64)

    with pytest.raises(ModelError, match="trained on encoder"):
        ProsodyModel(AnotherEncoder(), copy)


def test_the_model_says_which_weights_it_is(model: ProsodyModel) -> None:
    manifest = json.loads((FOLDER / "model.json").read_text())
    assert (model.identity.name, model.identity.sha256) == ("prosody", manifest["sha256"])
    assert manifest["sha256"].startswith(manifest["version"])


def test_a_voice_that_fades_in_after_silence_is_read_by_its_sound(model: ProsodyModel) -> None:
    short = voice(0.9)
    assert numbers(model.run([short])[0]) == pytest.approx(
        numbers(model.run([in_window(short)])[0]), abs=1e-4
    )
