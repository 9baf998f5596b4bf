import importlib.util

import numpy as np
import pytest

from models.onnx import pipecat_file, single_thread_session
from models.speech import SpeechError
from models.turn import SmartTurn
from models.turn.log_mel import whisper_log_mel
from tests.models.speech_audio import clip


@pytest.fixture(scope="module")
def turn() -> SmartTurn:
    return SmartTurn()


@pytest.mark.parametrize("kind", ["noise", "tone", "speech after silence", "silence"])
def test_the_spectrogram_equals_that_of_the_models_makers(kind: str) -> None:
    path = pipecat_file("audio/turn/smart_turn/_whisper_features.py")
    spec = importlib.util.spec_from_file_location("makers_features", path)
    assert spec is not None
    assert spec.loader is not None
    makers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(makers)
    rng = np.random.default_rng(1)
    x = {
        "noise": rng.normal(0, 0.1, 128000),
        "tone": np.sin(np.arange(128000) * 0.05),
        "speech after silence": np.concatenate([np.zeros(100000), rng.normal(0, 0.1, 28000)]),
        "silence": np.zeros(128000),
    }[kind].astype(np.float32)
    assert np.abs(whisper_log_mel(x) - makers.compute_whisper_log_mel_features(x)).max() < 1e-4


@pytest.mark.parametrize("silent", [0, 100, 359, 360, 361, 4000, 12345, 127_990, 128_000])
def test_leading_silence_is_only_a_shorter_way_to_the_same_spectrogram(silent: int) -> None:
    x = np.random.default_rng(2).normal(0, 0.1, 128_000).astype(np.float32)
    x[:silent] = 0
    np.testing.assert_allclose(whisper_log_mel(x, silent), whisper_log_mel(x), atol=1e-5)


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 16), (160, 18), (8000, 116), (63_000, 800), (64_000, 800), (100_000, 800)]
)
def test_features_are_those_of_the_sound_and_a_little_silence(
    turn: SmartTurn, samples: int, frames: int
) -> None:
    assert turn.features(np.ones(samples, np.int16)).shape == (80, frames)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SmartTurn:
    """The network of the package, which computes all eight seconds."""
    return SmartTurn(tmp_path_factory.mktemp("no_weights"))


def test_without_its_weights_file_the_whole_network_judges(whole: SmartTurn) -> None:
    assert "model.json" in whole.shortcoming
    assert whole.features(np.ones(8000, np.int16)).shape == (80, 800)
    assert 0 <= whole.probability(clip("trouble")) <= 1


def test_eight_seconds_are_judged_exactly_as_by_the_whole_network(turn: SmartTurn, whole: SmartTurn) -> None:
    pcm = np.resize(np.concatenate([clip("trouble"), clip("moment")]), 64_000)
    assert turn.probability(pcm) == whole.probability(pcm)


@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.5, 2.5, 4.0])
def test_skipped_silence_changes_the_judgement_little(
    turn: SmartTurn, whole: SmartTurn, seconds: float
) -> None:
    voice = np.concatenate([clip("trouble"), clip("moment"), clip("trouble")])
    length = int(8000 * seconds)
    turns = [voice[end - length : end] for end in range(length, len(voice), 4000)]
    apart = [abs(turn.probability(pcm) - whole.probability(pcm)) for pcm in turns]
    assert np.mean(apart) < 0.15


@pytest.mark.parametrize("loudness", [0, 1, 30, 32_000])
def test_any_loudness_is_judged(turn: SmartTurn, loudness: int) -> None:
    noise = np.random.default_rng(3).uniform(-loudness, loudness, 9000).astype(np.int16)
    assert 0 <= turn.probability(noise) <= 1


def test_a_finished_sentence_is_likelier_the_end_than_its_first_half(turn: SmartTurn) -> None:
    whole = clip("trouble")
    assert turn.probability(whole) > turn.probability(whole[: len(whole) // 2])


def test_the_probability_can_be_had_from_features_alone(turn: SmartTurn) -> None:
    pcm = clip("moment")
    assert turn.probability_of(turn.features(pcm)) == pytest.approx(turn.probability(pcm))


def test_a_missing_model_file_is_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpeechError, match=r"gone\.onnx"):
        single_thread_session(tmp_path / "gone.onnx")
