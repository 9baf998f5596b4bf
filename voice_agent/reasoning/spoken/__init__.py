"""What callers say when they say a date, a time, a number, a name, yes, no, or "no, Friday".

A grammar of our own, because general date libraries guess without telling ("this thursday" becomes yesterday,
"3/2/84" the year 2084). Three rules hold everywhere:

* ambiguity is a result: every sensible reading is a candidate, and the caller of the grammar asks;
* what was used (``matched``) and what was not (``rest``) come back, so that grammars can be chained;
* nothing raises, whatever the text.

Texts are lower-case words as a recognizer writes them, or typed text with digits and punctuation.
"""

from voice_agent.reasoning.spoken.characters import parse_alphanumeric, parse_digits
from voice_agent.reasoning.spoken.dates import parse_date
from voice_agent.reasoning.spoken.mending import mended
from voice_agent.reasoning.spoken.names import parse_name
from voice_agent.reasoning.spoken.phones import parse_phone
from voice_agent.reasoning.spoken.readings import (
    CharactersReading,
    Correction,
    DateReading,
    NameReading,
    PhoneReading,
    TimeReading,
    YesNo,
)
from voice_agent.reasoning.spoken.replies import (
    is_backchannel,
    is_courtesy,
    is_plain_reply,
    parse_correction,
    parse_yes_no,
)
from voice_agent.reasoning.spoken.saying import spell_out, spoken_date, spoken_time
from voice_agent.reasoning.spoken.times import parse_time

__all__ = [
    "CharactersReading",
    "Correction",
    "DateReading",
    "NameReading",
    "PhoneReading",
    "TimeReading",
    "YesNo",
    "is_backchannel",
    "is_courtesy",
    "is_plain_reply",
    "mended",
    "parse_alphanumeric",
    "parse_correction",
    "parse_date",
    "parse_digits",
    "parse_name",
    "parse_phone",
    "parse_time",
    "parse_yes_no",
    "spell_out",
    "spoken_date",
    "spoken_time",
]
