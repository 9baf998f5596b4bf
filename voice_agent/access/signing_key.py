"""The secret with which this installation signs links.

It comes from the settings; an installation on one machine that sets none gets one in its data folder, which
only its own user can read.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from voice_agent.access.errors import AccessError

FILE = "signing.key"
SHORTEST = 32
"""Characters."""


def signing_key(configured: str, data_dir: Path) -> str:
    """The key. Reads the disk: call it at start.

    Raises:
        AccessError: for a configured key that could be guessed.
    """
    if configured:
        if len(configured) < SHORTEST:
            raise AccessError(
                f"VOICE_AGENT_SECRET_KEY has {len(configured)} characters; give at least {SHORTEST}"
            )
        return configured
    path = data_dir / FILE
    if not path.exists():
        _create(path)
    return path.read_text(encoding="ascii").strip()


def _create(path: Path) -> None:
    """Write a whole file or none: several processes may start at the same moment."""
    draft = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        draft.unlink()
