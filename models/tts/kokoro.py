"""The voice of Kokoro 82M: natural, for a machine with several fast cores.

The weights are fetched or placed by hand (:mod:`models.local`). What turns text into phonemes for them is
GPL-3.0-or-later, so all of it lives in worker processes (:mod:`models.tts.kokoro_worker`) that take text and
return samples.
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

from models.local.catalogue import KOKORO
from models.speech import Delivery, Pcm, SpeechError
from models.tts.speaking_workers import SpeakingWorkers
from models.tts.text import TextNormalizer

DEFAULT_VOICE: Final = "af_heart"
"""The one that its makers grade best."""
DEFAULT_LANGUAGE: Final = "en-us"
_START_TIMEOUT: Final = 60.0
_SLOWEST: Final = 0.5
_FASTEST: Final = 2.0
"""What the network takes as its speed."""


class KokoroVoice:
    """:class:`~models.speech.Synthesizer` on Kokoro's weights. Of a delivery it follows rate and volume."""

    name = KOKORO.name

    def __init__(
        self,
        files: Mapping[str, Path],
        *,
        voice: str = DEFAULT_VOICE,
        language: str = DEFAULT_LANGUAGE,
        threads: int = 4,
        workers: int = 1,
        timeout: float = 10.0,
    ) -> None:
        """A pool of processes, each of which holds the weights.

        Args:
            files: the fetched files by their published names.
            voice: one of the names in the voices file ("af_heart", "am_michael", "bf_emma", ...).
            language: "en-us" or "en-gb", for the pronunciation.
            threads: of one process, for one sentence.
            timeout: seconds that a part of a sentence may take.
        """
        self._voice = voice
        self._language = language
        self._normalize = TextNormalizer()
        model, voices = (str(files[file.name]) for file in KOKORO.files)
        self._workers = SpeakingWorkers(
            self.name,
            "models.tts.kokoro_worker",
            (model, voices, str(threads), voice, language),
            workers,
            timeout=timeout,
            start_timeout=_START_TIMEOUT,
        )

    @staticmethod
    def installed() -> bool:
        """True when the optional extra is there."""
        return importlib.util.find_spec(KOKORO.package) is not None

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the living workers that have loaded."""
        return self._workers.pids

    async def start(self) -> None:
        """Load the weights and say a word. Raises :class:`SpeechError` when they cannot be used."""
        if not self.installed():
            raise SpeechError(f"{KOKORO.package} is not installed: install the extra {KOKORO.extra!r}")
        await self._workers.start()

    async def close(self) -> None:
        """Stop the workers. Idempotent."""
        await self._workers.close()

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        """Speak one sentence, its first clause while the rest is computed. See
        :class:`~models.speech.Synthesizer`."""
        said = self._normalize(text)
        if not said:
            return
        speed = min(max(delivery.rate, _SLOWEST), _FASTEST)
        request = f"{speed:.3f}\0{delivery.volume:.3f}\0{said}".encode()
        async with aclosing(self._workers.speak(request)) as chunks:
            async for chunk in chunks:
                yield chunk
