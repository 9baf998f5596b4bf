"""How callers of a doctor's office put the things that every practice asks for.

The right-hand sides of JSGF rules. They hold the ways of saying a thing, not its meaning: that is the
parser's. A weight before an alternative says how rare it is, so that it needs clearer sound than the rest.
"""

from __future__ import annotations

from typing import Final

RULES: Final[dict[str, str]] = {
    "digit": "zero | oh | one | two | three | four | five | six | seven | eight | nine",
    "digits": "(<digit> | /0.03/ double <digit> | /0.01/ triple <digit>)+",
    "assent": "mm-hmm | uh-huh | mhm | mm",
    "teen": "ten | eleven | twelve | thirteen | fourteen | fifteen | sixteen | seventeen | eighteen | nineteen",
    "tens": "twenty | thirty | forty | fifty | sixty | seventy | eighty | ninety",
    "one_nine": "one | two | three | four | five | six | seven | eight | nine",
    "two_digits": "<teen> | <tens> [<one_nine>] | oh <one_nine>",
    "letter": "a | b | c | d | e | f | g | h | i | j | k | l | m | n | o | p | q | r | s | t | u | v | w | x | y | z",
    "filler": "um | uh | well | so | okay | /0.3/ hi | /0.3/ hello | /0.3/ hi there | /0.3/ hey | let me see | sure",
    "please": "please | thanks | thank you",
    "yes": (
        "yes | yeah | yep | yup | yes please | yes i do | yes it is | yes i am | yes that's me | sure | sure thing | "
        "correct | that's correct | that is correct | right | that's right | that is right | yes that's right | "
        "yes that is right | yes that's correct | yeah that's right | that works | that works for me | "
        "yes that works | yeah that works | that's fine | yes that's fine | that's good | sounds good | perfect | "
        "great | okay | ok | of course | absolutely | exactly | please do | go ahead | /0.1/ mm-hmm | /0.1/ uh-huh | i do | "
        "i am | it is | that'll be fine | i think so | yes i think so | yes exactly | yes of course | yes sure"
    ),
    "no": (
        "no | nope | nah | no thanks | no thank you | not really | no that's wrong | that's wrong | that is wrong | "
        "that's not right | no that's not right | that is not right | that's not correct | no it isn't | no it's not | "
        "no i don't | i don't think so | no i don't think so | not yet | no i'm not | i'm not | "
        "no that doesn't work | that doesn't work | that doesn't work for me | incorrect | not at all | i'd rather not | "
        "never | definitely not | no not that one | neither | none of those | no that's not it | no sorry"
    ),
    "weekday": "monday | tuesday | wednesday | thursday | friday | saturday | sunday",
    "daypart": "morning | afternoon | evening | night",
    "month": (
        "january | february | march | april | may | june | july | august | september | october | november | december"
    ),
    "ordinal": (
        "first | second | third | fourth | fifth | sixth | seventh | eighth | ninth | tenth | eleventh | twelfth | "
        "thirteenth | fourteenth | fifteenth | sixteenth | seventeenth | eighteenth | nineteenth | twentieth | "
        "thirtieth | (twenty (first | second | third | fourth | fifth | sixth | seventh | eighth | ninth)) | "
        "thirty first"
    ),
    "day_number": "<one_nine> | <teen> | twenty [<one_nine>] | thirty [one]",
    "year": (
        "nineteen <two_digits> | twenty <two_digits> | two thousand [[and] (<one_nine> | <teen> | twenty [<one_nine>])] | "
        "nineteen hundred [[and] <one_nine>] | /0.1/ <two_digits>"
    ),
    "date": (
        "<month> [the] (<ordinal> | <day_number>) [[of] <year>] | "
        "the <ordinal> [of <month> [[of] <year>]] | <ordinal> of <month> [<year>] | /0.1/ <month> [<year>] | "
        "/0.1/ <digit> [<digit>] <digit> [<digit>] <year> | /0.1/ <day_number> <day_number> <year> | "
        "/0.01/ <ordinal>"
    ),
    "birth_lead": (
        "it's | it is | that's | my (birthday | birth date | date of birth) is | i was born on | i was born | born on | "
        "the date is | sure it's | yes it's | she was born on | he was born on | his (birthday | date of birth) is | "
        "her (birthday | date of birth) is"
    ),
    "relative_day": (
        "today | tomorrow | the day after tomorrow | [on | next | this | this coming] <weekday> | <weekday> or <weekday> | "
        "(next | this) (week | month) | in (a | one | two | three | four) (week | weeks | days | months) | "
        "(early | late | later | sometime) (next | this) week | a week from <weekday> | [the] week after next | "
        "as soon as possible | any day | whenever | the first available | the earliest | "
        "any (morning | afternoon | weekday)"
    ),
    "short_day": "today | tomorrow | [next | this] <weekday> | next week",
    "day": "<relative_day> [[in the] <daypart>] | [on] [<weekday>] <date> | [in the] <daypart>",
    "hour": "<one_nine> | ten | eleven | twelve",
    "time": (
        "<hour> [o'clock] [<half>] | <hour> (<teen> | <tens> [<one_nine>] | oh <one_nine>) [<half>] | "
        "half past <hour> | [a] quarter (past | to | after) <hour> | (ten | five | twenty) (past | to) <hour> | "
        "noon | midday | midnight"
    ),
    "half": "a m | p m | in the (morning | afternoon | evening)",
    "time_lead": "at | around | about | after | before | by | how about | maybe | let's do | let's say | make it | can you do",
    "when": "<day> [[<time_lead>] <time>] | [<time_lead>] <time>",
    "date_lead": (
        "<birth_lead> | how about | let's do | maybe | make it | no | yes | yeah | actually | sorry | on second thought | "
        "(no | sorry | actually) (i said | i meant | it's | make it | i want | i need | how about | can we do | rather)"
    ),
    "opener": (
        "i need | i need to | i want | i want to | i would like | i would like to | i'd like | i'd like to | i have to | "
        "i wanted to | i was hoping to | can i | could i | can we | could we | can you | could you | may i | "
        "i'm calling to | i am calling to | i'm calling about | i am calling about | i'm trying to | do you have | "
        "is it possible to | i was wondering if i could | i'm looking to | please | just | "
        "i'm calling because i need to | help me | i'd love to"
    ),
    "universal": (
        "[can you | could you] [please] (repeat that | say that again) [please] | what did you say | i didn't hear you | "
        "sorry | pardon | what | hello | excuse me | [i (want | need) to | can i | let me] (talk | speak) (to | with) "
        "((a | the) (person | human | nurse | representative | real person | receptionist | doctor) | (an | the) operator | "
        "somebody | someone) | "
        "operator | representative | help | help me | i don't know | i'm not sure | i forgot | hold on | hang on | "
        "one moment | just a moment | just a minute | wait | wait a minute | never mind | stop | goodbye | bye | "
        "thank you | thanks | thank you bye | that's all | that's it | nothing else | "
        "i can't breathe | i have chest pain | i'm having chest pain | i'm having trouble breathing | this is an emergency | "
        "/0.1/ mm-hmm | /0.1/ uh-huh | can you hear me | i don't have it [with me] | i don't remember | start over | go back"
    ),
    "number_lead": (
        "it's | it is | that's | my number is | the number is | my phone number is | my member i d is | my i d is | "
        "my member number is | it's area code | area code | sure it's | yes it's | the i d is | the code is | my code is | "
        "my zip code is | sure | yes"
    ),
    "denial": (
        "no | nope | no it's | no it is | no that's wrong it's | no i said | no sorry it's | no sorry | sorry it's | "
        "actually it's | no the number is"
    ),
    "part": (
        "it ends (in | with) | ends in | ending in | it (starts | begins) with | "
        "the (last | first) (digit is | one is | (two | three | four) [digits | numbers] are) | the area code is"
    ),
    "name_lead": (
        "my name is | this is | it's | it is | i'm | i am | the name is | the name's | sure it's | yes this is | "
        "first name | last name | my last name is | my first name is | hi this is | hello this is | hi my name is | "
        "hello my name is | i'm calling for | doctor"
    ),
}

OPENERS: Final = tuple(sorted((o.strip() for o in RULES["opener"].split("|")), key=len, reverse=True))
"""What a phrase of a state may begin with and a caller may leave out or say differently; longest first."""

INTERCHANGEABLE: Final[tuple[tuple[str, ...], ...]] = (
    ("a", "an", "the", "my", "our", "this", "that", "another"),
    ("appointment", "visit", "checkup"),
    ("appointments", "visits"),
    ("move", "change", "reschedule", "switch", "push"),
    ("book", "schedule", "make", "set up", "get"),
    ("prescription", "medication", "medicine", "meds"),
    ("cancel", "drop"),
    ("talk", "speak"),
    ("bill", "invoice", "statement"),
    ("doctor", "physician"),
    ("i'm", "i am"),
    ("it's", "it is"),
    ("that's", "that is"),
    ("don't", "do not"),
    ("can't", "cannot"),
)
"""Words that may stand for each other in a phrase without another meaning for the office."""
