"""Pages of lists, as published: at most 20 items, and a number that asks for the next page."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel

Item = TypeVar("Item")


class PaginatedResponse(BaseModel, Generic[Item]):
    """One page. ``continuation_token`` is given back to get the next one; None on the last."""

    items: list[Item]
    has_more: bool
    continuation_token: int | None
    total: int | None
