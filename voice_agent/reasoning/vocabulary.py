"""Words of a doctor's phone line: which mean the same here, and which say little.

A concept gathers words that lead to the same wish. Words that merely belong together ("appointment", "visit")
are one concept too, so that the difference between two wishes rests on their verbs. Negation is not handled
here.
"""

from __future__ import annotations

from collections.abc import Mapping

_SYNONYMS: Mapping[str, str] = {
    "reschedule": "reschedule|move|change|shift|switch|postpone|push back|push out|push it back|move up"
    "|move back|bump"
    "|rebook|re-book|different time|different day|another time|another day|put off|delay|swap"
    "|other time|other day|some other time|some other day",
    "cancel": "cancel|call off|drop|scrap|get rid of|not coming|can't make|can't make it|cannot make it"
    "|won't make it"
    "|not going to make it|unable to come|don't think i can make|don't think we can make",
    "book": "book|schedule|set up|arrange|make|get in|come in|be seen|see",
    "appointment": "appointment|appointments|appt|visit|booking|checkup|check-up|slot|consultation|physical",
    "insurance": "insurance|coverage|insurer|carrier|policy|medicaid|medicare|aetna|cigna|humana|payer",
    "card": "card|cards",
    "lost": "lost|lose|misplaced|stolen|can't find|missing|left at home|don't have",
    "new": "new|replacement|updated|changed",
    "hours": "hours|open|opening|close|closed|closing|opening hours|business hours|what time do you",
    "location": "address|location|located|directions|where are you|parking|find you|get there",
    "person": "person|human|operator|representative|rep|receptionist|agent|someone|somebody|live person"
    "|real person|front desk|staff|nurse",
    "talk": "talk|speak|speaking|talking|connect|transfer|put me through|get me",
    "repeat": "repeat|say that again|say it again|come again|pardon|what did you say|what was that"
    "|again please"
    "|one more time|didn't catch|didn't hear|didn't catch that|say again|speak up|louder"
    "|can't hear|cannot hear|hardly hear|breaking up",
    "wait": "hold on|wait|hang on|one moment|one second|just a second|just a minute|one sec|just a moment"
    "|give me a"
    " minute|give me a second|bear with me",
    "slow": "slow|slower|slowly|slow down|too fast|not so fast",
    "pause": "let me see|let's see|let me think|let me look|let me check|you see|i see|you know|i mean",
    "died": "died|passed away|death|funeral",
    "restart": "start over|start again|from the beginning|begin again|restart|back to the start"
    "|start from scratch",
    "bye": "bye|goodbye|bye bye|good bye|hang up|that's all|that is all|that's it|nothing else|i'm done"
    "|all set"
    "|have a good day|have a nice day",
    "thanks": "thanks|thank you|thank you so much|appreciate it",
    "prescription": "prescription|refill|refills|medication|medicine|meds|pharmacy|rx|pills",
    "bill": "bill|billing|invoice|payment|pay|charge|charged|balance|copay|statement",
    "results": "results|result|test results|lab results|labs|lab|bloodwork|blood work",
    "doctor": "doctor|dr|physician|provider|doc",
    "confirm": "confirm|check|verify|double check|make sure",
    "earlier": "earlier|sooner|earliest|soonest",
    "later": "later|latest",
    "other": "other|else|another|different|none|neither",
    "sick": "sick|ill|unwell|not feeling well|feeling bad",
    "directions": "how do i get there|how do i get to you",
    "referral": "referral|refer|specialist",
    "record": "records|record|chart|medical records",
    "want": "want|would like|i'd like|need|wanna|like to|hoping to|looking to|trying to|gotta|have to|wish",
}  # fmt: skip

_STOP_WORDS = """
a an the i i'm i've i'd me my mine we us our you your it its it's is am are was were be been to of
in on at for from with by as and or but so then just please can could would should will do does
did have has had this that that's these those there here what which who how uh um er ah well yeah
yes no okay ok hi hello hey oh actually maybe really very too also some any if about up out get
got let let's go going =want =thanks =pause
"""

STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words (and the concepts of wanting, thanking and pausing) that most sentences share. Thanks alone end no
call."""


def _tables() -> tuple[Mapping[str, str], Mapping[str, str]]:
    words: dict[str, str] = {}
    phrases: dict[str, str] = {}
    for concept, listed in _SYNONYMS.items():
        for phrase in listed.split("|"):
            table = phrases if " " in phrase else words
            table[phrase] = concept
    return words, phrases


CONCEPTS, CONCEPT_PHRASES = _tables()
"""Word -> concept and phrase -> concept."""
