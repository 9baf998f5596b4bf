"""Text made fit to be spoken: numbers, times, dates and names of things as a person would say them.

A written reply holds forms a voice gets wrong ("Dr.", "2:30 PM", "(415) 555-0122", "W204177"). They are
rewritten as words, with commas where a speaker takes a breath: phone numbers and ids digit by digit in
groups. Rules run in order, the most specific first; what none of them knows passes unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Match
from typing import Final

_ONES: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_MONTH: Final = (
    "(" + "|".join(f"{m[:3]}(?:{m[3:]}|\\.)?" if m != "May" else "May" for m in _MONTHS) + r")\b\.?"
)
_ABBREVIATIONS: Final = {
    "Dr.": "Doctor",
    "Mr.": "Mister",
    "Mrs.": "Missus",
    "Ms.": "Miz",
    "Ave.": "Avenue",
    "Blvd.": "Boulevard",
    "Rd.": "Road",
    "Ste.": "Suite",
    "Apt.": "Apartment",
    "appt.": "appointment",
    "approx.": "approximately",
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "and so on",
    "vs.": "versus",
    "No.": "number",
}
_WEEKDAYS: Final = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
]
_WEEKDAY: Final = "Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun"
_UNITS: Final = {
    "mg": "milligram",
    "mcg": "microgram",
    "ml": "milliliter",
    "mL": "milliliter",
    "kg": "kilogram",
    "lb": "pound",
    "lbs": "pound",
    "hr": "hour",
    "hrs": "hour",
    "min": "minute",
    "mins": "minute",
}
_SAID_AS_WORDS: Final = frozenset({"PIN", "COVID", "AIDS", "OK", "NO", "YES"})


def number(n: int) -> str:
    """A whole number in words: 1204 -> "one thousand two hundred four"."""
    if n < 0:
        return "minus " + number(-n)
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10] + (f" {_ONES[n % 10]}" if n % 10 else "")
    for size, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if n >= size:
            return f"{number(n // size)} {name}" + (f" {number(n % size)}" if n % size else "")
    raise AssertionError("unreachable")


def ordinal(n: int) -> str:
    """A rank in words: 23 -> "twenty third"."""
    *front, last = number(n).split()
    if last in _ORDINALS:
        last = _ORDINALS[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return " ".join([*front, last])


def year(n: int) -> str:
    """A year as it is said: 1984 -> "nineteen eighty four", 2005 -> "two thousand five"."""
    if 2000 <= n < 2010 or n % 1000 == 0:
        return number(n)
    century, rest = divmod(n, 100)
    if rest == 0:
        return number(century) + " hundred"
    return number(century) + " " + (f"oh {_ONES[rest]}" if rest < 10 else number(rest))


def spelled(token: str) -> str:
    """Letters and digits one by one, in groups with a breath between: "W204177" -> "W, two zero four, one
    seven seven"."""
    groups = []
    for run in re.findall(r"[A-Za-z]+|\d+", token):
        size = 3 if len(run) % 3 == 0 or len(run) > 4 else 4
        parts = [run[i : i + size] for i in range(0, len(run), size)]
        if len(parts) > 1 and len(parts[-1]) == 1:  # no lone last digit: 3 + 4 rather than 3 + 3 + 1
            parts[-2:] = [parts[-2] + parts[-1]]
        groups += [" ".join(_ONES[int(c)] if c.isdigit() else c.upper() for c in part) for part in parts]
    return (" " if len(token) <= 4 else ", ").join(groups)


def _phone(match: Match[str]) -> str:
    digits = re.sub(r"\D", "", match.group())
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    cut = (digits[:-7], digits[-7:-4], digits[-4:])
    return ", ".join(" ".join(_ONES[int(d)] for d in part) for part in cut if part)


def _time(match: Match[str]) -> str:
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    half = (match["half"] or "").lower().replace(".", "").replace(" ", "")
    if hour > 23 or minute > 59:
        return match.group()
    if hour > 12 or hour == 0:
        half = half or ("pm" if hour > 12 else "am")
        hour = hour % 12 or 12
    words = number(hour)
    if minute:
        words += " " + (f"oh {_ONES[minute]}" if minute < 10 else number(minute))
    elif not half:
        words += " o'clock"
    return words + (f" {half[0].upper()} M" if half else "")


def _month_name(text: str) -> str:
    return next(m for m in _MONTHS if m.lower().startswith(text.lower().rstrip(".")[:3]))


def _weekday(match: Match[str]) -> str:
    return next(d for d in _WEEKDAYS if d.startswith(match[1][:3]))


def _written_date(match: Match[str]) -> str:
    day = int(match["day"])
    if not 1 <= day <= 31:
        return match.group()
    said = f"{_month_name(match[1])} {ordinal(day)}"
    return said + (f", {year(int(match['year']))}" if match["year"] else "")


def _numeric_date(match: Match[str]) -> str:
    month, day, y = int(match["m"]), int(match["d"]), match["y"]
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match.group()
    said = f"{_MONTHS[month - 1]} {ordinal(day)}"
    if y:
        said += ", " + year(int(y) if len(y) == 4 else 2000 + int(y))
    return said


def _money(match: Match[str]) -> str:
    dollars, cents = int(match[1].replace(",", "")), int(match[2] or 0)
    said = f"{number(dollars)} dollar{'' if dollars == 1 else 's'}"
    return said + (f" and {number(cents)} cent{'' if cents == 1 else 's'}" if cents else "")


def _unit(match: Match[str]) -> str:
    one = match[1] == "1"
    return f"{match[1]} {_UNITS[match[2]]}{'' if one else 's'}"


def _plain_number(match: Match[str]) -> str:
    whole, fraction = match[1].replace(",", ""), match[2]
    if (len(whole) >= 6 and "," not in match[1]) or (len(whole) > 1 and whole[0] == "0"):
        return spelled(whole) + (f" point {spelled(fraction)}" if fraction else "")
    return number(int(whole)) + (" point " + " ".join(_ONES[int(d)] for d in fraction) if fraction else "")


def _capitals(match: Match[str]) -> str:
    word = match.group()
    return word if word in _SAID_AS_WORDS else " ".join(word)


_Rule = tuple[re.Pattern[str], str | Callable[[Match[str]], str]]


def _rules() -> list[_Rule]:
    abbreviation = "|".join(re.escape(a) for a in _ABBREVIATIONS)
    return [
        (re.compile(r"[*_#`~<>|{}\[\]\\]+"), " "),
        (re.compile(rf"(?<!\w)(?:{abbreviation})"), lambda m: _ABBREVIATIONS[m.group()]),
        (re.compile(rf"\b({_WEEKDAY})(?= ?[-\u2013] ?(?:{_WEEKDAY})\b)"), lambda m: _weekday(m) + " to"),
        (re.compile(rf"(?<= to)(?: ?[-\u2013] ?)({_WEEKDAY})\b"), lambda m: " " + _weekday(m)),
        (re.compile(rf"\b({_WEEKDAY})\.?(?=,? (?:[A-Z]|\d|at\b))"), _weekday),
        (re.compile(r"(?i)(\d ?[ap]\.?m\.?) ?[-\u2013] ?(?=\d)"), r"\1 to "),
        (re.compile(r"(?<=\w) St\.(?=\s|,|$)"), " Street"),
        (re.compile(r"(\w)@(\w)"), r"\1 at \2"),
        (re.compile(r"(?<=\w)\.(com|org|net|edu|gov)\b"), r" dot \1"),
        (
            re.compile(r"(?<![\w-])(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-]?)\d{3}[ .-]?\d{4}(?![\w-])"),
            _phone,
        ),
        (re.compile(r"(?<![\w-])\d{3}-\d{4}(?![\w-])"), _phone),
        (re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"), _numeric_date),
        (re.compile(r"\b(?P<m>\d{1,2})/(?P<d>\d{1,2})(?:/(?P<y>\d{4}|\d{2}))?\b"), _numeric_date),
        (
            re.compile(rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>(?:19|20)\d\d))?\b"),
            _written_date,
        ),
        (
            re.compile(
                r"\b(?P<hour>\d{1,2}):(?P<minute>\d\d)"
                r"(?: ?(?P<half>[AaPp]\.[Mm]\.|[AaPp] ?[Mm]\b))?"
            ),
            _time,
        ),
        (re.compile(r"\b(?P<hour>\d{1,2})(?P<minute>) ?(?P<half>[AaPp][Mm]|[ap]\.m\.)(?!\w)"), _time),
        (re.compile(r"\$(\d[\d,]*)(?:\.(\d\d))?"), _money),
        (re.compile(rf"\b(\d+(?:\.\d+)?) ?({'|'.join(_UNITS)})\b\.?(?=\W|$)"), _unit),
        (re.compile(r"(?<=\d) ?%"), " percent"),
        (re.compile(r"(?i)(?<=\b(?:in|of) )((?:19|20)\d\d)\b"), lambda m: year(int(m.group()))),
        (re.compile(r"\b(\d+)(?:st|nd|rd|th)\b"), lambda m: ordinal(int(m[1]))),
        (
            re.compile(r"\b(?=[A-Za-z-]*\d)(?=\d*-?[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\b"),
            lambda m: spelled(m.group()),
        ),
        (re.compile(r"(?<=\d)-(?=\d)"), " to "),
        (re.compile(r"(?<![\w.])(\d[\d,]*\d|\d)(?:\.(\d+))?(?!\w)"), _plain_number),
        (re.compile(r"\b[A-Z]{2,5}\b"), _capitals),
        (re.compile(r"&"), " and "),
        (re.compile(r"\s*[\u2013\u2014]\s*|\s+-\s+"), ", "),
        (re.compile(r"[\u201c\u201d\"()]"), " "),
        (re.compile(r"\u2019"), "'"),
        (re.compile(r"[^\w\s.,;:?!'-]"), " "),
        (re.compile(r"\s+([.,;:?!])"), r"\1"),
        (re.compile(r"\s+"), " "),
    ]


class TextNormalizer:
    """The rules, compiled once."""

    def __init__(self) -> None:
        self._rules = _rules()

    def __call__(self, text: str) -> str:
        """``text`` as words and punctuation, "" when there is nothing to say."""
        for pattern, replacement in self._rules:
            text = pattern.sub(replacement, text)
        text = text.strip()
        return text if any(c.isalnum() for c in text) else ""
