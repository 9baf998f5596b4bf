"""The process that holds Moonshine: an utterance in, its words out.

sherpa-onnx answers files that it cannot use by ending the process, and brings an onnxruntime of its own: a
process apart keeps both away from the calls. Messages as in :mod:`models.stt.messages`: ``AUDIO`` with all
of an utterance so far (int16 at 8 kHz) is answered by ``FINAL`` with its text, or by ``FAILED``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soxr

from models.speech import SAMPLE_RATE, SpeechError
from models.stt.messages import Message
from models.worker import WorkerChannel

_RATE: Final = 16000
"""Hz that the network was trained on."""
_SHORTEST_S: Final = 0.5
"""Seconds; what is shorter gets silence behind it: the network wants more than a few frames."""
_NO_TAG: Final = bytes(4)


class MoonshineEngine:
    """The network, loaded. One utterance at a time."""

    def __init__(self, files: Sequence[str], threads: int) -> None:
        """``files``: paths in the catalogue's order. Raises :class:`SpeechError` when package or files cannot
        be used."""
        preprocessor, encoder, uncached_decoder, cached_decoder, tokens = files
        try:
            import sherpa_onnx
        except ImportError as error:
            raise SpeechError(
                f"sherpa-onnx cannot be imported ({error}): install the extra 'local'"
            ) from error
        try:
            self._recognizer: Any = sherpa_onnx.OfflineRecognizer.from_moonshine(
                preprocessor=preprocessor,
                encoder=encoder,
                uncached_decoder=uncached_decoder,
                cached_decoder=cached_decoder,
                tokens=tokens,
                num_threads=threads,
            )
        except (RuntimeError, ValueError) as error:
            raise SpeechError(f"moonshine's files cannot be loaded: {error}") from error

    def words(self, pcm: npt.NDArray[np.int16]) -> str:
        """The sentence in ``pcm`` (8 kHz) as the network writes it. Raises :class:`RuntimeError`."""
        wide = soxr.resample(pcm.astype(np.float32) / 32768, SAMPLE_RATE, _RATE, quality="HQ")
        wide = np.pad(wide, (0, max(0, int(_SHORTEST_S * _RATE) - len(wide))))
        stream = self._recognizer.create_stream()
        stream.accept_waveform(_RATE, wide)
        self._recognizer.decode_stream(stream)
        return str(stream.result.text)


def main() -> None:
    """Serve until the parent closes the pipe."""
    channel = WorkerChannel()
    *files, threads = sys.argv[1:]
    try:
        engine = MoonshineEngine(files, int(threads))
        engine.words(np.zeros(SAMPLE_RATE, np.int16))  # the first run pays for buffers: not a caller's
    except (SpeechError, RuntimeError) as error:
        channel.send(Message.FAILED, _NO_TAG + str(error).encode())
        return
    channel.send(Message.READY, _NO_TAG)
    while (message := channel.receive()) is not None:
        tag, audio = message[1][:4], message[1][4:]
        try:
            text = engine.words(np.frombuffer(audio, "<i2").astype(np.int16))
        except RuntimeError as error:
            channel.send(Message.FAILED, tag + type(error).__name__.encode())
            continue
        channel.send(Message.FINAL, tag + text.encode())


if __name__ == "__main__":
    main()
