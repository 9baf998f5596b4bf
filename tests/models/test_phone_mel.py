import numpy as np
import soxr

from models.stt.phone_mel import phone_log_mel, quickened
from models.turn.log_mel import whisper_log_mel


def test_the_spectrogram_at_8_khz_is_that_of_the_same_sound_at_16_khz() -> None:
    rng = np.random.default_rng(0)
    pcm = (3000 * np.convolve(rng.standard_normal(16000), np.ones(3) / 3, "same")).astype(np.int16)
    wide = soxr.resample(pcm.astype(np.float32), 8000, 16000, quality="VHQ")
    here, there = phone_log_mel(pcm), whisper_log_mel(wide)
    assert here.shape == there.shape == (80, 200)
    # Bands up to 3.4 kHz; above, the resampler's own slope shows.
    assert np.abs(here[:52] - there[:52]).mean() < 0.02


def test_silence_has_a_spectrogram_without_surprises() -> None:
    assert np.isfinite(phone_log_mel(np.zeros(8000, np.int16))).all()


def test_sound_shown_faster_keeps_its_bands_and_its_place_in_time() -> None:
    pcm = np.zeros(16000, np.int16)
    pcm[8000:8800] = (8000 * np.sin(2 * np.pi * 1000 * np.arange(800) / 8000)).astype(np.int16)
    usual, fast = phone_log_mel(pcm), quickened(phone_log_mel(pcm), 200)
    assert fast.shape == (80, 2 * (16000 // 200))
    loud, fast_loud = usual.max(axis=0).argmax() * 80, fast.max(axis=0).argmax() * 100
    assert abs(int(loud) - int(fast_loud)) <= 800
    assert usual.max(axis=1).argmax() == fast.max(axis=1).argmax()
