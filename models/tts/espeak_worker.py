"""The process that holds espeak-ng: a sentence as SSML in, 8 kHz samples out.

espeak-ng is GPL-3.0-or-later and comes with an optional extra. Only this process loads it, through the C
interface of ``speak_lib.h`` (1.52); the product talks to it over a pipe and works without it.

Messages as in :mod:`models.tts.messages`; ``SPEAK`` is followed by voice, volume and SSML, zero bytes
between, and ``AUDIO`` comes in pieces of 100 ms.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from models.speech import SAMPLE_RATE, SpeechError
from models.tts.level import normalize, trim
from models.tts.messages import NO_TAG, Message
from models.worker import WorkerChannel

_AUDIO_OUTPUT_SYNCHRONOUS = 2
"""Samples come through the callback before the call returns; the asynchronous mode polls every 20 ms."""
_BUFFER_MS = 30
_CHARS_UTF8 = 1
_SSML = 0x10
_PHONEMES = 0x100
_RATE_PARAMETER = 1
_CHUNK = SAMPLE_RATE // 10


class Espeak:
    """The library, loaded. Its state is global: one object a process, one sentence at a time."""

    def __init__(self, words_per_minute: int) -> None:
        try:
            import espeakng_loader
        except ImportError as error:
            raise SpeechError("espeakng-loader is not installed: install the extra 'espeak'") from error
        self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate: int = self._library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, _BUFFER_MS, data, 0)
        if self.rate <= 0:
            raise SpeechError(f"espeak-ng cannot read its data in {data.decode()}")
        self._words_per_minute = words_per_minute
        self._voice = ""
        prototype = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
        )
        self._callback = prototype(self._on_audio)  # kept: the library calls it later
        self._library.espeak_SetSynthCallback(self._callback)
        self._spoken: list[npt.NDArray[np.int16]] = []

    def _on_audio(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._spoken.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def speak(self, voice: str, ssml: str, *, phonemes: bool = False) -> npt.NDArray[np.int16]:
        """The sentence as int16 samples at :attr:`rate`. Raises :class:`SpeechError` for an unknown voice.

        ``phonemes``: what stands in double square brackets is the engine's names of sounds.
        """
        if voice != self._voice:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise SpeechError(f"espeak-ng has no voice {voice!r}")
            self._voice = voice
            # Choosing a voice puts its own rate back.
            self._library.espeak_SetParameter(_RATE_PARAMETER, self._words_per_minute, 0)
        self._spoken = []
        text = ssml.encode()
        failed = self._library.espeak_Synth(
            text,
            ctypes.c_size_t(len(text) + 1),
            0,
            1,
            0,
            _CHARS_UTF8 | _SSML | (_PHONEMES if phonemes else 0),
            None,
            None,
        )
        if failed:
            raise SpeechError("espeak-ng refused the sentence")
        return np.concatenate(self._spoken) if self._spoken else np.zeros(0, np.int16)


def _serve(channel: WorkerChannel, words_per_minute: int) -> None:
    espeak = Espeak(words_per_minute)
    espeak.speak("en-us", "<speak>ready</speak>")  # the first sentence loads the dictionary
    channel.send(Message.READY, NO_TAG)
    while (message := channel.receive()) is not None:
        tag, request = message[1][:4], message[1][4:].decode()
        voice, volume, ssml = request.split("\0", 2)
        try:
            samples = espeak.speak(voice, ssml)
        except SpeechError as error:
            channel.send(Message.FAILED, tag + str(error).encode())
            continue
        # The whole sentence at once: it takes some 15 ms, and its level can only be known at its end.
        narrow = soxr.resample(samples.astype(np.float32), espeak.rate, SAMPLE_RATE, quality="HQ")
        pcm = normalize(trim(narrow), float(volume))
        for at in range(0, len(pcm), _CHUNK):
            channel.send(Message.AUDIO, tag + pcm[at : at + _CHUNK].astype("<i2").tobytes())
        channel.send(Message.DONE, tag)


def main() -> None:
    """Serve until the parent closes the pipe."""
    channel = WorkerChannel()
    try:
        _serve(channel, int(sys.argv[1]))
    except SpeechError as error:
        channel.send(Message.FAILED, NO_TAG + str(error).encode())


if __name__ == "__main__":
    main()
