"""Digits and letters said one by one or in groups: phone numbers, member ids, spelled names."""

from __future__ import annotations

from dataclasses import dataclass

from voice_agent.reasoning.spoken.numbers import TEENS, TENS, UNITS, ZERO_WORDS, digit
from voice_agent.reasoning.spoken.readings import CharactersReading
from voice_agent.reasoning.spoken.tokens import Tokens, tokenize

_NATO = {
    "alpha": "A", "alfa": "A", "bravo": "B", "charlie": "C", "delta": "D", "echo": "E", "foxtrot": "F",
    "golf": "G",
    "hotel": "H", "india": "I", "juliet": "J", "juliett": "J", "kilo": "K", "lima": "L", "mike": "M",
    "november": "N",
    "oscar": "O", "papa": "P", "quebec": "Q", "romeo": "R", "sierra": "S", "tango": "T", "uniform": "U",
    "victor": "V", "whiskey": "W", "whisky": "W", "xray": "X", "yankee": "Y", "zulu": "Z",
}  # fmt: skip
_LETTER_SOUNDS = {
    "ay": "A", "bee": "B", "be": "B", "see": "C", "sea": "C", "cee": "C", "dee": "D", "ef": "F", "eff": "F",
    "gee": "G", "aitch": "H", "eye": "I", "jay": "J", "kay": "K", "el": "L", "ell": "L", "em": "M", "en": "N",
    "pea": "P", "pee": "P", "cue": "Q", "queue": "Q", "are": "R", "ar": "R", "ess": "S", "tea": "T",
    "tee": "T",
    "you": "U", "vee": "V", "ex": "X", "why": "Y", "wye": "Y", "zee": "Z", "zed": "Z",
}  # fmt: skip
_WEAK_LETTERS = frozenset({"a", "i", "o"})
"""Letters that are also words: alone they prove nothing."""
_REPEATS = {"double": 2, "triple": 3, "quadruple": 4}
_BETWEEN = frozenset(
    {"dash", "hyphen", "then", "and", "space", "dot", "letter", "number", "digit", "capital"}
)
_VOWELS = frozenset("aeiouy")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters read from tokens ``[index, behind)``. ``firm`` pieces prove that characters are being
    said, one with an ``example`` ("b as in boy") proves it of its neighbours too."""

    value: str
    behind: int
    firm: bool
    example: bool = False


def parse_digits(text: str) -> CharactersReading:
    """The longest run of digits in ``text``: "oh four one", "double five", "twenty four", "eight hundred"."""
    return _longest_run(tokenize(text), letters=False)


def parse_alphanumeric(text: str) -> CharactersReading:
    """The longest run of letters and digits in ``text``, as capitals: "w two oh four", "b as in boy",
    "double u".

    "Oh" beside a digit is a zero; between letters it is the letter.
    """
    return _longest_run(tokenize(text), letters=True)


def _longest_run(tokens: Tokens, *, letters: bool) -> CharactersReading:
    best: tuple[int, str, int, int] = (0, "", 0, 0)
    index = 0
    while index < len(tokens):
        value, behind = _run(tokens, index, letters)
        if len(value) > best[0]:
            best = (len(value), value, index, behind)
        index = max(behind, index + 1)
    length, value, first, behind = best
    if not length:
        return CharactersReading("", "", " ".join(tokens.source.split()))
    matched, rest = tokens.split([(first, behind)])
    return CharactersReading(value, matched, rest)


def _run(tokens: Tokens, index: int, letters: bool) -> tuple[str, int]:
    """The characters said from ``index`` on without a foreign word, and the index behind them."""
    pieces: list[_Piece] = []
    place = index
    while place < len(tokens):
        piece = _piece(tokens, place, letters)
        if piece is not None:
            pieces.append(piece)
            place = piece.behind
        elif pieces and tokens.at(place) in _BETWEEN and _piece(tokens, place + 1, letters) is not None:
            place += 1
        else:
            break
    ends_text = bool(pieces) and place == len(tokens)
    if ends_text and index == 0 and letters and all(len(t.text) == 1 for t in tokens.items):
        # nothing but letters, even if "a" or "i" is one of them
        return "".join(p.value for p in pieces), place
    while pieces and not pieces[-1].firm and not (ends_text and _mostly_firm(pieces)):
        pieces.pop()  # "one two three for my son": the last word is no four
        ends_text = False
    if pieces and not pieces[0].firm and not _mostly_firm(pieces):
        return "", index + 1
    if not any(p.firm for p in pieces):
        return "", index + 1
    return "".join(p.value for p in pieces), pieces[-1].behind


def _mostly_firm(pieces: list[_Piece]) -> bool:
    return sum(p.firm + p.example for p in pieces) >= 2


def _piece(tokens: Tokens, index: int, letters: bool) -> _Piece | None:
    word = tokens.at(index)
    if not word:
        return None
    times = _REPEATS.get(word)
    if times is not None:
        repeated = _piece(tokens, index + 1, letters)
        if word == "double" and letters and tokens.at(index + 1) in ("u", "you"):
            return _Piece("W", index + 2, True)
        if repeated is not None and len(repeated.value) == 1:
            return _Piece(repeated.value * times, repeated.behind, True)
        return None
    if letters and (letter := _letter(tokens, index)) is not None:
        return letter
    return _number(tokens, index)


def _number(tokens: Tokens, index: int) -> _Piece | None:
    word = tokens.at(index)
    if word[0].isascii() and word[0].isdigit():
        value, behind = "".join(c for c in word if c.isascii() and c.isdigit()), index + 1
    elif word in TENS:
        unit = UNITS.get(tokens.at(index + 1))
        value, behind = (str(TENS[word] + unit), index + 2) if unit else (str(TENS[word]), index + 1)
    elif word in TEENS:
        value, behind = str(TEENS[word]), index + 1
    else:
        single = digit(word)
        if single is None:
            alike = digit(word, sound_alikes=True)
            return None if alike is None else _Piece(str(alike), index + 1, False)
        value, behind = str(single), index + 1
    for unit_word, zeros in (("hundred", 2), ("thousand", 3)):
        if tokens.at(behind) == unit_word and value != "0":
            added = _number(tokens, behind + 2) if tokens.at(behind + 1) == "and" else None
            if added is not None and len(added.value) <= zeros:
                return _Piece(value + added.value.zfill(zeros), added.behind, True)
            return _Piece(value + "0" * zeros, behind + 1, True)
    return _Piece(value, behind, True)


def _letter(tokens: Tokens, index: int) -> _Piece | None:
    word = tokens.at(index)
    if tokens.starts_with(index, "x", "ray"):
        return _Piece("X", index + 2, True)
    heard = _heard_letter(tokens, index)
    if heard is None:
        return _chunk(tokens, index)
    letter, firm = heard
    example = _example(tokens, index + 1, letter)
    if example is not None:
        return example
    if word in ZERO_WORDS and _beside_digit(tokens, index):
        return _Piece("0", index + 1, True)
    return _Piece(letter, index + 1, firm)


def _heard_letter(tokens: Tokens, index: int) -> tuple[str, bool] | None:
    word = tokens.at(index)
    if word == "oh":
        return "O", True
    if len(word) == 1 and word.isascii() and word.isalpha():
        return word.upper(), word not in _WEAK_LETTERS
    if word in _NATO:
        return _NATO[word], True
    if word in _LETTER_SOUNDS:
        return _LETTER_SOUNDS[word], False
    return None


def _example(tokens: Tokens, index: int, letter: str) -> _Piece | None:
    """ "as in boy", "like boy", "for boy" after a letter: the word decides, since letters sound alike."""
    if tokens.starts_with(index, "as", "in") or tokens.starts_with(index, "is", "in"):
        word = tokens.at(index + 2)
        if word[:1].isascii() and word[:1].isalpha():
            return _Piece(word[0].upper(), index + 3, firm=True, example=True)
    if tokens.at(index) in ("like", "for", "as"):
        word = tokens.at(index + 1)
        if len(word) > 1 and word[0].upper() == letter and word not in UNITS:
            return _Piece(letter, index + 2, True)
    return None


def _chunk(tokens: Tokens, index: int) -> _Piece | None:
    """Letters typed in one piece with digits ("w204177", "xyz-9"), or a few consonants before digits ("XKW
    204")."""
    word = tokens.at(index)
    if not (word.isascii() and word.isalpha()) or len(word) > 6:
        return None
    before = tokens.glued(index - 1) and tokens.at(index - 1)[:1].isdigit()
    after = tokens.glued(index) and tokens.at(index + 1)[:1].isdigit()
    consonants = len(word) <= 4 and not _VOWELS & set(word) and tokens.at(index + 1)[:1].isdigit()
    if before or after or (consonants and word not in ("mr", "mrs", "dr", "th", "pm")):
        return _Piece(word.upper(), index + 1, True)
    return None


def _beside_digit(tokens: Tokens, index: int) -> bool:
    """Whether the nearest word that is no "oh" itself, on either side, is a digit."""
    for step in (-1, 1):
        place = index + step
        while tokens.at(place) in ZERO_WORDS and tokens.at(place) != "zero":
            place += step
        word = tokens.at(place)
        is_number = word[:1].isascii() and word[:1].isdigit()
        if is_number or word in UNITS or word in TEENS or word in TENS or word == "zero" or word in _REPEATS:
            return True
    return False
