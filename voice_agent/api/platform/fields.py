"""Kinds of values that the published interface knows, with their limits.

Text from outside never contains NUL, which PostgreSQL cannot store; numbers stay within what both databases
count with.
"""

from __future__ import annotations

from typing import Annotated
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import Path, Query
from pydantic import AfterValidator, StringConstraints

LARGEST_TOKEN = 2**31 - 1


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("text must not contain the character NUL")
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
"""Any text that both databases can hold."""

ShortText = Annotated[Text, StringConstraints(max_length=256)]
"""A filter's value."""

Name = Annotated[Text, StringConstraints(min_length=1, max_length=256)]
PhoneE164 = Annotated[str, StringConstraints(min_length=2, max_length=16, pattern=r"^\+[1-9][0-9]{1,14}$")]
Email = Annotated[
    Text,
    StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s.]+$"),
]
Skill = Annotated[Text, StringConstraints(min_length=1, max_length=64)]
CallSidBody = Annotated[Text, StringConstraints(min_length=1, max_length=64)]

WorkspaceId = Annotated[UUID, Path()]
OperatorId = Annotated[UUID, Path()]
ConceptId = Annotated[UUID, Path()]
CallSid = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
CallId = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
"""A call's sid, or the id of its entity."""

Limit = Annotated[int, Query(gt=0, le=20)]
Token = Annotated[int, Query(ge=0, le=LARGEST_TOKEN)]
DEFAULT_LIMIT = 10


def service_uuid(service_id: str) -> UUID:
    """The published id of a service: its own if that is a UUID, else one made from its name."""
    try:
        return UUID(service_id)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"voice-agent:service:{service_id}")


def uuid_or_none(text: str | None) -> UUID | None:
    """``text`` as a UUID, None when it is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
