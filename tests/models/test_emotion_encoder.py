"""The shared encoder: what it takes, what it refuses to judge, and that batches change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.emotion_encoder import VECTOR, Defect, EmotionEncoder
from models.emotion_encoder.front_end import log_mel, wideband
from models.emotion_encoder.window import inspect
from models.speech import SAMPLE_RATE
from models.turn.log_mel import whisper_log_mel
from tests.models.emotion_stand_ins import in_window, voice

T = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE


@pytest.fixture(scope="module")
def encoder() -> EmotionEncoder:
    return EmotionEncoder()


def tone(*hertz: float) -> npt.NDArray[np.int16]:
    return np.asarray(sum(np.sin(2 * np.pi * hz * T) for hz in hertz) * 6000, np.int16)


def test_a_voice_becomes_one_vector_of_finite_numbers(encoder: EmotionEncoder) -> None:
    encoding = encoder.encode(voice()[None])
    assert encoding.vectors.shape == (1, VECTOR)
    assert np.isfinite(encoding.vectors).all()
    assert encoding.usable.tolist() == [True]
    assert encoding.sounds[0].seconds == pytest.approx(2.0, abs=0.01)
    assert encoding.sounds[0].level_dbfs == pytest.approx(-20, abs=0.5)


def test_a_batch_gives_what_each_window_gives_alone(encoder: EmotionEncoder) -> None:
    windows = np.stack([in_window(voice(seconds, seed=i)) for i, seconds in enumerate((2.0, 1.2, 0.5))])
    together = encoder.encode(windows)
    for row, window in enumerate(windows):
        alone = encoder.encode(window[None])
        np.testing.assert_allclose(together.vectors[row], alone.vectors[0], atol=1e-5)
        np.testing.assert_allclose(together.frames[row], alone.frames[0], atol=1e-5)


def test_zeros_in_front_are_padding_and_not_sound(encoder: EmotionEncoder) -> None:
    short = voice(0.8)
    padded, bare = encoder.encode(in_window(short)[None]), encoder.encode([short])
    np.testing.assert_allclose(padded.vectors, bare.vectors, atol=1e-5)
    assert padded.sounds[0].seconds == pytest.approx(0.8, abs=0.01)
    assert len(padded.frames[0]) == 40


def test_loudness_hardly_changes_the_vector(encoder: EmotionEncoder) -> None:
    loud, quiet = encoder.encode([voice(level=0.2), voice(level=0.02)]).vectors
    assert np.corrcoef(loud, quiet)[0, 1] > 0.999


def test_of_more_than_two_seconds_the_last_two_count(encoder: EmotionEncoder) -> None:
    long = np.concatenate([voice(1.5, pitch=300, seed=3), voice(2.0)])
    np.testing.assert_allclose(
        encoder.encode([long]).vectors, encoder.encode([voice(2.0)]).vectors, atol=1e-4
    )


@pytest.mark.parametrize(
    ("window", "defect"),
    [
        (np.zeros(16000, np.int16), Defect.SILENT),
        (np.zeros(0, np.int16), Defect.SILENT),
        (np.full(16000, 12000, np.int16), Defect.SILENT),
        (np.ones(1, np.int16), Defect.TOO_SHORT),
        (voice(0.1), Defect.TOO_SHORT),
        (in_window(voice(0.2)), Defect.TOO_SHORT),
        (tone(440), Defect.TONE),
        (tone(350, 440), Defect.TONE),
        (tone(770, 1336), Defect.TONE),
        (np.asarray(np.sign(voice().astype(float)) * 32767, np.int16), Defect.CLIPPED),
        (np.where(np.arange(16000) == 7, np.nan, voice().astype(np.float64)), Defect.NOT_FINITE),
        (np.full(16000, np.inf), Defect.NOT_FINITE),
    ],
    ids=["zeros", "empty", "dc", "one", "short", "padded", "tone", "dial", "key", "square", "nan", "inf"],
)
def test_what_cannot_be_a_voice_is_named_and_not_judged(
    encoder: EmotionEncoder, window: npt.NDArray[np.generic], defect: Defect
) -> None:
    encoding = encoder.encode([window, voice()])
    assert [sound.defect for sound in encoding.sounds] == [defect, None]
    assert not encoding.vectors[0].any()
    assert encoding.vectors[1].any()


def test_a_voice_on_a_constant_offset_is_judged_without_it(encoder: EmotionEncoder) -> None:
    plain = voice(level=0.05)
    shifted = np.clip(plain.astype(int) + 3000, -32768, 32767).astype(np.int16)
    vectors = encoder.encode([plain, shifted]).vectors
    assert np.corrcoef(vectors)[0, 1] > 0.999


def test_no_windows_give_no_vectors(encoder: EmotionEncoder) -> None:
    assert encoder.encode(np.zeros((0, 16000), np.int16)).vectors.shape == (0, VECTOR)


@given(arrays.arrays(st.sampled_from([np.int16, np.int32, np.float32, np.float64]), st.integers(0, 400)))
@settings(max_examples=150, deadline=None)
def test_any_samples_are_inspected_without_an_exception(samples: npt.NDArray[np.generic]) -> None:
    sound = inspect(samples)
    assert sound.pcm.dtype == np.int16
    assert np.isfinite(sound.level_dbfs)
    assert sound.defect is not None or len(sound.pcm)


def test_the_spectrogram_is_that_of_eight_seconds_with_silence_behind() -> None:
    sound = wideband(voice())
    long = whisper_log_mel(np.pad(sound, (0, 6 * 16000)).astype(np.float32))
    np.testing.assert_allclose(log_mel(sound), long[:, :200], atol=2e-3)


def test_the_weights_are_the_ones_that_were_derived() -> None:
    assert (
        EmotionEncoder().identity.sha256 == "0477255a948fc8fb988c12d1bdda79097213a512eb7e69e1dff0bd66fdca0ad5"
    )


def test_the_encoder_is_small_enough_to_ship() -> None:
    folder = Path(__file__).parents[2] / "models" / "emotion_encoder"
    assert (folder / "encoder.onnx").stat().st_size < 4.4e6
