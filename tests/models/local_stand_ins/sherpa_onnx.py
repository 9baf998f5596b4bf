"""A stand-in for the package of that name: as much of its interface as the Moonshine worker uses.

What it does to an utterance is decided by how loud that is, so that a test can ask for trouble.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np

REFUSED, CRASHED, HUNG = 0.9, 0.7, 0.5
"""Constant levels, of full scale."""


class OfflineRecognizer:
    @classmethod
    def from_moonshine(
        cls,
        preprocessor: str,
        encoder: str,
        uncached_decoder: str,
        cached_decoder: str,
        tokens: str,
        num_threads: int = 1,
    ) -> OfflineRecognizer:
        for path in (preprocessor, encoder, uncached_decoder, cached_decoder, tokens):
            if Path(path).read_bytes() != Path(path).name.encode():
                raise RuntimeError(f"Load model from {path} failed")
        return cls()

    def create_stream(self) -> SimpleNamespace:
        stream = SimpleNamespace(result=SimpleNamespace(text=""))

        def accept_waveform(sample_rate: int, waveform: np.ndarray) -> None:
            stream.seconds = len(waveform) / sample_rate
            stream.level = float(np.median(np.abs(waveform)))

        stream.accept_waveform = accept_waveform
        return stream

    def decode_stream(self, stream: SimpleNamespace) -> None:
        def near(level: float) -> bool:
            return abs(stream.level - level) < 0.05

        if near(REFUSED):
            raise RuntimeError("the network does not like it")
        if near(CRASHED):
            os._exit(3)
        if near(HUNG):
            threading.Event().wait()
        stream.result.text = f"On Thursday, at 2:30. (coughs) {stream.seconds:.1f} seconds!"
