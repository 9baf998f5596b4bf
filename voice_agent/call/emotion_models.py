"""The emotion models of a process, as its calls may ask them: nobody waits, and each fails alone.

Voice and bursts stand on one encoder: it runs once per window, and both heads read its answer side by side.
The end-of-turn model has a network of the same family, but hears eight seconds that end elsewhere, so its
spectrogram cannot be used here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import structlog

import models
from models.emotion_encoder import EmotionEncoder, Encoding
from models.language.language import LanguageModel, LanguageReading
from models.model_file import ModelError
from models.prosody import CallerBaseline, ProsodyModel, ProsodyReading
from models.speech import Pcm
from models.vocal_burst.vocal_burst import VocalBurstModel, VocalBurstReading
from voice_agent.call.model_worker import Breaker, ModelWorker, WorkerFigures
from voice_agent.emotion.measures import VoiceMeasures, measure

log = structlog.get_logger(__name__)

AUDIO_QUEUED, TEXT_QUEUED = 5, 20
"""Published: segments and texts of one call that may wait."""

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class HeardVoice:
    """What the models made of one window; None where one had no answer."""

    prosody: ProsodyReading | None
    burst: VocalBurstReading | None
    measures: VoiceMeasures | None
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class EmotionNetworks:
    """The models themselves. ``missing`` tells by name why one could not be loaded."""

    encoder: EmotionEncoder | None
    prosody: ProsodyModel | None
    burst: VocalBurstModel | None
    language: LanguageModel | None
    missing: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path = Path(models.__file__).parent) -> EmotionNetworks:
        """Load what there is. A file that is missing, or is not the one that was measured, costs that model
        and no other; nothing is raised."""
        missing: dict[str, str] = {}

        def loaded(name: str, make: Callable[[], M]) -> M | None:
            try:
                return make()
            except ModelError as error:
                missing[name] = str(error)
                log.warning("emotion_model_missing", model=name, reason=str(error))
                return None

        encoder = loaded("emotion_encoder", lambda: EmotionEncoder(folder / "emotion_encoder"))
        prosody = burst = None
        if encoder is not None:
            prosody = loaded("prosody", lambda: ProsodyModel(encoder, folder / "prosody"))
            burst = loaded("vocal_burst", lambda: VocalBurstModel(encoder, folder / "vocal_burst"))
        language = loaded("language", lambda: LanguageModel(folder / "language"))
        return cls(encoder, prosody, burst, language, missing)


class EmotionModels:
    """Asks the networks, a worker each. Used from one event loop."""

    def __init__(
        self, networks: EmotionNetworks, *, deadline_s: float = 1.0, recovery_s: float = 10.0
    ) -> None:
        times = {"deadline_s": deadline_s, "recovery_s": recovery_s}
        self._prosody_model = networks.prosody
        self._encoder: ModelWorker[Pcm, tuple[Encoding, VoiceMeasures | None]] | None = None
        self._prosody: ModelWorker[tuple[Encoding, CallerBaseline], ProsodyReading] | None = None
        self._burst: ModelWorker[Encoding, VocalBurstReading] | None = None
        self._language: ModelWorker[str, LanguageReading] | None = None
        if (encoder := networks.encoder) is not None:
            self._encoder = ModelWorker(
                "emotion_encoder",
                lambda windows: list(
                    zip(_apart(encoder.encode(windows)), map(measure, windows), strict=True)
                ),
                per_call=AUDIO_QUEUED,
                **times,
            )
        if (prosody := networks.prosody) is not None:
            self._prosody = ModelWorker(
                "prosody",
                lambda asked: prosody.read(
                    _together([encoding for encoding, _ in asked]), [baseline for _, baseline in asked]
                ),
                per_call=AUDIO_QUEUED,
                **times,
            )
        if (burst := networks.burst) is not None:
            self._burst = ModelWorker(
                "vocal_burst",
                lambda encodings: burst.read(_together(encodings)),
                per_call=AUDIO_QUEUED,
                **times,
            )
        if (language := networks.language) is not None:
            self._language = ModelWorker("language", language.run, per_call=TEXT_QUEUED, **times)
        self.missing = networks.missing
        self.versions = {
            model.identity.name: model.identity.version
            for model in (networks.prosody, networks.burst, networks.language)
            if model is not None
        }

    @property
    def workers(self) -> tuple[ModelWorker[Any, Any], ...]:
        """The workers that there are."""
        return tuple(
            worker
            for worker in (self._encoder, self._prosody, self._burst, self._language)
            if worker is not None
        )

    @property
    def figures(self) -> dict[str, WorkerFigures]:
        """What every worker could not answer, by the model's name."""
        return {worker.name: worker.figures for worker in self.workers}

    @property
    def silent(self) -> tuple[str, ...]:
        """Models that give no answers now: not loaded, or left alone after failures."""
        off = [w.name for w in self.workers if w.breaker is not Breaker.CLOSED]
        return tuple(sorted({*self.missing, *off}))

    async def hear(self, call: str, window: Pcm, baseline: CallerBaseline) -> HeardVoice | None:
        """What one window of a caller's voice sounds like, at most two seconds of int16 at 8 kHz; None when
        nobody could be asked."""
        if self._encoder is None:
            return None
        answer = await self._encoder.ask(call, window)
        if answer is None:
            return None
        encoding, measures = answer
        prosody_asked = _asked(self._prosody, call, (encoding, baseline))
        burst_asked = _asked(self._burst, call, encoding)
        prosody, burst = await asyncio.gather(prosody_asked, burst_asked)
        return HeardVoice(prosody, burst, measures, encoding)

    async def read(self, call: str, text: str) -> LanguageReading | None:
        """What words express; None when the model could not be asked."""
        return await _asked(self._language, call, text)

    def learn(self, baseline: CallerBaseline, heard: HeardVoice) -> CallerBaseline:
        """``baseline`` after this window of its caller (some 30 µs)."""
        if self._prosody_model is None:
            return baseline
        return self._prosody_model.learn(baseline, heard.encoding)

    def forget(self, call: str) -> None:
        """A call is over."""
        for worker in self.workers:
            worker.forget(call)

    def close(self) -> None:
        """End the threads. Idempotent."""
        for worker in self.workers:
            worker.close()


Q = TypeVar("Q")
A = TypeVar("A")


async def _asked(worker: ModelWorker[Q, A] | None, call: str, question: Q) -> A | None:
    return await worker.ask(call, question) if worker is not None else None


def _apart(encoding: Encoding) -> list[Encoding]:
    """One encoding of n windows as n encodings of one."""
    return [
        Encoding(encoding.vectors[row : row + 1], (encoding.frames[row],), (encoding.sounds[row],))
        for row in range(len(encoding.sounds))
    ]


def _together(encodings: Sequence[Encoding]) -> Encoding:
    """And back: so that one run of a head serves several calls."""
    return Encoding(
        np.concatenate([each.vectors for each in encodings]),
        tuple(frames for each in encodings for frames in each.frames),
        tuple(sound for each in encodings for sound in each.sounds),
    )
