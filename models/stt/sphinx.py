"""One utterance through PocketSphinx: the grammar of the state, a free phone loop beside it, a language
model behind.

All decoders take the cepstra of one front end (:mod:`models.stt.frontend`) while the caller speaks. The
phone loop hears any string of phones, so it scores what was said as well as any sentence could; how far the
grammar's words fall behind it says whether they were said at all. A grammar that falls too far behind is
refused and the general language model gets a bounded try: its words are a hint, never an accepted answer.

Runs in a worker process: the library holds the interpreter lock while it works.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pocketsphinx

from models.expectation import Expectation
from models.speech import SAMPLE_RATE, Pcm, Transcript, Word
from models.stt import lexicon
from models.stt.frontend import CEPSTRA, BandExtension, Floats, FrontEnd, level_gain
from models.stt.grammar import grammar_of, key_of

SOURCE: Final = "pocketsphinx"

FRAME: Final = 0.01
"""Seconds a cepstral frame lasts."""

_LOG_SCALE: Final = math.log(1.0001)
"""The library gives scores as powers of this base's."""
_ZERO_MEAN: Final = ",".join(["0"] * CEPSTRA)
_DIGIT_INSERTION: Final = 0.01
_WORD_INSERTION: Final = 0.02
_HOLD: Final = SAMPLE_RATE * 7 // 10
"""Audio waited for before the level is set, in samples; decoding then catches up. A level taken from the
first 0.7 s costs a third more wrong words in free speech (64 for 40 in a hundred)."""
_GRAMMARS_KEPT: Final = 64
_FALLBACK_SECONDS: Final = 8.0
"""Most audio the language model looks at after a refused grammar."""
_FALLBACK_WALL_SECONDS: Final = 0.6
"""Most time it gets: the caller is waiting, and what it finds is only a hint."""
ACCEPT_MARGIN: Final = -31.0
"""Mean score per frame, grammar minus phone loop, below which the grammar's words are refused."""
CONFIDENCE_SLOPE: Final = 3.0
_COVERAGE: Final = 0.7
"""Share of the speech that the words must account for. The decoder may take speech for noise, so a long
sentence outside the grammar can leave two of its words and a fine score."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What one decoder heard.

    Attributes:
        words: text, first and last frame, margin per frame over the phone loop.
        margin: mean margin per frame of all words; -inf without words.
    """

    words: tuple[tuple[str, int, int, float], ...]
    margin: float

    @property
    def text(self) -> str:
        """The words in a row."""
        return " ".join(w[0] for w in self.words)


def begin(decoder: Any) -> None:
    """Start an utterance whose cepstra have zero mean already.

    Not by ``cmn="none"``: fed piece by piece (5.1.1) the library then still takes its built-in mean away.
    """
    decoder.set_cmn(_ZERO_MEAN)
    decoder.start_utt()


def _numbered(word: str, number: int) -> str:
    return word if number == 1 else f"{word}({number})"


def clean(word: str) -> str:
    """A decoder's word without the number of its pronunciation; "" for silence and noise marks."""
    return "" if word[0] in "<[+" else word.split("(")[0]


def _score(probability: float) -> float:
    """The library's own integer score, which its interface raises to a power."""
    return math.log(probability) / _LOG_SCALE if probability > 0 else -1e7


class Models:
    """The decoders of one worker process. Loading takes about a second and some 150 MB."""

    def __init__(self) -> None:
        self.network = BandExtension()
        common = {"samprate": 16000, "loglevel": "FATAL", "cmn": "live"}
        # Without the best-path pass: with a large grammar its lattice takes seconds, after the end of speech.
        self._grammar = pocketsphinx.Decoder(lm=None, bestpath=False, **common)
        phone_model = pocketsphinx.get_model_path("en-us/en-us-phone.lm.bin")
        # Beams as wide as the library's documentation of phone recognition has them.
        self.phones = pocketsphinx.Decoder(
            lm=None, allphone=phone_model, lw=2.0, beam=1e-20, pbeam=1e-20, **common
        )
        # No look-ahead: with it, cepstra fed piece by piece (5.1.1) give no words. The second, flat pass
        # comes after
        # the end of speech and is worth it: 38 instead of 47 words in a hundred wrong.
        self.language = pocketsphinx.Decoder(bestpath=False, pl_window=0, **common)
        self._loaded: OrderedDict[Expectation, str] = OrderedDict()
        self._names = 0
        for word, sounds in lexicon.BY_HAND.items():
            self._add(word, sounds)

    def _add(self, word: str, sounds: tuple[str, ...]) -> None:
        """Pronunciations beside those the dictionary has: it numbers them ``word``, ``word(2)`` and on."""
        number = 1
        for i, phones in enumerate(sounds):
            while (
                known := self._grammar.lookup_word(_numbered(word, number))
            ) is not None and known != phones:
                number += 1
            if known is None:
                self._grammar.add_word(_numbered(word, number), phones, i == len(sounds) - 1)

    def grammar(self, expectation: Expectation) -> Any | None:
        """The decoder set to what is expected, None when nothing is."""
        key = key_of(expectation)
        if key not in self._loaded:
            compiled = grammar_of(key)
            if compiled is None:
                return None
            known = self._grammar.lookup_word
            for word, sounds in lexicon.missing(compiled.words, lambda w: known(w) is not None).items():
                self._add(word, sounds)
            # Read by the library when a search is made.
            self._grammar.config["wip"] = _DIGIT_INSERTION if compiled.is_string else _WORD_INSERTION
            self._names += 1
            name = f"grammar{self._names}"
            self._grammar.add_jsgf_string(name, compiled.jsgf)
            self._loaded[key] = name
            if len(self._loaded) > _GRAMMARS_KEPT:
                self._grammar.remove_search(self._loaded.popitem(last=False)[1])
        self._loaded.move_to_end(key)
        self._grammar.activate_search(self._loaded[key])
        return self._grammar


class UtteranceDecoder:
    """One utterance. Feed, look at partials, finish; or drop it and call :meth:`abandon`."""

    def __init__(self, models: Models, expectation: Expectation) -> None:
        self._models = models
        self._expectation = expectation
        self._grammar = models.grammar(expectation)
        self._main = self._grammar or models.language
        self._front: FrontEnd | None = None
        self._held: list[Pcm] = []
        self._held_samples = 0
        self._cepstra: list[Floats] = []
        self._samples = 0
        self._open = True
        begin(self._main)
        begin(models.phones)

    def feed(self, pcm: Pcm) -> None:
        """The next audio of any length, int16 at 8 kHz."""
        self._samples += len(pcm)
        if self._front is None:
            self._held.append(pcm)
            self._held_samples += len(pcm)
            if self._held_samples >= _HOLD:
                self._release()
        else:
            self._decode(self._front.feed(pcm))

    def _release(self) -> None:
        held = np.concatenate(self._held) if self._held else np.zeros(0, np.int16)
        self._held = []
        self._front = FrontEnd(self._models.network, level_gain(held))
        self._decode(self._front.feed(held))

    def _decode(self, cepstra: Floats) -> None:
        if not len(cepstra):
            return
        self._cepstra.append(cepstra)
        data = cepstra.tobytes()
        self._main.process_cep(data, False, False)
        self._models.phones.process_cep(data, False, False)

    @property
    def seconds(self) -> float:
        """Length of the audio so far."""
        return self._samples / SAMPLE_RATE

    def partial(self) -> str:
        """The words so far, "" when there are none yet."""
        hypothesis = self._main.hyp()
        if hypothesis is None:
            return ""
        return " ".join(filter(None, map(clean, hypothesis.hypstr.split())))

    def abandon(self) -> None:
        """Give the utterance up. Idempotent."""
        if self._open:
            self._open = False
            self._main.end_utt()
            self._models.phones.end_utt()

    def glance(self) -> None:
        """The library's search has one end only."""

    def finish(self) -> Transcript:
        """The final transcript of what was fed."""
        if self._front is None:
            self._release()
        assert self._front is not None
        self._decode(self._front.flush())
        self.abandon()
        heard = self._hypothesis(self._main)
        if self._grammar is None:
            return self._transcript(heard, accepted=True, share=0.6)
        if heard.margin >= ACCEPT_MARGIN and self._coverage(heard) >= _COVERAGE:
            return self._transcript(heard, accepted=True, share=1.0)
        hint = self._fallback()
        return self._transcript(hint if hint.words else heard, accepted=False, share=0.5)

    def _hypothesis(self, decoder: Any) -> Hypothesis:
        frames = sum(map(len, self._cepstra))
        best, free = decoder.hyp(), self._models.phones.hyp()
        if best is None or free is None or not frames:
            return Hypothesis((), -math.inf)
        margin = (_score(best.score) - _score(free.score)) / frames
        words = tuple(
            (text, segment.start_frame, segment.end_frame, margin)
            for segment in decoder.seg() or ()
            if (text := clean(segment.word)) and segment.end_frame >= segment.start_frame
        )
        return Hypothesis(words, margin)

    def _coverage(self, heard: Hypothesis) -> float:
        """Share of the frames that the phone loop took for speech which lie within the words."""
        frames = sum(map(len, self._cepstra)) + 1
        speech, within = np.zeros(frames, bool), np.zeros(frames, bool)
        for segment in self._models.phones.seg() or ():
            if segment.word[0] not in "<[+" and segment.word != "SIL":
                speech[segment.start_frame : segment.end_frame + 1] = True
        for _, first, last, _ in heard.words:
            within[first : last + 1] = True
        return float((speech & within).sum() / max(1, speech.sum()))

    def _fallback(self) -> Hypothesis:
        """The general language model over the last seconds."""
        if not self._cepstra:
            return Hypothesis((), -math.inf)
        decoder = self._models.language
        cepstra = np.concatenate(self._cepstra)
        until = time.monotonic() + _FALLBACK_WALL_SECONDS
        first = max(0, len(cepstra) - int(_FALLBACK_SECONDS / FRAME))
        begin(decoder)
        for at in range(first, len(cepstra), 10):
            if time.monotonic() > until:
                break
            decoder.process_cep(cepstra[at : at + 10].tobytes(), False, False)
        decoder.end_utt()
        words = tuple(
            (clean(s.word), s.start_frame + first, s.end_frame + first, -math.inf)
            for s in decoder.seg() or ()
            if clean(s.word) and s.end_frame >= s.start_frame
        )
        return Hypothesis(words, -math.inf)

    def _transcript(self, heard: Hypothesis, *, accepted: bool, share: float) -> Transcript:
        words = tuple(
            Word(text, first * FRAME, (last + 1) * FRAME, round(share * confidence(margin), 3))
            for text, first, last, margin in heard.words
        )
        return Transcript(
            text=heard.text,
            confidence=round(share * confidence(heard.margin), 3) if heard.words else 0.0,
            accepted=accepted and bool(heard.words),
            words=words,
            audio_seconds=self.seconds,
            source=SOURCE,
        )


def confidence(margin: float) -> float:
    """A margin as a probability-like number: one half at the threshold of acceptance."""
    if margin == -math.inf:
        return 0.5
    return 1 / (1 + math.exp(min(50.0, -(margin - ACCEPT_MARGIN) / CONFIDENCE_SLOPE)))
