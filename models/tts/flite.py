"""The voices of CMU Flite, where the system has the library (Debian: ``libflite1``).

The library is called through its C interface (``flite.h`` 2.2) with ctypes, which frees the interpreter
lock for the some 50 ms that a sentence takes; a thread does that. One object per voice and process:
features are set on the voice itself, so one sentence is spoken at a time.
"""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
from collections.abc import AsyncIterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soxr

from models.speech import SAMPLE_RATE, Delivery, Pcm, SpeechError
from models.tts.level import normalize, trim
from models.tts.text import TextNormalizer

_CHUNK: Final = SAMPLE_RATE // 10
_PITCH_RANGE_HZ: Final = 27.0
"""``int_f0_target_stddev`` that gives slt about the liveliness it has when the feature is not set
(measured)."""


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


class FliteLibrary:
    """One voice of the library, blocking. Not thread-safe."""

    def __init__(self, voice: str) -> None:
        """``voice``: slt, rms, awb, kal16 or kal. Raises :class:`SpeechError` when the library lacks it."""
        try:
            self._library: Any = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
            for name in ("usenglish", "cmulex"):
                ctypes.CDLL(f"libflite_{name}.so.1", mode=ctypes.RTLD_GLOBAL)
            register = getattr(ctypes.CDLL(f"libflite_cmu_us_{voice}.so.1"), f"register_cmu_us_{voice}")
        except OSError as error:
            raise SpeechError(
                f"flite voice {voice!r} is not installed ({error}): install libflite1"
            ) from error
        library = self._library
        library.flite_init()
        library.flite_text_to_wave.restype = ctypes.POINTER(_Wave)
        library.flite_text_to_wave.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        library.delete_wave.argtypes = [ctypes.POINTER(_Wave)]
        library.feat_set_float.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float]
        library.feat_remove.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        register.restype, register.argtypes = ctypes.POINTER(_Voice), [ctypes.c_char_p]
        self._voice = register(None)

    def speak(self, text: str, delivery: Delivery) -> tuple[npt.NDArray[np.int16], int]:
        """Samples and their rate in Hz; level as the library gives it, volume not applied."""
        library, features = self._library, self._voice.contents.features
        library.feat_set_float(features, b"duration_stretch", 1 / delivery.rate)
        library.feat_set_float(features, b"f0_shift", delivery.pitch)
        if delivery.pitch_range == 1:
            library.feat_remove(features, b"int_f0_target_stddev")
        else:
            library.feat_set_float(features, b"int_f0_target_stddev", _PITCH_RANGE_HZ * delivery.pitch_range)
        wave = library.flite_text_to_wave(text.encode("ascii", "ignore"), self._voice)
        if not wave:
            raise SpeechError("flite could not speak the sentence")
        samples = np.ctypeslib.as_array(wave.contents.samples, (wave.contents.num_samples,)).copy()
        rate = int(wave.contents.sample_rate)
        library.delete_wave(wave)
        return samples, rate


class FliteVoice:
    """:class:`~models.speech.Synthesizer` on a system library, an alternative to the espeak voice."""

    name = "flite"

    def __init__(self, voice: str = "slt") -> None:
        """``voice``: slt (female, the most natural), rms, awb or kal16."""
        self._voice = voice
        self._library: FliteLibrary | None = None
        self._one_at_a_time = asyncio.Lock()
        self._normalize = TextNormalizer()

    @staticmethod
    def installed() -> bool:
        """True when the system has the library."""
        return ctypes.util.find_library("flite") is not None

    async def start(self) -> None:
        """Load the voice. Raises :class:`SpeechError` when the system lacks it."""
        if self._library is None:
            self._library = await asyncio.to_thread(FliteLibrary, self._voice)

    async def close(self) -> None:
        """Forget the voice. Idempotent."""
        self._library = None

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        """Speak one sentence in chunks of 100 ms. See :class:`~models.speech.Synthesizer`."""
        said = self._normalize(text)
        if not said:
            return
        library = self._library
        if library is None:
            raise SpeechError("the flite voice has not been started")
        async with self._one_at_a_time:
            # Shielded: a cancelled caller must not free the lock while the thread is still in the library.
            spoken = asyncio.ensure_future(asyncio.to_thread(_render, library, said, delivery))
            try:
                pcm = await asyncio.shield(spoken)
            except asyncio.CancelledError:
                await asyncio.wait([spoken])
                raise
        for at in range(0, len(pcm), _CHUNK):
            yield pcm[at : at + _CHUNK]


def _render(library: FliteLibrary, text: str, delivery: Delivery) -> Pcm:
    samples, rate = library.speak(text, delivery)
    narrow = soxr.resample(samples.astype(np.float32), rate, SAMPLE_RATE, quality="HQ")
    return normalize(trim(narrow), delivery.volume)
