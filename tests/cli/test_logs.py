"""What the log of a server tells, and what it keeps to itself."""

from __future__ import annotations

import subprocess
import sys

FAILING = """
import structlog
from voice_agent.surroundings import quiet_logs

def answer(words: str, key: str) -> None:
    raise RuntimeError(f"no state for {words!r}")

quiet_logs("INFO")
log = structlog.get_logger("test")
try:
    try:
        answer("".join(["my chest ", "hurts"]), "".join(["s3cr", "et"]))
    except RuntimeError as error:
        raise ExceptionGroup("my chest hurts", [ValueError("my chest hurts")]) from error
except ExceptionGroup:
    log.exception("reply_failed", call_sid="CA1")
"""


def test_a_failure_is_logged_with_its_place_and_without_what_was_said() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FAILING], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout == ""
    for told in ("reply_failed", "CA1", "in answer", "builtins.RuntimeError", "builtins.ValueError"):
        assert told in ran.stderr
    for kept in ("my chest hurts", "s3cret"):
        assert kept not in ran.stderr
