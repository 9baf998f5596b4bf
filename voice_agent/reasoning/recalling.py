"""Looks into memory for a recall state; a memory that is slow or broken is an empty one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from voice_agent.reasoning.settings import Recall

TIMEOUT_S = 3.0
"""A caller does not wait longer for something that only helps."""


async def passages(recall: Recall | None, queries: Sequence[str]) -> list[str]:
    """What memory has on the queries, best first; nothing without a memory."""
    if recall is None:
        return []
    task = asyncio.ensure_future(recall(queries))
    done, late = await asyncio.wait({task}, timeout=TIMEOUT_S)
    for unfinished in late:
        unfinished.cancel()
    return [str(passage) for passage in task.result()] if done and task.exception() is None else []
