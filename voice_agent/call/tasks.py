"""Background tasks that belong to something, a call above all, and end with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class CallTasks:
    """Starts tasks and keeps them until they are done. One that fails is logged; the others go on."""

    def __init__(self, label: str) -> None:
        """``label`` names in logs what the tasks belong to: the sid of a call."""
        self._label = label
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run ``work`` beside everything else."""
        task = asyncio.create_task(work, name=f"{name} {self._label}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def cancel(self) -> None:
        """Stop all tasks and wait until they are gone."""
        for task in self._tasks:
            task.cancel()
        await self.finished()

    async def finished(self) -> None:
        """Wait until every task has come to its end by itself."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task_failed", of=self._label, task=task.get_name(), exc_info=error)
