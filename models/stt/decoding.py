"""One utterance: heard while it is spoken, searched against what was expected.

The network sees up to eight seconds of sound at once, anew for every partial transcript and once more in
the end, for it hears a phone better with what comes behind. When they are full, the frames up to a pause go
to the search for good and the window moves on; so the end of speech finds little left to do, however long the
utterance was.

A grammar's best sentence is accepted when its sound falls little enough behind that of the best string of
phones. Otherwise the general vocabulary's words are given as a hint, never as an accepted answer. Where
nothing is expected the general vocabulary is searched at once, and long speech is closed piece by piece, so
that neither time nor memory grows with it.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Final

import numpy as np

from models.expectation import AnswerKind, Expectation
from models.speech import SAMPLE_RATE, Pcm, Transcript, Word
from models.stt.acceptance import confidence, fits, margin_of
from models.stt.alignment import align
from models.stt.ear import Ear
from models.stt.loudness import snr_db
from models.stt.phone_graph import Floats
from models.stt.phone_model import LONGEST
from models.stt.search import Sentence

SOURCE: Final = "embedded"

_EARLIEST: Final = 9 * SAMPLE_RATE // 2
_LATEST: Final = 68 * SAMPLE_RATE // 10
"""Samples of a full window between which it is cut, where it is most likely nobody speaks."""
_CONTEXT: Final = 2 * SAMPLE_RATE
"""Sound before the first open frame that the network is shown again."""
_FIRST_LOOK: Final = 6 * SAMPLE_RATE // 10
_LOOK_EVERY: Final = 3 * SAMPLE_RATE // 10
_SHARE: Final = 0.05
"""Of a core, spent on partial transcripts while somebody speaks."""
_HINT_FRAMES: Final = 400
_CLOSE_AFTER: Final = 600
"""Frames after which free speech is closed at the next pause: 12 s."""
_PAUSE: Final = 6
_ALTERNATIVES: Final = 4
_READINGS: Final = 40
"""Sentences of a string that was judged again; they are weighed with what is heard when it is said again."""
_AFTERWARDS: Final = np.zeros(SAMPLE_RATE // 10, np.int16)
"""The last phones are heard better with silence behind them, of which a glance has little."""
_LOUDNESS_SAMPLES: Final = 20 * SAMPLE_RATE


class UtteranceDecoder:
    """One utterance. Feed, look at partials, finish; or drop it and call :meth:`abandon`."""

    def __init__(self, ear: Ear, expectation: Expectation) -> None:
        self._ear, self._expectation = ear, expectation
        self._grammar = ear.grammar(expectation)
        self._step = ear.step(expectation)
        self._search = self._grammar or ear.general(expectation)
        self._audio = np.zeros(0, np.int16)
        self._first = 0
        """The sample that ``_audio`` begins with."""
        self._samples = 0
        self._heard = np.zeros(0, np.int16)
        self._log: list[Floats] = []
        """Settled frames that the open search has seen."""
        self._settled = 0
        self._closed: list[Transcript] = []
        self._closed_frames = self._open_frames = 0
        self._next_look = _FIRST_LOOK
        self._partial = ""

    @property
    def seconds(self) -> float:
        """Length of the audio so far."""
        return self._samples / SAMPLE_RATE

    def feed(self, pcm: Pcm) -> None:
        """The next audio of any length, int16 at 8 kHz."""
        self._samples += len(pcm)
        self._audio = np.concatenate([self._audio, pcm])
        if len(self._heard) < _LOUDNESS_SAMPLES:
            self._heard = np.concatenate([self._heard, pcm])
        while len(self._audio) > LONGEST:
            self._look(self._audio[:LONGEST])

    def partial(self) -> str:
        """The words so far, "" when there are none yet. Looks again only when that is due."""
        if self._samples >= self._next_look:
            begun = time.process_time()
            open_frames = self._look(self._audio)
            trial = self._search.fork()
            trial.feed(open_frames)
            found = trial.sentences(1, complete=False)
            self._partial = " ".join(
                filter(None, [*(t.text for t in self._closed), found[0].text if found else ""])
            )
            cost = int((time.process_time() - begun) / _SHARE * SAMPLE_RATE)
            self._next_look = self._samples + max(_LOOK_EVERY, cost)
        return self._partial

    def glance(self) -> Transcript | None:
        """What was said if it ends here and fits the grammar; the utterance goes on. None when it does not
        fit: then it is worth waiting for more."""
        if self._grammar is None:
            return None
        ended = np.concatenate([self._audio, _AFTERWARDS])
        rest = self._ear.phones(ended, self._step)[self._settled - self._first // self._step :]
        trial = self._search.fork()
        trial.feed(rest)
        log = np.concatenate([*self._log, rest])
        found = self._reconsidered(trial.sentences(_ALTERNATIVES + 1), log)
        if not found or not fits(found[0], log, self._ear.phones_in(found[0].words)):
            return None
        self._open_frames = len(log)
        return self._transcript(found, log, accepted=True)

    def abandon(self) -> None:
        """Give the utterance up. Idempotent."""
        self._audio = self._audio[:0]

    def finish(self) -> Transcript:
        """The final transcript of what was fed."""
        rest = self._look(self._audio)
        self._search.feed(rest)
        log = np.concatenate([*self._log, rest])
        self._open_frames = len(log)
        if self._grammar is None:
            return _joined([*self._closed, self._free(log)], self.seconds, self._snr())
        found = self._reconsidered(self._search.sentences(_ALTERNATIVES + 1), log)
        if found and fits(found[0], log, self._ear.phones_in(found[0].words)):
            return self._transcript(found, log, accepted=True)
        search = self._ear.general(self._expectation)
        search.feed(log[-_HINT_FRAMES:])
        hint = search.sentences(_ALTERNATIVES + 1) or search.sentences(1, complete=False)
        if not hint or not hint[0].words:
            return self._transcript(found, log, accepted=False)
        free = AnswerKind.FREE in self._expectation.kinds
        return self._transcript(hint, log[-_HINT_FRAMES:], accepted=free)

    def _look(self, audio: Pcm) -> Floats:
        """Hear the open end of the utterance: frames that will not change are settled, the others
        returned."""
        log = self._ear.phones(audio, self._step)
        at = self._settled - self._first // self._step
        settled = at
        if len(audio) >= LONGEST:
            settled = _pause_in(log, max(at, _EARLIEST // self._step), _LATEST // self._step)
        if settled > at:
            self._log.append(log[at:settled])
            self._search.feed(log[at:settled])
            self._settled += settled - at
            if self._grammar is None:
                self._close_at_a_pause()
        # Begin later next time, on a whole frame.
        cut = max(0, self._settled - _CONTEXT // self._step - self._first // self._step) * self._step
        self._audio = self._audio[cut:]
        self._first += cut
        return log[settled:]

    def _close_at_a_pause(self) -> None:
        if self._settled - self._closed_frames < _CLOSE_AFTER:
            return
        log = np.concatenate(self._log)
        if (log[-_PAUSE:, 0] < math.log(0.75)).any():
            return
        self._closed.append(self._free(log))
        self._closed_frames, self._log = self._settled, []
        self._search = self._ear.general(self._expectation)

    def _reconsidered(self, found: list[Sentence], log: Floats) -> list[Sentence]:
        """A second opinion on a string, unless it is longer than the sound that was kept."""
        if self._samples > len(self._heard):
            return found
        return self._ear.reconsidered(found, log, self._heard, self._expectation, _READINGS)

    def _free(self, log: Floats) -> Transcript:
        found = self._search.sentences(_ALTERNATIVES + 1) or self._search.sentences(1, complete=False)
        return self._transcript(found, log, accepted=True)

    def _snr(self) -> float | None:
        return snr_db(self._heard)

    def _transcript(self, found: list[Sentence], log: Floats, *, accepted: bool) -> Transcript:
        if not found or not found[0].words:
            return Transcript(
                "", 0.0, accepted=False, audio_seconds=self.seconds, snr_db=self._snr(), source=SOURCE
            )
        best = found[0]
        sure = confidence(margin_of(best, log)) * _share(found)
        return Transcript(
            text=best.text,
            confidence=round(sure, 3),
            accepted=accepted,
            words=self._timed(best, log),
            alternatives=tuple(
                (other.text, round(sure * math.exp(max(-50.0, other.score - best.score)), 6))
                for other in found[1:]
                if other.words
            ),
            audio_seconds=self.seconds,
            snr_db=self._snr(),
            source=SOURCE,
        )

    def _timed(self, sentence: Sentence, log: Floats) -> tuple[Word, ...]:
        words = [part for text in sentence.words for part in text.split()]
        aligned = align([self._ear.dictionary.readings(word) for word in words], log)
        if aligned is None:
            return ()
        # Of a hint's log the beginning was left out.
        before = self._closed_frames + max(0, self._open_frames - len(log))
        return tuple(
            Word(
                text,
                round((before + spot.first) * self._step / SAMPLE_RATE, 3),
                round((before + spot.end) * self._step / SAMPLE_RATE, 3),
                round(confidence(spot.margin), 3),
            )
            for text, spot in zip(words, aligned, strict=True)
        )


def _pause_in(log: Floats, earliest: int, latest: int) -> int:
    """The frame from ``earliest`` to ``latest`` that lies deepest in a blank."""
    blank = np.convolve(log[earliest:latest, 0], np.ones(9), "same")
    return earliest + int(blank.argmax())


def _share(found: list[Sentence]) -> float:
    """Of the sentences found, how much of the probability is the first one's."""
    return 1 / sum(math.exp(max(-50.0, other.score - found[0].score)) for other in found)


def _joined(parts: list[Transcript], seconds: float, snr: float | None) -> Transcript:
    """Pieces of free speech as one transcript; alternatives are the last piece's, behind the words before."""
    said = [part for part in parts if part.text]
    if len(said) < 2:
        return replace(said[0] if said else parts[-1], audio_seconds=seconds, snr_db=snr)
    words = tuple(word for part in said for word in part.words)
    lengths = [len(part.text.split()) for part in said]
    sure = sum(part.confidence * n for part, n in zip(said, lengths, strict=True)) / sum(lengths)
    before = " ".join(part.text for part in said[:-1])
    return Transcript(
        text=" ".join(part.text for part in said),
        confidence=round(sure, 3),
        words=words,
        alternatives=tuple((f"{before} {text}", sure) for text, sure in said[-1].alternatives),
        audio_seconds=seconds,
        snr_db=snr,
        source=SOURCE,
    )
