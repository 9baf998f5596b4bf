"""The smart-turn network: from eight seconds of sound to the probability that the speaker has finished.

It is the encoder of Whisper Tiny with a small head, and wants zeros in front of sound that is shorter than
eight seconds, as most turns are. What its layers make of those zeros hardly depends on what comes behind, so
it was computed once, at some levels, and only the sound itself goes through the network: a turn of two
seconds takes 7 ms instead of 25. ``scripts/derive_turn.py`` makes the network that can do that; its weights
are the published ones.

The features are a step of their own because other models can stand on the same spectrogram: computing it
once per pause is cheaper than once per model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soxr

from models.model_file import ModelError, verified_file
from models.onnx import pipecat_file, session_of_bytes, single_thread_session
from models.speech import SAMPLE_RATE, Pcm
from models.turn.log_mel import BANDS, HOP, RATE, whisper_log_mel

FOLDER: Final = Path(__file__).parent

WHOLE_MODEL: Final = "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
"""Inside the pipecat package: the same weights, which always compute all eight seconds."""

SECONDS: Final = 8
"""Length of the model's view; shorter audio gets zeros in front, of longer audio the end counts."""

POSITIONS: Final = SECONDS * RATE // (2 * HOP)
"""Of the network, each two frames of the spectrogram."""

_MARGIN: Final = 8
"""Positions of silence in front of the sound that are computed with it."""

_LEVELS: Final = np.linspace(-0.2, 0.2, 8)
"""What silence looks like in the spectrogram hangs on the loudest of the sound: 98 of 100 turns lie here."""

_RANGE: Final = 2.0
"""From the loudest of a spectrogram to its floor."""

_PAST: Final = "before"
"""In the model: the inputs with what was made of earlier positions, and their length."""

Features = npt.NDArray[np.float32]


class SmartTurn:
    """:class:`~models.speech.EndOfTurnModel` on the smart-turn network. Thread-safe; from 4 ms of CPU a run
    for half a second of sound to 26 for eight. No option of onnxruntime makes the network cheaper; its
    eight-bit softmax in floating point would save a sixth and move the answers by up to 0.3."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """``folder``: where the derived network lies; without it the whole one of the pipecat package does
        the same, slower."""
        self.shortcoming = ""
        """Why it is slower than it could be."""
        self._silence: list[dict[str, npt.NDArray[np.uint8]]] = []
        try:
            _, weights = verified_file(folder)
        except ModelError as error:
            self.shortcoming = str(error)
            self._session = single_thread_session(pipecat_file(WHOLE_MODEL))
            return
        self._session = session_of_bytes(weights)
        # The one axis of every such input whose length is not fixed.
        self._along = {
            each.name: each.shape.index(_PAST)
            for each in self._session.get_inputs()
            if each.name.startswith(_PAST)
        }
        self._silence = [self._of_silence(float(level)) for level in _LEVELS]

    def features(self, pcm: Pcm) -> Features:
        """int16 at 8 kHz of any length -> log-mel float32 [80, 2 n] of its last 8 s: as many positions n as
        the network has to compute."""
        last = pcm[-SECONDS * SAMPLE_RATE :].astype(np.float32) / 32768.0
        wide = np.zeros(SECONDS * RATE, np.float32)
        silent = len(wide)
        if len(last):
            x = soxr.resample(last, SAMPLE_RATE, RATE, quality="HQ")[-len(wide) :]
            silent -= len(x)
            wide[silent:] = x
        skipped = max(0, silent // (2 * HOP) - _MARGIN) if self._silence else 0
        return whisper_log_mel(wide, silent)[:, 2 * skipped :]

    def probability_of(self, features: Features) -> float:
        """Probability of a finished turn from :meth:`features`."""
        feed: dict[str, Any] = {"input_features": np.ascontiguousarray(features[None])}
        if self._silence:
            level = float(features.max()) - _RANGE
            before = POSITIONS - features.shape[1] // 2
            silence = self._silence[int(np.abs(_LEVELS - level).argmin())]
            for name, made in silence.items():
                along = (slice(None),) * self._along[name] + (slice(before),)
                feed[name] = np.ascontiguousarray(made[along])
        return float(self._session.run(["logits"], feed)[0][0, 0])

    def probability(self, pcm: Pcm) -> float:
        """``pcm``: up to 8 s ending with the last word. Returns 0..1. Takes tens of ms: call it in a
        thread."""
        return self.probability_of(self.features(pcm))

    def _of_silence(self, level: float) -> dict[str, npt.NDArray[np.uint8]]:
        """What the layers make of eight seconds of silence that looks like ``level``."""
        feed: dict[str, Any] = {"input_features": np.full((1, BANDS, 2 * POSITIONS), level, np.float32)}
        for each in self._session.get_inputs():
            if each.name in self._along:
                feed[each.name] = np.zeros([0 if size == _PAST else size for size in each.shape], np.uint8)
        _, *made = self._session.run(None, feed)
        return dict(zip(self._along, made, strict=True))
