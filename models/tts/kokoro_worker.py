"""The process that holds Kokoro: a sentence as text in, 8 kHz samples out.

``kokoro-onnx`` (MIT) brings phonemizer and espeak-ng, which are GPL-3.0-or-later and come with an optional
extra. Only this process loads them; the product talks to it over a pipe and works without it.

Messages as in :mod:`models.tts.messages`; ``SPEAK`` is followed by speed, volume and text,
zero bytes between.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final

import numpy as np
import onnxruntime
import soxr

from models.speech import SAMPLE_RATE, Pcm, SpeechError
from models.tts.level import normalize, trim
from models.tts.messages import NO_TAG, Message
from models.worker import WorkerChannel

_CHUNK: Final = SAMPLE_RATE // 10
_CLAUSE_END: Final = re.compile(r"(?<=[,;:.!?])\s+")
_SHORTEST_CLAUSE: Final = 12
"""Characters; a shorter part would sound like a word of its own."""
_PAUSE: Final = {",": 0.1}
_LONG_PAUSE: Final = 0.25
"""Seconds of silence after a clause; what the network puts there is trimmed."""


def clauses(text: str) -> list[str]:
    """``text`` cut at its pauses: the caller hears one part while the next is computed, so a long sentence
    never falls silent for the time that all the rest of it takes. Parts that are too short stay with the next
    one."""
    parts, start = [], 0
    for match in _CLAUSE_END.finditer(text):
        if min(match.start() - start, len(text) - match.end()) >= _SHORTEST_CLAUSE:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


class KokoroEngine:
    """The network with one voice. One sentence at a time."""

    def __init__(self, model: str, voices: str, threads: int, voice: str, language: str) -> None:
        """Raises :class:`SpeechError` when package, files or voice are not there or do not fit."""
        try:
            from kokoro_onnx import Kokoro
        except ImportError as error:
            raise SpeechError(
                f"kokoro-onnx cannot be imported ({error}): install the extra 'local'"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            self._kokoro: Any = Kokoro.from_session(session, voices)
        except Exception as error:  # onnxruntime's own errors have no common class
            raise SpeechError(f"kokoro's files cannot be loaded: {error}") from error
        if voice not in self._kokoro.voices:
            known = ", ".join(sorted(self._kokoro.voices))
            raise SpeechError(f"kokoro has no voice {voice!r}: it has {known}")
        self._voice = voice
        self._language = language

    def speak(self, text: str, speed: float, volume: float) -> Pcm:
        """``text`` as int16 samples at 8 kHz. Raises :class:`SpeechError` when it cannot be spoken."""
        try:
            samples, rate = self._kokoro.create(text, voice=self._voice, speed=speed, lang=self._language)
        except Exception as error:  # of phonemizer, espeak-ng or onnxruntime: none may end the worker
            raise SpeechError(f"kokoro could not speak a sentence: {type(error).__name__}") from error
        narrow = soxr.resample(np.asarray(samples, np.float32), rate, SAMPLE_RATE, quality="HQ")
        return normalize(trim(narrow), volume)


def _speak(channel: WorkerChannel, engine: KokoroEngine, tag: bytes, request: str) -> None:
    speed, volume, text = request.split("\0", 2)
    parts = clauses(text)
    for part in parts:
        pcm = engine.speak(part, float(speed), float(volume))
        if part is not parts[-1]:
            pause = _PAUSE.get(part[-1], _LONG_PAUSE)
            pcm = np.concatenate([pcm, np.zeros(int(pause * SAMPLE_RATE), np.int16)])
        for at in range(0, len(pcm), _CHUNK):
            channel.send(Message.AUDIO, tag + pcm[at : at + _CHUNK].astype("<i2").tobytes())
    channel.send(Message.DONE, tag)


def main() -> None:
    """Serve until the parent closes the pipe."""
    channel = WorkerChannel()
    model, voices, threads, voice, language = sys.argv[1:]
    try:
        engine = KokoroEngine(model, voices, int(threads), voice, language)
        engine.speak("Ready.", 1.0, 1.0)  # the first run pays for tables and buffers: not a caller's
    except SpeechError as error:
        channel.send(Message.FAILED, NO_TAG + str(error).encode())
        return
    channel.send(Message.READY, NO_TAG)
    while (message := channel.receive()) is not None:
        tag, request = message[1][:4], message[1][4:].decode()
        try:
            _speak(channel, engine, tag, request)
        except SpeechError as error:
            channel.send(Message.FAILED, tag + str(error).encode())


if __name__ == "__main__":
    main()
