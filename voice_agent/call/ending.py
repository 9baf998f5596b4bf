"""Deeds that wait for the last word: hanging up, transferring, calling a person.

A deed becomes due when everything said before it has been heard: its marks are back, or overdue. No sleep
guesses how long speech takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from voice_agent.call.mouth import Mouth
from voice_agent.reasoning.effects import End, Escalate, Transfer

Deed = End | Transfer | Escalate


class Ending:
    """Holds what is to be done once the agent was heard. ``carry_out`` is awaited in a task of its own."""

    def __init__(self, mouth: Mouth, carry_out: Callable[[Deed], Awaitable[None]]) -> None:
        self._mouth = mouth
        self._carry_out = carry_out
        self._waiting: Deed | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pending(self) -> bool:
        """True while something waits for the last word, or is being done."""
        return self._waiting is not None or (self._task is not None and not self._task.done())

    def request(self, deed: Deed) -> None:
        """Everything before ``deed`` was sent; do it once that was heard. Calls for a person are made at
        once."""
        if isinstance(deed, Escalate):
            self._start(deed)
            return
        self._waiting = deed
        self.check()

    def revoke(self) -> None:
        """The caller interrupted: a goodbye or a transfer that has not happened is taken back."""
        self._waiting = None

    def check(self) -> None:
        """Do what is due. Called now and then."""
        if self._waiting is not None and not self._mouth.ledger.open:
            deed, self._waiting = self._waiting, None
            self._start(deed)

    def _start(self, deed: Deed) -> None:
        self._task = asyncio.ensure_future(self._run(deed))

    async def _run(self, deed: Deed) -> None:
        await self._carry_out(deed)
