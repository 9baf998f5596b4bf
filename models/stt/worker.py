"""The process that decodes: one utterance at a time, as its audio comes.

With the ear of our own where its weights are, with PocketSphinx where they are missing or not the published
ones.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from models.expectation import Expectation
from models.speech import SAMPLE_RATE, Pcm, SpeechError, Transcript
from models.stt import decoding, sphinx
from models.stt.ear import Ear
from models.stt.messages import Message, pack_transcript, unpack_opening
from models.stt.spelling_model import FOLDER as SPELLING
from models.worker import WorkerChannel

_PARTIAL_EVERY: Final = 3 * SAMPLE_RATE // 10
_NO_TAG: Final = bytes(4)


class Decoder(Protocol):
    """One utterance, whoever hears it."""

    @property
    def seconds(self) -> float:
        """Length of the audio so far."""

    def feed(self, pcm: Pcm) -> None:
        """The next audio of any length, int16 at 8 kHz."""

    def partial(self) -> str:
        """The words so far, "" when there are none yet."""

    def glance(self) -> Transcript | None:
        """What :meth:`finish` would give now, None when that is not to be told without ending."""

    def finish(self) -> Transcript:
        """The final transcript of what was fed."""

    def abandon(self) -> None:
        """Give the utterance up. Idempotent."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a worker hears with.

    Attributes:
        begin: begins an utterance.
        source: name of it, for transcripts.
        shortcoming: what is missing of it and why, "" when nothing is.
    """

    begin: Callable[[Expectation], Decoder]
    source: str
    shortcoming: str = ""


def load(folder: Path) -> Hearing:
    """Our own ear, or PocketSphinx where its weights in ``folder`` cannot be used."""
    try:
        ear = Ear(folder, folder / SPELLING.name)
    except SpeechError as error:
        reason = f"PocketSphinx hears instead of the ear of our own: {error}"
        return Hearing(partial(sphinx.UtteranceDecoder, sphinx.Models()), sphinx.SOURCE, reason)
    return Hearing(partial(decoding.UtteranceDecoder, ear), decoding.SOURCE, ear.shortcoming)


class _Service:
    """The state of the worker: at most one utterance is open."""

    def __init__(self, channel: WorkerChannel, hearing: Hearing) -> None:
        self._channel = channel
        self._hearing = hearing
        # The first utterance of a decoder pays for its tables: not a caller's.
        warm = hearing.begin(Expectation())
        warm.feed(np.zeros(SAMPLE_RATE, np.int16))
        warm.finish()
        gc.collect()
        gc.freeze()
        self._utterance: Decoder | None = None
        self._tag = b""
        self._partials = False
        self._since_partial = 0
        self._last_partial = ""

    def handle(self, kind: int, tag: bytes, payload: bytes) -> None:
        """One message of the parent."""
        if kind == Message.OPEN:
            self._drop()
            expectation, self._partials = unpack_opening(payload)
            self._utterance = self._hearing.begin(expectation)
            self._tag, self._since_partial, self._last_partial = tag, 0, ""
        elif self._utterance is None or tag != self._tag:
            return
        elif kind == Message.AUDIO:
            self._feed(self._utterance, payload)
        elif kind == Message.GLANCE:
            seen = self._utterance.glance()
            self._channel.send(Message.GLANCE, tag + (pack_transcript(seen) if seen else b""))
        elif kind == Message.FINISH:
            transcript = self._utterance.finish()
            self._utterance = None
            self._channel.send(Message.FINAL, tag + pack_transcript(transcript))
        else:
            self._drop()

    def _feed(self, utterance: Decoder, payload: bytes) -> None:
        pcm = np.frombuffer(payload, "<i2").astype(np.int16)
        utterance.feed(pcm)
        self._since_partial += len(pcm)
        if self._partials and self._since_partial >= _PARTIAL_EVERY:
            self._since_partial = 0
            text = utterance.partial()
            if text != self._last_partial:
                self._last_partial = text
                partial = Transcript(
                    text, 0.0, audio_seconds=utterance.seconds, source=self._hearing.source, is_final=False
                )
                self._channel.send(Message.PARTIAL, self._tag + pack_transcript(partial))

    def _drop(self) -> None:
        if self._utterance is not None:
            self._utterance.abandon()
            self._utterance = None


def main() -> None:
    """Serve until the parent closes the pipe."""
    channel = WorkerChannel()
    try:
        hearing = load(Path(sys.argv[1]))
        service = _Service(channel, hearing)
    except (SpeechError, RuntimeError, OSError) as error:
        channel.send(Message.FAILED, _NO_TAG + str(error).encode())
        return
    channel.send(Message.READY, _NO_TAG + hearing.shortcoming.encode())
    while (message := channel.receive()) is not None:
        kind, payload = message
        try:
            service.handle(kind, payload[:4], payload[4:])
        except (RuntimeError, ValueError) as error:  # the library's and the grammar's own complaints
            channel.send(Message.FAILED, payload[:4] + type(error).__name__.encode())


if __name__ == "__main__":
    main()
