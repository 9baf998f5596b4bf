import numpy as np
import pytest

from models.speech import VadState
from models.vad import SileroVad
from tests.models.speech_audio import clip, quiet


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    return SileroVad()


def probabilities(vad: SileroVad, pcm: np.ndarray) -> np.ndarray:
    state = [VadState()]
    return np.array([vad.run(pcm[None, i : i + 256], state)[0] for i in range(0, len(pcm) - 255, 256)])


def test_speech_is_told_from_silence(vad: SileroVad) -> None:
    heard = probabilities(vad, np.concatenate([quiet(0.5), clip("trouble")[:16000]]))
    assert heard[:14].max() < 0.3
    assert heard[17:].max() > 0.9
    assert np.mean(heard[17:] > 0.5) > 0.6


def test_white_noise_is_no_speech(vad: SileroVad) -> None:
    noise = np.random.default_rng(0).normal(0, 500, 8000).astype(np.int16)
    assert probabilities(vad, noise).max() < 0.5


def test_legs_of_one_batch_do_not_influence_each_other(vad: SileroVad) -> None:
    speech, silence = clip("moment")[:7680], quiet(0.96)
    states = [VadState(), VadState()]
    together = np.array(
        [vad.run(np.stack([speech[i : i + 256], silence[i : i + 256]]), states) for i in range(0, 7680, 256)]
    )
    assert together[:, 0] == pytest.approx(probabilities(vad, speech), abs=1e-4)
    assert together[:, 1] == pytest.approx(probabilities(vad, silence), abs=1e-4)


def test_no_legs_are_no_work(vad: SileroVad) -> None:
    assert vad.run(np.zeros((0, 256), np.int16), []).shape == (0,)


def test_a_chunk_of_another_length_is_refused(vad: SileroVad) -> None:
    with pytest.raises(ValueError, match="160"):
        vad.run(np.zeros((1, 160), np.int16), [VadState()])
