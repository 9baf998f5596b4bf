"""What one worker process holds to hear with: the network, the dictionary, the vocabularies."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from models.expectation import Expectation
from models.speech import Pcm, SpeechError
from models.stt.automaton import automaton_of
from models.stt.dictionary import Dictionary
from models.stt.general import GeneralVocabulary
from models.stt.grammar import grammar_of, key_of
from models.stt.phone_graph import Floats, PhoneGraph, graph_of
from models.stt.phone_mel import STEP
from models.stt.phone_model import FOLDER, PhoneModel
from models.stt.search import Search, Sentence, Weights
from models.stt.second_opinion import SecondOpinion
from models.stt.spelling_model import FOLDER as SPELLING
from models.stt.spelling_model import SpellingModel

_KEPT: Final = 64
_GRAMMAR: Final = 0.2
"""Weight of a grammar's own probabilities; they were found for PocketSphinx, whose scores are larger."""
PHRASES: Final = Weights(beam=200, reach=20.0, word=-1.0)
STRINGS: Final = Weights(beam=200, reach=20.0, word=-0.3)
STRING_STEP: Final = STEP * 20 // 17
"""Samples a frame where digits and letters are said one by one: drawn out, beside the running speech that the
network learned from."""
GENERAL: Final = Weights(beam=400, word=-0.9, language=0.95)


class Ear:
    """Loading takes some three seconds and 300 MB; everything in it is shared by all utterances.

    Attributes:
        shortcoming: why it hears less well than it could, "" when it does not.
    """

    def __init__(self, folder: Path = FOLDER, spelling: Path = SPELLING) -> None:
        """``folder``: where the network's weights are; ``spelling``: those of the second opinion on digits
        and letters, without which it goes on. Raises :class:`SpeechError` when anything else is missing."""
        self.phones = PhoneModel(folder)
        self.dictionary = Dictionary()
        self.shortcoming = ""
        self._opinion: SecondOpinion | None = None
        try:
            self._opinion = SecondOpinion(self.dictionary, SpellingModel(spelling))
        except SpeechError as error:
            self.shortcoming = f"digits and letters said one by one are heard by phones alone: {error}"
        self._general = GeneralVocabulary(self.dictionary)
        self._graphs: OrderedDict[Expectation, tuple[PhoneGraph, Weights] | None] = OrderedDict()

    def prepare(self, expectation: Expectation) -> tuple[PhoneGraph, Weights] | None:
        """The grammar of what is expected, None when nothing is; kept for the next time."""
        key = key_of(expectation)
        if key not in self._graphs:
            grammar = grammar_of(key)
            if grammar is None:
                self._graphs[key] = None
            else:
                automaton = automaton_of(grammar.jsgf)
                words = {word for _, _, word in automaton.steps}
                graph = graph_of(automaton, self.dictionary.of(words), _GRAMMAR)
                self._graphs[key] = graph, STRINGS if grammar.is_string else PHRASES
            if len(self._graphs) > _KEPT:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return self._graphs[key]

    def grammar(self, expectation: Expectation) -> Search | None:
        """A new search for what is expected, None when no grammar applies."""
        prepared = self.prepare(expectation)
        return Search(*prepared) if prepared else None

    def step(self, expectation: Expectation) -> int:
        """Samples a frame with which to hear what is expected."""
        prepared = self.prepare(expectation)
        return STRING_STEP if prepared and prepared[1] is STRINGS else STEP

    def reconsidered(
        self, found: list[Sentence], log: Floats, pcm: Pcm, expectation: Expectation, count: int
    ) -> list[Sentence]:
        """What was found of the sound ``pcm`` with the frames ``log``, best first; digits and letters that
        stand apart judged by a second network as well, at most ``count`` sentences then."""
        step = self.step(expectation)
        if self._opinion is None or step != STRING_STEP or not found or not len(log):
            return found
        return self._opinion.on(found, log, pcm, step, expectation, count)

    def phones_in(self, words: Iterable[str]) -> int:
        """How many phones a sentence has at least."""
        said = (word for text in words for word in text.split())
        return sum(min(map(len, self.dictionary.readings(word))) for word in said)

    def general(self, expectation: Expectation) -> Search:
        """A new search for anything at all, with the terms of the state among its words."""
        graph, vocabulary = self._general.graph(expectation.keyterms)
        return Search(graph, GENERAL, vocabulary)
