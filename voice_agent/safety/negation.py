"""Whether a "no" or "not" before a finding reaches it, or belongs to something else.

"I don't think I'm having a stroke" denies one; "I don't think I can wait, my chest hurts" and "No, the baby
is not breathing" do not. Callers' commas are lost on the way, so a new thought is known by the one who acts
in it: a negation reaches no further than the clause it stands in, and a verb of thinking carries it into the
one clause that depends on it.
"""

from __future__ import annotations

_NEGATORS = frozenset({"no", "not", "never", "without", "denies", "neither", "nor", "zero", "nobody"})
_HELPERS_OF_NOT = frozenset(
    {"do", "does", "did", "is", "are", "am", "was", "were", "has", "have", "had", "of"}
)

_SUBJECTS = frozenset(
    {"i", "he", "she", "we", "they", "there", "this", "someone", "somebody", "everyone", "everybody"}
)
_OWNERS = frozenset({"my", "his", "her", "our", "their", "your"})
"""Begin a subject, unless what stands before them makes them an object ("it is my ...", "about his ...")."""
_BEFORE_OBJECTS = frozenset(
    {"is", "was", "be", "been", "have", "has", "had", "having", "about", "with", "of", "for", "to", "from",
     "and", "or"}
)  # fmt: skip
_PEOPLE = frozenset(
    {"mom", "mommy", "mother", "dad", "daddy", "father", "baby", "newborn", "infant", "child", "kid",
     "toddler", "son", "daughter", "husband", "wife", "spouse", "partner", "boyfriend", "girlfriend",
     "brother", "sister", "grandma", "grandmother", "granny", "nana", "grandpa", "grandfather", "aunt",
     "uncle", "cousin", "friend", "roommate", "neighbor", "boss", "man", "woman", "guy", "lady", "boy",
     "girl", "patient"}
)  # fmt: skip
_ACTS = frozenset(
    {"is", "was", "has", "had", "can", "could", "will", "would", "keeps", "just", "does", "did", "may",
     "might", "stopped", "passed", "fell", "collapsed", "fainted", "swallowed", "drank", "ate", "took",
     "hit", "cut", "looks", "feels", "says", "said", "wants", "needs", "got", "went", "hurts", "started"}
)  # fmt: skip
"""After "it", "that", "you" or a person: these do something, a clause begins."""

_ANSWERED = frozenset(
    {"no", "it", "that", "you", "the", "a", "an", "is", "are", "am", "was", "were", "has", "have", "having",
     "had", "got", "what", "sorry", "thanks", "thank", "listen", "actually", "your"}
)  # fmt: skip
"""After a "no" that is an answer by itself: before these it cannot mean "not any"."""

_ADVERBS = frozenset({"really", "actually", "honestly", "even", "personally"})
_THINKING = frozenset({"think", "believe", "say", "saying", "mean", "suppose", "guess", "feel"})
_CONJUNCTIONS = frozenset({"that", "like", "as", "if", "though"})
_SOFTENED = frozenset({"say", "call", "think"})
""""I would not say ...": here, and nowhere else, "would not" denies."""
_WITHIN = frozenset({"really", "even", "any", "at", "too", "that", "a", "so", "very", "turning", "having"})
"""May stand between a negation and what it denies inside a finding."""
_ABILITIES = frozenset(
    {"move", "moving", "moved", "walk", "walking", "stand", "standing", "straight", "sleep", "sleeping",
     "wake", "waking", "respond", "responding", "answer", "answering", "breathe", "breathing", "see",
     "feel", "felt", "talk", "talking", "speak", "speaking", "eat", "eating", "drink", "drinking", "cry",
     "crying", "kick", "kicking", "kicked", "stop", "stopped", "up", "awake", "conscious", "help", "safe",
     "remember"}
)  # fmt: skip
"""Who does not do these is in trouble: a "not" before them is part of the finding."""
_IN_NOBODY = frozenset({"one", "here", "is", "was", "has", "had", "have", "been", "having", "a", "an", "any"})
"""May stand between "nobody" and what nobody has; "nobody is helping" says something else."""
_SLIGHT = frozenset(
    {"so", "very", "too", "really", "that", "all", "quite", "feel", "feeling", "like", "even"}
)
_NO_NEGATION = frozenset(
    {"sure", "know", "certain", "kidding", "joking", "lying", "only", "just", "understand", "stop",
     "stopping", "going", "idea", "doubt", "one", "joke", "feeling", "help", "helping", "matter", "normal",
     "stopped", "getting", "good", "great", "fine", "safe", "myself", "himself", "herself",
     "well", "right", "okay", "ok", "better", "clear", "letting", "sleeping", "eating", "wait",
     "care"}
)  # fmt: skip
"""What is negated is this, and so not what comes behind it: "not sure", "not well", "no idea"."""


def negated(before: list[str], finding: list[str], after: list[str]) -> bool:
    """Whether the words ``finding`` are denied by a negation among the words ``before`` them.

    Args:
        before: from the beginning of the clause, as far as a negation may reach.
        after: the words behind the finding.
    """
    return any(
        word in _NEGATORS and _reaches(before, place, finding, after)
        for place, word in reversed(list(enumerate(before)))
    )


def negated_within(gap: tuple[str, ...], finding: list[str]) -> bool:
    """Whether a negation among the words that a pattern left open denies what comes right behind them: "my
    chest does *not* hurt"; but "he fell down the stairs and does *not* move"."""
    if not gap or finding[-1] in _ABILITIES:
        return False
    place = max((place for place, word in enumerate(gap) if word in ("not", "never")), default=None)
    if place is None or not _WITHIN.issuperset(gap[place + 1 :]):
        return False
    return gap[place] == "never" or _plain(gap[place - 1] if place else "", "")


def _reaches(before: list[str], place: int, finding: list[str], after: list[str]) -> bool:
    word, between = before[place], before[place + 1 :]
    while between and between[0] in _ADVERBS:
        between = between[1:]
    helper = before[place - 1] if place else ""
    verb = between[0] if between else ""
    if word == "not" and not _plain(helper, verb or finding[0]):
        return False
    if word == "never" and _as_never_before(after):
        return False
    if word == "no" and (verb or finding[0]) in _ANSWERED | _PEOPLE:
        return False
    if word == "nobody" or (word == "no" and verb == "one"):
        return _IN_NOBODY.issuperset(between)
    if not between:
        return True
    if _settled(between):
        return False
    if (word != "no" and verb in _THINKING) or verb in ("that", "like", "as"):
        return _depends(between[1:], finding)
    return not _beginnings(between, finding)


def _plain(helper: str, verb: str) -> bool:
    """Whether "not" denies after ``helper``; "can not" is often the trouble itself, and who does not like
    something has it."""
    if verb == "like":
        return helper not in ("do", "does", "did")
    if verb in ("a", "an", "any"):
        return True
    if helper in ("would", "should"):
        return verb in _SOFTENED
    return not helper or helper in _HELPERS_OF_NOT or helper in _SUBJECTS


def _as_never_before(after: list[str]) -> bool:
    following = f" {' '.join(after[:6])} "
    return any(phrase in following for phrase in (" like this ", " before ", " this bad "))


def _settled(between: list[str]) -> bool:
    """Whether the negation is used up by a word that stands right behind it, slight ones aside."""
    if between[0] in _NO_NEGATION:
        return True
    place = 0
    while place < len(between) and between[place] in _SLIGHT:
        place += 1
    return 0 < place < len(between) and between[place] in _NO_NEGATION


def _depends(between: list[str], finding: list[str]) -> bool:
    """Whether the finding lies in the clause that depends on a verb of thinking, and not behind it."""
    while between and between[0] in _CONJUNCTIONS and not _begins(between, finding, 0):
        between = between[1:]
    beginnings = _beginnings(between, finding)
    first = 1 if between and between[0] in ("the", "a", "an") else 0
    if beginnings and beginnings[0] <= first:
        # One subject is the dependent clause's own; "my wife is" begins it once, not twice.
        own = beginnings[0]
        beginnings = [each for each in beginnings[1:] if not (each == own + 1 and between[own] in _OWNERS)]
    return not beginnings


def _beginnings(between: list[str], finding: list[str]) -> list[int]:
    """Where in ``between`` a clause begins."""
    return [place for place in range(len(between)) if _begins(between, finding, place)]


def _begins(between: list[str], finding: list[str], place: int) -> bool:
    word = between[place]
    if word in _OWNERS:
        return place == 0 or between[place - 1] not in _BEFORE_OBJECTS
    if word in _SUBJECTS:
        return True
    following = between[place + 1] if place + 1 < len(between) else finding[0]
    return (word in ("it", "that", "you") or word in _PEOPLE) and following in _ACTS
