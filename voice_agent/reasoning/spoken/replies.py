"""Yes, no, "no, Friday" and "mm hmm"."""

from __future__ import annotations

from voice_agent.reasoning.spoken.calendar_dates import MONTHS
from voice_agent.reasoning.spoken.numbers import TEENS, TENS, UNITS
from voice_agent.reasoning.spoken.readings import Correction, YesNo
from voice_agent.reasoning.spoken.relative_dates import WEEKDAYS
from voice_agent.reasoning.spoken.tokens import (
    Tokens,
    longest_phrase,
    phrase_table,
    squeeze,
    tokenize,
)

_UNSURE = phrase_table(
    "maybe", "perhaps", "not sure", "i'm not sure", "i am not sure", "not really sure", "i don't know",
    "don't know",
    "i do not know", "i guess", "i think so", "i don't think so yet", "possibly", "probably", "no idea",
    "dunno",
    "hard to say", "i can't say", "it depends", "depends", "kind of", "sort of", "could be",
    "i can't remember",
    "i don't remember",
)  # fmt: skip
_YES = phrase_table(
    "yes", "yeah", "yea", "yep", "yup", "ya", "yah", "yes please", "yes ma'am", "yes sir", "sure",
    "sure thing",
    "correct", "that's correct", "that is correct", "right", "that's right", "that is right", "all right",
    "alright",
    "ok", "okay", "k", "fine", "that's fine", "that is fine", "perfect", "great", "good", "that's good",
    "sounds good", "sounds great", "absolutely", "definitely", "certainly", "of course", "please do",
    "please",
    "go ahead", "do it", "uh huh", "mm hmm", "mhm", "mmhmm", "i do", "i would", "it is", "that's me",
    "that is me", "this is", "this is she", "this is he", "speaking", "you got it", "exactly", "indeed",
    "affirmative", "that works", "works for me", "that'll work", "that will work", "that would be great",
    "i'd like that", "i would like that", "i'll take it", "let's do it", "let's do that", "why not",
    "no problem", "no worries", "no objection", "not a problem", "don't worry", "si", "true", "confirmed",
    "confirm",
    "y", "for sure", "by all means", "you bet", "not bad", "can't wait",
)  # fmt: skip
_NO = phrase_table(
    "no", "nope", "nah", "na", "no thanks", "no thank you", "no ma'am", "no sir", "not really", "not at all",
    "not yet", "not now", "not right now", "that's wrong", "that is wrong", "wrong", "incorrect",
    "that's incorrect",
    "not right", "that's not right", "that is not right", "isn't right", "not correct", "that's not correct",
    "that is not correct", "isn't correct", "not good", "not okay", "not fine", "not great", "not that",
    "not true",
    "don't", "i don't", "i do not", "do not", "please don't", "i wouldn't", "it isn't", "it is not",
    "it's not",
    "that's not me", "that isn't me", "negative", "never mind", "nevermind", "neither", "none",
    "none of those",
    "none of them", "doesn't work", "does not work", "won't work", "will not work", "that doesn't work",
    "can't", "i can't", "cannot", "i cannot", "i won't", "i'm good", "i am good", "i'm all set", "i'm okay",
    "i'm fine", "no i'm good", "no i'm fine", "no i'm okay", "no that's fine", "no that's okay",
    "no that's all",
    "no that's it", "n", "no way", "not interested", "i'd rather not", "please no", "i don't think so",
    "i do not think so", "not this time", "false", "no good",
)  # fmt: skip
_CONFIRMED_AFTER_NO = phrase_table(
    "no that's right", "no that's correct", "no you're right", "no it's right", "no that is right"
)
_NEUTRAL = phrase_table(
    "i know", "right now", "right away", "right after", "right before", "good morning", "good afternoon",
    "good evening", "is that okay", "is that right", "if that's okay", "if that's ok", "if that's fine",
    "this is a", "this is the", "this is about", "this is for", "please hold", "fine print", "do it again",
    "it is for",
    "it is about", "no one", "no longer",
)  # fmt: skip

_SHORT = 6
"""Up to this many words, a yes or no anywhere counts; in longer speech only near its ends."""
_HEAD, _TAIL = 3, 2


def parse_yes_no(text: str) -> YesNo:
    """Read a reply to a yes-or-no question.

    In longer speech only what stands near its beginning or end counts: "okay so the thing is" is about
    something
    else. Yes and no together are UNSURE (a bare "please" takes no side), except in set phrases ("no problem",
    "no, that's right").
    """
    tokens = tokenize(text, keep_hesitations=True)
    said: set[YesNo] = set()
    asked_kindly = False
    index = 0
    while index < len(tokens):
        lengths = {
            YesNo.NONE: longest_phrase(tokens, index, _NEUTRAL),
            YesNo.YES: max(
                longest_phrase(tokens, index, _YES), longest_phrase(tokens, index, _CONFIRMED_AFTER_NO)
            ),
            YesNo.NO: longest_phrase(tokens, index, _NO),
            YesNo.UNSURE: longest_phrase(tokens, index, _UNSURE),
        }
        reply, length = max(lengths.items(), key=lambda item: item[1])
        near_end = len(tokens) <= _SHORT or index < _HEAD or index + length > len(tokens) - _TAIL
        if length == 1 and tokens.at(index) == "please":
            asked_kindly = True
        elif length and reply is not YesNo.NONE and near_end:
            said.add(reply)
        index += max(1, length)
    if not said:
        return YesNo.YES if asked_kindly and len(tokens) <= _SHORT else YesNo.NONE
    if len(said) > 1:
        return YesNo.UNSURE
    return said.pop()


_BESIDE_A_REPLY = phrase_table(
    "thanks", "thank", "you", "so", "very", "much", "a lot", "again", "bye", "goodbye", "it", "that",
    "that's", "that'll", "is", "be", "all", "oh", "um", "uh", "well", "ma'am", "sir", "i", "am", "i'm",
    "just", "then", "now", "for", "today", "everything", "nothing", "else", "more", "have", "good",
    "nice", "great", "day", "one", "and", "will",
)  # fmt: skip
_ASIDE = 2
"""Up to this many other words leave a reply a plain one."""


def is_plain_reply(text: str) -> bool:
    """Whether a yes or no comes with little else than courtesies: not "oh no, I didn't want that"."""
    tokens = tokenize(text)
    index = others = 0
    while index < len(tokens):
        tables = (_YES, _NO, _UNSURE, _CONFIRMED_AFTER_NO, _BESIDE_A_REPLY)
        length = max(longest_phrase(tokens, index, table) for table in tables)
        others += not length
        index += max(1, length)
    return others <= _ASIDE


_CORRECTING = phrase_table(
    "i mean", "i meant", "i meant to say", "actually", "actually no", "scratch that", "correction",
    "make that", "or rather",
    "let me correct that", "let me correct myself", "strike that", "no wait", "wait no", "no sorry",
    "sorry no",
    "sorry i mean", "sorry i meant", "no i mean", "no i meant", "no i said", "i said", "no actually",
    "no make that",
    "no make it", "no it's", "no that's", "wait actually", "oh wait", "oh no", "hold on no", "wait make that",
    "my mistake", "i misspoke", "no not that",
)  # fmt: skip
_EMPTY_CORRECTION = frozenset({"scratch that", "strike that", "my mistake", "i misspoke", "correction"})
_NOT_AFTER_NO = frozenset(
    {
        "thanks", "thank", "that's", "that", "i'm", "i", "nothing", "problem", "worries", "way", "one",
        "no", "nope",
        "not", "never", "idea", "please", "sir", "ma'am", "it", "it's", "we", "you", "yes", "yeah", "bye",
        "goodbye", "longer", "more", "need", "objection", "insurance", "appointment", "appointments",
        "good", "but",
        "and", "because", "there", "this", "none", "neither", "don't", "doesn't", "okay", "ok",
    }
)  # fmt: skip
_NOT_AFTER_SORRY = frozenset(
    {
        "what", "can", "could", "i", "say", "pardon", "repeat", "didn't", "about", "to", "for", "come",
        "but", "if",
        "that", "i'm", "it's", "you", "my", "who", "when", "where", "again", "please", "this",
    }
)  # fmt: skip
_NOT_AFTER_WAIT = frozenset(
    {"a", "what", "for", "i", "list", "until", "till", "time", "one", "how", "why", "please", "and"}
)


def parse_correction(text: str) -> Correction:
    """Whether the words take something back ("no, Friday", "thursday, I mean friday", "scratch that").

    A bare "no", "no thanks" or "no, that's all" answers; it corrects nothing. The last correction in the
    text counts.
    """
    tokens = tokenize(text)
    found: tuple[int, bool] | None = None
    for index in range(len(tokens)):
        behind = _correction_at(tokens, index)
        if behind is not None:
            found = behind, True
    if found is None:
        return Correction(False, squeeze(tokens.source))
    behind = found[0]
    rest = squeeze(tokens.source[tokens.items[behind].start :]) if behind < len(tokens) else ""
    return Correction(True, rest)


def _correction_at(tokens: Tokens, index: int) -> int | None:
    """The index behind the correcting words at ``index``, or None."""
    length = longest_phrase(tokens, index, _CORRECTING)
    if length:
        behind = index + length
        words = " ".join(tokens.at(i) for i in range(index, behind))
        if words in _EMPTY_CORRECTION:
            return behind
        if words in ("no that's", "no it's", "no make it"):
            return behind if _is_value(tokens, behind) else None
        if words == "i said" and index == 0:
            return behind if _is_value(tokens, behind) else None
        return behind if behind < len(tokens) else None
    word, follows = tokens.at(index), tokens.at(index + 1)
    if not follows:
        return None
    if word in ("no", "nope") and tokens.at(index - 1) not in (
        "there's",
        "have",
        "has",
        "is",
        "are",
        "with",
        "got",
    ):
        if follows == "not":
            return _after_not(tokens, index + 1)
        if follows == "one" and not _is_value(tokens, index + 2):
            return None  # "no one told me"
        return index + 1 if follows not in _NOT_AFTER_NO or _is_value(tokens, index + 1) else None
    if word == "not":
        return _after_not(tokens, index)
    if word == "sorry":
        return (
            index + 1
            if follows not in _NOT_AFTER_SORRY and (index > 0 or _is_value(tokens, index + 1))
            else None
        )
    if word == "wait":
        return (
            index + 1
            if follows not in _NOT_AFTER_WAIT and (index > 0 or _is_value(tokens, index + 1))
            else None
        )
    return None


def _after_not(tokens: Tokens, index: int) -> int | None:
    """ "not thursday friday", "not thursday but friday": where the new value begins."""
    if not _is_value(tokens, index + 1):
        return None
    behind = index + 2 if tokens.at(index + 1) not in ("the", "at", "on") else index + 3
    if tokens.at(behind) in ("but", "make"):
        behind += 1
    return behind if behind < len(tokens) and _is_value(tokens, behind) else None


def _is_value(tokens: Tokens, index: int) -> bool:
    """Whether a day, a month or a number stands here, perhaps after a small word."""
    word = tokens.at(index)
    if word in ("the", "on", "at", "next", "this"):
        word = tokens.at(index + 1)
    is_number = word[:1].isdigit() or word in UNITS or word in TEENS or word in TENS or word in ("oh", "zero")
    return (
        is_number
        or word in WEEKDAYS
        or word in MONTHS
        or word in ("today", "tomorrow", "noon", "double", "triple")
    )


_BACKCHANNELS = frozenset(
    {
        "uh", "huh", "mm", "mmm", "hmm", "hm", "mhm", "mmhmm", "yeah", "yep", "yup", "yes", "okay", "ok",
        "right",
        "alright", "sure", "oh", "ah", "aha", "wow", "good", "great", "nice", "fine", "really", "cool", "um",
    }
)  # fmt: skip
_BACKCHANNEL_PHRASES = phrase_table(
    "got it", "i see", "all right", "of course", "i understand", "makes sense", "i know"
)
_LONGEST_BACKCHANNEL = 4


_COURTESIES = frozenset({"please", "thanks", "thank", "you", "so", "very", "much", "sir", "ma'am", "madam"})


def is_courtesy(text: str) -> bool:
    """Whether the words are polite and say nothing else ("please", "thank you very much")."""
    words = text.lower().split()
    return 0 < len(words) <= _LONGEST_BACKCHANNEL and _COURTESIES.issuperset(words) and words != ["you"]


def is_backchannel(text: str) -> bool:
    """Whether the words only show that the caller listens ("mm hmm", "okay", "i see"): no reason to stop
    talking."""
    tokens = tokenize(text, keep_hesitations=True)
    if not 0 < len(tokens) <= _LONGEST_BACKCHANNEL:
        return False
    index = 0
    while index < len(tokens):
        length = longest_phrase(tokens, index, _BACKCHANNEL_PHRASES) or int(tokens.at(index) in _BACKCHANNELS)
        if not length:
            return False
        index += length
    return True
