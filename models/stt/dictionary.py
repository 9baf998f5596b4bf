"""How words are pronounced: the CMU dictionary that comes with PocketSphinx, a few words by hand, the rest by
rules of spelling."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from models.onnx import package_file
from models.speech import SpeechError
from models.stt.lexicon import BY_HAND, pronounce

DICTIONARY: Final = "model/en-us/cmudict-en-us.dict"
"""Inside the pocketsphinx package."""

Reading = tuple[str, ...]


class Dictionary:
    """Readings of words, the usual one first. Loading takes a quarter of a second."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises :class:`SpeechError` when the file is missing."""
        path = path or package_file("pocketsphinx", DICTIONARY)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise SpeechError(f"dictionary {path} cannot be read ({error}): install pocketsphinx") from error
        self._known: dict[str, list[str]] = {}
        for line in lines:
            word, _, phones = line.partition(" ")
            self._known.setdefault(word.partition("(")[0], []).append(phones)

    def __contains__(self, word: str) -> bool:
        return word in self._known or word in BY_HAND

    def readings(self, word: str) -> tuple[Reading, ...]:
        """All readings of a word; by its spelling when it is in no list."""
        found = [*BY_HAND.get(word, ()), *self._known.get(word, ())] or [pronounce(word)]
        return tuple(dict.fromkeys(tuple(phones.split()) for phones in found))

    def of(self, words: Iterable[str]) -> dict[str, tuple[Reading, ...]]:
        """Readings of many words."""
        return {word: self.readings(word) for word in words}
