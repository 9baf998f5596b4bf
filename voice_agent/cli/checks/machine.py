"""Checks of the machine and the installation: Python, packages, cores, disk, database, port."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from voice_agent.cli.checks.finding import Finding, Verdict
from voice_agent.settings import Settings

DISTRIBUTION = "voice-agent"
NEWEST_TRIED = (3, 14)

FREE_DISK_NEEDED = 200_000_000
FREE_DISK_COMFORTABLE = 5_000_000_000
"""Bytes."""

RECORDING_BYTES_PER_HOUR = 2 * 2 * 8000 * 3600
"""Two channels of 16-bit samples at 8 kHz."""

CORES_WANTED = 2
"""One for the audio of calls, one for recognition and the database."""


def python() -> Finding:
    """The interpreter's version (an older one than 3.11 does not get this far)."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] > NEWEST_TRIED:
        return Finding("Python", Verdict.WEAK, f"{version} is newer than anything tried", "use Python 3.12")
    return Finding("Python", Verdict.GOOD, f"{version} at {sys.prefix}")


def packages() -> Finding:
    """Whether everything that the package asks for is installed."""
    try:
        required = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return Finding("packages", Verdict.MISSING, f"{DISTRIBUTION} is not installed", "run scripts/start")
    names = [
        match.group() for line in required if "extra ==" not in line and (match := re.match(r"[\w.-]+", line))
    ]
    absent = [name for name in names if not _installed(name)]
    if absent:
        return Finding(
            "packages", Verdict.MISSING, f"not installed: {', '.join(absent)}", "run scripts/start"
        )
    return Finding("packages", Verdict.GOOD, f"all {len(names)} requirements are installed")


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def processor(settings: Settings) -> Finding:
    """Cores that this process may use, against what is configured."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    told = f"{cores} core{'s' if cores > 1 else ''}; at most {settings.max_calls} calls, fewer under load"
    if cores < CORES_WANTED:
        return Finding(
            "processor", Verdict.WEAK, told, "two cores or more; with one, set VOICE_AGENT_STT_WORKERS=1"
        )
    if settings.stt == "embedded" and settings.stt_workers > cores:
        return Finding(
            "processor",
            Verdict.WEAK,
            f"{told}; {settings.stt_workers} recognizer workers",
            f"set VOICE_AGENT_STT_WORKERS to at most {cores}",
        )
    return Finding("processor", Verdict.GOOD, told)


def disk(settings: Settings) -> Finding:
    """Whether the data directory can be written, and how much fits."""
    folder = settings.data_dir.absolute()
    existing = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    subject = "data directory"
    try:
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        return Finding(
            subject,
            Verdict.MISSING,
            f"{folder} cannot be written: {error.strerror}",
            "set VOICE_AGENT_DATA_DIR",
        )
    told = f"{folder}, {free / 1e9:.1f} GB free"
    if settings.recordings:
        told += f" (about {free / RECORDING_BYTES_PER_HOUR:.0f} hours of recordings)"
    if free < FREE_DISK_NEEDED:
        return Finding(subject, Verdict.MISSING, told, "make room, or move VOICE_AGENT_DATA_DIR")
    if free < FREE_DISK_COMFORTABLE:
        return Finding(subject, Verdict.WEAK, told, "make room before recordings fill the disk")
    return Finding(subject, Verdict.GOOD, told)


async def database(settings: Settings) -> Finding:
    """Whether the database answers. A SQLite file that does not exist yet is made by `serve`."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    from voice_agent.store.database import Database, StoreError

    try:
        url = make_url(settings.effective_database_url)
        shown = url.render_as_string(hide_password=True)
        if url.get_backend_name() == "sqlite" and not os.path.exists(str(url.database)):  # noqa: ASYNC240
            return Finding("database", Verdict.GOOD, f"SQLite, made at the first start: {url.database}")
        store = Database(settings.effective_database_url)
    except (ArgumentError, StoreError) as error:
        return Finding(
            "database", Verdict.MISSING, f"VOICE_AGENT_DATABASE_URL: {error}", "correct or unset it"
        )
    try:
        if await store.healthy():
            return Finding("database", Verdict.GOOD, f"{shown} answers")
    finally:
        await store.close()
    return Finding(
        "database", Verdict.MISSING, f"{shown} does not answer", "start it, or unset VOICE_AGENT_DATABASE_URL"
    )


def listening_port(port: int) -> Finding:
    """Whether `serve` could listen."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return Finding(
                "port",
                Verdict.WEAK,
                f"{port} cannot be used: {error.strerror}",
                "the system may be running already; if not, choose another with --port",
            )
    return Finding("port", Verdict.GOOD, f"{port} is free")
