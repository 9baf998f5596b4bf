"""Things that happened, in order, which a test can wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recorder(Generic[T]):
    """A list that wakes whoever waits for something in it."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self._changed = asyncio.Event()

    def add(self, item: T) -> None:
        self.items.append(item)
        self._changed.set()

    async def until(self, wanted: Callable[[T], bool], *, count: int = 1, timeout: float = 5.0) -> T:
        """The ``count``-th item that is ``wanted``, as soon as it is there."""
        async with asyncio.timeout(timeout):
            while True:
                found = [item for item in self.items if wanted(item)]
                if len(found) >= count:
                    return found[count - 1]
                self._changed.clear()
                await self._changed.wait()

    def all(self, wanted: Callable[[T], bool]) -> list[T]:
        return [item for item in self.items if wanted(item)]
