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

    def __init__(
        self,
        mouth: Mouth,
        carry_out: Callable[[Deed], Awaitable[None]],
        on_withdrawn: Callable[[Deed], None],
    ) -> None:
        """``on_withdrawn`` is told what was announced and will not be done."""
        self._mouth = mouth
        self._carry_out = carry_out
        self._on_withdrawn = on_withdrawn
        self._announced: Deed | None = None
        self._waiting: Deed | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pending(self) -> bool:
        """True while something waits for the last word, or is being done."""
        return self._waiting is not None or (self._task is not None and not self._task.done())

    def announce(self, deed: Deed) -> None:
        """``deed`` was decided; the words before it are on their way."""
        if not isinstance(deed, Escalate):
            self._announced = deed

    def request(self, deed: Deed) -> None:
        """Everything before ``deed`` was sent; do it once that was heard. Calls for a person are made at
        once."""
        if isinstance(deed, Escalate):
            self._start(deed)
            return
        self._announced, self._waiting = None, deed
        self.check()

    def revoke(self) -> None:
        """The caller interrupted, or a person took over: a goodbye or a transfer that has not happened is
        taken back."""
        withdrawn = self._waiting or self._announced
        self._announced = self._waiting = None
        if withdrawn is not None:
            self._on_withdrawn(withdrawn)

    def check(self) -> None:
        """Do what is due. Called now and then."""
        if self._waiting is not None and not self._mouth.ledger.open:
            deed, self._waiting = self._waiting, None
            self._start(deed)

    def _start(self, deed: Deed) -> None:
        self._task = asyncio.ensure_future(self._run(deed))

    async def _run(self, deed: Deed) -> None:
        await self._carry_out(deed)
