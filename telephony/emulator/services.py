"""What every part of the exchange needs: the clock, the log, the way to the application, and tasks."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from .callbacks import CallbackDispatcher
from .clock import Clock
from .config import EmulatorConfig
from .events import EventLog
from .faults import Faults
from .transport import Transport
from .webhook import WebhookClient

EMULATOR_FAILED = 10000


class Tasks:
    """All background work of one emulator. A crash in it is a violation, never silence."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run `work` until it ends or the emulator stops."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            where = "".join(traceback.format_exception(error)[-3:])
            self._log.violate(EMULATOR_FAILED, f"the emulator failed in {task.get_name()}: {where}")

    async def close(self) -> None:
        """Cancel everything and wait for the end."""
        while self._tasks:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)


@dataclass(frozen=True)
class Services:
    """The surroundings of calls, conferences, streams and recordings."""

    config: EmulatorConfig
    clock: Clock
    log: EventLog
    faults: Faults
    transport: Transport
    webhooks: WebhookClient
    callbacks: CallbackDispatcher
    tasks: Tasks
    base_url: Callable[[], str] = field(default=lambda: "http://127.0.0.1")

    def account_url(self, rest: str) -> str:
        """An absolute URL below the account, such as that of a recording."""
        return f"{self.base_url()}/2010-04-01/Accounts/{self.config.account_sid}/{rest}"
