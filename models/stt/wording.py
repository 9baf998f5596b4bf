"""The words of services that write as people do, as everything behind a recognizer expects them.

Large recognizers return sentences: capitals, punctuation, and remarks in brackets. Grammars, expected phrases
and the patient's own words in the record are lower-case words.
"""

from __future__ import annotations

import re
from typing import Final

_REMARK: Final = re.compile(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>")
_EDGE: Final = '.,;:!?…"“”„«»*_~-–—()[]<>♪'
_QUOTES: Final = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "–": " ", "—": " ", "…": " ", "▁": " "})


def plain_words(text: str) -> str:
    """``text`` in lower case with single spaces, without remarks and without punctuation around words.

    What stands inside a word or number stays: "don't", "2:30", "3/2/84", "555-0100".
    """
    words = (word.strip(_EDGE) for word in _REMARK.sub(" ", text).translate(_QUOTES).lower().split())
    return " ".join(word for word in words if word.strip("'"))
