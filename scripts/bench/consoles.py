"""Consoles that read a server's event stream, in a process of their own so that they disturb nobody.

    python -m bench.consoles http://127.0.0.1:8080 10

reads until its standard input closes, and prints what it saw as a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import numpy as np

SETTLE_S = 3.0
"""What a queue has lost comes from the database, which is asked every two seconds."""

_EVENT = re.compile(rb'"call_sid":"(?P<sid>[^"]+)","seq":(?P<seq>\d+),"at":"(?P<at>[^"]+)"')


@dataclass(frozen=True, slots=True)
class Reading:
    """What all consoles together saw.

    Attributes:
        events: frames that came, in all.
        p95_ms, worst_ms: from an event to a console.
        dropped: events that a console missed, or that only some have seen.
    """

    events: int
    p95_ms: float
    worst_ms: float
    dropped: int


class _Console:
    def __init__(self) -> None:
        self.seqs: defaultdict[bytes, set[int]] = defaultdict(set)
        self.late_ms: list[float] = []

    async def read(self, session: aiohttp.ClientSession, url: str, open_: asyncio.Event) -> None:
        headers = {"Accept": "text/event-stream"}
        async with session.get(f"{url}/api/events", headers=headers) as response:
            open_.set()
            async for line in response.content:
                if (found := _EVENT.search(line)) is not None:
                    at = datetime.fromisoformat(found["at"].decode())
                    self.late_ms.append((datetime.now(UTC) - at).total_seconds() * 1000)
                    self.seqs[found["sid"]].add(int(found["seq"]))


async def _read(url: str, count: int) -> Reading:
    consoles = [_Console() for _ in range(count)]
    open_ = [asyncio.Event() for _ in consoles]
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, read_bufsize=2**20) as session:
        reading = [
            asyncio.create_task(console.read(session, url, each))
            for console, each in zip(consoles, open_, strict=True)
        ]
        await asyncio.gather(*(each.wait() for each in open_))
        print("reading", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    dropped = 0
    for sid in {sid for console in consoles for sid in console.seqs}:
        # The streams were cut at slightly different moments: what all could have seen is compared.
        last = min(max(console.seqs[sid], default=0) for console in consoles)
        dropped += sum(last - sum(seq <= last for seq in console.seqs[sid]) for console in consoles)
    late = [ms for console in consoles for ms in console.late_ms]
    return Reading(len(late), float(np.percentile(late, 95)), max(late), dropped)


class Consoles:
    """The process that reads."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def finish(self) -> Reading:
        """Let what is under way arrive, stop reading, and tell."""
        await asyncio.sleep(SETTLE_S)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        return Reading(**json.loads(await self._process.stdout.readline()))


@asynccontextmanager
async def consoles(url: str, count: int) -> AsyncIterator[Consoles]:
    """``count`` consoles on ``url``, reading from here on."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.consoles", url, str(count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        await process.stdout.readline()
    try:
        yield Consoles(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_read(sys.argv[1], int(sys.argv[2]))))), flush=True)
