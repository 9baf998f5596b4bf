"""What one worker process holds to hear with: the network, the dictionary, the vocabularies."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from models.expectation import Expectation
from models.stt.automaton import automaton_of
from models.stt.dictionary import Dictionary
from models.stt.general import GeneralVocabulary
from models.stt.grammar import grammar_of, key_of
from models.stt.phone_graph import PhoneGraph, graph_of
from models.stt.phone_mel import STEP
from models.stt.phone_model import FOLDER, PhoneModel
from models.stt.search import Search, Weights

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
    """Loading takes some three seconds and 300 MB; everything in it is shared by all utterances."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """``folder``: where the network's weights are. Raises :class:`SpeechError` when something is
        missing."""
        self.phones = PhoneModel(folder)
        self.dictionary = Dictionary()
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

    def phones_in(self, words: Iterable[str]) -> int:
        """How many phones a sentence has at least."""
        said = (word for text in words for word in text.split())
        return sum(min(map(len, self.dictionary.readings(word))) for word in said)

    def general(self, expectation: Expectation) -> Search:
        """A new search for anything at all, with the terms of the state among its words."""
        graph, vocabulary = self._general.graph(expectation.keyterms)
        return Search(graph, GENERAL, vocabulary)
