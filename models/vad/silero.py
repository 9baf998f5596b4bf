"""Silero's voice-activity network at 8 kHz, for all legs of a process in one run.

The model is a small recurrent network: 256 new samples with the 32 before them go in, a probability and the
recurrent state come out. The state lives with the leg (:class:`~models.speech.VadState`), so one session
serves every call and the legs of one tick are rows of one batch: 20 us a leg instead of 120.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.onnx import pipecat_file, single_thread_session
from models.speech import SAMPLE_RATE, Pcm, VadState

MODEL_FILE = "audio/vad/data/silero_vad.onnx"
"""Inside the pipecat package."""

CONTEXT = 32
"""Samples of the previous chunk that go in front (64 at 16 kHz)."""

SILENT = 8
"""Largest absolute sample of a chunk that counts as digital silence: the first step of mu-law."""

COMFORT_NOISE = 16
"""Standard deviation, in steps of int16, of what the network hears instead of digital silence. It never
heard a line without any noise; after one it misses short words (of 80 spoken digits between digital
silence, at four levels down to -26 dB, 295 of 320 are found without and 312 with it)."""


class SileroVad:
    """:class:`~models.speech.VoiceActivityModel` on the Silero network. Not thread-safe: one tick calls
    it."""

    chunk = 256

    def __init__(self, path: Path | None = None) -> None:
        """``path``: the ONNX file, by default the one inside the pipecat package."""
        self._session = single_thread_session(path or pipecat_file(MODEL_FILE))
        self._rate = np.array(SAMPLE_RATE, np.int64)
        comfort = np.random.default_rng(0).normal(0, COMFORT_NOISE / 32768, self.chunk)
        self._comfort = comfort.astype(np.float32)

    def run(self, chunks: Pcm, states: list[VadState]) -> npt.NDArray[np.float32]:
        """``chunks`` int16 [legs, 256] -> probabilities float32 [legs]; ``states`` are updated in place.

        Raises :class:`ValueError` when the shape does not fit the states.
        """
        if chunks.shape != (len(states), self.chunk):
            raise ValueError(f"chunks {chunks.shape} for {len(states)} legs: expected [legs, {self.chunk}]")
        if not states:
            return np.zeros(0, np.float32)
        x = np.empty((len(states), CONTEXT + self.chunk), np.float32)
        x[:, CONTEXT:] = chunks
        x[:, CONTEXT:] /= 32768.0
        silent = np.abs(x[:, CONTEXT:]).max(axis=1) <= SILENT / 32768
        x[silent, CONTEXT:] += self._comfort
        for row, state in zip(x, states, strict=True):
            row[:CONTEXT] = state.context
        hidden = np.stack([state.hidden for state in states], axis=1)
        probability, hidden = self._session.run(None, {"input": x, "state": hidden, "sr": self._rate})
        for i, state in enumerate(states):
            state.hidden = hidden[:, i]
            state.context = x[i, -CONTEXT:].copy()
        return np.asarray(probability[:, 0], np.float32)
