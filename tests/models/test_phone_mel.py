import numpy as np
import soxr

from models.stt.phone_mel import phone_log_mel, quickened
from models.turn.log_mel import whisper_log_mel


def test_the_spectrogram_at_8_khz_is_that_of_the_same_sound_at_16_khz() -> None:
    rng = np.random.default_rng(0)
    pcm = (3000 * np.convolve(rng.standard_normal(16000), np.ones(3) / 3, "same")).astype(np.int16)
    pcm[:2000] = 0  # Or the whole of it would be noise of the line.
    wide = soxr.resample(pcm.astype(np.float32), 8000, 16000, quality="VHQ")
    here, there = phone_log_mel(pcm), whisper_log_mel(wide)
    assert here.shape == there.shape == (80, 200)
    # Bands up to 3.4 kHz; above, the resampler's own slope shows.
    assert np.abs(here[:52, 30:] - there[:52, 30:]).mean() < 0.02


def test_steady_noise_is_taken_down_and_a_tone_in_it_is_not() -> None:
    rng, at = np.random.default_rng(1), np.arange(16000) / 8000
    said = 6000 * np.sin(2 * np.pi * 1000 * at) * ((at > 0.8) & (at < 1.2))
    noisy = (said + 300 * rng.standard_normal(16000)).astype(np.int16)
    mel = phone_log_mel(noisy)
    plain = whisper_log_mel(soxr.resample(noisy.astype(np.float32), 8000, 16000, quality="VHQ"))
    change = (mel - plain)[:52]
    tone = plain[:52, 90:110].mean(axis=1).argmax()
    assert change[:, :70].mean() < -0.08
    assert abs(change[tone, 90:110].mean()) < 0.02


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
