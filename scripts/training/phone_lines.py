"""What happens to speech between a mouth and the recognizer, drawn afresh every time it is used for
training."""

from __future__ import annotations

import random
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft
import soxr
from scipy.signal import butter, fftconvolve, iirpeak, lfilter, sosfilt

from models.speech import SAMPLE_RATE, Pcm
from telephony.g711 import decode_ulaw, encode_ulaw

Floats = npt.NDArray[np.float32]

_PACKET: Final = 160
_BABBLE_VOICES: Final = 40


def _through_alaw(pcm: Pcm) -> Pcm:
    """Companded by the European curve (ITU-T G.711, A = 87.6) to eight bits and back."""
    a, spread = 87.6, 1 + np.log(87.6)
    x = np.abs(pcm.astype(np.float32) / 32768)
    y = np.where(x < 1 / a, a * x, 1 + np.log(np.maximum(a * x, 1))) / spread
    y = (np.floor(y * 128) + 0.5) / 128
    x = np.where(y < 1 / spread, y * spread / a, np.exp(y * spread - 1) / a)
    return np.asarray(np.sign(pcm) * np.minimum(x, 0.999) * 32767, np.int16)


def _good(x: Floats) -> Pcm:
    """Over the band of a telephone and companded once, nothing worse."""
    band = sosfilt(butter(4, [300, 3400], "band", fs=SAMPLE_RATE, output="sos"), x)
    return decode_ulaw(encode_ulaw((band * (12000 / (np.abs(band).max() + 1e-9))).astype(np.int16)))


class Line:
    """A room, a handset, a network: other ones on every call."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self._others: list[Floats] = []

    def __call__(self, pcm: Pcm) -> Pcm:
        """Clean int16 speech at 8 kHz, cut to its words -> what arrives of it, with some silence around."""
        return self._heard(self._placed(pcm))

    def pair(self, pcm: Pcm) -> tuple[Pcm, Pcm]:
        """The same speech over a good line and over this one, at the same times."""
        x = self._placed(pcm)
        heard = self._heard(x)
        return _good(x)[: len(heard)], heard

    def _placed(self, pcm: Pcm) -> Floats:
        """Between two silences, at another pace."""
        rng = self._rng
        x = pcm.astype(np.float32) / 32768
        if rng.random() < 0.3:
            x = soxr.resample(x, SAMPLE_RATE, SAMPLE_RATE * rng.uniform(0.9, 1.12)).astype(np.float32)
        return np.concatenate([self._silence(), x, self._silence()])

    def _heard(self, x: Floats) -> Pcm:
        rng = self._rng
        if rng.random() < 0.4:
            x = self._room(x)
        self._remember(x)
        if rng.random() < 0.12:
            x = self._gated(x)
        if rng.random() < 0.7:
            x = self._handset(x)
        if rng.random() < 0.65:
            x = self._noisy(x)
            if rng.random() < 0.1:
                x = self._gated(x)
        x *= 10 ** (rng.uniform(-26, -0.5) / 20) / (np.abs(x).max() + 1e-9)
        if rng.random() < 0.07:
            x = np.clip(x * rng.uniform(2, 8), -0.7, 0.7)
        if rng.random() < 0.85:
            low, high = rng.choice((300, rng.uniform(80, 350))), rng.choice((3400, rng.uniform(3000, 3900)))
            x = sosfilt(butter(rng.choice((2, 4, 6)), [low, high], "band", fs=SAMPLE_RATE, output="sos"), x)
        return self._network(np.clip(x, -1, 1))

    def _silence(self) -> Floats:
        return np.zeros(int(self._rng.uniform(0.03, 0.5) * SAMPLE_RATE), np.float32)

    def _remember(self, x: Floats) -> None:
        """Callers of before are the babble of later."""
        if len(self._others) < _BABBLE_VOICES:
            self._others.append(x / (x.std() + 1e-6))
        elif self._rng.random() < 0.1:
            self._others[self._rng.randrange(_BABBLE_VOICES)] = x / (x.std() + 1e-6)

    def _gated(self, x: Floats) -> Floats:
        """Quiet frames replaced by silence, as by a telephone that sends only while it hears a voice: weak
        consonants at either end of a word go with them."""
        frame = SAMPLE_RATE // 100
        n = len(x) // frame
        power = np.sqrt((x[: n * frame].reshape(n, frame) ** 2).mean(axis=1))
        open_ = power > power.max(initial=0) * 10 ** (-self._rng.uniform(16, 36) / 20)
        held = np.convolve(open_, np.ones(1 + self._rng.randrange(6)))[:n] > 0
        out: Floats = x[: n * frame] * np.repeat(held, frame).astype(np.float32)
        return out

    def _room(self, x: Floats) -> Floats:
        """An exponential tail of noise, sometimes behind a few early reflections."""
        rng = self._rng
        n = int(SAMPLE_RATE * rng.uniform(0.08, 0.5))
        tail = self._noise.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n) * rng.uniform(0.02, 0.16)
        tail[0] = 1
        for _ in range(rng.randint(0, 4)):
            tail[rng.randrange(8, min(n, 320))] += rng.uniform(-0.4, 0.4)
        return fftconvolve(x, tail)[: len(x)].astype(np.float32)

    def _handset(self, x: Floats) -> Floats:
        """A tilt and one or two resonances or holes."""
        rng = self._rng
        x = np.append(x[0], x[1:] - rng.uniform(-0.5, 0.7) * x[:-1]).astype(np.float32)
        for _ in range(rng.randint(0, 2)):
            middle = rng.uniform(250, 3500)
            # A peak wider than the band would not be stable.
            b, a = iirpeak(middle, rng.uniform(max(0.7, middle / 3000), 4), fs=SAMPLE_RATE)
            x = x + rng.uniform(-0.7, 1.5) * lfilter(b, a, x).astype(np.float32)
        return x

    def _noisy(self, x: Floats) -> Floats:
        rng = self._rng
        z = self._sound(len(x))
        voiced = x[np.abs(x) > 0.02 * np.abs(x).max()]
        level = (voiced.std() if len(voiced) else 0.1) * 10 ** (-rng.triangular(3, 40, 17) / 20)
        return (x + z / (z.std() + 1e-9) * level).astype(np.float32)

    def _sound(self, n: int) -> Floats:
        """White, coloured, talkers, hum, gusts."""
        rng, kind = self._rng, self._rng.random()
        n, wanted = scipy.fft.next_fast_len(n, real=True), n
        white = self._noise.standard_normal(n).astype(np.float32)
        if kind < 0.3:
            return white[:wanted]
        if kind < 0.75 or len(self._others) < 6:
            spectrum = np.fft.rfft(white) / np.maximum(np.arange(n // 2 + 1), 8.0) ** rng.uniform(0.2, 1.1)
            coloured = np.fft.irfft(spectrum, n)
            if rng.random() < 0.3:  # comes and goes
                coloured *= 0.2 + np.abs(
                    np.sin(np.arange(n) * rng.uniform(0.5, 6) / SAMPLE_RATE + rng.uniform(0, 3))
                )
            if rng.random() < 0.2:
                hum = np.sin(2 * np.pi * rng.choice((50, 60, 100, 120, 440)) * np.arange(n) / SAMPLE_RATE)
                coloured += coloured.std() * rng.uniform(0.3, 2) * hum
            return coloured[:wanted].astype(np.float32)
        talkers = np.zeros(n, np.float32)
        for other in rng.sample(self._others, min(len(self._others), rng.choice((1, 2, 3, 5, 8)))):
            talkers += np.roll(np.resize(other, n), rng.randrange(n)) * rng.uniform(0.4, 1)
        return (talkers + white * 0.02)[:wanted]

    def _network(self, x: Floats) -> Pcm:
        """Companding, once or twice, and lost packets."""
        rng = self._rng
        pcm = (x * 32767).astype(np.int16)
        for _ in range(1 if rng.random() < 0.85 else 2):
            pcm = _through_alaw(pcm) if rng.random() < 0.25 else decode_ulaw(encode_ulaw(pcm))
        if rng.random() < 0.15:
            pcm = self._lossy(pcm.copy())
        return pcm

    def _lossy(self, pcm: Pcm) -> Pcm:
        """Bursts of lost packets, filled with silence or with the packet before."""
        rng = self._rng
        rate, fill = rng.uniform(0.005, 0.05), rng.random() < 0.5
        at = 1
        while at < len(pcm) // _PACKET:
            if rng.random() < rate:
                for k in range(at, min(at + rng.choice((1, 1, 1, 2, 3)), len(pcm) // _PACKET)):
                    before = pcm[(k - 1) * _PACKET : k * _PACKET]
                    pcm[k * _PACKET : (k + 1) * _PACKET] = before // 2 if fill else 0
            at += 1
        return pcm
