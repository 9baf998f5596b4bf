"""The smart-turn network: from eight seconds of sound to the probability that the speaker has finished.

It is the encoder of Whisper Tiny with a small head. The features are a step of their own because other models
can stand on the same spectrogram: computing it once per pause is cheaper than once per model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from models.onnx import pipecat_file, single_thread_session
from models.speech import SAMPLE_RATE, Pcm
from models.turn.log_mel import RATE, whisper_log_mel

MODEL_FILE = "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
"""Inside the pipecat package."""

SECONDS = 8
"""Length of the model's view; shorter audio gets zeros in front, of longer audio the end counts."""


class SmartTurn:
    """:class:`~models.speech.EndOfTurnModel` on the smart-turn network. Thread-safe; some 27 ms of CPU a
    run, of which the network takes 25. No option of onnxruntime makes that less; its eight-bit softmax in
    floating point would save 4 and move the answers by up to 0.1."""

    def __init__(self, path: Path | None = None) -> None:
        """``path``: the ONNX file, by default the one inside the pipecat package."""
        self._session = single_thread_session(path or pipecat_file(MODEL_FILE))

    def features(self, pcm: Pcm) -> npt.NDArray[np.float32]:
        """int16 at 8 kHz of any length -> log-mel float32 [80, 800] of its last 8 s."""
        last = pcm[-SECONDS * SAMPLE_RATE :].astype(np.float32) / 32768.0
        wide = np.zeros(SECONDS * RATE, np.float32)
        silent = len(wide)
        if len(last):
            x = soxr.resample(last, SAMPLE_RATE, RATE, quality="HQ")[-len(wide) :]
            silent -= len(x)
            wide[silent:] = x
        return whisper_log_mel(wide, silent)

    def probability_of(self, features: npt.NDArray[np.float32]) -> float:
        """Probability of a finished turn from :meth:`features`."""
        return float(self._session.run(None, {"input_features": features[None]})[0][0, 0])

    def probability(self, pcm: Pcm) -> float:
        """``pcm``: up to 8 s ending with the last word. Returns 0..1. Takes tens of ms: call it in a
        thread."""
        return self.probability_of(self.features(pcm))
