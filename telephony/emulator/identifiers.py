"""SIDs, dates and number formats as they stand in Twilio's resources."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from email.utils import format_datetime

E164 = re.compile(r"^\+[1-9]\d{6,14}$")
CLIENT = re.compile(r"^client:[A-Za-z0-9_.+@-]{1,121}$")
SIP = re.compile(r"^sips?:[^@\s]+@[^@\s]+$")
APP = re.compile(r"^app:(AP[0-9a-fA-F]{32})$")


def new_sid(prefix: str) -> str:
    """A fresh resource id: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


def is_sid(text: str, prefix: str) -> bool:
    """Whether `text` has the shape of a SID that starts with `prefix`."""
    return re.fullmatch(prefix + "[0-9a-fA-F]{32}", text) is not None


def rfc2822(moment: datetime | None) -> str | None:
    """A date of a REST resource or callback, such as `Fri, 18 Oct 2019 17:00:00 +0000`."""
    return None if moment is None else format_datetime(moment)


def iso8601(moment: datetime) -> str:
    """The date of a stream callback, in UTC with milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def formatted_number(address: str) -> str:
    """The national form of a North American number, any other address unchanged."""
    match = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", address)
    return f"({match[1]}) {match[2]}-{match[3]}" if match else address


def split_address(address: str) -> tuple[str, str]:
    """Split `app:AP…?a=b` into the address proper and its query."""
    base, _, query = address.partition("?")
    return base, query


def whole_number(text: str) -> int | None:
    """A number of one to nine ASCII digits; None for anything else that Python might take for digits."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None
