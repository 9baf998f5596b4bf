"""How dates, times and characters are written into a sentence to be spoken, so that they can be read back."""

from __future__ import annotations

from datetime import date, time

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November",
    "December",
)  # fmt: skip
_YEAR_NEEDED_FROM_DAYS = 365
_GROUP = 3
_PHONE_DIGITS = 10


def spoken_date(day: date, today: date) -> str:
    """ "Thursday, November 26th" for the year ahead of ``today``, "March 2nd, 1984" for everything else."""
    named = f"{_MONTHS[day.month - 1]} {day.day}{_suffix(day.day)}"
    if 0 <= (day - today).days < _YEAR_NEEDED_FROM_DAYS:
        return f"{_WEEKDAYS[day.weekday()]}, {named}"
    return f"{named}, {day.year}"


def spoken_time(moment: time) -> str:
    """ "10 AM", "2:30 PM", "noon", "midnight"; seconds are not said."""
    if moment.minute == 0 and moment.hour in (0, 12):
        return "noon" if moment.hour == 12 else "midnight"
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{hour} {half}" if moment.minute == 0 else f"{hour}:{moment.minute:02d} {half}"


def spell_out(value: str) -> str:
    """Characters one by one in small groups: "W 2 0, 4 1 7, 7"; ten digits as a phone number, "4 1 5, 5 5 5,
    0 1 3 4".

    Only ASCII letters and digits are said. The letter O is told from a zero ("O as in Oscar").
    """
    characters = [c.upper() for c in value if c.isascii() and c.isalnum()]
    said = ["O as in Oscar" if c == "O" else c for c in characters]
    if len(said) == _PHONE_DIGITS and all(c.isdigit() for c in characters):
        groups = [said[:3], said[3:6], said[6:]]
    else:
        groups = [said[i : i + _GROUP] for i in range(0, len(said), _GROUP)]
    return ", ".join(" ".join(group) for group in groups)


def _suffix(day: int) -> str:
    if 11 <= day <= 13:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
