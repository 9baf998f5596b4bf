"""What a caller's words around a finding make of it: is it said of now, or denied, past, supposed, told?

"No chest pain", "my father had a stroke years ago", "what if somebody ever faints", "a refill of my seizure
medicine" and "I saw an overdose on the news" name what a rule looks for without anybody needing help. Rules
of English that look at the words around the finding inside its clause; when in doubt it counts as now.
"""

from __future__ import annotations

import re
from enum import StrEnum

from voice_agent.safety.negation import negated, negated_within
from voice_agent.safety.patterns import Span


class Circumstance(StrEnum):
    """How a finding is meant."""

    CURRENT = "current"
    DENIED = "denied"
    PAST = "past"
    SUPPOSED = "supposed"
    ROUTINE = "routine"
    """Part of a name of something else: a medicine for it, a test for it, a follow-up."""
    TOLD = "told"
    """Read, seen or heard of, in no connection with the caller."""


SCOPE = 8
"""Words over which a negation or a supposition reaches."""
CLAUSE = 14
"""Words over which a time reaches."""

_BREAKS = frozenset({".", "but", "because", "although", "though", "however", "except", "until"})
_SOFT_BREAKS = _BREAKS | {"and", "so", "then", "now", "also", "please"}

_PAST = re.compile(
    r" (?:(?:years?|months?|weeks|decades?) (?:ago|back)|ages ago|last (?:year|month|week|summer|winter"
    r"|spring|fall"
    r"|january|february|march|april|may|june|july|august|september|october|november|december|christmas)"
    r"|in (?:(?:19|20)\d\d|two thousand|twenty (?:ten|eleven|twelve|\w+teen|twenty)|nineteen|january|february"
    r"|march|april|june|july|august|september|october|november|december)|when (?:i|he|she|we) (?:was"
    r"|were|had been)"
    r"|as a (?:kid|child|teenager|teen|baby|boy|girl)|used to|history of|runs in|back in|back when"
    r"|(?:first|last|previous|earlier|other) pregnancy|died (?:of|from)|passed away (?:of|from)"
    r"|recover(?:ed|ing) from"
    r"|since (?:my|his|her|the) (?:heart attack|stroke|seizure|overdose|surgery)|survivor|survived"
    r"|free for|long ago"
    r"|in (?:college|high school|my twenties|my thirties|my childhood)|growing up|lost my \w+ to) "
)
_PRESENT = re.compile(
    r" (?:right now|now|again|today|tonight|just|currently|this morning|this afternoon|this evening"
    r"|still|started"
    r"|starting|keeps?|(?:minutes?|hours?|seconds?|moments?) ago|at the moment|suddenly|all of a sudden) "
)
_GONE = re.compile(
    r"^ (?:\S+ ){0,3}?(?:gone|went away|cleared up|resolved|disappeared|is over|stopped by itself) "
)
_STILL = re.compile(r" not (?:\S+ )?(?:gone|gone away|cleared|resolved) ")
_SUPPOSED = re.compile(
    r" (?:if|in case|what is an?|what are the|tell me about|how do|what causes|suppose|supposing"
    r"|what happens when|what would happen|would happen|may cause|might cause"
    r"|can cause|could cause|risk of|chances? of|prevent|prevention of|avoid|ever (?:has|have|had|get"
    r"|gets|feel)"
    r"|afraid of (?:getting|having)|scared of (?:getting|having)|do you (?:treat|see|handle|take)"
    r"|do not want to (?:have|get)|so (?:that )?i do not|before i) "
)
_NOT_SUPPOSED = re.compile(
    r" (?:know|sure|wonder|wondering|tell|see|asking|say|figure|certain|clear|feels?(?: like)?|as"
    r"|what) (?:even )?if "
)
_ROUTINE_BEFORE = re.compile(
    r" (?:refill|refills|prescription|medicine|medication|meds|pills?|drug|screening|screened|test"
    r"|tested|testing"
    r"|results?|records?|paperwork|form|forms|bill|billing|check ?up|follow up|followup|clinic|class"
    r"|training|course"
    r"|certification|insurance|study|brochure|pamphlet|specialist|history|information) (?:\S+ )?(?:for"
    r"|of|on|about"
    r"|from|after|in|regarding) (?:\S+ ){0,2}?$"
)
_ROUTINE_AFTER = re.compile(
    r"^ (?:(?:and|or) \S+ )?(?:medicine|medication|meds|prescription|refill|refills|drug|drugs|test"
    r"|tests|testing"
    r"|screening|clinic|specialist|class|classes|training|course|form|forms|paperwork|records?|results?"
    r"|follow up"
    r"|followup|check ?up|prevention|awareness|free|study|center|foundation|hotline|protocol"
    r"|questionnaire|policy|bill"
    r"|contacts?|exit|plan|brochure|survivor|survivors|risk|diet) "
)
_TOLD = re.compile(
    r" (?:(?:on|in) (?:the|a|that|my) (?:news|tv|television|movie|film|show|series|article|paper|radio"
    r"|internet"
    r"|podcast|book|novel|magazine|game|dream)|i (?:read|watched)|read about|heard about|read that"
    r"|documentary"
    r"|in (?:a|the|our|my) (?:training|class|course)|video game|first aid (?:class|course|training)) "
)


def circumstance(words: str, span: Span) -> Circumstance:
    """How the words ``span`` of a sentence are meant, from the words around them.

    Args:
        words: in :func:`~voice_agent.safety.wording.wording`'s form.
    """
    listed = words.split()
    left, right = listed[: span.start], listed[span.stop :]
    finding = listed[span.start : span.stop]
    if negated_within(span.gap, finding) or _denied(left, finding, right):
        return Circumstance.DENIED
    before = _padded(_back_to(left, _BREAKS, CLAUSE))
    after = _padded(_up_to(right, _BREAKS, CLAUSE))
    inside = _padded(finding)
    if _ROUTINE_AFTER.search(after) or _ROUTINE_BEFORE.search(before):
        return Circumstance.ROUTINE
    clause = before.rstrip() + inside.rstrip() + after
    if _TOLD.search(clause):
        return Circumstance.TOLD
    gone = _GONE.search(after) is not None and _STILL.search(after) is None
    if (gone or _PAST.search(clause)) and not _PRESENT.search(clause):
        return Circumstance.PAST
    near = _padded(_back_to(left, _SOFT_BREAKS, SCOPE) + finding[:3])
    if _SUPPOSED.search(near) and not _NOT_SUPPOSED.search(near):
        return Circumstance.SUPPOSED
    return Circumstance.CURRENT


def _denied(left: list[str], finding: list[str], right: list[str]) -> bool:
    near = _back_to(left, _SOFT_BREAKS - {"now", "please"}, SCOPE)
    if finding and negated(near, finding, right):
        return True
    return (
        bool(right)
        and right[0] in ("no", "nope", "none")
        and (len(right) == 1 or right[1] in (".", "no", "not"))
    )


def _back_to(words: list[str], breaks: frozenset[str], most: int) -> list[str]:
    found: list[str] = []
    for word in reversed(words[-most:]):
        if word in breaks:
            break
        found.append(word)
    return found[::-1]


def _up_to(words: list[str], breaks: frozenset[str], most: int) -> list[str]:
    found: list[str] = []
    for word in words[:most]:
        if word in breaks:
            break
        found.append(word)
    return found


def _padded(words: list[str]) -> str:
    return f" {' '.join(words)} " if words else " "
